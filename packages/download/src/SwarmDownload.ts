/**
 * Conducts the download of one content from its swarm: tells the scheduler what happens, and does what it decides.
 * Events wait in a queue and are taken one at a time, so the plan has one writer; fetches run in a fiber each, and what
 * they deliver is verified and kept in fibers of its own, so that a source never waits for a hash.
 */
import type { Lookup } from "@piecework/cloud/Cloud"
import { Cloud } from "@piecework/cloud/Cloud"
import { type StoredContent } from "@piecework/cache/StoredContent"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { type DownloadMode, usesPeers } from "@piecework/domain/DownloadMode"
import { deviceOf, PeerAddress, type PeerId } from "@piecework/domain/Peer"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { total } from "@piecework/domain/SourceKind"
import type { PieceBuffer } from "@piecework/hashing/BufferPool"
import { Bans } from "@piecework/peers/Bans"
import { PeerHost } from "@piecework/peers/PeerHost"
import type { PeerEvent, PeerSession } from "@piecework/peers/PeerSession"
import { type Command, type Event, Plan } from "@piecework/scheduler"
import { decide } from "@piecework/scheduler/Decide"
import type { Origin } from "@piecework/sources/Origin"
import type { PieceRun, PieceSource, SourceError, SourceId } from "@piecework/sources/PieceSource"
import { Clock, Deferred, Duration, Effect, FiberMap, FiberSet, Option, Queue, Random, Ref, type Scope } from "effect"
import * as Crowd from "./Crowd.ts"
import { DownloadConfig } from "./DownloadConfig.ts"
import { NoProgressError, NoSourceError, StorageError } from "./DownloadError.ts"
import * as Membership from "./Membership.ts"
import type { Meter } from "./Meter.ts"
import * as Storage from "./Storage.ts"

export interface SwarmDownloadOptions {
  readonly url: ContentUrl
  readonly mode: DownloadMode
  readonly lookup: Lookup
  readonly store: StoredContent
  readonly origin: Origin
  /** Knows the origin already; peers are added here. */
  readonly meter: Meter
}

export interface SwarmDownload {
  /** Waits until every piece is held and verified. */
  readonly complete: Effect.Effect<void, StorageError | NoSourceError | NoProgressError>
  readonly peers: () => number
  readonly mostPeers: () => number
  readonly banned: () => ReadonlyArray<PeerId>
}

/** An event without its time, which it gets when its turn comes. */
type Happening = Event.Event extends infer E ? (E extends Event.Event ? Omit<E, "now"> : never) : never

export const start = Effect.fn("SwarmDownload.start")(function* (
  options: SwarmDownloadOptions
): Effect.fn.Return<SwarmDownload, never, Bans | Cloud | DownloadConfig | PeerHost | Scope.Scope> {
  const { store, origin, meter, url } = options
  const { layout } = store.phf
  const config = yield* DownloadConfig
  const bans = yield* Bans
  const host = yield* PeerHost
  const ended = yield* Deferred.make<void, StorageError | NoSourceError | NoProgressError>()
  const happenings = yield* Queue.unbounded<Happening>()
  const tell = (happening: Happening) => Effect.asVoid(Queue.offer(happenings, happening))
  const sources = new Map<SourceId, PieceSource>()
  const fetches = yield* FiberMap.make<string, void>()
  const keepers = yield* FiberSet.make<void>()
  const banned: Array<PeerId> = []
  let mostPeers = 0
  let lastFailure: SourceError | undefined
  let exhausted: Command.Exhausted | undefined

  const plan = yield* Ref.make(
    Plan.make({ layout, held: store.verified(), self: host.self, seed: yield* Random.nextIntBetween(0, 0x7fffffff) })
  )

  // What a source delivered is verified, kept, and only then told.
  const keep = (source: PieceSource, piece: PieceIndex, buffer: PieceBuffer): Effect.Effect<void> =>
    store.put(piece, buffer.bytes).pipe(
      Effect.andThen(tell({ _tag: "PieceHeld", source: source.id, piece })),
      Effect.catchTags({
        PieceMismatch: () =>
          Effect.andThen(
            Effect.sync(() => meter.bad(layout.length(piece))),
            tell({ _tag: "PieceBad", source: source.id, piece })
          ),
        CacheError: (error) => Effect.asVoid(Deferred.fail(ended, Storage.fromCache(error)))
      }),
      Effect.ensuring(Effect.sync(buffer.release))
    )

  const fetch = (source: PieceSource, run: PieceRun): Effect.Effect<void> =>
    source
      .fetch(run, layout, (piece, buffer) =>
        Effect.andThen(
          tell({ _tag: "PieceReceived", source: source.id, piece, bytes: layout.length(piece) }),
          FiberSet.run(keepers, keep(source, piece, buffer))
        )
      )
      .pipe(
        Effect.catchTag("SourceError", (error) => {
          if (error.reason === "RangeIgnored") return tell({ _tag: "RangesIgnored", source: source.id, run })
          lastFailure = error
          return tell({ _tag: "FetchFailed", source: source.id, run, fatal: error.isFatal, reason: error.reason })
        }),
        // A bug in one source must not leave its pieces waiting for ever.
        Effect.catchDefect((defect) =>
          Effect.andThen(
            Effect.logError("a source failed in an unforeseen way", defect),
            tell({ _tag: "FetchFailed", source: source.id, run, fatal: true, reason: "Defect" })
          )
        )
      )

  const execute = (command: Command.Command): Effect.Effect<void> => {
    switch (command._tag) {
      case "Fetch": {
        const source = sources.get(command.source as SourceId)
        if (source === undefined) return Effect.void
        exhausted = undefined
        return Effect.asVoid(FiberMap.run(fetches, keyOf(command.source, command.run), fetch(source, command.run)))
      }
      case "Cancel": {
        // Not awaited: what the fetch says in parting must not hold up the next decision.
        const key = keyOf(command.source, command.run)
        return Effect.map(FiberMap.get(fetches, key), (fiber) => Option.map(fiber, (it) => it.interruptUnsafe()))
      }
      case "Announce":
        return crowd === undefined ? Effect.void : crowd.announce(command.piece)
      case "Ban":
        banned.push(command.peer)
        return Effect.gen(function* () {
          yield* Effect.logWarning("banned a peer for bad pieces").pipe(
            Effect.annotateLogs({ peer: command.peer, host: command.host ?? "-" })
          )
          yield* bans.ban({ device: deviceOf(command.peer), host: command.host, until: command.until })
          if (crowd !== undefined) yield* crowd.dismiss(command.peer)
        })
      case "Finished":
        return Effect.asVoid(Deferred.succeed(ended, undefined))
      case "Exhausted":
        exhausted = command
        return Effect.void
    }
  }

  const handle = Effect.fnUntraced(function* (happening: Happening) {
    const now = yield* Clock.currentTimeMillis
    if (happening._tag === "PieceHeld") {
      const source = sources.get(happening.source as SourceId)
      const known = Bitfield.has((yield* Ref.get(plan)).held, happening.piece)
      meter.kept(source?.kind ?? kindOf(happening.source), layout.length(happening.piece), !known)
    }
    const commands = yield* Ref.modify(plan, (current) => decide(current, { ...happening, now } as Event.Event))
    for (const command of commands) yield* execute(command)
  })

  // The kinds of sources that left, for pieces of theirs that were still being verified.
  const kinds = new Map<string, PieceSource["kind"]>()
  const kindOf = (source: string) => kinds.get(source) ?? "Origin"

  const served = { phf: store.phf, store }
  const listener: Crowd.Listener = {
    joined: (session) =>
      Effect.gen(function* () {
        const { id, kind, received } = session
        sources.set(id, session)
        kinds.set(id, kind)
        meter.leave(id)
        meter.join({ id, kind, received, sent: () => session.counters().sent })
        mostPeers = Math.max(mostPeers, peerCount())
        yield* tell({
          _tag: "SourceJoined",
          source: session.id,
          kind: session.kind,
          held: session.held(),
          peer: session.peer,
          host: session.address.host
        })
        if (session.choked()) yield* tell({ _tag: "Choked", source: session.id })
      }),
    told: (session, event) => tell(toHappening(session, event)),
    left: (session) => {
      // Another session with the same peer may have taken its place.
      if (sources.get(session.id) !== session) return Effect.void
      sources.delete(session.id)
      meter.leave(session.id)
      return tell({ _tag: "SourceLeft", source: session.id })
    }
  }

  let crowd: Crowd.Crowd | undefined
  const peerCount = () => (crowd === undefined ? 0 : [...crowd.sessions()].length)
  let membership: Membership.Membership | undefined
  if (usesPeers(options.mode)) {
    crowd = yield* Crowd.make({ served, maxPeers: config.maxPeers, listener })
    membership = yield* Membership.join({
      contentId: store.phf.contentId,
      url,
      self: host.self,
      address: new PeerAddress({ host: config.reportedHost ?? host.address.host, port: host.address.port }),
      scope: options.mode as "Lan" | "Group" | "Internet",
      groupId: config.groupId,
      peersWanted: config.maxPeers * 3,
      whereabouts: options.lookup,
      standing: Effect.sync(() => ({
        uploaded: meter.sent(),
        downloaded: total(meter.received()) - meter.received().LocalCache,
        fromOrigin: meter.received().Origin,
        fromCache: meter.received().CacheServer,
        left: layout.contentSize - total(meter.useful())
      })),
      onHandout: crowd.meet
    })
  }

  /** Ends the download when nothing has come for too long, or nothing can come any more. */
  const watch = Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    let seen = total(meter.received())
    let seenAt = began
    let answered = membership === undefined
    if (membership !== undefined) {
      yield* Effect.forkScoped(
        Effect.andThen(
          membership.firstAnswer,
          Effect.sync(() => (answered = true))
        )
      )
    }
    while (true) {
      yield* Effect.sleep(config.tick)
      yield* tell({ _tag: "Tick", received: meter.receivedBySource() })
      const now = yield* Clock.currentTimeMillis
      const sum = total(meter.received())
      if (sum > seen) {
        seen = sum
        seenAt = now
      }
      const mayMeet = !answered || (crowd !== undefined && (crowd.dialling() > 0 || peerCount() > 0))
      if (exhausted !== undefined && !mayMeet) {
        return yield* Deferred.fail(ended, noSource(url, exhausted, lastFailure))
      }
      const patience = seen === 0 ? config.firstByteTimeout : config.noProgressTimeout
      if (now - seenAt >= Duration.toMillis(Duration.fromInputUnsafe(patience))) {
        const last = lastFailure?.message
        return yield* Deferred.fail(
          ended,
          seen === 0 && lastFailure !== undefined
            ? noSource(url, undefined, lastFailure)
            : new NoProgressError({ url, seconds: (now - seenAt) / 1000, ...(last === undefined ? {} : { last }) })
        )
      }
    }
  })

  sources.set(origin.id, origin)
  yield* tell({ _tag: "SourceJoined", source: origin.id, kind: origin.kind, held: "all" })
  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(happenings), handle)))
  const watching = yield* Effect.forkScoped(watch)

  return {
    complete: Deferred.await(ended).pipe(
      Effect.tap(() => (membership === undefined ? Effect.void : membership.completed)),
      Effect.ensuring(Effect.sync(() => watching.interruptUnsafe()))
    ),
    peers: peerCount,
    mostPeers: () => mostPeers,
    banned: () => banned
  }
})

const keyOf = (source: string, run: PieceRun) => `${source} ${run.first}+${run.count}`

const toHappening = (session: PeerSession, event: PeerEvent): Happening => {
  switch (event._tag) {
    case "Held":
      return { _tag: "PeerHolds", source: session.id, held: event.pieces }
    case "Have":
      return { _tag: "PeerHas", source: session.id, piece: event.piece }
    case "Choked":
    case "Unchoked":
      return { _tag: event._tag, source: session.id }
  }
}

const noSource = (url: ContentUrl, exhausted: Command.Exhausted | undefined, last: SourceError | undefined) =>
  new NoSourceError({
    url,
    reason: last?.reason ?? exhausted?.failures[0]?.reason ?? "Unreachable",
    ...(last?.status === undefined ? {} : { status: last.status }),
    ...(last === undefined ? {} : { detail: last.message })
  })
