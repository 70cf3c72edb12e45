/**
 * What is believed of one open content. Claims come from the record, verified pieces from hashing; a verified piece is
 * always claimed. The record and what is believed change together, one piece at a time, so that a piece found bad and
 * the same piece arriving anew end in the order in which they were decided.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import * as Digest from "@piecework/domain/Digest"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { PieceMismatch } from "@piecework/hashing/PieceHasher"
import type { Phf } from "@piecework/hashing/Phf"
import { Deferred, Effect, Option, Semaphore } from "effect"
import { type CacheError, ExportError, NotHeld } from "../CacheError.ts"
import type { StoredContent } from "../StoredContent.ts"
import { PieceSet } from "./PieceSet.ts"
import type { Place } from "./Vault.ts"

/** Pieces hashed at a time: enough for every worker of the pool (at most 4) to have one waiting. */
const verifications = 8

export const makeStored = (phf: Phf, place: Place): StoredContent => {
  const { layout } = phf
  const held = PieceSet.fromRecord(layout.pieceCount, place.claims)
  const verified = new PieceSet(layout.pieceCount)
  const record = Semaphore.makeUnsafe(1)
  /** Pieces being looked at, so that many first reads of one piece hash it once. */
  const looking = new Map<PieceIndex, Deferred.Deferred<boolean, CacheError>>()

  const checkPiece = (piece: PieceIndex): void => {
    if (!(piece >= 0 && piece < layout.pieceCount)) {
      throw new RangeError(`piece ${piece} of a content with ${layout.pieceCount}`)
    }
  }

  const believe = (piece: PieceIndex): Effect.Effect<void, CacheError> =>
    record.withPermit(
      Effect.suspend(() => {
        if (verified.has(piece)) return Effect.void
        return Effect.map(place.record(piece, true), () => {
          held.add(piece)
          verified.add(piece)
        })
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
    const digest = yield* place.digestAt(piece)
    if (Option.isSome(digest) && Digest.equals(digest.value, phf.digest(piece))) {
      verified.add(piece)
      return true
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
    if (verified.has(piece)) {
      const expected = phf.digest(piece)
      const actual = yield* place.digest(exact)
      return Digest.equals(actual, expected) ? undefined : yield* new PieceMismatch({ expected, actual })
    }
    yield* place.write(piece, exact)
    yield* believe(piece)
  }, Effect.uninterruptible)

  const read = Effect.fnUntraced(function* (
    piece: PieceIndex,
    offset: number,
    target: Uint8Array
  ): Effect.fn.Return<void, NotHeld | CacheError> {
    checkPiece(piece)
    if (!(offset >= 0 && offset + target.length <= layout.length(piece))) {
      throw new RangeError(`bytes ${offset}+${target.length} of a piece of ${layout.length(piece)}`)
    }
    if (!(yield* isGood(piece))) return yield* new NotHeld({ piece })
    if (yield* place.read(piece, offset, target)) return
    yield* forgetVerified(piece)
    return yield* new NotHeld({ piece })
  })

  return {
    phf,
    held: () => held.bitfield,
    verified: () => verified.bitfield,
    verifyHeld: Effect.suspend(() =>
      Effect.forEach(
        [...Bitfield.pieces(held.bitfield)].filter((piece) => !verified.has(piece)),
        isGood,
        { concurrency: verifications, discard: true }
      )
    ).pipe(
      Effect.map(() => verified.bitfield),
      Effect.withSpan("StoredContent.verifyHeld")
    ),
    put,
    read,
    export: Effect.fn("StoredContent.export")(function* (path, options = {}) {
      if (verified.size < layout.pieceCount) return yield* new ExportError({ path, reason: "Incomplete" })
      yield* place.export(path, options)
    })
  }
}
