/**
 * One file on a drive while it is open. What its digests claim is believed once this process hashed the piece: when it came, or at its
 * first reading, and again when somebody else changed the data and every ten minutes, as contents in `PieceCache` are.
 *
 * A piece is put or looked at by one at a time, so that its data and its digest are of one writer. Reading a believed piece is one
 * positional read and no more.
 */
import {
  Beliefs,
  type DiskFile,
  type IoFailure,
  digestAt,
  openData,
  openFile,
  PieceSet,
  unless
} from "@piecework/cache/Disk"
import type { Drive } from "@piecework/cache/Drive"
import type { Lodging } from "@piecework/cache/Lodging"
import * as Digest from "@piecework/domain/Digest"
import * as PieceLayout from "@piecework/domain/PieceLayout"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Clock, Deferred, Effect, Option, type Scope, Semaphore } from "effect"
import * as path from "node:path"
import { ObjectError, PieceMissing } from "../ObjectError.ts"
import type { ObjectFacts } from "../ObjectFacts.ts"
import type { StoredObject } from "../StoredObject.ts"
import { checkFacts, checkSame, checkSpan } from "./limits.ts"
import { replaceRecord } from "./records.ts"

/** Where it is and what is known of it. */
export interface Found {
  readonly drive: Drive
  readonly lodging: Lodging
  readonly folder: string
  readonly facts: ObjectFacts
}

/** Bytes of digests read at a time when a file is opened. */
const stride = 64 * 1024

const none = new Uint8Array(Digest.length)

export const openObject = Effect.fnUntraced(function* (
  { drive, facts: found, folder, lodging }: Found,
  hasher: PieceHasher["Service"]
): Effect.fn.Return<StoredObject, IoFailure, Scope.Scope> {
  const clock = yield* Clock.Clock
  const layout = PieceLayout.standard(found.size)
  const { pieceCount } = layout
  const digests = yield* openFile(path.join(folder, "digests"), "own")
  const held = yield* claimsOf(digests, pieceCount)
  const data = yield* openData(path.join(folder, "data"), found.size, hasher)
  const believed = new Beliefs(pieceCount, data.generation)
  /** Pieces that somebody puts or looks at. */
  const busy = new Map<PieceIndex, Deferred.Deferred<void>>()
  const record = Semaphore.makeUnsafe(1)
  let facts = found

  const failed = (failure: { readonly code?: string | undefined; readonly message: string }): ObjectError =>
    new ObjectError({ at: drive.folder, reason: "Failed", detail: failure.code ?? failure.message })

  /** Alone with the piece, for what is not interrupted half way. */
  const alone = <A, E>(piece: PieceIndex, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.uninterruptibleMask((restore) => {
      const other = busy.get(piece)
      if (other !== undefined) return Effect.andThen(restore(Deferred.await(other)), restore(alone(piece, work)))
      const mine = Deferred.makeUnsafe<void>()
      busy.set(piece, mine)
      return Effect.ensuring(
        work,
        Effect.suspend(() => {
          busy.delete(piece)
          return Deferred.succeed(mine, undefined)
        })
      )
    })

  const forget = (piece: PieceIndex) => {
    held.delete(piece)
    believed.delete(piece)
    return digests.write(none, piece * Digest.length)
  }

  /** Hashes the piece where it lies; forgets it when it is not what came. */
  const look = (piece: PieceIndex): Effect.Effect<void, ObjectError> =>
    alone(
      piece,
      Effect.gen(function* () {
        if (!held.has(piece) || believed.has(piece)) return
        const generation = data.generation()
        const expected = new Uint8Array(Digest.length)
        const length = yield* digests.read(expected, piece * Digest.length)
        const { offset, length: pieceLength } = layout.span(piece)
        const actual = yield* digestAt(hasher, data.file(), offset, pieceLength)
        if (length === expected.length && Option.isSome(actual) && Digest.equals(actual.value, expected)) {
          believed.add(piece, generation, clock.currentTimeMillisUnsafe())
          return
        }
        yield* Effect.logWarning("a piece of a file on a drive is damaged, and counts as missing").pipe(
          Effect.annotateLogs({ url: facts.url, piece, drive: drive.folder })
        )
        yield* forget(piece)
      })
    ).pipe(Effect.mapError(failed))

  const put = Effect.fnUntraced(function* (piece: PieceIndex, bytes: Uint8Array) {
    const { length, offset } = layout.span(piece)
    checkSpan(layout, piece, 0, Math.max(0, length))
    if (bytes.length < length) throw new RangeError(`${bytes.length} bytes for a piece of ${length}`)
    const exact = bytes.subarray(0, length)
    const write = data
      .write(
        (file) =>
          file.use((fd) =>
            digests.use((recordFd) =>
              hasher.write({
                bytes: exact,
                fd,
                position: offset,
                record: { fd: recordFd, position: piece * Digest.length }
              })
            )
          )
        // Nothing was expected.
      )
      .pipe(Effect.catchTag("PieceMismatch", Effect.die))
    const keep = Effect.gen(function* () {
      if (held.has(piece)) return
      const generation = data.generation()
      yield* drive.write(lodging, length, write)
      held.add(piece)
      believed.add(piece, generation, clock.currentTimeMillisUnsafe())
    })
    yield* alone(piece, keep).pipe(
      Effect.mapError((failure) =>
        failure._tag === "DriveFull" || failure.code === "ENOSPC" || failure.code === "EDQUOT"
          ? new ObjectError({ at: facts.url, reason: "Full", detail: failure.message })
          : failed(failure)
      )
    )
  }, Effect.uninterruptible)

  /** As long as it takes: the piece is looked at first, or was found to be gone. */
  const readSlowly = Effect.fnUntraced(function* (
    piece: PieceIndex,
    offset: number,
    target: Uint8Array
  ): Effect.fn.Return<void, PieceMissing | ObjectError> {
    yield* Effect.mapError(data.look, failed)
    believed.endOld(piece, clock.currentTimeMillisUnsafe())
    // Once more when the data changed while it was looked at.
    for (let tries = 0; tries < 3 && held.has(piece) && !believed.has(piece); tries++) yield* look(piece)
    if (!believed.has(piece)) return yield* new PieceMissing({ piece })
    const length = yield* Effect.option(data.file().read(target, layout.span(piece).offset + offset))
    if (Option.isSome(length) && length.value === target.length) return
    yield* Effect.mapError(alone(piece, forget(piece)), failed)
    return yield* new PieceMissing({ piece })
  }, Effect.uninterruptible)

  const read: StoredObject["read"] = (piece, offset, target) =>
    Effect.uninterruptible(
      Effect.callback((resume) => {
        const now = clock.currentTimeMillisUnsafe()
        checkSpan(layout, piece, offset, target.length)
        lodging.usedAt = now
        if (data.isLookDue(now) || !believed.isFresh(piece, now)) return resume(readSlowly(piece, offset, target))
        data.file().readPlain(target, piece * layout.pieceSize + offset, (error, length) => {
          const isRead = error === null && length === target.length
          resume(isRead ? Effect.void : readSlowly(piece, offset, target))
        })
      })
    )

  return {
    facts: () => facts,
    layout,
    held: () => held.bitfield,
    put,
    read,
    confirm: Effect.fn("StoredObject.confirm")(function* (now) {
      checkSame(facts, now)
      yield* checkFacts(now)
      yield* record.withPermit(
        Effect.andThen(
          drive.write(lodging, 0, replaceRecord(folder, now)).pipe(Effect.mapError(failed)),
          Effect.sync(() => void (facts = now))
        )
      )
    })
  }
})

/** What the digests in this folder claim. */
export const claimsIn = (folder: string, pieceCount: number): Effect.Effect<PieceSet, IoFailure> =>
  openFile(path.join(folder, "digests"), "look").pipe(
    Effect.flatMap((digests) => claimsOf(digests, pieceCount)),
    Effect.scoped,
    unless(["ENOENT", "ELOOP", "EISDIR", "EINVAL", "ENXIO"], new PieceSet(pieceCount))
  )

/** A digest that is not all zeros claims its piece. */
const claimsOf = Effect.fnUntraced(function* (
  digests: DiskFile,
  pieceCount: number
): Effect.fn.Return<PieceSet, IoFailure> {
  const held = new PieceSet(pieceCount)
  const chunk = new Uint8Array(Math.min(stride, pieceCount * Digest.length))
  for (let at = 0; at < pieceCount * Digest.length; at += chunk.length) {
    const length = yield* digests.read(chunk, at)
    for (let i = 0; i + Digest.length <= length; i += Digest.length) {
      const piece = (at + i) / Digest.length
      if (piece < pieceCount && !isZero(chunk, i)) held.add(piece as PieceIndex)
    }
    if (length < chunk.length) break
  }
  return held
})

const isZero = (bytes: Uint8Array, from: number): boolean => {
  for (let i = from; i < from + Digest.length; i++) if (bytes[i] !== 0) return false
  return true
}
