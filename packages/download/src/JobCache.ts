/**
 * The cache servers as one download sees them: which is asked now, what became of asking, and whose turn it is (`CacheTurn`). State of
 * one download; whoever writes to it runs in that download.
 */
import type { CacheHost } from "@piecework/cachehosts/CacheHost"
import * as Host from "@piecework/cachehosts/CacheHost"
import type { CacheHosts, Choice, Failure } from "@piecework/cachehosts/CacheHosts"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { BufferPool } from "@piecework/hashing/BufferPool"
import type { Priority } from "@piecework/policy/Facts"
import { short } from "@piecework/ledger/Recorder"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import * as CacheServer from "@piecework/sources/CacheServer"
import { isRefusal } from "@piecework/sources/CacheServerId"
import { HttpClient } from "@piecework/sources/HttpClient"
import * as CacheUrl from "@piecework/sources/CacheUrl"
import type { HttpError } from "@piecework/sources/HttpError"
import type { OriginOptions } from "@piecework/sources/Origin"
import type { SourceError } from "@piecework/sources/PieceSource"
import { Clock, Duration, Effect, Fiber, Latch, Option, Result, type Scope } from "effect"
import * as CacheTurn from "./CacheTurn.ts"
import { type CacheView, type Reason, sentence as sentenceOf } from "./CacheView.ts"
import { CurrentLedger } from "./CurrentLedger.ts"
import { NoSourceError } from "./DownloadError.ts"
import type { Meter } from "./Meter.ts"

export interface JobCacheOptions {
  readonly hosts: CacheHosts["Service"]
  readonly url: ContentUrl
  readonly priority: Priority
  /** When the download was started, in epoch milliseconds. */
  readonly began: number
  readonly meter: Meter
  /** How its sources are asked. */
  readonly how: OriginOptions
  /** The download's mode lets it ask the services, which may name cache servers. */
  readonly asksService: boolean
  /** How long they and the local network may take to name one, where the origin is to wait for that. */
  readonly patience: Duration.Duration
}

export interface JobCache {
  /** The mode, the content and the device allow peers, or it is not known yet. Whoever learns it says so. */
  readonly peersAllowed: (mayPeer: boolean) => void
  /**
   * Waits until it is known whether there is one, where the settings keep the download from the origin while there is: whoever would
   * ask the origin asks this before.
   */
  readonly ready: Effect.Effect<void>
  /** Looks which is to be asked now; does not wait. */
  readonly look: Effect.Effect<Choice>
  /** Nothing speaks against asking this one, whichever is first. */
  readonly mayAsk: (cache: CacheHost) => Effect.Effect<boolean>
  /** Who is asked next where one is asked at a time. */
  readonly next: Effect.Effect<{ readonly next: CacheTurn.Next; readonly choice: Choice }>
  /** A source of its own, counted by the meter from now on. `undefined` where the URL there would be none: then it is not asked again. */
  readonly source: (cache: CacheHost) => Effect.Effect<CacheServer.CacheServer | undefined>
  /** The cache server failed; answers whether that ends the download. */
  readonly failed: (cache: CacheHost, error: SourceError | HttpError, hasGrown: boolean) => Effect.Effect<boolean>
  readonly originFailed: (hasGrown: boolean) => void
  /** One that is asked delivers. */
  readonly answered: () => void
  /** Its bytes were not the published ones: it is not asked again by this download. */
  readonly spoiled: (cache: CacheHost) => Effect.Effect<void>
  /** There is one, though it may be banned now: the delay for cache servers counts. As of the last look. */
  readonly isThere: () => boolean
  /** The origin is never to be asked. As of the last look. */
  readonly isOnly: () => boolean
  /** Epoch milliseconds: until then the download stays with cache servers that fail. */
  readonly due: () => number
  /** What the last failure was, of those that were no failing bodies of answers. */
  readonly lastFailure: () => SourceError | undefined
  /** Why it cannot go on, where nobody else may be asked: one refused the content, or all sent other bytes. */
  readonly ending: () => NoSourceError | undefined
  /**
   * Where else a file beside the content may be asked for, before its own place: at the cache server. For who knows the file by its
   * hash. `isOnly`: its own place is not to be asked.
   */
  readonly beside: (
    file: ContentUrl
  ) => Effect.Effect<{ readonly url: ContentUrl; readonly isOnly: boolean } | undefined>
  /** Waits for something that may change the choice, at most until then, in epoch milliseconds. */
  readonly change: (until: number) => Effect.Effect<void>
  /** Calls when something may have changed the choice. */
  readonly onChange: (call: () => void) => Effect.Effect<void, never, Scope.Scope>
  readonly view: () => CacheView
}

/** Longest sleep in milliseconds: a delay may be years, and timers are not. */
const longestSleep = 86_400_000

export const make = Effect.fn("JobCache.make")(function* (
  options: JobCacheOptions
): Effect.fn.Return<JobCache, never, BufferPool | HttpClient | Scope.Scope> {
  const { began, hosts, how, meter, priority, url } = options
  const client = yield* HttpClient
  const pool = yield* BufferPool
  const policy = yield* LivePolicy
  const clock = yield* Clock.Clock
  const ledger = yield* CurrentLedger
  const changed = yield* Latch.make(false)
  const listeners = new Set<() => void>()
  /** Those whose bytes were bad, by name. */
  const spoilt = new Set<string>()
  /** Those at which the URL would be none. */
  const unusable = new Set<string>()
  let mayPeer = false
  let turn = CacheTurn.first
  let choice: Choice = { _tag: "Without", why: "NoneKnown", until: undefined }
  /** Why one that could be asked is not. */
  let instead: Reason | undefined
  let last: CacheHost | undefined
  let failure: string | undefined
  let refusal: SourceError | undefined
  let lastFailure: SourceError | undefined

  const now = () => clock.currentTimeMillisUnsafe()
  const rules = () => CacheTurn.rulesOf(policy.current(), { priority, mayPeer, began })
  const changes = () => {
    changed.openUnsafe()
    for (const call of new Set(listeners)) call()
  }
  yield* hosts.onChange(changes)
  yield* policy.onChange(changes)

  /** It is not asked though it may be. */
  const isOut = (cache: CacheHost): boolean => spoilt.has(Host.nameOf(cache)) || unusable.has(Host.nameOf(cache))

  const isThere = () => CacheTurn.isThere(turn, rules(), choice)

  const view = (): CacheView => {
    const { due, fallback, peersUntil } = rules()
    const from = isThere() ? due : peersUntil
    const seen = {
      provider: last?.provider,
      host: last === undefined ? undefined : Host.nameOf(last),
      failure,
      until: choice._tag === "Without" ? choice.until : undefined,
      originFrom: from === Infinity ? null : now() < from ? from : undefined
    }
    if (refusal !== undefined) return { ...seen, reason: "Refused" }
    if (instead !== undefined) return { ...seen, reason: instead }
    if (turn.isLeft && fallback !== "Never") return { ...seen, reason: "Left" }
    if (choice._tag === "Without") return { ...seen, reason: choice.why }
    return { ...seen, reason: turn.at === "Origin" && from <= now() ? "Failed" : "Asked" }
  }

  const record = () => {
    if (!ledger.isKept) return
    const seen = view()
    const host = seen.host === undefined ? {} : { host: short(seen.host, 256) }
    const sentence = short(sentenceOf(seen, (at) => new Date(at).toISOString()))
    ledger.note({ _tag: "Cache", reason: seen.reason, ...host, sentence })
  }

  const look = Effect.map(hosts.choose(url, isOut), (found) => {
    // A ban has an end; where there is nothing to wait for, all of them are out.
    const isNobodyLeft = found._tag === "Without" && found.why === "Banned" && found.until === undefined
    instead = isNobodyLeft ? (spoilt.size > 0 ? "BadPieces" : "NotAllowed") : undefined
    choice = instead === undefined ? found : { _tag: "Without", why: whyOf(instead), until: undefined }
    if (found._tag === "Use") last = found.cache
    record()
    return choice
  })

  /** Milliseconds for which the origin waits until it is known whether there is one: without a delay, none. */
  const waits = Math.min(CacheTurn.left(rules(), now()), Duration.toMillis(options.patience))
  // In a fiber of the download, since those who wait for it come and go.
  const settling =
    waits > 0 && (yield* look)._tag === "Without"
      ? yield* hosts
          .settled({ asksService: options.asksService })
          .pipe(Effect.timeoutOption(waits), Effect.andThen(look), Effect.forkScoped)
      : undefined
  const ready = settling === undefined ? Effect.void : Effect.asVoid(Fiber.await(settling))

  return {
    peersAllowed: (may) => {
      if (may === mayPeer) return
      mayPeer = may
      changes()
    },
    ready,
    look,
    mayAsk: (cache) =>
      Effect.map(hosts.known, (known) =>
        known.some(
          (one) =>
            Host.nameOf(one.cache) === Host.nameOf(cache) &&
            !isOut(cache) &&
            one.without === undefined &&
            one.bannedUntil === undefined &&
            !one.refusedOrigins.has(new URL(url).origin)
        )
      ),
    next: Effect.map(look, (seen) => {
      const next = CacheTurn.next(turn, rules(), seen, now())
      turn = CacheTurn.gone(turn, rules(), seen, next)
      return { next, choice: seen }
    }),
    source: Effect.fnUntraced(function* (cache: CacheHost) {
      const made = yield* Effect.option(
        CacheServer.make(cache, url, how).pipe(
          Effect.provideService(HttpClient, client),
          Effect.provideService(BufferPool, pool)
        )
      )
      const source = Option.getOrUndefined(made)
      if (source === undefined) {
        unusable.add(Host.nameOf(cache))
        return undefined
      }
      meter.leave(source.id)
      const { answers, id, kind, received } = source
      meter.join({ id, kind, received, answers, sent: () => 0 })
      return source
    }),
    failed: Effect.fn("JobCache.failed")(function* (
      cache: CacheHost,
      error: SourceError | HttpError,
      hasGrown: boolean
    ) {
      const what = failureOf(error)
      const at = now()
      failure = describe(error)
      if (error._tag === "SourceError") lastFailure = error
      const isFatal = CacheTurn.isFatal(rules(), what)
      if (isFatal && error._tag === "SourceError") refusal = error
      turn = CacheTurn.cacheFailed(turn, rules(), what, hasGrown, at)
      record()
      yield* Effect.logDebug("a cache server failed", Host.nameOf(cache), failure)
      yield* hosts.failed(cache, url, CacheTurn.told(rules(), what, at))
      return isFatal
    }),
    answered: () => void (failure = undefined),
    originFailed: (hasGrown) => void (turn = CacheTurn.originFailed(turn, hasGrown)),
    spoiled: Effect.fn("JobCache.spoiled")(function* (cache: CacheHost) {
      const name = Host.nameOf(cache)
      spoilt.add(name)
      failure = "its bytes are not the published ones"
      yield* Effect.logWarning("a cache server sends other bytes than the published ones").pipe(
        Effect.annotateLogs({ cache: name, url })
      )
      yield* hosts.failed(cache, url, { _tag: "Broken", detail: failure })
    }),
    isThere,
    isOnly: () => isThere() && rules().due === Infinity,
    due: () => (isThere() ? rules().due : -Infinity),
    lastFailure: () => lastFailure,
    ending: () => {
      if (refusal !== undefined) return NoSourceError.from(url, refusal, true)
      if (instead !== "BadPieces" || rules().due !== Infinity) return undefined
      return new NoSourceError({ url, reason: "BadPieces", cacheServer: "Alone" })
    },
    beside: Effect.fnUntraced(function* (file: ContentUrl) {
      if (new URL(file).origin !== new URL(url).origin) return undefined
      yield* ready
      const found = yield* look
      if (found._tag === "Without" || !isThere()) return undefined
      const at = CacheUrl.of(found.cache, file)
      return Result.isFailure(at) ? undefined : { url: at.success, isOnly: rules().due === Infinity }
    }),
    change: (until) =>
      Effect.andThen(
        changed.close,
        Effect.asVoid(Effect.timeoutOption(changed.await, Math.max(0, Math.min(until - now(), longestSleep))))
      ),
    onChange: (call) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => listeners.add(call)),
          () => Effect.sync(() => listeners.delete(call))
        )
      ),
    view
  }
})

/** For whoever has turns: bad bytes are a failure that lasts; who cannot be asked is nobody to stay with. */
const whyOf = (reason: Reason) => (reason === "BadPieces" ? "Banned" : "NotAllowed")

/** In the words of who bans. Source: spec.md §7.3. */
export const failureOf = (error: SourceError | HttpError): Failure => {
  const status = error._tag === "SourceError" ? error.status : undefined
  if (isRefusal(status)) return { _tag: "Status", status }
  const detail = describe(error)
  return away.has(error.reason) ? { _tag: "Unreachable", detail } : { _tag: "Broken", detail }
}

const away: ReadonlySet<string> = new Set(["Unreachable", "TimedOut", "TlsFailed"])

const describe = (error: SourceError | HttpError): string =>
  error._tag === "SourceError" ? error.description : error.message.replace(/\.$/, "")
