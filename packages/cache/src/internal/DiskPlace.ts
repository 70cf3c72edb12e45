/** One content on disk, open: its sparse `data` and its record `held`. */
import type { HasherError, PieceHasher, PieceMismatch } from "@piecework/hashing/PieceHasher"
import type { Phf } from "@piecework/hashing/Phf"
import { Effect, type Scope } from "effect"
import * as path from "node:path"
import type { CacheError } from "../CacheError.ts"
import { openData } from "./DataFile.ts"
import { deliver } from "./deliver.ts"
import { type DiskFile, openFile } from "./DiskFile.ts"
import { digestAt } from "./digestAt.ts"
import { type IoFailure, toCacheError } from "./io.ts"
import type { Place } from "./Vault.ts"

const held = Uint8Array.of(1)
const notHeld = Uint8Array.of(0)

export const openPlace = Effect.fnUntraced(function* (
  folder: string,
  phf: Phf,
  hasher: PieceHasher["Service"]
): Effect.fn.Return<Place, IoFailure, Scope.Scope> {
  const { contentId, layout } = phf
  const { contentSize, pieceCount } = layout

  const record = yield* openFile(path.join(folder, "held"), "own")
  const claims = new Uint8Array(pieceCount)
  yield* record.read(claims, 0)
  if (record.size !== pieceCount) yield* record.truncate(pieceCount)

  const data = yield* openData(path.join(folder, "data"), contentSize, hasher)

  return {
    claims,
    write: (piece, bytes, records) => {
      const job = { bytes, expected: phf.digest(piece), position: layout.span(piece).offset }
      const write = (file: DiskFile) =>
        file.use((fd) =>
          records
            ? record.use((recordFd) =>
                hasher.write({ ...job, fd, record: { fd: recordFd, position: piece, bytes: held } })
              )
            : hasher.write({ ...job, fd })
        )
      return data.write(write).pipe(
        Effect.catchTags({
          IoFailure: (failure) => toCacheError("put", contentId)(failure),
          WriteFailed: (failure) => toCacheError("put", contentId)(failure),
          HasherError: (cause: HasherError) => toCacheError("put", contentId)({ cause })
        }),
        Effect.asVoid
      ) satisfies Effect.Effect<void, PieceMismatch | CacheError>
    },
    digest: (bytes) => Effect.mapError(hasher.digest(bytes), (cause) => toCacheError("put", contentId)({ cause })),
    digestAt: (piece) =>
      Effect.suspend(() => {
        const { offset, length } = layout.span(piece)
        return Effect.mapError(digestAt(hasher, data.file(), offset, length), toCacheError("verify", contentId))
      }),
    generation: data.generation,
    isLookDue: data.isLookDue,
    look: Effect.mapError(data.look, toCacheError("read", contentId)),
    lookNow: Effect.mapError(data.lookNow, toCacheError("verify", contentId)),
    isThere: Effect.mapError(data.isNamed, toCacheError("read", contentId)),
    record: (piece, isHeld) =>
      Effect.mapError(record.write(isHeld ? held : notHeld, piece), toCacheError(isHeld ? "put" : "verify", contentId)),
    readPlain: (piece, offset, target, end) =>
      data
        .file()
        .readPlain(target, layout.span(piece).offset + offset, (error, length) =>
          end(error === null && length === target.length)
        ),
    read: (piece, offset, target) =>
      Effect.suspend(() => data.file().read(target, layout.span(piece).offset + offset)).pipe(
        Effect.map((length) => length === target.length),
        Effect.mapError(toCacheError("read", contentId))
      ),
    export: (destination, { overwrite, link }) =>
      data.share((source) =>
        deliver({
          source,
          size: contentSize,
          hasher,
          path: destination,
          overwrite: overwrite ?? false,
          share: link ?? false
        })
      )
  }
})
