/**
 * What is believed of one open content. Claims come from the record, verified pieces from hashing; a verified piece is
 * always claimed. When the data changed behind our back no piece is verified any more, only claimed, until it is hashed
 * anew. The record and what is believed change together, one piece at a time, so that a piece found bad and
 * the same piece arriving anew end in the order in which they were decided.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import * as Digest from "@piecework/domain/Digest"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { PieceMismatch } from "@piecework/hashing/PieceHasher"
import type { Phf } from "@piecework/hashing/Phf"
import { Clock, Deferred, Effect, Option, Semaphore } from "effect"
import { type CacheError, ExportError, NotHeld } from "../CacheError.ts"
import type { StoredContent } from "../StoredContent.ts"
import { Beliefs } from "./Beliefs.ts"
import { PieceSet } from "./PieceSet.ts"
import type { Place } from "./Vault.ts"

/** Pieces hashed at a time: enough for every worker of the pool (at most 4) to have one waiting. */
const verifications = 8

export const makeStored = (phf: Phf, place: Place): StoredContent => {
  const { layout } = phf
  const held = PieceSet.fromRecord(layout.pieceCount, place.claims)
  const verified = new Beliefs(layout.pieceCount, place.generation)
  const record = Semaphore.makeUnsafe(1)
  /** Pieces being looked at, so that many first reads of one piece hash it once. */
  const looking = new Map<PieceIndex, Deferred.Deferred<boolean, CacheError>>()

  /** The generation of the data whose first bad piece was logged. */
  let told: number | undefined

  const checkPiece = (piece: PieceIndex): void => {
    if (!(piece >= 0 && piece < layout.pieceCount)) {
      throw new RangeError(`piece ${piece} of a content with ${layout.pieceCount}`)
    }
  }

  const believe = (piece: PieceIndex, generation: number, isRecorded: boolean): Effect.Effect<void, CacheError> =>
    record.withPermit(
      Effect.gen(function* () {
        if (verified.has(piece)) return
        if (!isRecorded) yield* place.record(piece, true)
        held.add(piece)
        verified.add(piece, generation, yield* Clock.currentTimeMillis)
      })
    )

  /** Forgets a claim that proved wrong, unless the piece was put meanwhile. */
  const forgetClaim = (piece: PieceIndex): Effect.Effect<void, CacheError> =>
    record.withPermit(
      Effect.suspend(() => {
        if (verified.has(piece)) return Effect.void
        held.delete(piece)
        return place.record(piece, false)
      })
    )

  /** Forgets a piece that this process had verified and that is gone from under it. */
  const forgetVerified = (piece: PieceIndex): Effect.Effect<void, CacheError> =>
    record.withPermit(
      Effect.suspend(() => {
        held.delete(piece)
        verified.delete(piece)
        return place.record(piece, false)
      })
    )

  const look = Effect.fnUntraced(function* (piece: PieceIndex): Effect.fn.Return<boolean, CacheError> {
    const generation = place.generation()
    const digest = yield* place.digestAt(piece)
    // What was read may be of before the change.
    if (generation !== place.generation()) return yield* look(piece)
    if (Option.isSome(digest) && Digest.equals(digest.value, phf.digest(piece))) {
      verified.add(piece, generation, yield* Clock.currentTimeMillis)
      return true
    }
    if (verified.wereShaken && told !== generation) {
      told = generation
      yield* Effect.logWarning(
        "pieces in the cache went bad, because somebody changed the file or the disk lost them; they are not served"
      ).pipe(Effect.annotateLogs({ content: phf.contentId, piece }))
    }
    yield* forgetClaim(piece)
    return verified.has(piece)
  })

  /** Whether a claimed piece is what it should be. Looks at it at most once. */
  const isGood = (piece: PieceIndex): Effect.Effect<boolean, CacheError> =>
    Effect.uninterruptibleMask((restore) => {
      if (verified.has(piece)) return Effect.succeed(true)
      if (!held.has(piece)) return Effect.succeed(false)
      const other = looking.get(piece)
      if (other !== undefined) return restore(Deferred.await(other))
      const mine = Deferred.makeUnsafe<boolean, CacheError>()
      looking.set(piece, mine)
      return Effect.onExit(look(piece), (exit) => {
        looking.delete(piece)
        return Deferred.done(mine, exit)
      })
    })

  const put = Effect.fnUntraced(function* (
    piece: PieceIndex,
    bytes: Uint8Array
  ): Effect.fn.Return<void, PieceMismatch | CacheError> {
    checkPiece(piece)
    const exact = bytes.subarray(0, layout.length(piece))
    if (verified.has(piece)) yield* place.look
    if (verified.has(piece)) {
      const expected = phf.digest(piece)
      const actual = yield* place.digest(exact)
      return Digest.equals(actual, expected) ? undefined : yield* new PieceMismatch({ expected, actual })
    }
    const generation = place.generation()
    // Nobody can be about to forget what is not claimed, so it is recorded in the same trip as it is written.
    const isNew = !held.has(piece) && !looking.has(piece)
    yield* place.write(piece, exact, isNew)
    yield* believe(piece, generation, isNew)
  }, Effect.uninterruptible)

  /** As long as it takes: the piece is looked at first, or was found to be gone. */
  const readSlowly = Effect.fnUntraced(function* (
    piece: PieceIndex,
    offset: number,
    target: Uint8Array
  ): Effect.fn.Return<void, NotHeld | CacheError> {
    yield* place.look
    verified.endOld(piece, yield* Clock.currentTimeMillis)
    if (!(yield* isGood(piece))) return yield* new NotHeld({ piece })
    if (yield* place.read(piece, offset, target)) return
    yield* forgetVerified(piece)
    return yield* new NotHeld({ piece })
  })

  const read: StoredContent["read"] = (piece, offset, target) =>
    Effect.uninterruptible(
      Clock.clockWith((clock) => {
        checkPiece(piece)
        if (!(offset >= 0 && offset + target.length <= layout.length(piece))) {
          throw new RangeError(`bytes ${offset}+${target.length} of a piece of ${layout.length(piece)}`)
        }
        const now = clock.currentTimeMillisUnsafe()
        if (place.isLookDue(now) || !verified.isFresh(piece, now)) return readSlowly(piece, offset, target)
        return Effect.callback<void, NotHeld | CacheError>((resume) =>
          place.readPlain(piece, offset, target, (isRead) =>
            resume(isRead ? Effect.void : readSlowly(piece, offset, target))
          )
        )
      })
    )

  const verifyClaimed = Effect.suspend(() =>
    Effect.forEach(
      [...Bitfield.pieces(held.bitfield)].filter((piece) => !verified.has(piece)),
      isGood,
      { concurrency: verifications, discard: true }
    )
  )

  return {
    phf,
    held: () => held.bitfield,
    verified: () => verified.bitfield,
    verifyHeld: place.lookNow.pipe(
      Effect.andThen(verifyClaimed),
      Effect.map(() => verified.bitfield),
      Effect.withSpan("StoredContent.verifyHeld")
    ),
    put,
    read,
    isThere: place.isThere,
    export: Effect.fn("StoredContent.export")(function* (path, options = {}) {
      const failed = (cause: CacheError) => new ExportError({ path, reason: "Failed", cause })
      yield* Effect.mapError(place.lookNow, failed)
      if (held.size === layout.pieceCount && verified.wereShaken) yield* Effect.mapError(verifyClaimed, failed)
      if (verified.size < layout.pieceCount) return yield* new ExportError({ path, reason: "Incomplete" })
      yield* place.export(path, options)
    })
  }
}
