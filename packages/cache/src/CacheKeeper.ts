/**
 * Keeps the cache within its rules: what is remembered of each content, and which leave when. The rules are in `CacheRules`; this
 * service has the facts for them (the folder, the disk, the settings as they are now) and does what they decide.
 *
 * Any number of processes may do so on one folder at a time, without locks: each deletes by one renaming, which only one can do;
 * what is in use says so in its folder. Where one deletes what another opens at the same moment, that one goes on with
 * files that have no name any more: its download ends well, and the cache has forgotten it.
 */
import type { ContentId } from "@piecework/domain/Content"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Host, type Space } from "@piecework/host/Host"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import { Clock, Context, Effect, Layer, RcMap, Schedule, type Scope, Semaphore } from "effect"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { CacheConfig, layer as configLayer } from "./CacheConfig.ts"
import type { CacheError } from "./CacheError.ts"
import * as CacheRules from "./CacheRules.ts"
import { removeFolder } from "./internal/folders.ts"
import { io, toCacheError } from "./internal/io.ts"
import * as leftPartials from "./internal/leftPartials.ts"
import * as Notes from "./internal/Notes.ts"
import { PartialFiles } from "./PartialFile.ts"
import { type CachedContent, PieceCache } from "./PieceCache.ts"

/** A content with all that the rules know of it. */
export interface KeptContent extends CachedContent, CacheRules.Kept {
  readonly contentSize: number
  /** When it goes by itself, epoch milliseconds; `undefined`: only when the room is needed. */
  readonly expiry: number | undefined
}

/** What left the cache. */
export interface Gone {
  /** The content; `undefined` for what a download in Simple mode had left. */
  readonly contentId: ContentId | undefined
  readonly bytes: number
  readonly why: CacheRules.Why
}

/** Whether the disk takes so many bytes. Where it does not: what is free and what may go, in bytes. */
export type Room =
  | { readonly isEnough: true }
  | { readonly isEnough: false; readonly free: number; readonly disk: number }

/** A place for what cannot lie in the cache: gone with its scope. */
export interface Aside {
  readonly cache: PieceCache["Service"]
  readonly partials: PartialFiles["Service"]
}

export class CacheKeeper extends Context.Service<
  CacheKeeper,
  {
    /** The folder of the cache, as a full path. */
    readonly directory: string
    readonly list: Effect.Effect<ReadonlyArray<KeptContent>, CacheError>
    /** The disk of the cache; `undefined` when nobody knows. */
    readonly space: Effect.Effect<Space | undefined>
    /** The disk that this folder lies on. */
    readonly spaceAt: (folder: string) => Effect.Effect<Space | undefined>
    /** A cache of its own in this folder, `.piecework-…`, for one download. */
    readonly aside: (folder: string) => Effect.Effect<Aside, CacheError, Scope.Scope>
    /** Lets go what the rules say, with room for `wanted` bytes more; answers what went. */
    readonly keep: (wanted?: number) => Effect.Effect<ReadonlyArray<Gone>, CacheError>
    /**
     * Sees to it that the disk takes so many bytes: looks at the disk alone while there is plenty. When not even all that may go is
     * enough nothing goes.
     */
    readonly makeRoom: (bytes: number) => Effect.Effect<Room, CacheError>
    /** Says that the content is being downloaded or served, as long as the scope lasts. It should be open. */
    readonly hold: (id: ContentId) => Effect.Effect<void, never, Scope.Scope>
    /** Notes what the content's policy says, and that its download is complete, if it is. */
    readonly note: (id: ContentId, terms: CacheRules.ContentTerms, isComplete: boolean) => Effect.Effect<void>
    readonly pin: (id: ContentId, isPinned: boolean) => Effect.Effect<void, CacheError>
    /** When it expires, epoch milliseconds; `undefined` leaves that to the rules. */
    readonly expire: (id: ContentId, at: number | undefined) => Effect.Effect<void, CacheError>
  }
>()("@piecework/cache/CacheKeeper") {
  /** With the settings of `LivePolicy`. */
  static readonly layer: Layer.Layer<CacheKeeper, never, CacheConfig | Host | PieceCache | PieceHasher> = Layer.effect(
    CacheKeeper,
    Effect.suspend(() => make)
  )
}

/** Contents looked at a time. */
const scans = 4

/** How long another process may take to let go the files of what was deleted, so that the disk has their room. */
const patience = "15 seconds"

const make = Effect.gen(function* () {
  const root = path.resolve((yield* CacheConfig).directory)
  const host = yield* Host
  const cache = yield* PieceCache
  const hasher = yield* PieceHasher
  const live = yield* LivePolicy
  const notes = Notes.make(root)
  /** One decides at a time. */
  const turn = Semaphore.makeUnsafe(1)

  const space = host.space(root)
  const terms = Effect.map(space, (disk) => CacheRules.termsOf(live.current(), disk?.total))

  const look = Effect.fnUntraced(function* (content: CachedContent, on: CacheRules.Terms) {
    const note = yield* notes.read(content.contentId)
    const now = yield* Clock.currentTimeMillis
    const kept = {
      ...content,
      ...note,
      isComplete: content.complete,
      completedAt: content.complete ? (note.completedAt ?? note.heldAt) : note.heldAt
    }
    const expiry = CacheRules.expiryOf(kept, on, now)
    return { ...kept, expiry: Number.isFinite(expiry) ? expiry : undefined } satisfies KeptContent
  })

  const list = Effect.gen(function* () {
    const contents = yield* cache.list
    const on = yield* terms
    return yield* Effect.forEach(
      contents,
      (content) => Effect.mapError(look(content, on), toCacheError("list", content.contentId)),
      { concurrency: scans }
    )
  }).pipe(Effect.withSpan("CacheKeeper.list"))

  const decide = Effect.fnUntraced(function* (wanted: number) {
    const disk = yield* space
    const partials = yield* Effect.mapError(leftPartials.list(root), toCacheError("list"))
    const contents: ReadonlyArray<KeptContent | leftPartials.LeftPartial> = [...(yield* list), ...partials]
    const now = yield* Clock.currentTimeMillis
    return CacheRules.decide({ contents, terms: yield* terms, free: disk?.free, wanted, now })
  })

  const carryOut = Effect.fnUntraced(function* ({
    going
  }: CacheRules.Decision<KeptContent | leftPartials.LeftPartial>) {
    yield* cache.tidy
    return yield* Effect.forEach(going, ({ kept, why }) => {
      const contentId = "partial" in kept ? undefined : kept.contentId
      const removed =
        "partial" in kept
          ? Effect.mapError(leftPartials.remove(root, kept.partial), toCacheError("remove"))
          : cache.drop(kept.contentId)
      return Effect.as(removed, { contentId, bytes: kept.bytes, why } satisfies Gone)
    })
  })

  const keep = Effect.fn("CacheKeeper.keep")((wanted: number = 0) =>
    turn.withPermit(Effect.flatMap(decide(wanted), carryOut))
  )

  const makeRoom = Effect.fn("CacheKeeper.makeRoom")(function* (bytes: number): Effect.fn.Return<Room, CacheError> {
    const disk = yield* space
    if (disk === undefined || disk.free - bytes >= Math.ceil(disk.total * CacheRules.freePart))
      return { isEnough: true }
    const decision = yield* turn.withPermit(
      Effect.tap(decide(bytes), (decided) => ((decided.free ?? bytes) < bytes ? Effect.void : carryOut(decided)))
    )
    const free = decision.free ?? bytes
    if (free < bytes) return { isEnough: false, free, disk: disk.total }
    // An agent may have had open what went; it closes that when it sees it.
    const isThere = Effect.map(space, (now) => now === undefined || now.free >= bytes)
    yield* isThere.pipe(
      Effect.repeat({ until: (is) => is, schedule: Schedule.spaced("500 millis") }),
      Effect.timeoutOption(patience)
    )
    return { isEnough: true }
  })

  const holds = yield* RcMap.make({
    lookup: (id: ContentId) =>
      Effect.acquireRelease(Effect.option(notes.mark(id)), (mark) =>
        mark._tag === "None" ? Effect.void : ifPossible(id, mark.value)
      )
  })

  return CacheKeeper.of({
    directory: root,
    list,
    space,
    spaceAt: host.space,
    aside: Effect.fn("CacheKeeper.aside")(function* (folder) {
      const directory = yield* Effect.acquireRelease(
        Effect.mapError(
          io(() => fs.mkdtemp(path.join(folder, ".piecework-"))),
          toCacheError("open")
        ),
        (made) => Effect.ignore(removeFolder(made))
      )
      const layers = Layer.mergeAll(PieceCache.layer, PartialFiles.layer).pipe(
        Layer.provide([configLayer({ directory }), Layer.succeed(PieceHasher, hasher)]),
        Layer.fresh
      )
      const made = yield* Layer.build(layers)
      return { cache: Context.get(made, PieceCache), partials: Context.get(made, PartialFiles) }
    }),
    keep,
    makeRoom,
    hold: Effect.fn("CacheKeeper.hold")(function* (id) {
      yield* ifPossible(id, notes.touch(id))
      yield* RcMap.get(holds, id)
    }),
    note: Effect.fn("CacheKeeper.note")(function* (id, said, isComplete) {
      const completedAt = isComplete ? { completedAt: yield* Clock.currentTimeMillis } : {}
      yield* ifPossible(id, notes.noteDownload(id, { ...said, ...completedAt }))
    }),
    pin: Effect.fn("CacheKeeper.pin")((id, isPinned) =>
      Effect.mapError(notes.noteWish(id, { isPinned }), toCacheError("keep", id))
    ),
    expire: Effect.fn("CacheKeeper.expire")((id, at) =>
      Effect.mapError(notes.noteWish(id, { expiresAt: at ?? null }), toCacheError("keep", id))
    )
  })
})

/** A note that cannot be written costs a content its place sooner than it should; no download fails for it. */
const ifPossible = <A, E extends { readonly code?: string }, R>(id: ContentId, effect: Effect.Effect<A, E, R>) =>
  Effect.catch(Effect.asVoid(effect), ({ code }) =>
    code === "ENOENT"
      ? Effect.void
      : Effect.logWarning("could not note down in the cache how a content is used", { content: id, code })
  )
