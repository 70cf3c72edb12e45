/**
 * Fetches contents. What a download is of decides how it goes (`FirstLook`): a content that the services vouch for comes from its
 * swarm, anything else over plain HTTP. It lives in the scope it was started in: when that closes, it stops, and it serves peers
 * until then.
 */
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import { brief, PartialFiles } from "@piecework/cache/PartialFile"
import { PieceCache } from "@piecework/cache/PieceCache"
import { CacheHosts } from "@piecework/cachehosts/CacheHosts"
import { Cloud } from "@piecework/cloud/Cloud"
import * as Bitfield from "@piecework/domain/Bitfield"
import { total } from "@piecework/domain/SourceKind"
import type { ContentId } from "@piecework/domain/Content"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { BufferPool } from "@piecework/hashing/BufferPool"
import type { Phf } from "@piecework/hashing/Phf"
import type { Ledger } from "@piecework/ledger/Ledger"
import { Bans } from "@piecework/peers/Bans"
import { PeerHost } from "@piecework/peers/PeerHost"
import * as ContentTerms from "@piecework/policy/ContentTerms"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import { CurrentPriority, Shaper } from "@piecework/shaping/Shaper"
import { HttpClient } from "@piecework/sources/HttpClient"
import type { HttpFacts } from "@piecework/sources/HttpFacts"
import * as Spans from "@piecework/telemetry/Spans"
import { Clock, Context, Deferred, Effect, Exit, Fiber, FiberSet, Layer, Option, RcMap, Result, Scope } from "effect"
import * as ByteRanges from "./ByteRanges.ts"
import * as Accounts from "./Accounts.ts"
import { Activity } from "./Activity.ts"
import * as Connections from "./Connections.ts"
import { CurrentLedger } from "./CurrentLedger.ts"
import { Destination } from "./Destination.ts"
import { DownloadConfig } from "./DownloadConfig.ts"
import { type DownloadError, HaltedError, ModeError } from "./DownloadError.ts"
import { type DownloadRequest, type OpenRequest, priorityOf } from "./DownloadRequest.ts"
import * as FirstLook from "./FirstLook.ts"
import * as Halts from "./Halts.ts"
import * as Keeping from "./Keeping.ts"
import { Ledgers } from "./Ledgers.ts"
import * as Neighbours from "./Neighbours.ts"
import type { OpenContent } from "./OpenContent.ts"
import * as Opening from "./Opening.ts"
import * as Origins from "./Origins.ts"
import * as Outcomes from "./Outcomes.ts"
import { Permission } from "./Permission.ts"
import type { DownloadResult, Progress } from "./Progress.ts"
import { Readers } from "./Readers.ts"
import * as Recording from "./Recording.ts"
import { Records } from "./Records.ts"
import * as Room from "./Room.ts"
import * as SimpleAttempts from "./SimpleAttempts.ts"
import { settle, type Shared } from "./Shared.ts"
import { Standing } from "./Standing.ts"
import * as Storage from "./Storage.ts"
import * as SwarmDownload from "./SwarmDownload.ts"
import * as Terms from "./Terms.ts"
import * as Told from "./Told.ts"

export type { DownloadRequest, OpenRequest } from "./DownloadRequest.ts"
export type { OpenContent } from "./OpenContent.ts"

export interface ActiveDownload {
  /** A look at it; costs the download nothing. */
  readonly progress: () => Progress
  /** What the origin said last, whatever it was; `undefined` while it said nothing. */
  readonly facts: () => HttpFacts | undefined
  /** What it decided so far and why. */
  readonly ledger: () => Ledger
  /** Waits for the end: the file is there, and noted down. */
  readonly result: Effect.Effect<DownloadResult, DownloadError>
  /** Waits for the file alone. What is noted of it is on its way then, and ends also when the scope has closed. */
  readonly arrived: Effect.Effect<DownloadResult, DownloadError>
}

export class Downloader extends Context.Service<
  Downloader,
  {
    /** Starts a download that goes on, and then serves peers, until the scope closes. */
    readonly start: (request: DownloadRequest) => Effect.Effect<ActiveDownload, never, Scope.Scope>
    /**
     * Opens a content to be read while it arrives; answers as soon as its size and kind are known. When the scope closes it stops;
     * what was fetched of a content that the services know stays in the cache.
     */
    readonly open: (request: OpenRequest) => Effect.Effect<OpenContent, DownloadError, Scope.Scope>
  }
>()("@piecework/download/Downloader") {
  /**
   * A `Cloud` in the context is used, a `Lan`, `CacheHosts`, and a `CacheKeeper`, without which the cache has no rules. Without a `Cloud` a
   * download runs in Simple mode, unless it is told which content it is about.
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
        Context.add(Activity, yield* Activity),
        Context.add(Shaper, yield* Shaper),
        Context.add(Ledgers, yield* Ledgers)
      )
      const neighbourly = yield* Neighbours.known
      const cloud = yield* Effect.serviceOption(Cloud)
      const shared: Shared = {
        cloud,
        halts: yield* Halts.make(cloud),
        contents: yield* RcMap.make<ContentId, Readers, never, never>({
          lookup: () => Effect.sync(() => new Readers())
        }),
        cacheHosts: yield* Effect.serviceOption(CacheHosts),
        keeper: yield* Effect.serviceOption(CacheKeeper)
      }
      const notes = yield* FiberSet.make<void>()
      const provided =
        (request: Pick<DownloadRequest, "priority">) =>
        <A, E>(effect: Effect.Effect<A, E, Needs | Scope.Scope>) =>
          effect.pipe(
            // All that it asks for counts as that, the pieces hash file and the first look at the origin as well.
            Effect.provideService(CurrentPriority, priorityOf(request)),
            Effect.provide(context),
            neighbourly
          )
      return Downloader.of({
        start: (request) => provided(request)(start(request, shared, notes)),
        open: (request) => provided(request)(Opening.open(request, shared))
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

type Needs = Layer.Services<typeof Downloader.layer>

/** `notes`: what is being noted down, which outlives the downloads that it is of. */
const start = Effect.fn("Downloader.start")(function* (
  request: DownloadRequest,
  shared: Shared,
  notes: FiberSet.FiberSet<void>
) {
  const { mode, path, url } = request
  const { cloud, contents, halts, keeper } = shared
  const policy = yield* LivePolicy.LivePolicy
  const destination = yield* Destination
  const outer = yield* Effect.scope
  const meter = yield* Connections.metered(() => standing.contentId ?? url)
  const began = yield* Clock.currentTimeMillis
  const standing = new Standing({ request, began, meter, shaper: yield* Shaper })
  // First, so that these end last.
  const accounts = yield* Accounts.make(request, standing, path)
  const keeping = yield* Keeping.make(keeper, request)
  // A download that failed ends here and now, not with the scope of whoever started it.
  const scope = yield* Scope.fork(outer)
  const { ended: recordEnd, recorder: ledger } = yield* Recording.begin(request, began, standing)
  const origins = yield* Origins.make(request, meter, began, shared.cacheHosts).pipe(
    Scope.provide(scope),
    Effect.provideService(CurrentLedger, ledger)
  )
  standing.cache = origins.cache
  const ended = yield* Deferred.make<DownloadResult, DownloadError>()
  const arrived = yield* Deferred.make<DownloadResult, DownloadError>()

  const ranges = request.ranges === undefined || request.ranges.length === 0 ? undefined : request.ranges

  const finish = Effect.fnUntraced(function* (phf: Phf) {
    const now = yield* Clock.currentTimeMillis
    const result = standing.result(phf, path, now)
    const noting = yield* FiberSet.run(notes, accounts.complete(result, now))
    const noted = Effect.asVoid(Fiber.await(noting))
    return { result, noted }
  })

  const fromSwarm = Effect.fnUntraced(function* (found: Extract<FirstLook.Found, { _tag: "Swarm" }>) {
    const { phf, policies } = found
    const { contentId, layout } = phf
    const settled = settle(request, found, policy.current())
    standing.settle(settled)
    standing.isOf(phf)
    yield* standing.enter("Checking")
    // Before the sessions, so that the last note is made when they are over.
    yield* accounts.named(contentId)
    const spans = ranges === undefined ? undefined : ByteRanges.resolve(ranges, layout.contentSize)
    if (spans !== undefined && Result.isFailure(spans)) return yield* spans.failure
    const part = spans === undefined ? undefined : ByteRanges.partOf(spans.success, layout)
    const { deliver, store } = yield* Scope.provide(keeping.open(phf, policies, part), scope)
    const sums = { requested: part?.bytes, held: 0 }
    if (part !== undefined) standing.asked = () => sums
    const onKept = (piece: PieceIndex) => {
      if (part !== undefined) sums.held += ByteRanges.bytesOfPiece(part.spans, layout, piece)
    }
    const readers = yield* Scope.provide(RcMap.get(contents, contentId), scope)

    ledger.sized(layout.pieceCount, layout.pieceSize)
    const fetching = Effect.gen(function* () {
      const held = yield* Effect.mapError(store.verifyHeld, Storage.fromCache)
      for (const piece of Bitfield.pieces(held)) {
        if (part !== undefined && !Bitfield.has(part.pieces, piece)) continue
        meter.kept("LocalCache", layout.length(piece), true)
        ledger.found(piece)
        onKept(piece)
      }
      yield* standing.enter("Fetching")
      const terms = Terms.of(policies)
      const wanted = part?.pieces
      const what = {
        began,
        cloud,
        halts,
        held,
        meter,
        mode: settled.mode,
        onKept,
        origins,
        readers,
        store,
        terms,
        url,
        wanted
      }
      const swarm = yield* SwarmDownload.start({ ...what, priority: priorityOf(request) }).pipe(
        Effect.provideService(LivePolicy.LivePolicy, LivePolicy.also(policy, ContentTerms.said(terms)))
      )
      standing.swarm = swarm
      yield* swarm.complete
    }).pipe(Scope.provide(scope))
    const halted = Effect.andThen(
      halts.halted(contentId, () => true),
      Effect.fail(new HaltedError({ url }))
    )
    yield* Effect.raceFirst(readers.inTurn(fetching), halted)
    // From here on it serves, if it does: then it only stops.
    const stopped = Effect.logWarning("The service has halted a content; it is served no more.").pipe(
      Effect.annotateLogs({ content: contentId }),
      Effect.andThen(Scope.close(scope, Exit.void))
    )
    yield* halts
      .halted(contentId, () => (standing.swarm?.peers() ?? 0) > 0)
      .pipe(Effect.andThen(stopped), Effect.forkIn(outer))

    yield* standing.enter("Writing")
    yield* deliver
    const finished = yield* finish(phf)
    yield* finished.noted
    return finished
  })

  const overHttp = Effect.fnUntraced(function* ({
    first,
    phf: named,
    why
  }: Extract<FirstLook.Found, { _tag: "Simple" }>) {
    standing.settle({ mode: "Simple", why })
    const fileBytes = first.probe.size ?? 0
    const spans = ranges === undefined ? undefined : ByteRanges.resolve(ranges, first.probe.size ?? Infinity)
    if (spans !== undefined && Result.isFailure(spans)) return yield* spans.failure
    const requested = spans === undefined ? undefined : ByteRanges.bytesIn(spans.success)
    const size = requested === undefined || requested === Infinity ? fileBytes : requested
    if (spans !== undefined) {
      standing.asked = () => ({
        requested: requested === Infinity ? undefined : requested,
        held: total(meter.useful())
      })
    }
    // What is small is in memory until it is at its place.
    const aside = size <= brief ? Option.none() : yield* Room.find(keeper, { missing: size, size, path })
    yield* standing.enter("Fetching")
    const simple = SimpleAttempts.run({
      formerUrls: request.formerUrls ?? [],
      path,
      first,
      standing,
      meter,
      overwrite: request.overwrite ?? false,
      expected: named?.contentId ?? request.contentId,
      pieceSize: named?.layout.pieceSize,
      ranges,
      onWriting: standing.enter("Writing")
    })
    const phf = yield* Option.match(aside, {
      onNone: () => simple,
      onSome: ({ partials }) => Effect.provideService(simple, PartialFiles, partials)
    })
    // Parts have hashes of their own, which are not those of the content.
    if (ranges === undefined) standing.isOf(phf)
    else standing.asked = () => ({ requested: phf.layout.contentSize, held: phf.layout.contentSize })
    return yield* finish(phf)
  })

  const whole = Effect.gen(function* () {
    if (mode === "Bypass") return yield* new ModeError({ mode: "bypass" })
    if (origins.problem !== undefined) return yield* origins.problem
    const wrong = ranges === undefined ? undefined : ByteRanges.complaint(ranges)
    if (wrong !== undefined) return yield* wrong
    if (request.isPlaceSeen !== true) yield* destination.check(path, { overwrite: request.overwrite ?? false })
    const looked = yield* FirstLook.take(request, cloud, origins, standing, ranges !== undefined)
    const found = ranges === undefined ? looked : yield* FirstLook.asChecked(request, looked)
    const finished = yield* found._tag === "Swarm" ? fromSwarm(found) : overHttp(found)
    yield* standing.enter("Done")
    return finished
  })

  yield* whole.pipe(
    Scope.provide(scope),
    Spans.within(Spans.names.download, Told.options(request, standing)),
    Effect.onExit((exit) => Outcomes.note(exit, standing, mode)),
    Effect.provideService(CurrentLedger, ledger),
    // Nobody waits for what is written down of one that succeeded.
    Effect.onExit((exit) =>
      Exit.isSuccess(exit) ? Effect.asVoid(FiberSet.run(notes, recordEnd(exit))) : recordEnd(exit)
    ),
    Effect.onExit((exit) => {
      accounts.ended(Exit.isSuccess(exit))
      const end = Exit.map(exit, ({ result }) => result)
      const over = Effect.asVoid(Deferred.done(ended, end))
      // Behind all that says how it ended: who knows that the file is there may let go of it now, and neither stops what is
      // being noted nor waits for it.
      return Effect.andThen(
        Deferred.done(arrived, end),
        Exit.isSuccess(exit)
          ? FiberSet.run(notes, Effect.uninterruptible(Effect.andThen(exit.value.noted, over)))
          : over
      )
    }),
    Effect.onExit((exit) => (Exit.isFailure(exit) ? Scope.close(scope, exit) : Effect.void)),
    Effect.exit,
    Effect.forkIn(outer)
  )
  return {
    progress: () => standing.progress(),
    facts: origins.facts,
    ledger: ledger.snapshot,
    result: Deferred.await(ended),
    arrived: Deferred.await(arrived)
  }
})
