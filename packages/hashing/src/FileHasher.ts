/** Makes the pieces hash file of a file on disk, with all workers at once. */
import { constants } from "node:fs"
import type { BigIntStats } from "node:fs"
import { type FileHandle, open, stat } from "node:fs/promises"
import * as Digests from "@piecework/domain/Digest"
import { PieceLayout, standardPieceSize } from "@piecework/domain/PieceLayout"
import { Effect, Option, Schema } from "effect"
import * as Phf from "./Phf.ts"
import { PieceHasher } from "./PieceHasher.ts"

/** There is no pieces hash file for this path. */
export class FileHashError extends Schema.TaggedError<FileHashError>()("FileHashError", {
  path: Schema.String,
  reason: Schema.Literals([
    "NotFound",
    "Denied",
    "NotAFile",
    /** More pieces than a pieces hash file can hold. */
    "TooLarge",
    /** Somebody wrote to the file, or put another in its place, while it was read. */
    "Changed",
    "Failed"
  ]),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    switch (this.reason) {
      case "NotFound":
        return `There is no file ${this.path}.`
      case "Denied":
        return `The file ${this.path} may not be read by this user.`
      case "NotAFile":
        return `${this.path} is a folder or a device; only files have pieces.`
      case "TooLarge":
        return `The file ${this.path} has more pieces than can be described; take a greater piece size.`
      case "Changed":
        return `The file ${this.path} changed while it was read; try again when nobody writes to it.`
      case "Failed":
        return `The file ${this.path} could not be hashed.`
    }
  }
}

export interface Options {
  /** Bytes in a piece, 1 KiB to 16 MiB. Default 1 MiB, the standard; other clients read no other. */
  readonly pieceSize?: number
  /** Called after every few pieces with the number of bytes hashed so far and that of the file. */
  readonly onProgress?: (hashed: number, total: number) => void
}

/** Hashes the file as it is now; fails with `Changed` when it does not stay so until the last piece. */
export const phfOf = Effect.fn("FileHasher.phfOf")(function* (path: string, options?: Options) {
  const hasher = yield* PieceHasher
  const failed = (cause: unknown) => new FileHashError({ path, reason: reasonOf(cause), cause })
  const attempt = <A>(evaluate: () => Promise<A>) => Effect.tryPromise({ try: evaluate, catch: failed })

  const hashAll = Effect.fnUntraced(function* (file: FileHandle) {
    const before = yield* attempt(() => file.stat({ bigint: true }))
    if (!before.isFile()) return yield* new FileHashError({ path, reason: "NotAFile" })
    const layout = new PieceLayout({
      contentSize: Number(before.size),
      pieceSize: options?.pieceSize ?? standardPieceSize
    })
    if (!Phf.canHold(layout)) return yield* new FileHashError({ path, reason: "TooLarge" })

    const digests = new Uint8Array(layout.pieceCount * Digests.length)
    let hashed = 0
    const { contentSize, pieceCount, pieceSize } = layout
    const together = piecesOfTrip(pieceCount, pieceSize)
    const hashFrom = (first: number) => {
      const position = first * pieceSize
      const length = Math.min(together * pieceSize, contentSize - position)
      return Effect.flatMap(
        Effect.mapError(hasher.digestsAt({ fd: file.fd, position, length, pieceSize }), failed),
        Option.match({
          onNone: () => Effect.fail(new FileHashError({ path, reason: "Changed" })),
          onSome: (found) =>
            Effect.sync(() => {
              digests.set(found, first * Digests.length)
              hashed += length
              options?.onProgress?.(hashed, contentSize)
            })
        })
      )
    }
    const trips = Array.from({ length: Math.ceil(pieceCount / together) }, (_, trip) => trip * together)
    yield* Effect.forEach(trips, hashFrom, { concurrency: inFlight, discard: true })

    const after = yield* attempt(() => stat(path, { bigint: true }))
    if (!isSame(before, after)) return yield* new FileHashError({ path, reason: "Changed" })
    return Phf.make({ ...layout, digests })
  })

  return yield* Effect.acquireUseRelease(
    attempt(() => open(path, readOnly)),
    hashAll,
    (file) => Effect.ignore(attempt(() => file.close()))
  )
})

/** Trips on their way at a time: two for each of the at most four workers that are made by default. */
const inFlight = 8

/** Most bytes of a trip: 5 ms of a core, beside which the trip itself is nothing. */
const tripBytes = 8 * 1024 * 1024

/** Pieces that are hashed in one trip to a worker: many of a large file, but so few that all workers get some. */
const piecesOfTrip = (pieceCount: number, pieceSize: number): number =>
  Math.max(1, Math.min(Math.floor(tripBytes / pieceSize), Math.floor(pieceCount / (2 * inFlight))))

/** Without waiting for a writer, if the path is a pipe: whether it is a file can only be asked once it is open. */
const readOnly = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

const isSame = (a: BigIntStats, b: BigIntStats): boolean =>
  a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs

const reasonOf = (cause: unknown): FileHashError["reason"] => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  if (code === "ENOENT" || code === "ENOTDIR") return "NotFound"
  return code === "EACCES" || code === "EPERM" ? "Denied" : "Failed"
}
