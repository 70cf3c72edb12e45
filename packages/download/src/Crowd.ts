/**
 * The peers of one download: dials those that the swarm hands out, takes in those that dial us, and tells the download
 * what each of them holds. Invariant: a peer is dialled at most once at a time and not again before its time, and at most
 * `maxPeers` are dialled or connected by us.
 */
import { deviceOf, type Peer, type PeerId, type PeerKind } from "@piecework/domain/Peer"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { PeerError } from "@piecework/peers/PeerError"
import { PeerHost, type Served } from "@piecework/peers/PeerHost"
import type { PeerSession } from "@piecework/peers/PeerSession"
import * as Spans from "@piecework/telemetry/Spans"
import { Clock, Effect, FiberMap, type Scope, type Tracer } from "effect"
import { CurrentLedger } from "./CurrentLedger.ts"

/** With a span, of which the peer is told by whoever is inside. */
const told = (session: PeerSession, parent: Tracer.AnySpan) =>
  Spans.within(Spans.names.peerSession, {
    kind: "client",
    parent,
    attributes: {
      "piecework.peer.kind": session.kind,
      "piecework.peer.incoming": session.incoming,
      "network.peer.address": session.address.host,
      "network.peer.port": session.address.port
    },
    atEnd: () => {
      const { received, sent, wasted } = session.counters()
      return { "piecework.bytes.received": received, "piecework.bytes.sent": sent, "piecework.bytes.wasted": wasted }
    }
  })

/** What a download hears of its peers: in order for one session, and in the middle of what the session does. */
export interface Listener {
  readonly joined: (session: PeerSession) => void
  /** There are events to take. */
  readonly told: (session: PeerSession) => void
  readonly left: (session: PeerSession, why: PeerError) => void
}

export interface Crowd {
  /** Dials those of the peers that are new, as far as there is room. */
  readonly meet: (peers: ReadonlyArray<Peer>) => Effect.Effect<void>
  /** Tells every peer that a piece is held. */
  readonly announce: (piece: PieceIndex) => void
  /** Ends the sessions with the peer's device. */
  readonly dismiss: (peer: PeerId) => Effect.Effect<void>
  readonly sessions: () => Iterable<PeerSession>
  /** Dials that have not ended in a session or a failure yet. */
  readonly dialling: () => number
  /** Peers that were dialled twice lately without anybody of this swarm answering, the latest first. */
  readonly unreachable: Effect.Effect<ReadonlyArray<PeerId>>
}

/** A peer that could not be reached is left alone for this long, twice as long after each further failure, in ms. */
const shortestRest = 2_000
const longestRest = 120_000
/** What a dial failed with that may not be so for others, or not in a moment; each once more, and it looks as if it lasts. */
const unanswered: ReadonlySet<PeerError["reason"]> = new Set([
  "Unreachable",
  "TimedOut",
  "BadHandshake",
  "UnknownSwarm"
])
const dialsUntilUnreachable = 2
/** A failed dial says nothing about a peer any more after this long, in ms. */
const lately = 300_000
/** Peers that are remembered after they were handed out, so that a long life does not fill the memory. */
const remembered = 4_096

/** Of dials to one peer, in a row. */
interface Failure {
  readonly count: number
  /** Epoch milliseconds before which it is not dialled again. */
  readonly until: number
  readonly at: number
  /** Of these, the latest that nobody of this swarm answered. */
  readonly dialsUnanswered: number
}

export const make = Effect.fn("Crowd.make")(function* (options: {
  readonly served: Omit<Served, "onSession" | "kindOf">
  readonly maxPeers: number
  readonly listener: Listener
}): Effect.fn.Return<Crowd, never, PeerHost | Scope.Scope> {
  const host = yield* PeerHost
  const ledger = yield* CurrentLedger
  const dials = yield* FiberMap.make<PeerId, void>()
  const sessions = new Map<PeerSession["id"], PeerSession>()
  const kinds = new Map<PeerId, PeerKind>()
  const failures = new Map<PeerId, Failure>()
  let dialling = 0
  /** Sessions that a peer dialled begin elsewhere, and are of this download all the same. */
  const inside = yield* Spans.current

  /** Runs as long as the session. */
  const attend = (session: PeerSession): Effect.Effect<void> =>
    inside === undefined ? attending(session) : told(session, inside)(attending(session))

  const attending = (session: PeerSession): Effect.Effect<void> =>
    Effect.gen(function* () {
      const place = yield* Spans.context
      if (place !== undefined) session.trace(place)
      sessions.set(session.id, session)
      // Whoever dials us is there.
      failures.delete(session.peer)
      options.listener.joined(session)
      session.listen(() => options.listener.told(session))
      options.listener.left(session, yield* session.closed)
    }).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          // Another session with the same peer may have taken its place.
          if (sessions.get(session.id) === session) sessions.delete(session.id)
        })
      )
    )

  const served: Served = {
    ...options.served,
    onSession: attend,
    kindOf: (peer) => kinds.get(peer)
  }
  yield* host.serve(served)

  const rest = Effect.fnUntraced(function* (peer: PeerId, reason: PeerError["reason"]) {
    const now = yield* Clock.currentTimeMillis
    const before = failures.get(peer)
    const count = before?.count ?? 0
    const until = now + Math.min(longestRest, shortestRest * 2 ** count)
    const dialsUnanswered = unanswered.has(reason) ? (before?.dialsUnanswered ?? 0) + 1 : 0
    // The latest stands last.
    failures.delete(peer)
    failures.set(peer, { count: count + 1, until, at: now, dialsUnanswered })
  })

  const dial = (peer: Peer): Effect.Effect<void> =>
    Effect.gen(function* () {
      dialling++
      ledger.dialled(peer.id)
      const session = yield* host.connect(peer, served).pipe(Effect.ensuring(Effect.sync(() => dialling--)))
      failures.delete(peer.id)
      yield* attend(session)
    }).pipe(
      Effect.scoped,
      Effect.catchTag("PeerError", (error) => {
        ledger.refused(peer.id, error.reason)
        return Effect.andThen(Effect.logDebug("peer not connected", error), rest(peer.id, error.reason))
      })
    )

  return {
    meet: Effect.fnUntraced(function* (peers) {
      const now = yield* Clock.currentTimeMillis
      const connected = new Set([...sessions.values()].map((session) => session.peer))
      if (kinds.size > remembered) kinds.clear()
      if (failures.size > remembered) failures.clear()
      for (const peer of peers) kinds.set(peer.id, peer.kind)
      for (const peer of peers) {
        if ((yield* FiberMap.size(dials)) >= options.maxPeers) return
        const waits = (failures.get(peer.id)?.until ?? 0) > now
        if (peer.id === host.self || connected.has(peer.id) || waits) continue
        yield* FiberMap.run(dials, peer.id, dial(peer), { onlyIfMissing: true })
      }
    }),
    announce: (piece) => {
      for (const session of sessions.values()) session.announce(piece)
    },
    dismiss: (peer) =>
      Effect.forEach(
        [...sessions.values()].filter((session) => deviceOf(session.peer) === deviceOf(peer)),
        (session) => session.close,
        { discard: true }
      ),
    sessions: () => sessions.values(),
    dialling: () => dialling,
    unreachable: Effect.map(Clock.currentTimeMillis, (now) =>
      Array.from(failures)
        .filter(([, { at, dialsUnanswered }]) => dialsUnanswered >= dialsUntilUnreachable && now - at < lately)
        .map(([peer]) => peer)
        .toReversed()
    )
  }
})
