/**
 * A cache server as a source of a swarm's pieces, beside the peers, for as long as the scope lasts: whichever is to be asked joins as
 * one that holds everything; one that fails leaves at once, the next of the list takes its place, and the same one comes back
 * after a while, unless its time is over (`CacheTurn`).
 */
import { type CacheHost, nameOf } from "@piecework/cachehosts/CacheHost"
import type { CacheServer } from "@piecework/sources/CacheServer"
import type { PieceSource, SourceId } from "@piecework/sources/PieceSource"
import { SourceError } from "@piecework/sources/PieceSource"
import { Clock, Effect, Queue, type Scope } from "effect"
import type { JobCache } from "./JobCache.ts"

export interface CacheMemberOptions {
  readonly cache: JobCache
  /** The source is there from now on. */
  readonly joined: (source: CacheServer) => void
  /** It is gone; nothing of it is under way any more. */
  readonly left: (source: CacheServer) => void
  /** Called after each look: one came, went, or is left for good. */
  readonly looked: () => void
}

export interface CacheMember {
  /** What was asked of the source failed so. Of another source than the one that is there it changes nothing. */
  readonly failed: (source: PieceSource, error: SourceError) => void
  /** It stood still for too long. */
  readonly stalled: (source: SourceId) => void
  /** A piece that it sent was bad. */
  readonly bad: (source: SourceId) => void
  /** A piece that it sent was good. */
  readonly good: (source: SourceId) => void
  /** The first one was asked, and has neither brought anything nor failed: others are not looked to before. */
  readonly isAwaited: () => boolean
}

/** So many bad pieces, and it is asked no more: as many as an origin may send. */
const mostBad = 3

/** Before the same one is asked again, in milliseconds; doubled with each failure. Source: spec.md §3.4. */
const shortestWait = 1000
const longestWait = 30_000

type Trouble = { readonly host: CacheHost; readonly error: SourceError | "BadPieces"; readonly hasGrown: boolean }

export const start = Effect.fn("CacheMember.start")(function* (
  options: CacheMemberOptions
): Effect.fn.Return<CacheMember, never, Scope.Scope> {
  const { cache } = options
  /** `undefined`: look again. */
  const wishes = yield* Queue.sliding<Trouble | undefined>(16)
  let member: { readonly source: CacheServer; readonly host: CacheHost } | undefined
  let grown = 0
  /** Bad pieces by name: as the scheduler counts them, they last for the download. */
  const bad = new Map<string, number>()
  /** By name: how often it failed in a row, and when it may come back, in epoch milliseconds. */
  const resting = new Map<string, { readonly failures: number; readonly until: number }>()

  const leave = () => {
    if (member === undefined) return
    const { source } = member
    member = undefined
    options.left(source)
  }

  const trouble = (id: SourceId, error: SourceError | "BadPieces") => {
    if (member?.source.id !== id) return
    const { host } = member
    leave()
    Queue.offerUnsafe(wishes, { host, error, hasGrown: grown > 0 })
  }

  const settle = Effect.fnUntraced(function* ({ error, hasGrown, host }: Trouble) {
    if (error === "BadPieces") return yield* cache.spoiled(host)
    yield* cache.failed(host, error, hasGrown)
    const name = nameOf(host)
    const failures = hasGrown ? 1 : (resting.get(name)?.failures ?? 0) + 1
    const now = yield* Clock.currentTimeMillis
    resting.set(name, { failures, until: now + Math.min(longestWait, shortestWait * 2 ** Math.min(failures - 1, 16)) })
  })

  /** Answers when to look again by itself, in epoch milliseconds. */
  const look = Effect.gen(function* () {
    const choice = yield* cache.look
    const isUsable = choice._tag === "Use" && cache.isThere() && cache.ending() === undefined
    // That another is first now, after what became of other downloads, is no reason to leave one that delivers.
    const stays = isUsable && member !== undefined && (yield* cache.mayAsk(member.host))
    const wanted = stays ? member?.host : isUsable ? choice.cache : undefined
    if (member !== undefined && (wanted === undefined || nameOf(wanted) !== nameOf(member.host))) leave()
    const until = wanted === undefined ? undefined : resting.get(nameOf(wanted))?.until
    const now = yield* Clock.currentTimeMillis
    const isResting = until !== undefined && until > now
    if (wanted !== undefined && member === undefined && !isResting) {
      const source = yield* cache.source(wanted)
      if (source !== undefined) {
        member = { source, host: wanted }
        grown = 0
        options.joined(source)
      }
    }
    options.looked()
    return isResting ? until : Infinity
  })

  yield* cache.onChange(() => void Queue.offerUnsafe(wishes, undefined))
  // Before anybody else is asked for anything.
  let again = yield* look
  yield* Effect.gen(function* () {
    while (true) {
      const now = yield* Clock.currentTimeMillis
      const waiting = Queue.take(wishes)
      const wish = again === Infinity ? yield* waiting : yield* timed(waiting, again - now)
      if (wish !== undefined) yield* settle(wish)
      again = yield* look
    }
  }).pipe(Effect.forkScoped)

  return {
    failed: (source, error) => trouble(source.id, error),
    stalled: (source) => trouble(source, new SourceError({ source, reason: "Stalled" })),
    bad: (source) => {
      if (member?.source.id !== source) return
      const name = nameOf(member.host)
      const count = (bad.get(name) ?? 0) + 1
      bad.set(name, count)
      if (count >= mostBad) trouble(source, "BadPieces")
    },
    isAwaited: () => member !== undefined && grown === 0 && resting.size === 0,
    good: (source) => {
      if (member?.source.id !== source) return
      grown++
      cache.answered()
    }
  }
})

const timed = <A>(self: Effect.Effect<A>, millis: number): Effect.Effect<A | undefined> =>
  Effect.timeoutOrElse(self, { duration: Math.max(0, millis), orElse: () => Effect.succeed(undefined) })
