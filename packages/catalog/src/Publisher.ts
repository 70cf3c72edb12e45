/** Publishing a file: its pieces are hashed where it lies, and the catalog learns which URLs have it. The file itself stays with the origin. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import * as FileHasher from "@piecework/hashing/FileHasher"
import { Effect } from "effect"
import { Catalog } from "./Catalog.ts"

export interface Options {
  /** Path of the file. */
  readonly file: string
  /** Where the origin has the same bytes. */
  readonly urls: readonly [ContentUrl, ...ReadonlyArray<ContentUrl>]
  /** Called with the bytes hashed so far and the file's length. */
  readonly onProgress?: (hashed: number, total: number) => void
}

/** Fails with `FileHashError` or `DatabaseError`. Publishing the same file at the same URLs again changes nothing. */
export const publish = Effect.fn("Publisher.publish")(function* ({ file, onProgress, urls }: Options) {
  const catalog = yield* Catalog
  const phf = yield* FileHasher.phfOf(file, onProgress === undefined ? {} : { onProgress })
  return yield* catalog.publish(phf, urls)
})
