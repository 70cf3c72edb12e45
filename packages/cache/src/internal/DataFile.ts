/**
 * The `data` of a content: nobody else's while we write to it, and watched for somebody else who does.
 *
 * Between our own writes the file must keep its stamp. Where it did not, another process or a person wrote to it (or only
 * renamed a link to it, which costs the same): its generation grows, and what was hashed under an earlier one is
 * not to be believed. Own writes that overlap are stamped at both ends, so what somebody else does among them cannot be
 * told apart; nobody has a name for the file then but who reaches into the cache's folder.
 */
import type { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Clock, Effect, Scope, Semaphore } from "effect"
import * as fs from "node:fs/promises"
import { dirname, join } from "node:path"
import { duplicate } from "./deliver.ts"
import { type DiskFile, openFile } from "./DiskFile.ts"
import { removeFolder } from "./folders.ts"
import { type IoFailure, io, unless } from "./io.ts"
import * as names from "./names.ts"
import * as Stamp from "./Stamp.ts"

/** How long one look at the file is good for, in milliseconds. */
const lookFor = 1000

/** How long deleting a content that was given another name takes, in milliseconds, unless the disk is very busy. */
const deletesWithin = 1000

export interface DataFile {
  /** The file of now; another one after it had to be made our own. The old one stays open for those who read from it. */
  readonly file: () => DiskFile
  /** Grows when the file changed other than by our writes. */
  readonly generation: () => number
  /** Notices what changed, with one call to the system a second at most. */
  readonly look: Effect.Effect<void, IoFailure>
  /** Whether that call is due, `now` in epoch milliseconds. */
  readonly isLookDue: (now: number) => boolean
  /** Notices what changed by now. */
  readonly lookNow: Effect.Effect<void, IoFailure>
  /** Whether the name still means this file: somebody may have deleted it, and made another. */
  readonly isNamed: Effect.Effect<boolean, IoFailure>
  /** Writes to the file; uninterruptible. */
  readonly write: <A, E, R>(work: (file: DiskFile) => Effect.Effect<A, E, R>) => Effect.Effect<A, E | IoFailure, R>
  /** Gives the file other names. */
  readonly share: <A, E, R>(work: (file: DiskFile) => Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export const openData = Effect.fnUntraced(function* (
  path: string,
  size: number,
  hasher: PieceHasher["Service"]
): Effect.fn.Return<DataFile, IoFailure, Scope.Scope> {
  const scope = yield* Effect.scope
  const named = io(() => fs.lstat(path, { bigint: true })).pipe(unless(["ENOENT", "ENOTDIR"], undefined))

  let file = yield* openFile(path, "own")
  /** The stamp at which nobody else had changed the file, or had and `isSuspect` says so. */
  let known = yield* file.stat
  /** Some network file systems make the numbers up. */
  const hasNumbers = (yield* named)?.ino === known.ino

  let generation = 0
  /** Somebody changed the file, or could have without a trace, since the generation began. */
  let isSuspect = false
  /** Our writes under way. */
  let writers = 0
  /** Epoch milliseconds of the last look at the stamp, and at whose the file is. */
  let lookedAt = yield* Clock.currentTimeMillis
  let ownedAt = Number.NEGATIVE_INFINITY

  /** One at a time compares, stamps or exchanges the file. */
  const turn = Semaphore.makeUnsafe(1)

  const compare = (stamp: typeof known): void => {
    if (!Stamp.isSame(stamp, known)) isSuspect = true
    known = stamp
  }

  const inspect = Effect.gen(function* () {
    if (writers === 0) compare(yield* file.stat)
    lookedAt = yield* Clock.currentTimeMillis
    if (!isSuspect) return
    generation++
    isSuspect = Stamp.isYoung(known, lookedAt)
  })

  /** After our own doing: what the file looks like now is how we left it, if that can be told. */
  const restamp = (isCertain: (stamp: typeof known) => boolean): Effect.Effect<void> =>
    Effect.suspend(() => (writers > 0 ? Effect.undefined : file.stat)).pipe(
      Effect.map((stamp) => {
        if (stamp === undefined) return
        if (!isCertain(stamp)) isSuspect = true
        known = stamp
      }),
      Effect.catch(() => Effect.sync(() => void (isSuspect = true)))
    )

  const exchange = Effect.fnUntraced(function* (own: string) {
    file = yield* Scope.provide(openFile(own, "own"), scope)
    // Who had the old one may have written to it while it was copied.
    generation++
    if (file.size !== size) yield* file.truncate(size)
    known = yield* file.stat
  })

  const duplicateTo = (target: string) =>
    Effect.suspend(() => duplicate({ source: file, size: Math.min(Number(known.size), size), hasher }, target))

  /**
   * The content's folder is gone: whoever deleted it takes the file's name away in a moment, and then it is ours. If it keeps one, it
   * was handed out before, and we go on with a copy that has none.
   */
  const makeNameless = Effect.gen(function* () {
    for (let waited = 0; ; waited += deletesWithin / 20) {
      known = yield* file.stat
      if (known.nlink === 0n || waited >= deletesWithin) break
      yield* Effect.sleep(deletesWithin / 20)
    }
    if (known.nlink === 0n) return
    const own = join(dirname(dirname(path)), names.deleted())
    yield* duplicateTo(own)
    yield* exchange(own)
    yield* removeFolder(own)
  })

  /**
   * Sees to it that the file is nobody else's: one that was handed out as a link belongs to who asked for it, and is
   * left to them as it is, also when another process has put a file of its own in its place. A file that lost all its
   * names is ours.
   */
  const makeOwn = Effect.gen(function* () {
    const place = hasNumbers && known.nlink > 0n ? yield* named : known
    if (place !== undefined && place.ino !== known.ino) yield* exchange(path)
    if (known.nlink > 1n || place === undefined) {
      yield* duplicateTo(path).pipe(
        Effect.andThen(exchange(path)),
        Effect.catch((failure) => (failure.code === "ENOENT" ? makeNameless : Effect.fail(failure)))
      )
    }
  })

  /** Looked up once a second at most while we write: what another process hands out meanwhile gets bytes it has. */
  const begin = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const isDue = isOver(ownedAt, now)
    if (writers === 0) compare(yield* file.stat)
    else if (isDue) known = yield* file.stat
    if (isDue || known.nlink > 1n) yield* makeOwn
    if (isDue) ownedAt = now
    writers++
  })

  const finish = Effect.suspend(() => {
    writers--
    // Where the clock is coarse somebody may yet change the file within its tick.
    return restamp((stamp) => !Stamp.isCoarse(stamp))
  }).pipe(turn.withPermit)

  const write: DataFile["write"] = (work) =>
    Effect.uninterruptible(
      Effect.andThen(
        turn.withPermit(begin),
        Effect.suspend(() => Effect.ensuring(work(file), finish))
      )
    )

  if (file.size !== size) yield* write((own) => own.truncate(size))

  return {
    file: () => file,
    generation: () => generation,
    isLookDue: (now) => isOver(lookedAt, now),
    look: Effect.flatMap(Clock.currentTimeMillis, (now) =>
      // Whoever has the turn stamps the file, or copies it for a while: no reason to wait.
      isOver(lookedAt, now) ? Effect.asVoid(turn.withPermitsIfAvailable(1)(inspect)) : Effect.void
    ),
    lookNow: turn.withPermit(inspect),
    isNamed: Effect.map(named, (place) => place !== undefined && (!hasNumbers || place.ino === known.ino)),
    write,
    share: (work) =>
      Effect.suspend(() => work(file)).pipe(
        Effect.ensuring(
          Effect.suspend(() => {
            ownedAt = Number.NEGATIVE_INFINITY
            // Another name changes the inode's time, and nothing else.
            return restamp((stamp) => Stamp.isSameData(stamp, known))
          }).pipe(turn.withPermit)
        )
      )
  }
})

/** Whether a look is too long ago; also when the clock was set back. */
const isOver = (then: number, now: number): boolean => now < then || now - then >= lookFor
