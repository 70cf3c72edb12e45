/**
 * A file over plain HTTP from the cache servers of the site in the origin's stead, as `CacheTurn` says whose turn it is. One of them is
 * asked at a time, and where the file goes on from another than before it is the same version or an error.
 */
import { type CacheHost, nameOf } from "@piecework/cachehosts/CacheHost"
import type { CacheServer } from "@piecework/sources/CacheServer"
import type { Origin, Probe, Rest } from "@piecework/sources/Origin"
import { SourceError } from "@piecework/sources/PieceSource"
import { Clock, Effect, type Scope } from "effect"
import * as Asked from "./Asked.ts"
import type { JobCache } from "./JobCache.ts"

export const make = (jobCache: JobCache, origin: Origin): Asked.Asked => {
  let source: { readonly cache: CacheHost; readonly server: CacheServer } | undefined
  /** Who was asked last. */
  let current: Origin = origin
  /** Those that failed since anything came, or was waited for. */
  const tried = new Set<string>()
  /** Cache servers that bytes came from. */
  const givers = new Map<string, CacheHost>()

  /** Who is to be asked now; waits while nobody is. */
  const pick: Effect.Effect<void> = Effect.gen(function* () {
    while (true) {
      const { choice, next } = yield* jobCache.next
      if (next._tag === "Wait") yield* jobCache.change(next.until)
      else if (next._tag === "Cache" && choice._tag === "Use" && (yield* turnTo(choice.cache))) return
      else if (next._tag === "Origin") return void (current = origin)
    }
  })

  /** Whether it can be asked. */
  const turnTo = Effect.fnUntraced(function* (cache: CacheHost) {
    if (source === undefined || nameOf(source.cache) !== nameOf(cache)) {
      const server = yield* jobCache.source(cache)
      if (server === undefined) return false
      source = { cache, server }
    }
    current = source.server
    return true
  })

  const failed = Effect.fnUntraced(function* (error: Parameters<Asked.Instead["failed"]>[0], hasGrown: boolean) {
    if (current.kind === "Origin" || source === undefined) {
      const verdict = Asked.ofOrigin(error)
      if (verdict._tag === "Fatal") return verdict
      jobCache.originFailed(hasGrown)
      const { next } = yield* jobCache.next
      return next._tag === "Cache" ? atOnce : verdict
    }
    const before = source.cache
    if (yield* jobCache.failed(before, error, hasGrown)) return fatal
    const { choice, next } = yield* jobCache.next
    if (hasGrown) tried.clear()
    tried.add(nameOf(before))
    const isAgain = next._tag === "Cache" && choice._tag === "Use" && tried.has(nameOf(choice.cache))
    if (isAgain) tried.clear()
    // They have another file by now, and there is nobody else to ask for the one that was begun.
    if (isAgain && error.reason === "ContentChanged") return fatal
    return isAgain ? { _tag: "Later" as const, until: yield* patience } : atOnce
  })

  /** Until then nothing is wrong with getting nowhere: for good where only cache servers are asked is not long enough to hide that. */
  const patience = Effect.map(Clock.currentTimeMillis, (now) => {
    const due = jobCache.due()
    return due === Infinity ? now : due
  })

  const answered = <A extends Probe | Rest>(answer: A): A => {
    if (answer.kind === "CacheServer" && source !== undefined) {
      givers.set(source.server.id, source.cache)
      jobCache.answered()
    }
    return answer
  }

  return {
    get id() {
      return current.id
    },
    url: origin.url,
    probe: (length) =>
      Effect.map(
        Effect.andThen(
          pick,
          Effect.suspend(() => current.probe(length))
        ),
        answered
      ),
    stream: (from, validator, until) =>
      Effect.andThen(
        pick,
        Effect.suspend((): Effect.Effect<Rest, SourceError, Scope.Scope> => {
          const asked = current
          return Effect.mapError(asked.stream(from, validator, until), (error) =>
            asked.kind === "CacheServer" && ofThisServer.has(error.reason)
              ? new SourceError({ ...error, reason: "BadResponse" })
              : error
          )
        })
      ).pipe(Effect.map(answered)),
    instead: {
      ready: pick,
      failed,
      spoiled: Effect.gen(function* () {
        if (givers.size === 0) return false
        yield* Effect.forEach(givers.values(), jobCache.spoiled, { discard: true })
        // Where the settings forbid the origin, there has to be another cache server.
        const isAgain = (yield* jobCache.look)._tag === "Use" || !jobCache.isOnly()
        if (isAgain) givers.clear()
        return isAgain
      }),
      isAlone: jobCache.isOnly,
      hasGiven: () => givers.size > 0
    }
  }
}

const fatal = { _tag: "Fatal" } as const
const atOnce = { _tag: "AtOnce" } as const

/** What would be said of the file, were it the origin: a cache server that says it may be asked anew, or another one. */
const ofThisServer: ReadonlySet<SourceError["reason"]> = new Set(["RangeIgnored", "RangeUnsatisfiable"])
