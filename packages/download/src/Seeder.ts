/**
 * Serves what the cache holds, for as long as its scope is open: lets peers in, whatever they want of it, tells the local
 * network of all of it, and looks at the cache again from time to time, so that what other processes fetched is served as
 * well. The service is told of what was fetched or asked for within the hour, and of so many others as have a slot, which
 * take turns (`Turns`). While the device may not have peers nothing is served.
 */
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import { PieceCache } from "@piecework/cache/PieceCache"
import type { CacheError } from "@piecework/cache/CacheError"
import { Cloud } from "@piecework/cloud/Cloud"
import type { ContentId } from "@piecework/domain/Content"
import { PeerHost } from "@piecework/peers/PeerHost"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import type { Scope as SwarmScope } from "@piecework/cloud/Fields"
import { Clock, Context, type Duration, Effect, FiberMap, Layer, Option, Schedule, type Scope, Semaphore } from "effect"
import { Activity } from "./Activity.ts"
import { DownloadConfig } from "./DownloadConfig.ts"
import * as Halts from "./Halts.ts"
import * as Neighbours from "./Neighbours.ts"
import * as Reach from "./Reach.ts"
import * as Permission from "./Permission.ts"
import { Records } from "./Records.ts"
import * as Serving from "./Serving.ts"
import * as Switched from "./Switched.ts"
import * as Turns from "./Turns.ts"

export interface SeededContent {
  readonly contentId: ContentId
  readonly contentSize: number
  readonly heldBytes: number
  /** Peers connected now. */
  readonly peers: number
  /** Content bytes sent since the seeder started. */
  readonly sent: number
  readonly offer: Offer
}

/**
 * Whether the service is told of a content: because somebody asked for it or it was fetched within the hour, because it is
 * its turn, or not yet. `until`: about when its next turn begins, or when this one may be over because others wait; epoch
 * milliseconds.
 */
export interface Offer {
  readonly why: "Asked" | "Turn" | "Waiting"
  readonly until: number | undefined
}

export interface Seeding {
  readonly contents: () => ReadonlyArray<SeededContent>
  /** Looks at the cache now: what is gone is served no more, and its files are let go. */
  readonly look: Effect.Effect<void, CacheError>
}

export interface SeederOptions {
  readonly scope: SwarmScope
  /** How often the cache is looked at. Default 10 s. */
  readonly rescan?: Duration.Input | undefined
}

export class Seeder extends Context.Service<
  Seeder,
  {
    /** Fails when the cache cannot be read at the start; later failures are logged and looked at again. */
    readonly start: (options: SeederOptions) => Effect.Effect<Seeding, CacheError, Scope.Scope>
  }
>()("@piecework/download/Seeder") {
  /** A `Cloud` in the context is told what is served, and a `Lan`; without them only peers that know us find it. */
  static readonly layer: Layer.Layer<Seeder, never, DownloadConfig | PeerHost | PieceCache | Records> = Layer.effect(
    Seeder,
    Effect.gen(function* () {
      // These alone: the scope of the layer must not take the place of the caller's.
      const needs = Context.pick(DownloadConfig, PeerHost, PieceCache, Records)
      const given = needs(yield* Effect.context<DownloadConfig | PeerHost | PieceCache | Records>())
      const context = Context.add(given, LivePolicy, yield* LivePolicy).pipe(
        Context.add(Permission.Permission, yield* Permission.Permission),
        Context.add(Activity, yield* Activity)
      )
      const cloud = yield* Effect.serviceOption(Cloud)
      const neighbourly = yield* Neighbours.known
      const halts = yield* Halts.make(cloud)
      const keeper = yield* Effect.serviceOption(CacheKeeper)
      const hold = (id: ContentId) => (Option.isSome(keeper) ? keeper.value.hold(id) : Effect.void)
      return Seeder.of({
        start: (options) => neighbourly(Effect.provide(start(options, { cloud, halts, hold }), context))
      })
    })
  )
}

/** How long somebody's wish for a content counts, and how long a turn lasts, in milliseconds. */
const lately = 3_600_000
const span = 300_000

const isAsked = ({ askedAt, sessions }: Serving.Ledger, now: number): boolean =>
  sessions.size > 0 || now - askedAt < lately

const start = Effect.fn("Seeder.start")(function* (
  options: SeederOptions,
  given: Pick<Serving.Around, "cloud" | "halts" | "hold">
) {
  const cache = yield* PieceCache
  const serving = yield* FiberMap.make<ContentId, void>()
  const entries = new Map<ContentId, Serving.Entry>()
  const ledgers = new Map<ContentId, Serving.Ledger>()
  const clock = yield* Clock.Clock
  const policy = yield* LivePolicy
  const records = yield* Effect.orElseSucceed(
    Effect.map((yield* Records).list, (listing) => listing.records),
    () => []
  )
  const fetched = new Map(
    records.map(({ completedAt, contentId }) => [contentId, completedAt ?? Number.NEGATIVE_INFINITY])
  )
  let turns = Turns.none
  let isFirst = true

  const rules = (): Turns.Rules => ({ slots: policy.current().get("ContentSlots"), span })

  /** Who is offered now. */
  const review = () => {
    const now = clock.currentTimeMillisUnsafe()
    const idle = [...entries].flatMap(([id, { ledger }]) => (isAsked(ledger, now) ? [] : [id]))
    turns = Turns.next(turns, idle, rules(), now)
    const waiting = new Set(turns.waiting)
    for (const [id, { offer }] of entries) offer.turn(!waiting.has(id))
  }
  yield* policy.onChange(review)
  const around: Serving.Around = { ...given, scope: options.scope, reach: Reach.make(), onAsked: review }

  const offerOf = (id: ContentId, ledger: Serving.Ledger): Offer => {
    const now = clock.currentTimeMillisUnsafe()
    const active = turns.active.find((one) => one.id === id)
    if (active !== undefined) return { why: "Turn", until: turns.waiting.length > 0 ? active.until : undefined }
    return isAsked(ledger, now)
      ? { why: "Asked", until: undefined }
      : { why: "Waiting", until: Turns.beginsAt(turns, id, rules(), now) }
  }

  const rescan = Effect.gen(function* () {
    const contents = new Map((yield* cache.list).map((content) => [content.contentId, content]))
    for (const [id, entry] of entries) {
      const isThere = entry.store === undefined || (yield* entry.store.isThere)
      if (isThere && contents.get(id)?.heldPieces === entry.claimed) continue
      yield* FiberMap.remove(serving, id)
      entries.delete(id)
    }
    for (const id of ledgers.keys()) if (!contents.has(id)) ledgers.delete(id)
    for (const [id, content] of contents) {
      if (entries.has(id) || content.heldPieces === 0) continue
      const ledger = ledgers.get(id) ?? (yield* Serving.makeLedger(id))
      ledgers.set(id, ledger)
      const now = clock.currentTimeMillisUnsafe()
      // What comes while this runs was just fetched by somebody on this device.
      const fetchedAt = isFirst ? (fetched.get(id) ?? Number.NEGATIVE_INFINITY) : now
      ledger.askedAt = Math.max(ledger.askedAt, Math.min(fetchedAt, now))
      const entry: Serving.Entry = {
        claimed: content.heldPieces,
        content,
        ledger,
        offer: Switched.make(false),
        store: undefined
      }
      entries.set(id, entry)
      // One that could not be served is tried again at the next look.
      const forget = Effect.sync(() => entries.get(id) === entry && entries.delete(id))
      yield* FiberMap.run(serving, id, Effect.ensuring(Serving.serveUnlessHalted(entry, around), forget))
    }
    isFirst = false
    review()
  })

  /** Two at a time would start a content twice. */
  const turn = Semaphore.makeUnsafe(1)
  const needs = yield* Effect.context<DownloadConfig | PeerHost | PieceCache | Records>()
  const look = Effect.provide(turn.withPermit(rescan), needs)
  yield* look
  yield* look.pipe(
    Effect.catch((error) => Effect.logWarning(error)),
    Effect.repeat(Schedule.spaced(options.rescan ?? "10 seconds")),
    Effect.delay(options.rescan ?? "10 seconds"),
    Effect.forkScoped
  )
  return {
    look,
    contents: () =>
      [...entries.values()].map((entry) => ({
        contentId: entry.content.contentId,
        contentSize: entry.content.contentSize,
        heldBytes: entry.content.heldBytes,
        peers: entry.ledger.sessions.size,
        sent: Serving.sentBy(entry.ledger),
        offer: offerOf(entry.content.contentId, entry.ledger)
      }))
  }
})
