/**
 * Parts of a content as a file: their bytes one after the other, whole or not at all. What was written survives the process, as in
 * Simple mode: another run believes what still hashes to what was noted down, and goes on behind it.
 */
import { createHash } from "node:crypto"
import { type PartialFile, PartialFiles, PartialKey } from "@piecework/cache/PartialFile"
import type { StoredContent } from "@piecework/cache/StoredContent"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { Effect, type Scope } from "effect"
import type { Part } from "./ByteRanges.ts"
import { type DestinationError, StorageError } from "./DownloadError.ts"
import * as Storage from "./Storage.ts"

export interface PartFileOptions {
  /** Holds the pieces that the part lies in. */
  readonly store: StoredContent
  readonly part: Part
  readonly path: string
  readonly overwrite: boolean
}

/** Bytes written at a time: the pieces of the file, which need not be those of the content. */
const pieceSize = 1_048_576

export const write = Effect.fn("PartFile.write")(
  function* ({
    overwrite,
    part,
    path,
    store
  }: PartFileOptions): Effect.fn.Return<void, DestinationError | StorageError, PartialFiles | Scope.Scope> {
    const partials = yield* PartialFiles
    const key = keyOf(store, part)
    const partial = yield* Effect.mapError(partials.open({ key, pieceSize }), Storage.fromCache)
    const resumed = yield* Effect.mapError(partial.resume, Storage.fromCache)
    // Shared memory, since another thread hashes and writes it.
    const buffer = new Uint8Array(new SharedArrayBuffer(Math.min(pieceSize, part.bytes)))
    const count = Math.ceil(part.bytes / pieceSize)
    for (let n = resumed; n < count; n++) yield* writePiece(store, part, partial, n as PieceIndex, buffer)
    yield* partial
      .finish({ size: part.bytes, path, overwrite })
      .pipe(Effect.mapError(Storage.fromExport), Effect.asVoid)
  },
  (effect) => Effect.scoped(effect)
)

const writePiece = Effect.fnUntraced(function* (
  store: StoredContent,
  part: Part,
  partial: PartialFile,
  piece: PieceIndex,
  buffer: Uint8Array
): Effect.fn.Return<void, StorageError> {
  const length = Math.min(pieceSize, part.bytes - piece * pieceSize)
  for (let filled = 0; filled < length;) {
    const at = placeOf(part, piece * pieceSize + filled)
    const { layout } = store.phf
    const from = Math.floor(at.offset / layout.pieceSize) as PieceIndex
    const offset = at.offset - from * layout.pieceSize
    const n = Math.min(length - filled, at.left, layout.length(from) - offset)
    yield* store.read(from, offset, buffer.subarray(filled, filled + n)).pipe(
      Effect.catchTags({
        CacheError: (error) => Effect.fail(Storage.fromCache(error)),
        // It was verified when it came, so it went bad on this disk since.
        NotHeld: ({ message }) => Effect.fail(new StorageError({ reason: "Failed", detail: message }))
      })
    )
    filled += n
  }
  yield* Effect.mapError(partial.append(piece, buffer, length), Storage.fromCache)
})

/** Where a byte of the file is in the content, and how many of the same part follow from there on. */
const placeOf = ({ spans }: Part, position: number): { readonly offset: number; readonly left: number } => {
  let before = 0
  for (const { end, start } of spans) {
    if (position < before + end - start) {
      const offset = start + position - before
      return { offset, left: end - offset }
    }
    before += end - start
  }
  throw new RangeError(`byte ${position} of a part of ${before} bytes`)
}

const keyOf = ({ phf }: StoredContent, { spans }: Part): PartialKey =>
  PartialKey.make(
    createHash("sha256")
      .update(JSON.stringify([phf.contentId, spans.map(({ end, start }) => [start, end])]))
      .digest("hex")
  )
