/**
 * A drive at work. What lies on it is counted in memory: what is written by this process at once, what earlier ones left as soon as the
 * scan found it. Nothing leaves before the scan has ended, as the least useful may not be known before.
 */
import { Host, type Space } from "@piecework/host/Host"
import { Clock, Deferred, Effect, Option, type Scope, Semaphore } from "effect"
import * as path from "node:path"
import { type Drive, DriveFull, type DriveSettings, type Tenant } from "../Drive.ts"
import { leaving } from "../DriveRules.ts"
import { folderOf, type Kind, Lodging } from "../Lodging.ts"
import * as DriveHealth from "./DriveHealth.ts"
import { isFull } from "./DriveHealth.ts"
import * as UseNote from "./UseNote.ts"

/** The part of its disk that a drive leaves free: where it takes what the disk allows, and where it was given a size. */
const reserve = { ofAll: 0.05, ofSized: 0.01, mostOfSized: 1024 ** 3 } as const

/** What leaves at a time beyond what is needed, as a part of what is there and in bytes, so that few decisions are made. */
const spare = { part: 0.01, most: 1024 ** 3 } as const

/** What leaves at least when the disk says that it is full, in bytes: folders and records need some, too. */
const leastForced = 64 * 1024

/** How long a writer waits for the scan of a drive that has no room. */
const patience = "2 seconds"

/** Most things on one drive, so that the table of them stays below 100 MB. */
const mostLodgings = 250_000

/** How long a look at the disk is good for, in ms. */
const lookFor = 1000

/** Uses are noted in the folder when they are so much newer, in ms, or twice as many. */
const noteEvery = 60_000

/** What the drives' table needs beside the drive itself. */
export interface OwnDrive extends Drive {
  /** Whether something new may be kept there. */
  readonly isUsable: () => boolean
  /** Looks again at a drive that failed a while ago; does not wait for it. */
  readonly wake: Effect.Effect<void>
  readonly attach: (tenant: Tenant) => Effect.Effect<void>
  /** The system is asked how much is free, at most once a second. */
  readonly look: Effect.Effect<void>
}

export const makeDrive = Effect.fnUntraced(function* (
  settings: DriveSettings
): Effect.fn.Return<OwnDrive, never, Host | Scope.Scope> {
  const folder = path.resolve(settings.folder)
  const host = yield* Host
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const now = () => clock.currentTimeMillisUnsafe()
  const limit = settings.size === 0 ? Number.POSITIVE_INFINITY : settings.size

  const tenants = new Map<Kind, Tenant>()
  const lodgings = { contents: new Map<string, Lodging>(), objects: new Map<string, Lodging>() }
  /** Scans that have not ended. */
  let scans = Deferred.makeUnsafe<void>()
  let scanning = 0
  let used = 0
  let size = limit
  let lookedAt = Number.NEGATIVE_INFINITY
  let device: number | undefined
  /** How many wait for room. */
  let waiting = 0
  const health = DriveHealth.make(folder, now, scope)
  const { fail, report } = health
  /** One makes room at a time. */
  const turn = Semaphore.makeUnsafe(1)

  const count = () => lodgings.contents.size + lodgings.objects.size
  const fits = (bytes: number) => used + bytes <= size && count() <= mostLodgings

  const reserved = ({ total }: Space): number =>
    settings.size === 0
      ? Math.ceil(total * reserve.ofAll)
      : Math.min(Math.ceil(total * reserve.ofSized), reserve.mostOfSized)

  /** Answers why it cannot be used: what was mounted there was taken away, or something else is mounted over it. */
  const measure = Effect.gen(function* () {
    const space = yield* host.space(folder)
    lookedAt = now()
    if (space === undefined) return undefined
    device ??= space.device
    if (device !== space.device) return "another disk lies at its folder"
    size = Math.max(0, Math.min(limit, used + space.free - reserved(space)))
    return undefined
  })

  const lookNow = Effect.flatMap(measure, (text) => (text === undefined ? Effect.void : fail(text)))

  const look = Effect.suspend(() => (now() >= lookedAt && now() - lookedAt < lookFor ? Effect.void : lookNow))

  const scan = (tenant: Tenant) =>
    Effect.suspend(() => {
      scanning++
      if (Deferred.isDoneUnsafe(scans)) scans = Deferred.makeUnsafe<void>()
      const ended = Effect.suspend(() => (--scanning === 0 ? Deferred.succeed(scans, undefined) : Effect.void))
      return Effect.forkIn(Effect.ensuring(Effect.catch(tenant.scan(self), report), ended), scope)
    })

  /** It is well again, and perhaps has other things on it. */
  const again = Effect.suspend(() =>
    Effect.andThen(
      Effect.logInfo("a drive can be used again", { drive: folder }),
      Effect.forEach(tenants.values(), scan, { discard: true })
    )
  )

  const leave = (lodging: Lodging): void => {
    if (lodgings[lodging.kind].get(lodging.name) !== lodging) return
    lodgings[lodging.kind].delete(lodging.name)
    used -= lodging.bytes
  }

  const resize = (lodging: Lodging, bytes: number): void => {
    // What cannot be found any more is not counted: its bytes are free when its last reader ends.
    if (lodgings[lodging.kind].get(lodging.name) === lodging) used += bytes - lodging.bytes
    lodging.bytes = bytes
  }

  const all = function* () {
    yield* lodgings.contents.values()
    yield* lodgings.objects.values()
  }

  /** Lets the least useful go. False when not even all that may go is enough: then nothing goes. */
  const letGo = Effect.fnUntraced(function* (needed: number) {
    const tooMany = count() - mostLodgings
    const going = leaving({
      lodged: all(),
      bytes: needed > 0 ? needed + Math.min(used * spare.part, spare.most) : 0,
      count: tooMany > 0 ? tooMany + mostLodgings * spare.part : 0,
      now: now()
    })
    if (going.reduce((sum, one) => sum + one.bytes, 0) < needed) return false
    for (const lodging of going) {
      const tenant = tenants.get(lodging.kind)
      if (tenant === undefined || lodging.isOpen) continue
      const isGone = yield* tenant.remove(self, lodging).pipe(
        Effect.as(true),
        Effect.catch((failure) => Effect.as(report(failure), false))
      )
      if (!isGone) return false
      if (!lodging.isOpen) leave(lodging)
    }
    return true
  })

  /** Calls `grow` in the moment in which there is room for so many bytes; false when there is none to be had. */
  const secure = (bytes: number, isForced: boolean, grow: () => void): Effect.Effect<boolean> =>
    turn.withPermit(
      Effect.gen(function* () {
        yield* look
        if (isForced || !fits(bytes)) {
          // Whoever writes is not kept waiting for a drive with very much on it: it counts as full until it is known.
          const isKnown = yield* Effect.interruptible(Deferred.await(scans)).pipe(Effect.timeoutOption(patience))
          if (Option.isNone(isKnown)) return false
          yield* lookNow
        }
        if (isForced) {
          if (!(yield* letGo(Math.max(bytes, leastForced)))) return false
        } else {
          // What is made meanwhile is counted late.
          for (let tries = 0; tries < 8 && !fits(bytes); tries++) {
            if (!(yield* letGo(used + bytes - size))) return false
          }
          if (!fits(bytes)) return false
        }
        grow()
        return true
      })
    )

  const write = <A, E extends object, R>(
    lodging: Lodging | undefined,
    bytes: number,
    work: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | DriveFull, R> => {
    const change = (by: number) => {
      if (lodging !== undefined) resize(lodging, Math.max(0, lodging.bytes + by))
    }
    const grow = () => change(bytes)
    const attempt = Effect.onError(work, () => Effect.sync(() => change(-bytes)))
    const take = Effect.suspend((): Effect.Effect<void, DriveFull> => {
      // What is opened or confirmed takes nothing, and is no reason to look for room.
      if (bytes === 0) return Effect.void
      // Whoever waits for room is not overtaken, or what left for it would be taken by others.
      if (waiting === 0 && now() >= lookedAt && now() - lookedAt < lookFor && fits(bytes)) {
        grow()
        return Effect.void
      }
      waiting++
      const secured = Effect.ensuring(
        secure(bytes, false, grow),
        Effect.sync(() => void waiting--)
      )
      return Effect.flatMap(secured, (isEnough) =>
        isEnough ? Effect.void : Effect.fail(new DriveFull({ folder, bytes }))
      )
    })
    const tryAgain = (failure: E): Effect.Effect<A, E, R> =>
      Effect.flatMap(secure(bytes, true, grow), (isEnough) => (isEnough ? attempt : Effect.fail(failure)))
    const attempts = attempt.pipe(
      Effect.catch((failure): Effect.Effect<A, E, R> => (isFull(failure) ? tryAgain(failure) : Effect.fail(failure))),
      Effect.tapError((failure) => (isFull(failure) ? fail("its disk is full", true) : report(failure)))
    )
    // Not interrupted between the counting and the work, so that what is counted is there.
    return Effect.uninterruptible(Effect.andThen(take, attempts))
  }

  const note = (lodging: Lodging) =>
    Effect.suspend(() => {
      const { name, kind, noted, usedAt, uses } = lodging
      if (lodgings[kind].get(name) !== lodging) return Effect.void
      if (usedAt - noted.usedAt < noteEvery && uses < 2 * noted.uses && noted.uses > 0) return Effect.void
      lodging.noted = { usedAt, uses }
      return Effect.ignore(UseNote.write(folderOf(folder, lodging), lodging.noted))
    })

  const self: OwnDrive = {
    folder,
    space: () => ({ folder, size: Math.max(size, 0), used, problem: health.problem() }),
    find: (kind, name) => lodgings[kind].get(name),
    lodge: (kind, name, use) => {
      const before = lodgings[kind].get(name)
      if (before !== undefined) return before
      const lodging = new Lodging(kind, name, use ?? { usedAt: now(), uses: 0 })
      lodgings[kind].set(name, lodging)
      return lodging
    },
    leave,
    resize,
    hold: (lodging) =>
      Effect.acquireRelease(
        Effect.sync(() => void lodging.openings++),
        // Noted while it cannot leave, so that nobody writes to a folder that is being deleted.
        () =>
          Effect.suspend(() => (lodging.openings === 1 ? note(lodging) : Effect.void)).pipe(
            Effect.ensuring(Effect.sync(() => void lodging.openings--))
          )
      ),
    write,
    report,
    scanned: Effect.suspend(() => Deferred.await(scans)),
    isUsable: () => health.problem() === undefined,
    isReadable: health.isReadable,
    wake: health.wake(measure, again),
    attach: (tenant) =>
      Effect.suspend(() => {
        tenants.set(tenant.kind, tenant)
        return scan(tenant)
      }),
    look
  }

  yield* health.look
  if (health.problem() === undefined) yield* lookNow
  Deferred.doneUnsafe(scans, Effect.void)
  return self
})
