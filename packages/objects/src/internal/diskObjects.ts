/**
 * Files by their URL on drives. A file has one folder, `<drive>/objects/<first two digits>/<SHA-256 of its URL in hex>/`. It appears there with its
 * record and goes with one renaming, so that what is left when that ends half way is no file any more.
 */
import {
  IoFailure,
  UseNote,
  checkFolder,
  deleted,
  io,
  makeFolder,
  removeFolder,
  statOf,
  unless
} from "@piecework/cache/Disk"
import type { Drive } from "@piecework/cache/Drive"
import { Drives } from "@piecework/cache/Drives"
import { folderOf, type Lodging } from "@piecework/cache/Lodging"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Clock, Effect, Exit, Option, RcMap, Schema, Scope, Semaphore } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { ObjectError } from "../ObjectError.ts"
import type { ObjectFacts } from "../ObjectFacts.ts"
import type { Objects } from "../Objects.ts"
import type { StoredObject } from "../StoredObject.ts"
import { openObject } from "./DiskObject.ts"
import { checkFacts } from "./limits.ts"
import { readRecord, writeRecord } from "./records.ts"
import { listOn, measure, nameOf, overhead, scan } from "./survey.ts"

/** Files that are opened, made or deleted at a time, each by one. */
const stripes = 64

/** How long a file stays open after its last reader; ms. */
const idleFor = 300_000

/** Most files that are open, unless more are being read: each has two descriptors. */
const mostKept = 256

/** Codes of what lies in the place of a file of ours, or does not: then the file is damaged, and the drive is well. */
const oddities = new Set(["ENOENT", "ENOTDIR", "ELOOP", "EISDIR", "EINVAL", "ENXIO", "EEXIST"])

/** There is no such file. */
class NotThere extends Schema.TaggedError<NotThere>()("NotThere", {}) {}

interface Where {
  readonly drive: Drive
  readonly facts: ObjectFacts
}

interface Opened {
  readonly drive: Drive
  readonly stored: StoredObject
  readonly lodging: Lodging
}

const failed = (at: string) => (failure: { readonly code?: string; readonly message: string }) =>
  new ObjectError({ at, reason: "Failed", detail: failure.code ?? failure.message })

export const makeOnDisk = Effect.gen(function* () {
  const drives = yield* Drives
  const hasher = yield* PieceHasher
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const locks = Array.from({ length: stripes }, () => Semaphore.makeUnsafe(1))
  const lockOf = (name: string) => locks[Number.parseInt(name.slice(0, 2), 16) % stripes] as Semaphore.Semaphore
  const alone = <A, E, R>(name: string, work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    lockOf(name).withPermit(work)

  /** Takes the folder away with one step. What is no folder in the place of the one around it goes, whatever it leads to. */
  const removeFrom = Effect.fnUntraced(function* (drive: Drive, name: string): Effect.fn.Return<void, IoFailure> {
    const lodging = drive.find("objects", name)
    const folder = folderOf(drive.folder, { kind: "objects", name })
    const away = path.join(drive.folder, "objects", deleted())
    const around = path.dirname(folder)
    const isFolder = (yield* statOf(around))?.isDirectory() ?? true
    const wasThere = yield* io(() => fs.rename(isFolder ? folder : around, away)).pipe(
      Effect.as(true),
      unless(["ENOENT", "ENOTDIR"], false)
    )
    if (lodging !== undefined) drive.leave(lodging)
    if (wasThere) yield* removeFolder(away)
  })

  /** What the drive has of this file; a damaged one is deleted. */
  const lookOn = Effect.fnUntraced(function* (
    drive: Drive,
    url: ContentUrl
  ): Effect.fn.Return<ObjectFacts | undefined, IoFailure> {
    const name = nameOf(url)
    const folder = folderOf(drive.folder, { kind: "objects", name })
    const isThere = yield* checkFolder(path.dirname(folder)).pipe(
      Effect.as(true),
      unless(["ENOENT", "ENOTDIR", "ELOOP"], false)
    )
    if (!isThere || (yield* statOf(folder)) === undefined) return undefined
    const facts = Option.getOrUndefined(yield* readRecord(folder))
    if (facts?.url === url) return facts
    yield* Effect.logWarning("the record of a file on a drive is damaged; the file counts as missing").pipe(
      Effect.annotateLogs({ url, drive: drive.folder })
    )
    yield* removeFrom(drive, name)
    return undefined
  })

  /** Drives that can be read, and what each has of the file; a drive that fails has nothing. */
  const look = Effect.fnUntraced(function* (url: ContentUrl) {
    const found: Array<Where> = []
    for (const drive of yield* drives.readable) {
      const facts = yield* Effect.catch(lookOn(drive, url), (failure) => Effect.as(drive.report(failure), undefined))
      if (facts !== undefined) found.push({ drive, facts })
    }
    // A drive that was away for a while may have an older one.
    return found.toSorted((a, b) => b.facts.confirmedAt - a.facts.confirmedAt)
  })

  const openAt = Effect.fnUntraced(function* (
    drive: Drive,
    facts: ObjectFacts
  ): Effect.fn.Return<Opened, NotThere | ObjectError, Scope.Scope> {
    const name = nameOf(facts.url)
    const folder = folderOf(drive.folder, { kind: "objects", name })
    const known = drive.find("objects", name)
    const use = known ?? (yield* Effect.option(UseNote.read(folder)).pipe(Effect.map(Option.getOrUndefined)))
    const lodging = drive.lodge("objects", name, use)
    const opening = openObject({ drive, lodging, folder, facts }, hasher).pipe(
      Effect.tap(() => measure(drive, lodging)),
      Effect.catch((failure) =>
        oddities.has(failure.code ?? "")
          ? Effect.andThen(removeFrom(drive, name), Effect.fail(new NotThere()))
          : Effect.fail(failure)
      ),
      Effect.catchTag("IoFailure", (failure) =>
        // What lies on a drive that is left alone is not there.
        Effect.flatMap(drive.report(failure), (): Effect.Effect<never, NotThere | ObjectError> =>
          Effect.fail(drive.isReadable() ? failed(drive.folder)(failure) : new NotThere())
        )
      )
    )
    return { drive, stored: yield* opening, lodging }
  })

  /** Files that were made just now: what lies there need not be looked up. */
  const fresh = new Map<ContentUrl, Where>()

  /** Everybody who has a file open shares it. It stays open for a while, so that whoever comes next need not hash it anew. */
  const shared = yield* RcMap.make({
    idleTimeToLive: idleFor,
    lookup: Effect.fnUntraced(function* (
      url: ContentUrl
    ): Effect.fn.Return<Opened, NotThere | ObjectError, Scope.Scope> {
      const made = fresh.get(url)
      fresh.delete(url)
      if (made !== undefined) return yield* openAt(made.drive, made.facts)
      const [best, ...older] = yield* look(url)
      for (const { drive } of older) yield* Effect.catch(removeFrom(drive, nameOf(url)), drive.report)
      if (best === undefined) return yield* new NotThere()
      return yield* openAt(best.drive, best.facts)
    })
  })

  /** Files that are open, or are kept so for whoever comes next, in the order in which they were asked for. */
  const kept = new Map<ContentUrl, Lodging>()

  const close = (url: ContentUrl): Effect.Effect<void> =>
    Effect.suspend(() => {
      kept.delete(url)
      fresh.delete(url)
      return RcMap.invalidate(shared, url)
    })

  /** Unless somebody is about to open it. */
  const closeIdle = (url: ContentUrl, name: string) =>
    lockOf(name).withPermitsIfAvailable(1)(
      Effect.suspend(() => (kept.get(url)?.isOpen === false ? close(url) : Effect.void))
    )

  const noteOpen = Effect.fnUntraced(function* (url: ContentUrl, lodging: Lodging) {
    kept.delete(url)
    kept.set(url, lodging)
    if (kept.size <= mostKept) return
    for (const [oldest, { isOpen }] of kept) {
      if (kept.size <= mostKept) break
      if (!isOpen) yield* closeIdle(oldest, nameOf(oldest))
    }
  })

  const closeNamed = (lodging: Lodging): Effect.Effect<void> =>
    Effect.suspend(() => {
      for (const [url, its] of kept) if (its === lodging) return close(url)
      return Effect.void
    })

  const open = Effect.fnUntraced(function* (url: ContentUrl) {
    // A failure must not stay for those who come later, so its share of the map ends at once, not with the caller.
    const scope = yield* Scope.fork(yield* Effect.scope)
    const get = RcMap.get(shared, url).pipe(
      Effect.tap(({ drive, lodging }) => drive.hold(lodging)),
      Effect.tap(({ lodging }) => noteOpen(url, lodging)),
      Effect.tapError(() => close(url))
    )
    // Nobody makes or deletes the file meanwhile, so no two have it open without sharing it.
    return yield* alone(nameOf(url), get).pipe(
      Scope.provide(scope),
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
  })

  /** Nobody finds it any more; who has it open goes on. On every drive that can be used; `must`: those that have to do so. */
  const forget = Effect.fnUntraced(function* (
    url: ContentUrl,
    must: (drive: Drive) => boolean
  ): Effect.fn.Return<void, ObjectError> {
    yield* close(url)
    for (const drive of yield* drives.readable) {
      yield* removeFrom(drive, nameOf(url)).pipe(
        Effect.tapError(drive.report),
        Effect.catch((failure) => (must(drive) ? Effect.fail(failed(drive.folder)(failure)) : Effect.void))
      )
    }
  })

  /** An empty folder with the record, in the place of any other. */
  const makeOn = Effect.fnUntraced(function* (drive: Drive, facts: ObjectFacts) {
    const name = nameOf(facts.url)
    const folder = folderOf(drive.folder, { kind: "objects", name })
    // An older one on a drive that fails now counts no more, as it was confirmed before.
    yield* forget(facts.url, (other) => other === drive)
    const folderMade = io(() => fs.mkdir(folder, { mode: 0o700 }))
    yield* folderMade.pipe(
      Effect.catch((failure) =>
        failure.code !== "ENOENT"
          ? Effect.fail(failure)
          : makeFolder(path.join(drive.folder, "objects")).pipe(
              Effect.andThen(makeFolder(path.dirname(folder))),
              Effect.andThen(folderMade)
            )
      ),
      Effect.andThen(writeRecord(folder, facts)),
      Effect.onError(() => Effect.ignore(removeFrom(drive, name)))
    )
    fresh.set(facts.url, { drive, facts })
    const lodging = drive.lodge("objects", name)
    drive.resize(lodging, overhead)
    // It must not leave before it is open.
    yield* drive.hold(lodging)
  })

  const createOn = Effect.fnUntraced(function* (chosen: Drive, facts: ObjectFacts) {
    const held = yield* Scope.make()
    const made = Scope.provide(makeOn(chosen, facts), held)
    const making = chosen.write(undefined, overhead, alone(nameOf(facts.url), made)).pipe(
      Effect.mapError((failure) => {
        if (failure._tag === "ObjectError") return failure
        return failure._tag === "DriveFull" || failure.code === "ENOSPC" || failure.code === "EDQUOT"
          ? new ObjectError({ at: facts.url, reason: "Full", detail: failure.message })
          : failed(chosen.folder)(failure)
      })
    )
    const opening = open(facts.url).pipe(
      Effect.catchTag("NotThere", () => Effect.fail(failed(chosen.folder)({ message: "what was made there is gone" })))
    )
    const opened = yield* Effect.andThen(making, opening).pipe(
      Effect.onExit((exit) => {
        fresh.delete(facts.url)
        return Scope.close(held, exit)
      })
    )
    return opened.stored
  })

  const create = Effect.fn("Objects.create")(function* (facts: ObjectFacts) {
    yield* checkFacts(facts)
    const chosen = yield* drives.choose(facts.size)
    if (typeof chosen === "string") {
      const detail = chosen === "TooLarge" ? `${facts.size} bytes` : "no drive can be used"
      return yield* new ObjectError({ at: facts.url, reason: chosen, detail })
    }
    // One that fails only now is no reason, when there is another.
    return yield* Effect.catch(createOn(chosen, facts), (failure) =>
      Effect.flatMap(drives.choose(facts.size, chosen), (other) =>
        typeof other === "string" ? Effect.fail(failure) : createOn(other, facts)
      )
    )
  })

  const find = Effect.fn("Objects.find")(function* (url: ContentUrl) {
    const opened = yield* Effect.asSome(open(url)).pipe(Effect.catchTag("NotThere", () => Effect.succeedNone))
    if (Option.isNone(opened)) return Option.none()
    const { lodging, stored } = opened.value
    lodging.uses++
    lodging.usedAt = now()
    return Option.some(stored)
  })

  const list = Effect.gen(function* () {
    const listed = yield* Effect.forEach(
      yield* drives.readable,
      (drive) => Effect.catch(listOn(drive), (failure) => Effect.as(drive.report(failure), [])),
      { concurrency: "unbounded" }
    )
    return listed.flat()
  }).pipe(Effect.withSpan("Objects.list"))

  yield* drives.attach({
    kind: "objects",
    remove: (drive, lodging) =>
      alone(
        lodging.name,
        Effect.suspend(() =>
          lodging.isOpen ? Effect.void : Effect.andThen(closeNamed(lodging), removeFrom(drive, lodging.name))
        )
      ),
    scan
  })

  return {
    find,
    create,
    remove: Effect.fn("Objects.remove")((url) =>
      alone(
        nameOf(url),
        forget(url, () => true)
      )
    ),
    list,
    drives: drives.spaces
  } satisfies Objects["Service"]
})
