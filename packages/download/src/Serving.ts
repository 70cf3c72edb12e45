/**
 * Serves one content of the cache: lets peers in, tells the local network, and the service while it is this content's turn. Not
 * while the service has halted it, nor while the device may not have peers.
 */
import { type CachedContent, PieceCache } from "@piecework/cache/PieceCache"
import type { StoredContent } from "@piecework/cache/StoredContent"
import { Cloud } from "@piecework/cloud/Cloud"
import type { Scope as SwarmScope } from "@piecework/cloud/Fields"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { ContentId } from "@piecework/domain/Content"
import { PeerAddress, PeerKind } from "@piecework/domain/Peer"
import { PeerHost } from "@piecework/peers/PeerHost"
import type { PeerSession } from "@piecework/peers/PeerSession"
import { Clock, Effect, Option, type Scope } from "effect"
import { Activity } from "./Activity.ts"
import * as Connections from "./Connections.ts"
import { DownloadConfig } from "./DownloadConfig.ts"
import type * as Halts from "./Halts.ts"
import * as Membership from "./Membership.ts"
import * as Neighbours from "./Neighbours.ts"
import { type ByPeer, noPeers } from "./Meter.ts"
import * as Noting from "./Noting.ts"
import * as Passed from "./Passed.ts"
import * as Permission from "./Permission.ts"
import type * as Reach from "./Reach.ts"
import { Records } from "./Records.ts"
import * as Switched from "./Switched.ts"

/** What peers got of one content since the seeder started, however often it was opened anew. */
export interface Ledger {
  readonly sessions: Set<PeerSession>
  /** Bytes sent by sessions that ended, by kind of peer, and how many sessions there were. */
  readonly sent: { [K in PeerKind]: number }
  readonly met: { [K in PeerKind]: number }
  /** When somebody last wanted it, epoch milliseconds. */
  askedAt: number
  readonly noting: Noting.Noting
}

/** One content while it is served. */
export interface Entry {
  /** What the cache's record said when it was opened; another number means that somebody else added to it. */
  readonly claimed: number
  readonly content: CachedContent
  readonly ledger: Ledger
  /** Once it is open. */
  store: StoredContent | undefined
  /** On while the service is told of it. */
  readonly offer: ReturnType<typeof Switched.make>
}

/** What all that is served has in common. */
export interface Around {
  readonly scope: SwarmScope
  readonly cloud: Option.Option<Cloud["Service"]>
  readonly reach: Reach.Reach
  readonly halts: Halts.Halts
  /** Somebody wants the content. */
  readonly onAsked: () => void
  /** Says that a content is being served, as long as the scope lasts. */
  readonly hold: (id: ContentId) => Effect.Effect<void, never, Scope.Scope>
}

/** Bytes, by kind of peer. */
const sentTo = (ledger: Ledger): ByPeer => {
  const sum = { ...ledger.sent }
  for (const session of ledger.sessions) sum[session.kind] += session.counters().sent
  return sum
}

/** Bytes. */
export const sentBy = (ledger: Ledger): number => {
  const sum = sentTo(ledger)
  return PeerKind.literals.reduce((all, kind) => all + sum[kind], 0)
}

export const makeLedger = Effect.fnUntraced(function* (contentId: ContentId): Effect.fn.Return<Ledger, never, Records> {
  const records = yield* Records
  const noting = yield* Noting.make({
    passed: () => ({
      ...Passed.none,
      sentTo: sentTo(ledger),
      connections: { ...Passed.none.connections, ...ledger.met }
    }),
    add: (more) => records.add(contentId, more)
  })
  const ledger: Ledger = {
    sessions: new Set(),
    sent: { ...noPeers },
    met: { ...noPeers },
    askedAt: Number.NEGATIVE_INFINITY,
    noting
  }
  return ledger
})

/** Serves, but not while the service has halted the content; ends when the content cannot be served. */
export const serveUnlessHalted = Effect.fnUntraced(function* (entry: Entry, around: Around) {
  const { content, ledger } = entry
  const { contentId } = content
  const { halts } = around
  const say = (text: string) => Effect.annotateLogs(Effect.logWarning(text), { content: contentId })
  while (true) {
    const isHalted = yield* Effect.raceFirst(
      Effect.as(serve(entry, around), false),
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
  function* (entry: Entry, { cloud, halts, hold, onAsked, reach, scope }: Around) {
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
    const onSession = (session: PeerSession) => attend(contentId, ledger, session, onAsked, hold(contentId))
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
      Effect.logWarning(error).pipe(Effect.annotateLogs({ content: contentId }))
    )
)

/** Runs as long as the session. */
const attend = (
  contentId: ContentId,
  ledger: Ledger,
  session: PeerSession,
  onAsked: () => void,
  held: Effect.Effect<void, never, Scope.Scope>
): Effect.Effect<void> => {
  let why = "Closed"
  return Effect.gen(function* () {
    ledger.sessions.add(session)
    ledger.met[session.kind]++
    onAsked()
    yield* (yield* Activity).serve(contentId, session)
    yield* held
    const { reason, violation } = yield* session.closed
    why = violation ?? reason
  }).pipe(
    Effect.scoped,
    Effect.ensuring(
      Effect.map(Clock.currentTimeMillis, (now) => {
        ledger.sessions.delete(session)
        ledger.sent[session.kind] += session.counters().sent
        ledger.askedAt = now
      })
    ),
    Effect.ensuring(Effect.suspend(() => Connections.served(contentId, session, why)))
  )
}

/** Bytes of the content that are not held. */
const missing = (held: Bitfield.Bitfield, content: CachedContent): number =>
  Bitfield.isFull(held) ? 0 : Math.max(1, content.contentSize - content.heldBytes)
