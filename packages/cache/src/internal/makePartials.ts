/** Partial files over a shelf: which pieces are there, and when they make a file. */
import * as Digest from "@piecework/domain/Digest"
import { PieceLayout } from "@piecework/domain/PieceLayout"
import * as Phf from "@piecework/hashing/Phf"
import { Effect, Exit, Option } from "effect"
import { CacheError, ExportError } from "../CacheError.ts"
import { brief, type PartialFile, type PartialFiles, type PartialKey } from "../PartialFile.ts"
import type { Shelf, Slot } from "./Shelf.ts"

/** Pieces hashed at a time while resuming: enough for every worker of the pool (at most 4) to have one waiting. */
const verifications = 8

export const makePartials = (shelf: Shelf): PartialFiles["Service"] => ({
  open: Effect.fn("PartialFiles.open")(function* ({ key, pieceSize, size }) {
    if (!(Number.isInteger(pieceSize) && pieceSize >= Phf.minPieceSize && pieceSize <= Phf.maxPieceSize)) {
      return yield* Effect.die(new RangeError(`no pieces of ${pieceSize} bytes`))
    }
    const isBrief = size !== undefined && size <= Math.min(brief, pieceSize)
    return makePartial(key, pieceSize, isBrief ? shelf.brief() : yield* shelf.open(key))
  })
})

interface Appended {
  readonly digest: Digest.Digest
  /** Bytes. */
  readonly length: number
}

const makePartial = (key: PartialKey, pieceSize: number, slot: Slot): PartialFile => {
  const pieces = new Map<number, Appended>()
  let appending = 0
  let state: "fresh" | "begun" | "closing" | "gone" = "fresh"

  const gone = new CacheError({
    operation: "put",
    code: "EBADF",
    cause: new Error("the partial file was finished or discarded")
  })

  const isGood = (piece: number) => {
    const recorded = slot.digests.subarray(piece * Digest.length, (piece + 1) * Digest.length)
    return Effect.map(
      slot.digestAt(piece * pieceSize, pieceSize),
      Option.filter((digest) => Digest.equals(digest, recorded))
    )
  }

  const resume = Effect.gen(function* () {
    if (state !== "fresh") return yield* Effect.die(new Error("resume comes once, before the first append"))
    state = "begun"
    const left = Math.min(Math.floor(slot.size / pieceSize), Math.floor(slot.digests.length / Digest.length))
    search: for (let first = 0; first < left; first += verifications) {
      const batch = Array.from({ length: Math.min(verifications, left - first) }, (_, n) => first + n)
      for (const [n, digest] of (yield* Effect.forEach(batch, isGood, { concurrency: verifications })).entries()) {
        if (Option.isNone(digest)) break search
        pieces.set(first + n, { digest: digest.value, length: pieceSize })
      }
    }
    yield* slot.cut(pieces.size * pieceSize, pieces.size)
    return pieces.size
  }).pipe(Effect.withSpan("PartialFile.resume"))

  const append: PartialFile["append"] = (piece, bytes, length) =>
    Effect.uninterruptible(
      Effect.suspend(() => {
        if (state === "closing" || state === "gone") return gone
        if (!(length > 0 && length <= Math.min(pieceSize, bytes.length))) {
          return Effect.die(new RangeError(`${length} bytes of a buffer of ${bytes.length} in a piece of ${pieceSize}`))
        }
        state = "begun"
        appending++
        return slot.write(piece, bytes.subarray(0, length), piece * pieceSize).pipe(
          Effect.map((digest) => void pieces.set(piece, { digest, length })),
          Effect.ensuring(Effect.sync(() => void appending--))
        )
      })
    )

  /** The PHF of the whole, when there is one. */
  const phfOf = (size: number): Phf.Phf | undefined => {
    const layout = new PieceLayout({ contentSize: size, pieceSize })
    if (appending > 0 || pieces.size !== layout.pieceCount) return undefined
    const digests = new Uint8Array(layout.pieceCount * Digest.length)
    for (const piece of layout.indices()) {
      const appended = pieces.get(piece)
      if (appended?.length !== layout.length(piece)) return undefined
      digests.set(appended.digest, piece * Digest.length)
    }
    return Phf.make({ contentSize: size, pieceSize, digests })
  }

  const finish: PartialFile["finish"] = Effect.fn("PartialFile.finish")(function* ({
    expected,
    size,
    path,
    overwrite
  }) {
    if (state === "closing" || state === "gone") return yield* new ExportError({ path, reason: "Failed", cause: gone })
    if (!Phf.canHold(new PieceLayout({ contentSize: size, pieceSize }))) {
      const cause = new Error(`a file of ${size} bytes has more pieces of ${pieceSize} bytes than a PHF holds`)
      return yield* new ExportError({ path, reason: "Failed", cause })
    }
    const phf = phfOf(size)
    if (phf === undefined) return yield* new ExportError({ path, reason: "Incomplete" })
    if (expected !== undefined && phf.contentId !== expected)
      return yield* new ExportError({ path, reason: "Mismatch" })
    state = "closing"
    yield* slot
      .place(size, path, overwrite ?? false)
      .pipe(Effect.onExit((exit) => Effect.sync(() => void (state = Exit.isSuccess(exit) ? "gone" : "begun"))))
    return phf
  })

  const discard = Effect.suspend(() => {
    if (state === "gone") return Effect.void
    state = "gone"
    return slot.remove
  }).pipe(Effect.withSpan("PartialFile.discard"))

  return { key, pieceSize, resume, append, finish, discard }
}
