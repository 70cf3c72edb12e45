/**
 * A content is one file that can be fetched. Its id is `DO-` and the base64url of its hash of hashes without padding,
 * so the id alone says what every byte must be. Source: spec.md §4.3 (ContentId), §5.2 (hash of hashes).
 */
import { Option, Result, Schema } from "effect"
import { Base64Url } from "effect/encoding"
import type { Digest } from "./Digest.ts"
import { fromBytes } from "./Digest.ts"

/** 46 characters that are safe as a file name and in a URL; anything else is no content id. */
export const ContentId = Schema.String.check(Schema.isPattern(/^DO-[A-Za-z0-9_-]{43}$/)).pipe(Schema.brand("ContentId"))
export type ContentId = typeof ContentId.Type

const decodeId = Schema.decodeUnknownOption(ContentId)

/** A name from outside (a folder, a query) as a content id. */
export const parse = (text: string): Option.Option<ContentId> => decodeId(text)

export const idOf = (hashOfHashes: Digest): ContentId => ContentId.make(`DO-${Base64Url.encode(hashOfHashes)}`)

/** The hash of hashes inside an id; `None` for the few texts of the right form that no 32 bytes encode to. */
export const hashOfHashes = (id: ContentId): Option.Option<Digest> =>
  Option.flatMap(Result.getSuccess(Base64Url.decode(id.slice(3))), (bytes) => {
    const digest = fromBytes(bytes)
    return digest === undefined || idOf(digest) !== id ? Option.none() : Option.some(digest)
  })
