/**
 * A `PieceCache` whose contents lie on several drives, each in `<drive>/contents`, which is laid out like a cache of its own. Whoever opens
 * a content gets it from where it is, or a drive is chosen for it. Each piece that comes is counted on its drive and the least useful
 * contents and files leave for it; what is open stays. There is no age, pin or share of the disk here: `CacheKeeper` has the
 * rules of a device, a cache server has drives.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import * as Content from "@piecework/domain/Content"
import type { ContentId } from "@piecework/domain/Content"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import type { Phf } from "@piecework/hashing/Phf"
import { Clock, Context, Effect, Layer, Option, Semaphore } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { layer as configLayer } from "./CacheConfig.ts"
import { CacheError } from "./CacheError.ts"
import type { Drive } from "./Drive.ts"
import { Drives } from "./Drives.ts"
import { io, toCacheError, unless } from "./internal/io.ts"
import { bytesOf, statOf } from "./internal/Notes.ts"
import * as UseNote from "./internal/UseNote.ts"
import { folderOf, type Lodging } from "./Lodging.ts"
import { type CachedContent, PieceCache } from "./PieceCache.ts"
import type { StoredContent } from "./StoredContent.ts"

/** What the records of a content take beside its data, on most file systems; bytes. */
const overhead = 16 * 1024

/** Its own folder on the drive, and the cache there. */
interface Part {
  readonly drive: Drive
  readonly cache: PieceCache["Service"]
}

export const layer: Layer.Layer<PieceCache, never, Drives | PieceHasher> = Layer.effect(
  PieceCache,
  Effect.gen(function* () {
    const drives = yield* Drives
    const hasher = yield* PieceHasher
    const clock = yield* Clock.Clock
    const parts = yield* Effect.forEach(drives.all, (drive) => partOn(drive, hasher))
    const partOf = new Map(parts.map((part) => [part.drive, part]))
    /** One at a time finds or chooses a place, so that a content gets one drive. */
    const turn = Semaphore.makeUnsafe(1)

    yield* drives.attach({
      kind: "contents",
      remove: (drive, { isOpen, name }) =>
        isOpen ? Effect.void : (partOf.get(drive)?.cache.drop(name as ContentId) ?? Effect.void),
      scan
    })

    const readable = Effect.map(drives.readable, (those) => those.flatMap((drive) => partOf.get(drive) ?? []))

    /** Where it is. */
    const find = Effect.fnUntraced(function* (id: ContentId) {
      const those = yield* readable
      const known = those.find(({ drive }) => drive.find("contents", id) !== undefined)
      if (known !== undefined) return known
      for (const part of those) {
        // A drive that fails now is noted when it is used.
        const found = yield* Effect.option(statOf(path.join(part.drive.folder, "contents", id)))
        if (Option.isSome(found) && found.value !== undefined) return part
      }
      return undefined
    })

    const choose = Effect.fnUntraced(function* (phf: Phf, except: Drive | undefined) {
      const { contentId, layout } = phf
      const chosen = yield* drives.choose(layout.contentSize, except)
      if (typeof chosen !== "string") return partOf.get(chosen)
      const code = chosen === "TooLarge" ? "ENOSPC" : "EIO"
      const cause = new Error(
        chosen === "TooLarge"
          ? `${layout.contentSize} bytes are more than every drive may hold`
          : "no drive can be used"
      )
      return yield* new CacheError({ operation: "open", code, contentId, cause })
    })

    /** Where it is, or is to be, but for a drive that just refused it. */
    const place = (phf: Phf, except?: Drive) =>
      turn.withPermit(
        Effect.gen(function* () {
          const found = yield* find(phf.contentId)
          const part = found === undefined || found.drive === except ? yield* choose(phf, except) : found
          if (part === undefined) return yield* Effect.die(new Error("a drive without a part of the cache"))
          return { part, lodging: part.drive.lodge("contents", phf.contentId), isNew: part !== found }
        })
      )

    /** One for each open content, so that all who open it share it. */
    const wrapped = new WeakMap<StoredContent, StoredContent>()

    const counted = (stored: StoredContent, drive: Drive, lodging: Lodging): StoredContent => {
      const before = wrapped.get(stored)
      if (before !== undefined) return before
      const { contentId, layout } = stored.phf
      const full = (cause: object) => toCacheError("put", contentId)({ code: "ENOSPC", cause })
      const made: StoredContent = {
        ...stored,
        put: (piece, bytes) =>
          Effect.suspend(() =>
            Bitfield.has(stored.held(), piece)
              ? stored.put(piece, bytes)
              : drive.write(lodging, layout.length(piece), stored.put(piece, bytes))
          ).pipe(Effect.catchTag("DriveFull", (failure) => Effect.fail(full(failure)))),
        read: (piece, offset, target) => {
          lodging.usedAt = clock.currentTimeMillisUnsafe()
          return stored.read(piece, offset, target)
        }
      }
      wrapped.set(stored, made)
      return made
    }

    const openOn = Effect.fnUntraced(function* ({ cache, drive }: Part, lodging: Lodging, phf: Phf) {
      yield* drive.hold(lodging)
      const opened = Effect.tap(cache.open(phf), () => (lodging.bytes === 0 ? measure(drive, lodging) : Effect.void))
      const stored = yield* drive
        .write(lodging, 0, opened)
        .pipe(Effect.catchTag("DriveFull", (cause) => toCacheError("open", phf.contentId)({ code: "ENOSPC", cause })))
      lodging.uses++
      lodging.usedAt = clock.currentTimeMillisUnsafe()
      return counted(stored, drive, lodging)
    })

    const open = Effect.fn("PieceCache.open")(function* (phf: Phf) {
      const { isNew, lodging, part } = yield* place(phf)
      if (!isNew) return yield* openOn(part, lodging, phf)
      // A drive that fails only now is no reason, when there is another.
      return yield* Effect.catch(openOn(part, lodging, phf), (failure) => {
        part.drive.leave(lodging)
        return place(phf, part.drive).pipe(
          Effect.mapError(() => failure),
          Effect.flatMap((other) => openOn(other.part, other.lodging, phf))
        )
      })
    })

    /** What a drive does not tell is left out: the others go on. */
    const over = <A>(each: (part: Part) => Effect.Effect<ReadonlyArray<A>, CacheError>) =>
      Effect.flatMap(readable, (those) =>
        Effect.forEach(
          those,
          (part) =>
            each(part).pipe(
              Effect.catch((error) =>
                Effect.as(Effect.andThen(Effect.logWarning(error), part.drive.report(error)), [] as ReadonlyArray<A>)
              )
            ),
          { concurrency: "unbounded" }
        )
      ).pipe(Effect.map((found) => found.flat()))

    const removeBy = (how: "remove" | "drop") =>
      Effect.fn(`PieceCache.${how}`)(function* (id: ContentId) {
        for (const { cache, drive } of yield* readable) {
          const lodging = drive.find("contents", id)
          yield* cache[how](id)
          if (lodging !== undefined) drive.leave(lodging)
        }
      })

    return PieceCache.of({
      open,
      list: Effect.map(
        over(({ cache }) => cache.list),
        mostHeld
      ),
      foreign: over(({ cache }) => cache.foreign),
      load: Effect.fn("PieceCache.load")(function* (id: ContentId) {
        for (const { cache } of yield* readable) {
          const phf = yield* cache.load(id)
          if (Option.isSome(phf)) return phf
        }
        return Option.none()
      }),
      remove: removeBy("remove"),
      drop: removeBy("drop"),
      tidy: Effect.flatMap(readable, (those) => Effect.forEach(those, ({ cache }) => cache.tidy, { discard: true }))
    })
  })
)

const partOn = Effect.fnUntraced(function* (drive: Drive, hasher: PieceHasher["Service"]) {
  const own = PieceCache.layer.pipe(
    Layer.provide([
      configLayer({ directory: path.join(drive.folder, "contents") }),
      Layer.succeed(PieceHasher, hasher)
    ]),
    Layer.fresh
  )
  return { drive, cache: Context.get(yield* Layer.build(own), PieceCache) } satisfies Part
})

/** Contents that earlier processes left. */
const scan = Effect.fnUntraced(function* (drive: Drive) {
  const names = yield* io(() => fs.readdir(path.join(drive.folder, "contents"))).pipe(unless(["ENOENT"], []))
  const count = Effect.fnUntraced(function* (name: string) {
    const use = yield* UseNote.read(folderOf(drive.folder, { kind: "contents", name }))
    if (drive.find("contents", name) === undefined) yield* measure(drive, drive.lodge("contents", name, use))
  })
  for (const name of names) {
    if (Option.isNone(Content.parse(name)) || drive.find("contents", name) !== undefined) continue
    // One that cannot be read must not hide the others.
    yield* Effect.catch(count(name), drive.report)
  }
})

/** Counts what it takes. */
const measure = Effect.fnUntraced(function* (drive: Drive, lodging: Lodging): Effect.fn.Return<void, CacheError> {
  const data = yield* Effect.mapError(statOf(path.join(folderOf(drive.folder, lodging), "data")), toCacheError("open"))
  const now = overhead + (data?.isFile() === true ? bytesOf(data) : 0)
  // A piece that came meanwhile has been counted.
  if (lodging.bytes === 0) drive.resize(lodging, now)
})

/** A content may lie on two drives, when one was away for a while. */
const mostHeld = (found: ReadonlyArray<CachedContent>): ReadonlyArray<CachedContent> => {
  const best = new Map<ContentId, CachedContent>()
  for (const content of found) {
    const before = best.get(content.contentId)
    if (before === undefined || before.heldBytes < content.heldBytes) best.set(content.contentId, content)
  }
  return [...best.values()]
}
