/** One content on disk, open: its sparse `data` and its record `held`. */
import type { HasherError, PieceHasher, PieceMismatch } from "@piecework/hashing/PieceHasher"
import type { Phf } from "@piecework/hashing/Phf"
import { Clock, Effect, Scope, Semaphore } from "effect"
import * as path from "node:path"
import type { CacheError } from "../CacheError.ts"
import { duplicate, deliver } from "./deliver.ts"
import { type DiskFile, openFile } from "./DiskFile.ts"
import { digestAt } from "./digestAt.ts"
import { type IoFailure, toCacheError } from "./io.ts"
import type { Place } from "./Vault.ts"

/** How long one look at the file's links is good for, in milliseconds. */
const ownFor = 1000

const held = Uint8Array.of(1)
const notHeld = Uint8Array.of(0)

export const openPlace = Effect.fnUntraced(function* (
  folder: string,
  phf: Phf,
  hasher: PieceHasher["Service"]
): Effect.fn.Return<Place, IoFailure, Scope.Scope> {
  const { contentId, layout } = phf
  const { contentSize, pieceCount } = layout
  const scope = yield* Effect.scope
  const dataPath = path.join(folder, "data")

  const record = yield* openFile(path.join(folder, "held"), "own")
  const claims = new Uint8Array(pieceCount)
  yield* record.read(claims, 0)
  if (record.size !== pieceCount) yield* record.truncate(pieceCount)

  let data = yield* openFile(dataPath, "own")

  // Epoch milliseconds until which the file is taken for our own.
  let ownUntil = 0

  /**
   * Sees to it that the file is nobody else's: one that was handed out as a link belongs to who asked for it, and is
   * left to them as it is. The old file stays open for those who are just reading from it. Looked up once a second at most:
   * what another process hands out as a link meanwhile is given the bytes it has already.
   */
  const makeOwn = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (now < ownUntil) return
    const { nlink } = yield* data.stat
    ownUntil = now + ownFor
    if (nlink <= 1n) return
    const size = Math.min(Number((yield* data.stat).size), contentSize)
    yield* duplicate(data, size, dataPath)
    data = yield* Scope.provide(openFile(dataPath, "own"), scope)
    yield* data.truncate(contentSize)
  }).pipe(Semaphore.makeUnsafe(1).withPermit)

  if (data.size !== contentSize) {
    yield* makeOwn
    yield* data.truncate(contentSize)
  }

  return {
    claims,
    write: (piece, bytes) => {
      const write = (file: DiskFile) =>
        file.use((fd) => hasher.write({ bytes, expected: phf.digest(piece), fd, position: layout.span(piece).offset }))
      return makeOwn.pipe(
        Effect.andThen(Effect.suspend(() => write(data))),
        Effect.catchTags({
          IoFailure: (failure) => toCacheError("put", contentId)(failure),
          WriteFailed: (failure) => toCacheError("put", contentId)(failure),
          HasherError: (cause: HasherError) => toCacheError("put", contentId)({ cause })
        }),
        Effect.asVoid
      ) satisfies Effect.Effect<void, PieceMismatch | CacheError>
    },
    digest: (bytes) => Effect.mapError(hasher.digest(bytes), (cause) => toCacheError("put", contentId)({ cause })),
    digestAt: (piece) => {
      const { offset, length } = layout.span(piece)
      return Effect.mapError(digestAt(hasher, data, offset, length), toCacheError("verify", contentId))
    },
    record: (piece, isHeld) =>
      Effect.mapError(record.write(isHeld ? held : notHeld, piece), toCacheError(isHeld ? "put" : "verify", contentId)),
    read: (piece, offset, target) =>
      data.read(target, layout.span(piece).offset + offset).pipe(
        Effect.map((length) => length === target.length),
        Effect.mapError(toCacheError("read", contentId))
      ),
    export: (destination, { overwrite, link }) =>
      Effect.suspend(() =>
        deliver({
          source: data,
          size: contentSize,
          path: destination,
          overwrite: overwrite ?? false,
          share: link ?? false
        }).pipe(Effect.ensuring(Effect.sync(() => void (ownUntil = 0))))
      )
  }
})
