/** Contents in memory: complete, and gone with the process. Bytes are copied in and out, and forget nothing by themselves. */
import type { ContentId } from "@piecework/domain/Content"
import * as Digest from "@piecework/domain/Digest"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { PieceMismatch } from "@piecework/hashing/PieceHasher"
import type { Phf } from "@piecework/hashing/Phf"
import { Effect, Option } from "effect"
import { MemoryFiles } from "../MemoryFiles.ts"
import { joined, sha256 } from "./bytes.ts"
import type { Place, Vault } from "./Vault.ts"

interface Content {
  readonly phf: Phf
  readonly pieces: Map<PieceIndex, Uint8Array>
}

export const make: Effect.Effect<Vault, never, MemoryFiles> = Effect.map(MemoryFiles, (files): Vault => {
  const contents = new Map<ContentId, Content>()

  const recordOf = (content: Content | undefined): Uint8Array => {
    const record = new Uint8Array(content?.phf.layout.pieceCount ?? 0)
    for (const piece of content?.pieces.keys() ?? []) record[piece] = 1
    return record
  }

  const placeOf = (content: Content): Place => ({
    claims: recordOf(content),
    write: (piece, bytes) =>
      Effect.suspend(() => {
        const expected = content.phf.digest(piece)
        const actual = sha256(bytes)
        if (!Digest.equals(actual, expected)) return new PieceMismatch({ expected, actual })
        content.pieces.set(piece, bytes.slice())
        return Effect.void
      }),
    digest: (bytes) => Effect.sync(() => sha256(bytes)),
    digestAt: (piece) => Effect.sync(() => Option.map(Option.fromUndefinedOr(content.pieces.get(piece)), sha256)),
    record: (piece, held) => Effect.sync(() => void (held || content.pieces.delete(piece))),
    generation: () => 0,
    look: Effect.void,
    lookNow: Effect.void,
    isThere: Effect.sync(() => contents.get(content.phf.contentId) === content),
    isLookDue: () => false,
    read: (piece, offset, target) => Effect.sync(() => copy(content, piece, offset, target)),
    readPlain: (piece, offset, target, end) => end(copy(content, piece, offset, target)),
    export: (path, options) =>
      Effect.suspend(() =>
        files.put(path, joined(content.pieces, content.phf.layout), { overwrite: options.overwrite })
      )
  })

  return {
    open: (phf) =>
      Effect.sync(() => {
        const content = contents.get(phf.contentId) ?? { phf, pieces: new Map() }
        contents.set(phf.contentId, content)
        return placeOf(content)
      }),
    entries: Effect.sync(() => [...contents.keys()].map((name) => ({ name, isFolder: true }))),
    load: (id) => Effect.sync(() => Option.map(Option.fromUndefinedOr(contents.get(id)), (content) => content.phf)),
    record: (phf) => Effect.sync(() => recordOf(contents.get(phf.contentId))),
    remove: (id) => Effect.sync(() => void contents.delete(id)),
    tidy: Effect.void
  }
})

/** False when the piece is not there. */
const copy = ({ pieces }: Content, piece: PieceIndex, offset: number, target: Uint8Array): boolean => {
  const bytes = pieces.get(piece)
  if (bytes === undefined) return false
  target.set(bytes.subarray(offset, offset + target.length))
  return true
}
