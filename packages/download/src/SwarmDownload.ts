/**
 * Conducts the download of one content from its swarm: tells the scheduler what happens, and does what it decides.
 * Events wait in a queue. One fiber takes all that wait and decides on one after the other, so the plan has one writer.
 */
import type { StoredContent } from "@piecework/cache/StoredContent"
import { Cloud } from "@piecework/cloud/Cloud"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { type DownloadMode, usesPeers } from "@piecework/domain/DownloadMode"
import { deviceOf, type PeerId } from "@piecework/domain/Peer"
import { total } from "@piecework/domain/SourceKind"
import { maxPieces } from "@piecework/cloud/LeaseRpc"
import { Bans } from "@piecework/peers/Bans"
import { PeerHost } from "@piecework/peers/PeerHost"
import type { ContentTerms } from "@piecework/policy/ContentTerms"
import { forbidsPeers } from "@piecework/policy/Eligibility"
import type { Priority } from "@piecework/policy/Facts"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import { type Command, type Event, Leases, Plan } from "@piecework/scheduler"
import { decide } from "@piecework/scheduler/Decide"
import { Shaper } from "@piecework/shaping/Shaper"
import { type PieceSource, type SourceError, SourceId } from "@piecework/sources/PieceSource"
import { Cause, Clock, Deferred, Effect, Option, Queue, Random, Scope } from "effect"
import * as CacheMember from "./CacheMember.ts"
import * as Company from "./Company.ts"
import { CurrentLedger } from "./CurrentLedger.ts"
import { DownloadConfig } from "./DownloadConfig.ts"
import { type NoProgressError, NoSourceError, type StorageError } from "./DownloadError.ts"
import * as Fetches from "./Fetches.ts"
import type { Happening, Turn } from "./Fetches.ts"
import type { Halts } from "./Halts.ts"
import * as HttpTurn from "./HttpTurn.ts"
import * as Neighbours from "./Neighbours.ts"
import type { Origins } from "./Origins.ts"
import type { Meter } from "./Meter.ts"
import type { Conductor, Readers } from "./Readers.ts"
import * as Watchdog from "./Watchdog.ts"

export interface SwarmDownloadOptions {
  readonly url: ContentUrl
  readonly mode: DownloadMode
  readonly store: StoredContent
  /** The pieces that are there and verified; the meter counts them already. */
  readonly held: Bitfield.Bitfield
  /** The pieces that it is for, beside those that somebody reads. Default all. */
  readonly wanted?: Bitfield.Bitfield | undefined
  /** Who reads the content while this goes on. */
  readonly readers: Readers
  /** Goes on until its scope closes, for whoever reads; it completes nothing. Default false. */
  readonly isLasting?: boolean | undefined
  /** A piece was verified and kept that was not held before. */
  readonly onKept?: ((piece: PieceIndex) => void) | undefined
  readonly origins: Pick<Origins, "cache" | "first" | "others">
  /** Knows the origins already; peers are added here. */
  readonly meter: Meter
  readonly halts: Halts
  readonly priority: Priority
  /** When the download was started, in epoch milliseconds: delays count from there. */
  readonly began: number
  /** What its publisher says of the content. */
  readonly terms: ContentTerms
  /** Without one there are the peers of the local network, if any. */
  readonly cloud: Option.Option<Cloud["Service"]>
}

export interface SwarmDownload {
  /** Waits until every piece that it is for is held and verified; of one that lasts, only for its failure. */
  readonly complete: Effect.Effect<void, StorageError | NoSourceError | NoProgressError>
  readonly peers: () => number
  readonly mostPeers: () => number
  /** Most peers that the service or the local network named at once; `undefined` before either has. */
  readonly named: () => number | undefined
  readonly banned: () => ReadonlyArray<PeerId>
  /** From how many milliseconds after the start HTTP may be taken, while it is kept waiting for peers. */
  readonly httpAfter: () => number | null | undefined
}

export const start = Effect.fn("SwarmDownload.start")(function* (
  options: SwarmDownloadOptions
): Effect.fn.Return<SwarmDownload, never, Bans | DownloadConfig | PeerHost | Scope.Scope> {
  const { store, meter, readers, url } = options
  const { cache, first: origin, others } = options.origins
  const { layout } = store.phf
  const config = yield* DownloadConfig
  const bans = yield* Bans
  const shaper = yield* Shaper
  const host = yield* PeerHost
  const ledger = yield* CurrentLedger
  const ended = yield* Deferred.make<void, StorageError | NoSourceError | NoProgressError>()
  const turns = yield* Queue.unbounded<Turn>()
  const tell = (turn: Turn) => void Queue.offerUnsafe(turns, turn)
  const sources = new Map<SourceId, PieceSource>()
  const banned: Array<PeerId> = []
  let failures = 0
  let originFailure: SourceError | undefined
  let exhausted: Command.Exhausted | undefined

  const fetches = yield* Fetches.make({
    store,
    held: options.held,
    meter,
    tell,
    onFailure: (source, error) => {
      failures++
      if (source === origin) originFailure = error
      cacheMember?.failed(source, error)
    },
    onKept: (piece) => {
      options.onKept?.(piece)
      readers.kept(piece)
    },
    onBroken: (cause) => Effect.asVoid(Deferred.failCause(ended, cause))
  })
  const cloud = Option.getOrUndefined(options.cloud)
  const awaitsLeases = cloud !== undefined && usesPeers(options.mode) && layout.pieceCount <= maxPieces
  const seed = yield* Random.nextIntBetween(0, 0x7fffffff)
  // Told before the origin is there, so that it is not asked for anything in between.
  const mayPeer = usesPeers(options.mode) && (cloud !== undefined || (yield* Neighbours.canMeet))
  cache?.peersAllowed(mayPeer && !forbidsPeers((yield* LivePolicy).current()))
  if (cache !== undefined) yield* cache.look
  const http = yield* HttpTurn.take({ ...options, cache, mayPeer, tell })
  const { held, wanted } = options
  let plan = Plan.make({ layout, held, wanted, self: host.self, seed, awaitsLeases })
  /** Pieces that it is for and that are not held. What others read meanwhile is not waited for. */
  let missing = plan.missingCount
  const isOver = () => options.isLasting !== true && missing === 0
  if (wanted !== undefined && isOver()) Deferred.doneUnsafe(ended, Effect.void)

  const company = yield* Company.start({ ...options, sources, tell, awaitsLeases, plan: () => plan, banned })

  const ban = Effect.fnUntraced(function* ({ host: address, peer, until }: Command.Ban) {
    banned.push(peer)
    ledger.banned(peer)
    yield* Effect.annotateLogs(Effect.logWarning("banned a peer for bad pieces"), { peer, host: address ?? "-" })
    yield* bans.ban({ device: deviceOf(peer), host: address, until })
    yield* company.dismiss(peer)
  })

  /** Done at once, except what takes an effect. */
  const execute = (command: Command.Command): Effect.Effect<void> | undefined => {
    switch (command._tag) {
      case "Fetch": {
        const source = sources.get(command.source as SourceId)
        // It is leaving: that it left is told next.
        if (source === undefined) return undefined
        exhausted = undefined
        ledger.asked(command.source, command.run.first, command.run.count, command.reason)
        fetches.start(source, command.run)
        return undefined
      }
      case "Cancel":
        if (command.reason === "Stalled" && sources.get(command.source as SourceId)?.kind === "Origin") failures++
        ledger.cancelled(command.source, command.reason)
        fetches.cancel(command.source as SourceId, command.run)
        if (command.reason === "Stalled") cacheMember?.stalled(command.source as SourceId)
        return undefined
      case "Announce":
        company.announce(command.piece)
        if (wanted !== undefined && Bitfield.has(wanted, command.piece)) {
          missing--
          if (isOver()) Deferred.doneUnsafe(ended, Effect.void)
        }
        return undefined
      case "Ban":
        return ban(command)
      case "Finished":
        if (wanted === undefined && options.isLasting !== true) Deferred.doneUnsafe(ended, Effect.void)
        return undefined
      case "Exhausted":
        exhausted = command
        return undefined
    }
  }

  const conduct = Effect.gen(function* () {
    const clock = yield* Clock.Clock
    while (true) {
      for (const turn of yield* Queue.takeAll(turns)) {
        for (const happening of turn()) {
          if (happening._tag === "PieceBad") {
            failures++
            cacheMember?.bad(happening.source as SourceId)
          }
          if (happening._tag === "PieceHeld") cacheMember?.good(happening.source as SourceId)
          const now = clock.currentTimeMillisUnsafe()
          const [commands, next] = decide(plan, { ...happening, now } as Event.Event)
          plan = next
          for (const command of commands) {
            const effect = execute(command)
            if (effect !== undefined) yield* effect
          }
          company.look(happening)
        }
      }
    }
  })

  const watching = Watchdog.watch({
    url,
    received: () => total(meter.received()) - meter.received().LocalCache,
    heldPieces: () => plan.heldCount,
    failures: () => failures,
    exhausted: () => {
      const ending = http.after() === null ? cache?.ending() : undefined
      if (ending !== undefined) return ending
      return exhausted === undefined ? undefined : noSource(url, origin.id, exhausted, originFailure)
    },
    isLimited: () => shaper.holding(options.priority) !== undefined,
    isWaiting: () => Leases.isWaiting(plan) || originFailure?.retryAfter !== undefined || http.after() === null,
    // Of one that has got all that anybody reads nothing is expected.
    // Where it is kept waiting for good there are cache servers, and these are to bring something.
    isHeldBack: () =>
      typeof http.after() === "number" || plan.outcome === "Finished" || cacheMember?.isAwaited() === true,
    mayMeet: company.mayCome,
    lastFailure: () => {
      const last = originFailure ?? cache?.lastFailure()
      return last === undefined ? undefined : NoSourceError.from(url, last, cache?.isOnly())
    },
    onTick: Effect.sync(() => {
      const received = meter.receivedBySource()
      const isLimited = shaper.holding(options.priority) !== undefined
      const waiting = isLimited ? [...sources.values()].filter((source) => source.isHeldBack?.() !== false) : []
      const tick = { _tag: "Tick", received } as const
      tell(() => [waiting.length > 0 ? { ...tick, held: new Set(waiting.map(({ id }) => id)) } : tick])
    })
  })

  const join = (source: PieceSource) => {
    sources.set(source.id, source)
    ledger.joined(source.id, source.kind)
    tell(() => [{ _tag: "SourceJoined", source: source.id, kind: source.kind, held: "all" }])
  }
  const cacheMember =
    cache === undefined
      ? undefined
      : yield* CacheMember.start({
          cache,
          joined: join,
          left: (source) => {
            sources.delete(source.id)
            tell(() => (sources.has(source.id) ? [] : [{ _tag: "SourceLeft", source: source.id }]))
            fetches.cancelAll(source.id)
            exhausted = undefined
          },
          looked: http.look
        })
  for (const one of [origin, ...others]) join(one)
  let isMoved = false
  let seen = store.held()
  /** Pieces that came into the cache by another way, so that nobody is asked for them: from whoever had them before they had hashes. */
  const found = (): ReadonlyArray<Happening> => {
    const now = store.held()
    if (now === seen) return []
    const added = Array.from(Bitfield.added(seen, now))
    seen = now
    // What a source brought is told of by whoever asked it.
    return added
      .filter((piece) => !Bitfield.has(plan.held, piece) && !plan.verifying.has(piece))
      .map((piece) => ({ _tag: "PieceHeld", source: elsewhere, piece }))
  }
  const conductor: Conductor = {
    holds: (piece) => Bitfield.has(plan.held, piece),
    changed: () => {
      if (isMoved) return
      isMoved = true
      tell(() => {
        isMoved = false
        return [...found(), { _tag: "Reading", runs: readers.isConductedBy(conductor) ? readers.runs() : [] }]
      })
    }
  }
  yield* readers.conduct(conductor)
  yield* conduct.pipe(
    // A bug in the conductor must not look like a source that is slow.
    Effect.catchDefect((defect) => Deferred.failCause(ended, Cause.die(defect))),
    Effect.forkScoped
  )

  return {
    complete: Effect.raceFirst(Deferred.await(ended), watching).pipe(
      // Whoever holds parts of it is no source of all.
      Effect.tap(() => (Plan.isComplete(plan) ? company.completed : Effect.void)),
      Effect.provideService(DownloadConfig, config)
    ),
    peers: company.peers,
    mostPeers: company.mostPeers,
    named: company.named,
    banned: () => banned,
    httpAfter: http.after
  }
})

/** The source of what no source of this download brought. */
const elsewhere = SourceId.make("elsewhere")

/** The origin is the source that a person knows, so what it said comes first. */
const noSource = (url: ContentUrl, origin: SourceId, exhausted: Command.Exhausted, last: SourceError | undefined) => {
  const gaveUp = exhausted.failures.find((failure) => failure.source === origin)?.reason
  if (gaveUp === undefined || gaveUp === last?.reason) return NoSourceError.from(url, last)
  return new NoSourceError({ url, reason: gaveUp, ...(last === undefined ? {} : { detail: last.description }) })
}
