/**
 * This device among the peers: listens, dials, and lets in only whom it shares a content with. A connection about an
 * unknown swarm gets no byte of an answer. Source: spec.md §6, F085–F090.
 */
import { randomBytes } from "node:crypto"
import type { StoredContent } from "@piecework/cache/StoredContent"
import { type Digest, toHex } from "@piecework/domain/Digest"
import {
  deviceOf,
  idFromBytes,
  idLength,
  type Peer,
  type PeerAddress,
  type PeerId,
  type PeerKind
} from "@piecework/domain/Peer"
import { BufferPool } from "@piecework/hashing/BufferPool"
import type { Phf } from "@piecework/hashing/Phf"
import * as Journal from "@piecework/logs/Journal"
import type { Priority } from "@piecework/policy/Facts"
import { Shaper } from "@piecework/shaping/Shaper"
import type { ByteStream, TransportError } from "@piecework/transport/ByteStream"
import * as Spans from "@piecework/telemetry/Spans"
import { Transport } from "@piecework/transport/Transport"
import { Handshake } from "@piecework/wire"
import { Clock, Context, Deferred, Effect, Exit, Fiber, FiberSet, Layer, Result, type Scope } from "effect"
import { Bans } from "./Bans.ts"
import { farther, kindOfAddress } from "./internal/kindOfAddress.ts"
import { Registry, type Slot } from "./internal/Registry.ts"
import { Session } from "./internal/Session.ts"
import { UploadSlots } from "./internal/UploadSlots.ts"
import { PeerConfig } from "./PeerConfig.ts"
import { PeerError } from "./PeerError.ts"
import type { PeerSession } from "./PeerSession.ts"
import { UploadGate } from "./UploadGate.ts"

/** A content that this device exchanges with peers. */
export interface Served {
  readonly phf: Phf
  readonly store: StoredContent
  /** Is given every session that a peer dialled and runs as long as it, unless it ends before. */
  readonly onSession: (session: PeerSession) => Effect.Effect<void>
  /**
   * How near a peer is that dialled, if that is known. Of others the address says it, `Lan` for private, link-local and
   * loopback ones, else `Internet`; and the peer itself, which is believed only where it says that it is farther.
   */
  readonly kindOf?: ((peer: PeerId) => PeerKind | undefined) | undefined
  /** What the download is that fetches from peers; default one that a person waits for. */
  readonly priority?: Priority | undefined
}

export class PeerHost extends Context.Service<
  PeerHost,
  {
    readonly self: PeerId
    /** Where we listen. */
    readonly address: PeerAddress
    /** Lets peers in that want this content, until the scope closes; their sessions end with it. */
    readonly serve: (served: Served) => Effect.Effect<void, never, Scope.Scope>
    /**
     * Dials a peer. The session ends with the scope. Whoever answers for the swarm is taken: `session.peer` says who.
     * Fails with `Duplicate` also when the peer dialled at the same time and its connection stayed: `onSession` has it.
     */
    readonly connect: (peer: Peer, served: Served) => Effect.Effect<PeerSession, PeerError, Scope.Scope>
  }
>()("@piecework/peers/PeerHost") {
  /** Fails when it cannot listen. */
  static readonly layer: Layer.Layer<PeerHost, TransportError, Transport | BufferPool | PeerConfig | Bans> =
    Layer.effect(
      PeerHost,
      Effect.suspend(() => make)
    )
}

/** A content that is served, with the sessions about it that peers dialled. */
interface Swarm {
  readonly served: Served
  readonly sessions: FiberSet.FiberSet<void, never>
}

/** A defect is a bug of ours, and nobody joins the fiber of a session: it must not go unseen. */
const report = (defect: unknown) => Effect.logError("A session with a peer failed.", defect)

/** Whoever dialled hears nothing of why, so that nobody learns from it what is here. */
const turnedAway = (stream: ByteStream, reason: PeerError["reason"], peer?: PeerId) =>
  Journal.verbose(() => ["A peer was turned away.", { address: stream.remote.toString(), reason, peer }])

const make = Effect.gen(function* () {
  const config = yield* PeerConfig
  const transport = yield* Transport
  const pool = yield* BufferPool
  const bans = yield* Bans
  const shaper = yield* Shaper
  const clock = yield* Clock.Clock
  const self = config.self ?? idFromBytes(randomBytes(idLength))
  const registry = new Registry(self, config.maxConnections)
  const gate = yield* UploadGate
  const slots = new UploadSlots(config.uploadSlots, gate.isOpen)
  yield* gate.onChange(() => slots.review())
  /** By hash of hashes; who came last is asked first. */
  const swarms = new Map<string, ReadonlyArray<Swarm>>()
  let handshakes = 0
  const looksFrom = yield* Clock.currentTimeMillis

  const session = (
    stream: ByteStream,
    served: Served,
    from: Pick<PeerSession, "peer" | "address" | "kind" | "incoming">
  ) => new Session({ ...from, stream, served, config, pool, bans, slots, gate, shaper, clock, looksFrom })

  /** Runs a session, and tells what the peer was served in it as a part of the trace that the peer is in, if it says so. */
  const tellServed = <A, E, R>(opened: Session, run: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const since = clock.currentTimeNanosUnsafe()
      const tell = Effect.suspend(() => {
        const parent = opened.traced()
        if (parent === undefined) return Effect.void
        const attributes = {
          "piecework.peer.kind": opened.kind,
          "piecework.peer.incoming": opened.incoming,
          "piecework.bytes.sent": opened.counters().sent
        }
        return Spans.past(Spans.names.peerServed, { kind: "server", parent, attributes }, since)
      })
      return Effect.ensuring(run, tell)
    })

  const hello = (swarm: Digest, kind?: PeerKind) => [Handshake.encode({ swarm, peer: self, kind })]

  /** Waits for the other side's handshake: "Nothing" when it ended without a byte. */
  const readHello = Effect.fnUntraced(function* (stream: ByteStream) {
    const bytes = new Uint8Array(Handshake.byteLength)
    const length = yield* stream.fill(bytes)
    return length === 0 ? "Nothing" : Handshake.decode(bytes.subarray(0, length))
  })

  /** A connection that we dial, from the first packet to the end of its session. `ready` is told. */
  const dialled = (peer: Peer, served: Served, ready: Deferred.Deferred<PeerSession, PeerError>) => {
    const swarm = served.phf.hashOfHashes
    const address = peer.address.toString()
    const refuse = (reason: PeerError["reason"], cause?: unknown) =>
      new PeerError({ peer: peer.id, address, reason, cause })
    const late = Effect.suspend(() => refuse("TimedOut"))
    let slot: Slot | undefined

    const shake = Effect.fnUntraced(function* (place: Slot) {
      const stream = yield* transport
        .dial({ host: peer.address.host, port: peer.address.port, timeout: config.dialTimeout })
        .pipe(Effect.mapError((cause) => refuse(cause.reason === "TimedOut" ? "TimedOut" : "Unreachable", cause)))
      place.stage = "Shaking"
      const answer = yield* stream.write(hello(swarm, peer.kind)).pipe(
        Effect.andThen(readHello(stream)),
        Effect.mapError((cause) => refuse("Closed", cause)),
        Effect.timeoutOrElse({ duration: config.handshakeTimeout, orElse: () => late })
      )
      if (answer === "Nothing") return yield* refuse("Closed")
      if (Result.isFailure(answer)) return yield* refuse("BadHandshake", answer.failure)
      if (toHex(answer.success.swarm) !== toHex(swarm)) return yield* refuse("UnknownSwarm")
      return { stream, who: answer.success.peer }
    })

    return Effect.gen(function* () {
      if (peer.id === self) return yield* refuse("Self")
      if (yield* bans.isBanned({ device: deviceOf(peer.id), host: peer.address.host })) return yield* refuse("Banned")
      const place = registry.dial(swarm, peer.id)
      if (typeof place === "string") return yield* refuse(place)
      slot = place
      const { stream, who } = yield* Effect.raceFirst(
        shake(place),
        Effect.andThen(
          Deferred.await(place.overtaken),
          Effect.suspend(() => refuse("Duplicate"))
        )
      )
      if (who === self) return yield* refuse("Self")
      if (yield* bans.isBanned({ device: deviceOf(who) })) return yield* refuse("Banned")
      if (!registry.open(place, who)) return yield* refuse("Duplicate")
      const opened = session(stream, served, { peer: who, address: peer.address, kind: peer.kind, incoming: false })
      yield* tellServed(opened, opened.run(Deferred.succeed(ready, opened)))
    }).pipe(
      Effect.scoped,
      Effect.ensuring(Effect.sync(() => slot !== undefined && registry.remove(slot))),
      Effect.tapDefect(report),
      Effect.onExit((exit) => (Exit.isFailure(exit) ? Deferred.failCause(ready, exit.cause) : Effect.void))
    )
  }

  const connect = Effect.fnUntraced(function* (peer: Peer, served: Served) {
    const ready = yield* Deferred.make<PeerSession, PeerError>()
    const fiber = yield* Effect.forkScoped(dialled(peer, served, ready))
    return yield* Deferred.await(ready).pipe(Effect.onInterrupt(() => Fiber.interrupt(fiber)))
  })

  /** A session that a peer dialled and that is not refused any more. */
  const welcomed = (stream: ByteStream, served: Served, { kind: said, peer }: Handshake.Handshake) =>
    Effect.gen(function* () {
      yield* stream.write(hello(served.phf.hashOfHashes))
      const address = stream.remote
      const kind =
        served.kindOf?.(peer) ?? farther(config.isNear(address.host) ? "Lan" : kindOfAddress(address.host), said)
      const opened = session(stream, served, { peer, address, kind, incoming: true })
      const run = Effect.raceFirst(opened.run(Effect.void), Effect.andThen(served.onSession(opened), Effect.never))
      yield* tellServed(opened, run)
    }).pipe(
      // The connection broke before the session began: there is nobody left to tell.
      Effect.catchTag("TransportError", () => Effect.void),
      Effect.tapDefect(report)
    )

  /** The handshake of a peer that dialled, once it is one that is let in. */
  const admitted = Effect.fnUntraced(
    function* (stream: ByteStream) {
      const greeting = yield* Effect.timeoutOption(readHello(stream), config.handshakeTimeout)
      if (greeting._tag === "None" || greeting.value === "Nothing" || Result.isFailure(greeting.value)) return undefined
      return greeting.value.success
    },
    Effect.catchTag("TransportError", () => Effect.void)
  )

  const accepted = (stream: ByteStream) => {
    let slot: Slot | undefined
    let counted = false
    const shaken = () => {
      if (counted) handshakes--
      counted = false
    }
    return Effect.gen(function* () {
      if (handshakes >= config.maxHandshakes) return
      if (yield* bans.isBanned({ host: stream.remote.host })) return yield* turnedAway(stream, "Banned")
      handshakes++
      counted = true
      const greeting = yield* admitted(stream)
      if (greeting === undefined) return
      const { peer, swarm } = greeting
      const serving = swarms.get(toHex(swarm))?.at(-1)
      if (serving === undefined) return yield* turnedAway(stream, "UnknownSwarm", peer)
      if (yield* bans.isBanned({ device: deviceOf(peer) })) return yield* turnedAway(stream, "Banned", peer)
      // The answer tells the dialler whom it has reached.
      if (peer === self) return yield* Effect.ignore(stream.write(hello(swarm)))
      while (slot === undefined) {
        const place = registry.admit(swarm, peer)
        if (typeof place === "string") return yield* turnedAway(stream, place, peer)
        if ("wait" in place) yield* place.wait
        else slot = place
      }
      shaken()
      const fiber = yield* FiberSet.run(serving.sessions, welcomed(stream, serving.served, greeting))
      yield* Fiber.await(fiber).pipe(Effect.onInterrupt(() => Fiber.interrupt(fiber)))
    }).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          shaken()
          if (slot !== undefined) registry.remove(slot)
        })
      )
    )
  }

  const serve = Effect.fnUntraced(function* (served: Served) {
    const key = toHex(served.phf.hashOfHashes)
    const swarm: Swarm = { served, sessions: yield* FiberSet.make<void, never>() }
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        swarms.set(key, [...(swarms.get(key) ?? []), swarm])
      }),
      () =>
        Effect.sync(() => {
          const rest = (swarms.get(key) ?? []).filter((other) => other !== swarm)
          if (rest.length === 0) swarms.delete(key)
          else swarms.set(key, rest)
        })
    )
  })

  yield* Effect.sleep(config.rotateEvery).pipe(
    Effect.andThen(Effect.sync(() => slots.rotate())),
    Effect.forever,
    Effect.forkScoped
  )
  const address = yield* transport.listen(
    { host: config.host, port: config.port, maxConnections: config.maxConnections + config.maxHandshakes },
    accepted
  )
  return PeerHost.of({ self, address, serve, connect })
})
