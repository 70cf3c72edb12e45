/**
 * Fetches contents. A download asks the services and the origin at the same time; what comes first decides: a small file
 * is here with the first answer, a content that the services vouch for comes from its swarm, anything else over plain
 * HTTP. It lives in the scope it was started in: when that closes, it stops, and it serves peers until then.
 */
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import { PartialFiles } from "@piecework/cache/PartialFile"
import { PieceCache } from "@piecework/cache/PieceCache"
import type { CacheError } from "@piecework/cache/CacheError"
import { Cloud } from "@piecework/cloud/Cloud"
import type { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { toBase64 } from "@piecework/domain/Digest"
import { type DownloadMode, usesPeers, usesServices } from "@piecework/domain/DownloadMode"
import * as Bitfield from "@piecework/domain/Bitfield"
import { total } from "@piecework/domain/SourceKind"
import { BufferPool } from "@piecework/hashing/BufferPool"
import type { Phf } from "@piecework/hashing/Phf"
import { Bans } from "@piecework/peers/Bans"
import { PeerHost } from "@piecework/peers/PeerHost"
import * as ContentTerms from "@piecework/policy/ContentTerms"
import * as Delays from "@piecework/policy/Delays"
import { forbidsPeers } from "@piecework/policy/Eligibility"
import type { Priority } from "@piecework/policy/Facts"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import { CurrentPriority, Shaper } from "@piecework/shaping/Shaper"
import { HttpClient } from "@piecework/sources/HttpClient"
import * as Origin from "@piecework/sources/Origin"
import type { SourceError } from "@piecework/sources/PieceSource"
import { Clock, Context, Deferred, Effect, Exit, Fiber, Layer, Option, RcMap, Schedule, Scope, Semaphore } from "effect"
import * as Approach from "./Approach.ts"
import { DownloadConfig } from "./DownloadConfig.ts"
import { Destination } from "./Destination.ts"
import { type DownloadError, Fallback, HaltedError, ModeError, NoSourceError } from "./DownloadError.ts"
import * as Halts from "./Halts.ts"
import * as Meter from "./Meter.ts"
import * as Neighbours from "./Neighbours.ts"
import * as Noting from "./Noting.ts"
import { Permission } from "./Permission.ts"
import type { DownloadResult, Progress } from "./Progress.ts"
import { DownloadRecord, Records } from "./Records.ts"
import * as Room from "./Room.ts"
import * as SimpleDownload from "./SimpleDownload.ts"
import * as Storage from "./Storage.ts"
import * as SwarmDownload from "./SwarmDownload.ts"
import * as Terms from "./Terms.ts"
import { wasted } from "./Tally.ts"

export interface DownloadRequest {
  readonly url: ContentUrl
  /** Which content that is, when the caller knows: any other bytes are refused, and its hashes need no service. */
  readonly contentId?: ContentId | undefined
  /** Where the file shall appear, whole or not at all. */
  readonly path: string
  readonly mode: DownloadMode
  /** Whether a person waits for it. Default "Foreground". */
  readonly priority?: Priority | undefined
  /** Why it is this mode, where that is not just what was asked for. */
  readonly why?: Fallback | undefined
  /** Replaces a file that is there. Default false. */
  readonly overwrite?: boolean | undefined
  /** Shares the cache's file with the destination where the file system can. Default false: a copy. */
  readonly link?: boolean | undefined
}

export interface ActiveDownload {
  /** A look at it; costs the download nothing. */
  readonly progress: () => Progress
  /** Waits for the end. */
  readonly result: Effect.Effect<DownloadResult, DownloadError>
}

export class Downloader extends Context.Service<
  Downloader,
  {
    /** Starts a download that goes on, and then serves peers, until the scope closes. */
    readonly start: (request: DownloadRequest) => Effect.Effect<ActiveDownload, never, Scope.Scope>
  }
>()("@piecework/download/Downloader") {
  /**
   * A `Cloud` in the context is used, a `Lan`, and a `CacheKeeper`, without which the cache has no rules. Without a `Cloud` a download runs in Simple mode, unless it is told which
   * content it is about.
   */
  static readonly layer: Layer.Layer<
    Downloader,
    never,
    Bans | BufferPool | Destination | DownloadConfig | HttpClient | PartialFiles | PeerHost | PieceCache | Records
  > = Layer.effect(
    Downloader,
    Effect.gen(function* () {
      // These alone: the scope of the layer must not take the place of the caller's.
      const given = Context.pick(...needs)(yield* Effect.context<Layer.Services<typeof Downloader.layer>>())
      const context = Context.add(given, LivePolicy.LivePolicy, yield* LivePolicy.LivePolicy).pipe(
        Context.add(Permission, yield* Permission),
        Context.add(Shaper, yield* Shaper)
      )
      const cloud = yield* Effect.serviceOption(Cloud)
      const neighbourly = yield* Neighbours.known
      const turns = yield* RcMap.make<ContentId, Semaphore.Semaphore, never, never>({ lookup: () => Semaphore.make(1) })
      const halts = yield* Halts.make(cloud)
      const keeper = yield* Effect.serviceOption(CacheKeeper)
      return Downloader.of({
        start: (request) =>
          start(request, cloud, halts, turns, keeper).pipe(
            // All that it asks for counts as that, the pieces hash file and the first look at the origin as well.
            Effect.provideService(CurrentPriority, request.priority ?? "Foreground"),
            Effect.provide(context),
            neighbourly
          )
      })
    })
  )
}

const needs = [
  Bans,
  BufferPool,
  Destination,
  DownloadConfig,
  HttpClient,
  PartialFiles,
  PeerHost,
  PieceCache,
  Records
] as const

/**
 * Bytes of the first request where services may name a swarm: every device of a site sends one, and then wants none of
 * them over the line. A smaller file is still there with one answer.
 */
const smallProbe = 1024

/** How often the cache is kept within its rules while a download runs. */
const keepEvery = "1 minute"

/** Between two attempts at the first request. */
const probeAgain = Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("2 seconds")])

const byPolicy = new Fallback({ reason: "NotEligible", detail: "the mode has no peers: DODownloadMode" })

/** Two downloads of one content take turns: the second finds in the cache what the first has fetched. */
type Turns = RcMap.RcMap<ContentId, Semaphore.Semaphore>

const start = Effect.fn("Downloader.start")(function* (
  request: DownloadRequest,
  cloud: Option.Option<Cloud["Service"]>,
  halts: Halts.Halts,
  turns: Turns,
  keeper: Option.Option<CacheKeeper["Service"]>
) {
  const { contentId, url, path, mode } = request
  const priority = request.priority ?? "Foreground"
  const policy = yield* LivePolicy.LivePolicy
  const shaper = yield* Shaper
  const outer = yield* Effect.scope
  let isKept = false
  // After everything else: what is not to be kept may go once nobody has it open.
  if (Option.isSome(keeper)) {
    yield* Effect.addFinalizer(() => (isKept ? lettingGo(keeper.value.keep()) : Effect.void))
  }
  // A download that failed ends here and now, not with the scope of whoever started it.
  const scope = yield* Scope.fork(outer)
  const config = yield* DownloadConfig
  const cache = yield* PieceCache
  const records = yield* Records
  const destination = yield* Destination
  const meter = Meter.make()
  const origin = yield* Origin.make(url)
  meter.join({ id: origin.id, kind: origin.kind, received: origin.received, sent: () => 0 })

  const began = yield* Clock.currentTimeMillis
  const ended = yield* Deferred.make<DownloadResult, DownloadError>()
  let phase: Progress["phase"] = "Starting"
  let settled: { readonly mode: DownloadMode; readonly why: Fallback } | undefined
  let fileBytes: number | undefined
  let knownId: ContentId | undefined
  let lastFailure: SourceError | undefined
  let swarm: SwarmDownload.SwarmDownload | undefined
  const enter = (next: Progress["phase"]) => Effect.sync(() => void (phase = next))

  const progress = (): Progress => ({
    phase,
    mode: settled?.mode ?? mode,
    ...(phase === "Starting" && lastFailure !== undefined ? { retrying: lastFailure.description } : {}),
    ...(phase === "Fetching" && swarm?.httpAfter() !== undefined ? { httpAfterMillis: swarm.httpAfter() } : {}),
    ...(phase === "Fetching" && shaper.holding(priority) !== undefined ? { limit: shaper.holding(priority) } : {}),
    why: settled?.why,
    contentId: knownId,
    fileBytes,
    heldBytes: total(meter.useful()),
    received: meter.received(),
    sent: meter.sent(),
    peers: swarm?.peers() ?? 0,
    named: swarm?.named(),
    connections: meter.connections(),
    banned: swarm?.banned() ?? []
  })

  const finish = Effect.fnUntraced(function* (phf: Phf, noting: Noting.Noting | undefined) {
    const now = yield* Clock.currentTimeMillis
    const { mode: ran, why } = settled ?? { mode, why: new Fallback({ reason: "Requested" }) }
    const result: DownloadResult = {
      url,
      path,
      contentId: phf.contentId,
      hashOfHashes: toBase64(phf.hashOfHashes),
      fileBytes: phf.layout.contentSize,
      mode: ran,
      why,
      bytes: meter.useful(),
      received: meter.received(),
      waste: meter.waste(),
      sent: meter.sent(),
      banned: swarm?.banned() ?? [],
      peers: swarm?.mostPeers() ?? 0,
      durationMillis: now - began
    }
    const { fileBytes: size, bytes, durationMillis } = result
    yield* records
      .put(
        new DownloadRecord({
          contentId: result.contentId,
          url,
          path,
          fileBytes: size,
          mode: ran,
          why,
          bytes,
          sent: 0,
          durationMillis,
          wasted: wasted(result.waste),
          completedAt: now
        })
      )
      // The file is there; that it was not noted down is no reason to call the download failed.
      .pipe(Effect.catch((error) => Effect.logWarning(error.message)))
    if (noting !== undefined) yield* noting.note
    yield* enter("Done")
    return result
  })

  const openIn = (where: PieceCache["Service"], phf: Phf) =>
    Effect.mapError(where.open(phf), Storage.fromCache).pipe(Scope.provide(scope))

  const fromSwarm = Effect.fnUntraced(function* (found: Extract<Approach.Approach, { _tag: "Swarm" }>) {
    const { phf } = found
    // The service may have said so in the answer that told what the content is.
    const approach =
      usesPeers(found.mode) && forbidsPeers(policy.current())
        ? { ...found, mode: "HttpOnly" as const, why: byPolicy }
        : found
    settled =
      request.why !== undefined && approach.why.reason === "Requested" ? { ...approach, why: request.why } : approach
    knownId = phf.contentId
    fileBytes = phf.layout.contentSize
    yield* enter("Checking")
    // Before the sessions, so that the last note is made when they are over.
    const noting = yield* Noting.make(phf.contentId, meter.sent)
    yield* Noting.keepUp(noting)
    const { contentSize } = phf.layout
    const keeping = Terms.keeping(approach.policies)
    const inCache = yield* openIn(cache, phf)
    const missing = contentSize - bytesOf(inCache.held(), phf)
    const aside = yield* Scope.provide(Room.find(keeper, { missing, size: contentSize, path }), scope)
    const store = Option.isNone(aside) ? inCache : yield* openIn(aside.value.cache, phf)
    isKept = Option.isNone(aside)
    if (!isKept && missing === contentSize) yield* Effect.ignore(cache.drop(phf.contentId))
    if (Option.isSome(keeper) && isKept) {
      yield* Scope.provide(keeper.value.hold(phf.contentId), scope)
      yield* keeper.value.note(phf.contentId, keeping, false)
      const { keep } = keeper.value
      const pass = Effect.suspend(() => lettingGo(keep(contentSize - bytesOf(store.held(), phf))))
      yield* Effect.forkIn(Effect.repeat(pass, Schedule.spaced(keepEvery)), scope)
    }

    const fetching = Effect.gen(function* () {
      const held = yield* Effect.mapError(store.verifyHeld, Storage.fromCache)
      for (const piece of Bitfield.pieces(held)) meter.kept("LocalCache", phf.layout.length(piece), true)
      yield* enter("Fetching")
      const terms = Terms.of(approach.policies)
      const what = { url, mode: approach.mode, priority, began, terms, store, held, origin, meter, cloud, halts }
      swarm = yield* SwarmDownload.start(what).pipe(
        Effect.provideService(LivePolicy.LivePolicy, LivePolicy.also(policy, ContentTerms.said(terms)))
      )
      yield* swarm.complete
    }).pipe(Scope.provide(scope))
    const inTurn = Effect.scoped(Effect.flatMap(RcMap.get(turns, phf.contentId), (turn) => turn.withPermit(fetching)))
    const halted = Effect.andThen(
      halts.halted(phf.contentId, () => true),
      Effect.fail(new HaltedError({ url }))
    )
    yield* Effect.raceFirst(inTurn, halted)
    // From here on it serves, if it does: then it only stops.
    const stopped = Effect.logWarning("The service has halted a content; it is served no more.").pipe(
      Effect.annotateLogs({ content: phf.contentId }),
      Effect.andThen(Scope.close(scope, Exit.void))
    )
    yield* halts
      .halted(phf.contentId, () => (swarm?.peers() ?? 0) > 0)
      .pipe(Effect.andThen(stopped), Effect.forkIn(outer))

    yield* enter("Writing")
    const put = (link: boolean) => store.export(path, { overwrite: request.overwrite, link })
    yield* put(request.link === true || !isKept).pipe(
      // There is no room for a copy: then the file is given away, where both are on one disk.
      Effect.catchIf(
        ({ reason }) => reason === "DiskFull" && isKept && request.link !== true,
        () => Effect.andThen(put(true), Effect.ignore(cache.drop(phf.contentId)))
      ),
      Effect.mapError(Storage.fromExport)
    )
    if (Option.isSome(keeper) && isKept) yield* keeper.value.note(phf.contentId, keeping, missing > 0)
    return yield* finish(phf, noting)
  })

  const overHttp = Effect.fnUntraced(function* (why: Fallback, probe: Origin.Probe) {
    settled = { mode: "Simple", why }
    fileBytes = probe.size
    const size = probe.size ?? 0
    const aside = yield* Scope.provide(Room.find(keeper, { missing: size, size, path }), scope)
    yield* enter("Fetching")
    const simple = SimpleDownload.run({
      url,
      path,
      origin,
      probe,
      meter,
      overwrite: request.overwrite ?? false,
      expected: request.contentId,
      onWriting: enter("Writing")
    })
    const phf = yield* Option.match(aside, {
      onNone: () => simple,
      onSome: ({ partials }) => Effect.provideService(simple, PartialFiles, partials)
    })
    knownId = phf.contentId
    fileBytes = phf.layout.contentSize
    return yield* finish(phf, undefined)
  })

  const whole = Effect.gen(function* () {
    if (mode === "Bypass") return yield* new ModeError({ mode: "bypass" })
    yield* destination.check(path, { overwrite: request.overwrite ?? false })

    const probeScope = yield* Scope.fork(scope)
    const isMatched = usesServices(mode) && (cloud._tag === "Some" || contentId !== undefined)
    // Where HTTP is to wait for peers, it waits until it is known that there can be none.
    const mayPeer = isMatched && usesPeers(mode) && (cloud._tag === "Some" || (yield* Neighbours.canMeet))
    const isHeldBack = Delays.of(policy.current(), { priority, mayPeer, hasCacheServer: false }).origin !== 0
    const probed = origin.probe(isMatched && !isHeldBack ? smallProbe : undefined).pipe(
      Effect.tapError((error) => Effect.sync(() => void (lastFailure = error))),
      Effect.retry({ while: (error) => !error.isFatal, schedule: probeAgain }),
      Effect.timeoutOrElse({
        duration: config.firstByteTimeout,
        orElse: () => Effect.fail(lastFailure)
      }),
      Scope.provide(probeScope),
      Effect.result
    )
    const probing = isHeldBack ? undefined : yield* Effect.forkIn(probed, probeScope)
    const small = Effect.flatMap(probing === undefined ? Effect.never : Fiber.join(probing), (probe) => {
      const size = probe._tag === "Success" ? probe.success.size : undefined
      return size !== undefined && size < config.minContentSize && usesServices(mode)
        ? Effect.succeed<Approach.Approach>({ _tag: "Simple", why: new Fallback({ reason: "TooSmall" }) })
        : Effect.never
    })
    const approach = yield* Effect.raceFirst(Approach.find({ url, contentId }, mode, cloud), small)
    if (approach._tag === "Halted") return yield* new HaltedError({ url })
    if (approach._tag === "Swarm") {
      yield* Scope.close(probeScope, Exit.void)
      return yield* fromSwarm(approach)
    }
    const probe = yield* probing === undefined ? probed : Fiber.join(probing)
    if (probe._tag === "Failure") return yield* NoSourceError.from(url, probe.failure)
    return yield* overHttp(approach.why, probe.success)
  })

  yield* whole.pipe(
    Scope.provide(scope),
    Effect.onExit((exit) => Deferred.done(ended, exit)),
    Effect.onExit((exit) => (Exit.isFailure(exit) ? Scope.close(scope, exit) : Effect.void)),
    Effect.exit,
    Effect.forkIn(outer)
  )
  return { progress, result: Deferred.await(ended) }
})

/** A cache that cannot be kept within its rules now is no reason for a download to fail. */
const lettingGo = <A>(pass: Effect.Effect<A, CacheError>): Effect.Effect<void> =>
  Effect.catch(Effect.asVoid(pass), (error) => Effect.logWarning(error.message))

const bytesOf = (held: Bitfield.Bitfield, { layout }: Phf): number => {
  let bytes = 0
  for (const piece of Bitfield.pieces(held)) bytes += layout.length(piece)
  return bytes
}
