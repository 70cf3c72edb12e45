/**
 * Serves what the cache holds, for as long as its scope is open: lets peers in, whatever they want of it, tells the local
 * network of all of it, and looks at the cache again from time to time, so that what other processes fetched is served as
 * well. The service is told of what was fetched or asked for within the hour, and of so many others as have a slot, which
 * take turns (`Turns`). While the device may not have peers nothing is served.
 */
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import { type CachedContent, PieceCache } from "@piecework/cache/PieceCache"
import type { CacheError } from "@piecework/cache/CacheError"
import type { StoredContent } from "@piecework/cache/StoredContent"
import { Cloud } from "@piecework/cloud/Cloud"
import type { ContentId } from "@piecework/domain/Content"
import { PeerAddress } from "@piecework/domain/Peer"
import * as Bitfield from "@piecework/domain/Bitfield"
import { PeerHost } from "@piecework/peers/PeerHost"
import type { PeerSession } from "@piecework/peers/PeerSession"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import type { Scope as SwarmScope } from "@piecework/cloud/Fields"
import { Clock, Context, type Duration, Effect, FiberMap, Layer, Option, Schedule, type Scope, Semaphore } from "effect"
import { DownloadConfig } from "./DownloadConfig.ts"
import * as Halts from "./Halts.ts"
import * as Membership from "./Membership.ts"
import * as Neighbours from "./Neighbours.ts"
import * as Noting from "./Noting.ts"
import * as Reach from "./Reach.ts"
import * as Permission from "./Permission.ts"
import { Records } from "./Records.ts"
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
        Context.add(Permission.Permission, yield* Permission.Permission)
      )
      const cloud = yield* Effect.serviceOption(Cloud)
      const neighbourly = yield* Neighbours.known
      const halts = yield* Halts.make(cloud)
      const keeper = yield* Effect.serviceOption(CacheKeeper)
      const hold = (id: ContentId) => (Option.isSome(keeper) ? keeper.value.hold(id) : Effect.void)
      return Seeder.of({ start: (options) => neighbourly(Effect.provide(start(options, cloud, halts, hold), context)) })
    })
  )
}

/** What peers got of one content since the seeder started, however often it was opened anew. */
interface Ledger {
  readonly sessions: Set<PeerSession>
  /** Bytes sent by sessions that ended. */
  sent: number
  /** When somebody last wanted it, epoch milliseconds. */
  askedAt: number
  readonly noting: Noting.Noting
}

/** Says that a content is being served, as long as the scope lasts. */
type Hold = (id: ContentId) => Effect.Effect<void, never, Scope.Scope>

/** One content while it is served. */
interface Entry {
  /** What the cache's record said when it was opened; another number means that somebody else added to it. */
  readonly claimed: number
  readonly content: CachedContent
  readonly ledger: Ledger
  /** Once it is open. */
  store: StoredContent | undefined
  /** On while the service is told of it. */
  readonly offer: ReturnType<typeof Switched.make>
}

/** How long somebody's wish for a content counts, and how long a turn lasts, in milliseconds. */
const lately = 3_600_000
const span = 300_000

const sentBy = (ledger: Ledger): number =>
  [...ledger.sessions].reduce((sum, session) => sum + session.counters().sent, ledger.sent)

const makeLedger = Effect.fnUntraced(function* (contentId: ContentId): Effect.fn.Return<Ledger, never, Records> {
  const noting = yield* Noting.make(contentId, () => sentBy(ledger))
  const ledger: Ledger = { sessions: new Set(), sent: 0, askedAt: Number.NEGATIVE_INFINITY, noting }
  return ledger
})

const start = Effect.fn("Seeder.start")(function* (
  options: SeederOptions,
  cloud: Option.Option<Cloud["Service"]>,
  halts: Halts.Halts,
  hold: Hold
) {
  const cache = yield* PieceCache
  const serving = yield* FiberMap.make<ContentId, void>()
  const entries = new Map<ContentId, Entry>()
  const ledgers = new Map<ContentId, Ledger>()
  const reach = Reach.make()
  const clock = yield* Clock.Clock
  const policy = yield* LivePolicy
  const records = yield* Effect.orElseSucceed((yield* Records).list, () => ({ records: [] }))
  const fetched = new Map(records.records.map((record) => [record.contentId, record.completedAt]))
  let turns = Turns.none
  let isFirst = true

  const rules = (): Turns.Rules => ({ slots: policy.current().get("ContentSlots"), span })
  const isAsked = ({ askedAt, sessions }: Ledger, now: number) => sessions.size > 0 || now - askedAt < lately

  /** Who is offered now. */
  const review = () => {
    const now = clock.currentTimeMillisUnsafe()
    const idle = [...entries].flatMap(([id, { ledger }]) => (isAsked(ledger, now) ? [] : [id]))
    turns = Turns.next(turns, idle, rules(), now)
    const waiting = new Set(turns.waiting)
    for (const [id, { offer }] of entries) offer.turn(!waiting.has(id))
  }
  yield* policy.onChange(review)

  const offerOf = (id: ContentId, ledger: Ledger): Offer => {
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
      const ledger = ledgers.get(id) ?? (yield* makeLedger(id))
      ledgers.set(id, ledger)
      const now = clock.currentTimeMillisUnsafe()
      // What comes while this runs was just fetched by somebody on this device.
      const fetchedAt = isFirst ? (fetched.get(id) ?? Number.NEGATIVE_INFINITY) : now
      ledger.askedAt = Math.max(ledger.askedAt, Math.min(fetchedAt, now))
      const entry: Entry = {
        claimed: content.heldPieces,
        content,
        ledger,
        offer: Switched.make(false),
        store: undefined
      }
      entries.set(id, entry)
      // One that could not be served is tried again at the next look.
      const forget = Effect.sync(() => entries.get(id) === entry && entries.delete(id))
      yield* FiberMap.run(
        serving,
        id,
        Effect.ensuring(serveUnlessHalted(entry, options.scope, cloud, reach, halts, review, hold), forget)
      )
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
    Effect.catch((error) => Effect.logWarning(error.message)),
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
        sent: sentBy(entry.ledger),
        offer: offerOf(entry.content.contentId, entry.ledger)
      }))
  }
})

/** Serves, but not while the service has halted the content; ends when the content cannot be served. */
const serveUnlessHalted = Effect.fnUntraced(function* (
  entry: Entry,
  scope: SwarmScope,
  cloud: Option.Option<Cloud["Service"]>,
  reach: Reach.Reach,
  halts: Halts.Halts,
  onAsked: () => void,
  hold: Hold
) {
  const { content, ledger } = entry
  const { contentId } = content
  const say = (text: string) => Effect.annotateLogs(Effect.logWarning(text), { content: contentId })
  while (true) {
    const isHalted = yield* Effect.raceFirst(
      Effect.as(serve(entry, scope, cloud, reach, halts, onAsked, hold), false),
      Effect.as(
        halts.halted(contentId, () => ledger.sessions.size > 0),
        true
      )
    )
    if (!isHalted) return
    yield* say("The service has halted a content; it is served no more.")
    yield* halts.resumed(contentId)
    yield* say("The service has resumed a content; it is served again.")
  }
})

/** Goes on until it is interrupted; ends when the content cannot be served. */
const serve = Effect.fnUntraced(
  function* (
    entry: Entry,
    scope: SwarmScope,
    cloud: Option.Option<Cloud["Service"]>,
    reach: Reach.Reach,
    halts: Halts.Halts,
    onAsked: () => void,
    hold: Hold
  ) {
    const permission = yield* Permission.Permission
    const cache = yield* PieceCache
    const host = yield* PeerHost
    const config = yield* DownloadConfig
    const { content, ledger } = entry
    const { contentId } = content
    const phf = yield* cache.load(contentId)
    // Its hashes are damaged: nothing can be served until somebody fetches them again.
    if (Option.isNone(phf)) return
    const store = yield* cache.open(phf.value)
    entry.store = store

    // Before the sessions, so that the last note is made when they are over.
    yield* Noting.keepUp(ledger.noting)
    const member = {
      self: host.self,
      address: new PeerAddress({ host: config.reportedHost ?? host.address.host, port: host.address.port }),
      scope,
      groupId: config.groupId,
      profile: config.profile,
      subnetMask: config.reportedMask
    }
    const joined: Effect.Effect<void, never, Scope.Scope> = Option.match(cloud, {
      onNone: () => Effect.void,
      onSome: (service) =>
        Effect.gen(function* () {
          yield* Effect.addFinalizer(() => reach.over(contentId))
          yield* Membership.join({
            ...member,
            contentId,
            url: undefined,
            isOfSubnet: config.peersFrom === "Subnet",
            peersWanted: 0,
            standing: Effect.sync(() => ({
              uploaded: sentBy(ledger),
              downloaded: 0,
              fromOrigin: 0,
              fromCache: 0,
              left: missing(store.held(), content)
            })),
            permission,
            onHandout: () => Effect.void,
            onAttempt: (failure) =>
              Effect.andThen(reach.attempted(contentId, failure), halts.answered(contentId, failure))
          })
        }).pipe(Effect.provideService(Cloud, service))
    })
    const onSession = (session: PeerSession) => attend(ledger, session, onAsked, hold(contentId))
    const served = Effect.gen(function* () {
      yield* host.serve({ phf: phf.value, store, onSession })
      yield* Neighbours.meet({ ...member, swarm: phf.value.hashOfHashes })
      yield* Switched.run(entry.offer, joined)
    })
    yield* Switched.run(Permission.mayPeer(permission), served)
    return yield* Effect.never
  },
  Effect.scoped,
  (effect, { content: { contentId } }) =>
    Effect.catchTag(effect, "CacheError", (error) =>
      Effect.logWarning(error.message).pipe(Effect.annotateLogs({ content: contentId }))
    )
)

/** Runs as long as the session. */
const attend = (
  ledger: Ledger,
  session: PeerSession,
  onAsked: () => void,
  held: Effect.Effect<void, never, Scope.Scope>
): Effect.Effect<void> =>
  Effect.gen(function* () {
    ledger.sessions.add(session)
    onAsked()
    yield* held
    yield* session.closed
  }).pipe(
    Effect.scoped,
    Effect.ensuring(
      Effect.map(Clock.currentTimeMillis, (now) => {
        ledger.sessions.delete(session)
        ledger.sent += session.counters().sent
        ledger.askedAt = now
      })
    )
  )

/** Bytes of the content that are not held. */
const missing = (held: Bitfield.Bitfield, content: CachedContent): number =>
  Bitfield.isFull(held) ? 0 : Math.max(1, content.contentSize - content.heldBytes)
