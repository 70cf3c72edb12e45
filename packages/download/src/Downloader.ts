/**
 * Fetches contents. What a download is of decides how it goes (`FirstLook`): a content that the services vouch for comes from its
 * swarm, anything else over plain HTTP. It lives in the scope it was started in: when that closes, it stops, and it serves peers
 * until then.
 */
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import { PartialFiles } from "@piecework/cache/PartialFile"
import { PieceCache } from "@piecework/cache/PieceCache"
import { Cloud } from "@piecework/cloud/Cloud"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { ContentId } from "@piecework/domain/Content"
import { usesPeers } from "@piecework/domain/DownloadMode"
import { BufferPool } from "@piecework/hashing/BufferPool"
import type { Phf } from "@piecework/hashing/Phf"
import { Bans } from "@piecework/peers/Bans"
import { PeerHost } from "@piecework/peers/PeerHost"
import * as ContentTerms from "@piecework/policy/ContentTerms"
import { forbidsPeers } from "@piecework/policy/Eligibility"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import { CurrentPriority, Shaper } from "@piecework/shaping/Shaper"
import { HttpClient } from "@piecework/sources/HttpClient"
import type { HttpFacts } from "@piecework/sources/HttpFacts"
import { Clock, Context, Deferred, Effect, Exit, Layer, Option, RcMap, Scope, Semaphore } from "effect"
import { Destination } from "./Destination.ts"
import { DownloadConfig } from "./DownloadConfig.ts"
import { type DownloadError, Fallback, HaltedError, ModeError } from "./DownloadError.ts"
import { type DownloadRequest, priorityOf } from "./DownloadRequest.ts"
import * as FirstLook from "./FirstLook.ts"
import * as Halts from "./Halts.ts"
import * as Keeping from "./Keeping.ts"
import * as Meter from "./Meter.ts"
import * as Neighbours from "./Neighbours.ts"
import * as Noting from "./Noting.ts"
import * as Origins from "./Origins.ts"
import { Permission } from "./Permission.ts"
import type { DownloadResult, Progress } from "./Progress.ts"
import { Records } from "./Records.ts"
import * as Room from "./Room.ts"
import * as SimpleAttempts from "./SimpleAttempts.ts"
import { recordOf, Standing } from "./Standing.ts"
import * as Storage from "./Storage.ts"
import * as SwarmDownload from "./SwarmDownload.ts"
import * as Terms from "./Terms.ts"

export type { DownloadRequest } from "./DownloadRequest.ts"

export interface ActiveDownload {
  /** A look at it; costs the download nothing. */
  readonly progress: () => Progress
  /** What the origin said last, whatever it was; `undefined` while it said nothing. */
  readonly facts: () => HttpFacts | undefined
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
   * A `Cloud` in the context is used, a `Lan`, and a `CacheKeeper`, without which the cache has no rules. Without a `Cloud` a
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
        Context.add(Shaper, yield* Shaper)
      )
      const neighbourly = yield* Neighbours.known
      const cloud = yield* Effect.serviceOption(Cloud)
      const shared: Shared = {
        cloud,
        halts: yield* Halts.make(cloud),
        turns: yield* RcMap.make<ContentId, Semaphore.Semaphore, never, never>({ lookup: () => Semaphore.make(1) }),
        keeper: yield* Effect.serviceOption(CacheKeeper)
      }
      return Downloader.of({
        start: (request) =>
          start(request, shared).pipe(
            // All that it asks for counts as that, the pieces hash file and the first look at the origin as well.
            Effect.provideService(CurrentPriority, priorityOf(request)),
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

/** What the downloads of this process have in common. */
interface Shared {
  readonly cloud: Option.Option<Cloud["Service"]>
  readonly halts: Halts.Halts
  /** Two downloads of one content take turns: the second finds in the cache what the first has fetched. */
  readonly turns: RcMap.RcMap<ContentId, Semaphore.Semaphore>
  readonly keeper: Option.Option<CacheKeeper["Service"]>
}

const start = Effect.fn("Downloader.start")(function* (request: DownloadRequest, shared: Shared) {
  const { mode, path, url } = request
  const { cloud, halts, keeper, turns } = shared
  const policy = yield* LivePolicy.LivePolicy
  const records = yield* Records
  const destination = yield* Destination
  const outer = yield* Effect.scope
  // First, so that it ends last.
  const keeping = yield* Keeping.make(keeper, request)
  // A download that failed ends here and now, not with the scope of whoever started it.
  const scope = yield* Scope.fork(outer)
  const meter = Meter.make()
  const origins = yield* Origins.make(request, meter)
  const began = yield* Clock.currentTimeMillis
  const standing = new Standing({ request, began, meter, shaper: yield* Shaper })
  const ended = yield* Deferred.make<DownloadResult, DownloadError>()

  const finish = Effect.fnUntraced(function* (phf: Phf) {
    const now = yield* Clock.currentTimeMillis
    const result = standing.result(phf, now)
    yield* records
      .put(recordOf(result, now))
      // The file is there; that it was not noted down is no reason to call the download failed.
      .pipe(Effect.catch((error) => Effect.logWarning(error.message)))
    return result
  })

  const fromSwarm = Effect.fnUntraced(function* (found: Extract<FirstLook.Found, { _tag: "Swarm" }>) {
    const { phf, policies } = found
    const { contentId, layout } = phf
    const settled = settle(request, found, policy.current())
    standing.settled = settled
    standing.isOf(phf)
    yield* standing.enter("Checking")
    // Before the sessions, so that the last note is made when they are over.
    const noting = yield* Noting.make(contentId, meter.sent)
    yield* Noting.keepUp(noting)
    const { deliver, store } = yield* Scope.provide(keeping.open(phf, policies), scope)

    const fetching = Effect.gen(function* () {
      const held = yield* Effect.mapError(store.verifyHeld, Storage.fromCache)
      for (const piece of Bitfield.pieces(held)) meter.kept("LocalCache", layout.length(piece), true)
      yield* standing.enter("Fetching")
      const terms = Terms.of(policies)
      const what = { began, cloud, halts, held, meter, mode: settled.mode, origins, store, terms, url }
      const swarm = yield* SwarmDownload.start({ ...what, priority: priorityOf(request) }).pipe(
        Effect.provideService(LivePolicy.LivePolicy, LivePolicy.also(policy, ContentTerms.said(terms)))
      )
      standing.swarm = swarm
      yield* swarm.complete
    }).pipe(Scope.provide(scope))
    const inTurn = Effect.scoped(Effect.flatMap(RcMap.get(turns, contentId), (turn) => turn.withPermit(fetching)))
    const halted = Effect.andThen(
      halts.halted(contentId, () => true),
      Effect.fail(new HaltedError({ url }))
    )
    yield* Effect.raceFirst(inTurn, halted)
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
    const result = yield* finish(phf)
    yield* noting.note
    return result
  })

  const overHttp = Effect.fnUntraced(function* ({
    first,
    phf: named,
    why
  }: Extract<FirstLook.Found, { _tag: "Simple" }>) {
    standing.settled = { mode: "Simple", why }
    const size = first.probe.size ?? 0
    const aside = yield* Room.find(keeper, { missing: size, size, path })
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
      onWriting: standing.enter("Writing")
    })
    const phf = yield* Option.match(aside, {
      onNone: () => simple,
      onSome: ({ partials }) => Effect.provideService(simple, PartialFiles, partials)
    })
    standing.isOf(phf)
    return yield* finish(phf)
  })

  const whole = Effect.gen(function* () {
    if (mode === "Bypass") return yield* new ModeError({ mode: "bypass" })
    if (origins.problem !== undefined) return yield* origins.problem
    yield* destination.check(path, { overwrite: request.overwrite ?? false })
    const found = yield* FirstLook.take(request, cloud, origins, standing)
    const result = yield* found._tag === "Swarm" ? fromSwarm(found) : overHttp(found)
    yield* standing.enter("Done")
    return result
  })

  yield* whole.pipe(
    Scope.provide(scope),
    Effect.onExit((exit) => Deferred.done(ended, exit)),
    Effect.onExit((exit) => (Exit.isFailure(exit) ? Scope.close(scope, exit) : Effect.void)),
    Effect.exit,
    Effect.forkIn(outer)
  )
  return { progress: () => standing.progress(), facts: origins.facts, result: Deferred.await(ended) }
})

/** The mode that a content of a swarm comes in, and why. */
const settle = (
  request: DownloadRequest,
  { mode, why }: Extract<FirstLook.Found, { _tag: "Swarm" }>,
  policy: Parameters<typeof forbidsPeers>[0]
): NonNullable<Standing["settled"]> => {
  // The service may have said so in the answer that told what the content is.
  if (usesPeers(mode) && forbidsPeers(policy)) return { mode: "HttpOnly", why: byPolicy }
  return { mode, why: why.reason === "Requested" ? (request.why ?? why) : why }
}

const byPolicy = new Fallback({ reason: "NotEligible", detail: "the mode has no peers: DODownloadMode" })
