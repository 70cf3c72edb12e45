/**
 * The cache servers of a site as a test names them, in memory: asked in their order, banned as the rules say, by the test clock. A
 * ban tells whoever listens at once; that it is over is seen by the next look.
 */
import { type CacheHost, nameOf } from "@piecework/cachehosts/CacheHost"
import { CacheHosts, type Choice, type Failure } from "@piecework/cachehosts/CacheHosts"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Clock, Effect, Latch } from "effect"

export interface TestCacheHosts {
  readonly service: CacheHosts["Service"]
  /** These are known from now on. */
  readonly set: (hosts: ReadonlyArray<CacheHost>) => void
  /** None is asked from now on, for this reason; `undefined` lets them be asked again. */
  readonly forbid: (why: Exclude<Extract<Choice, { readonly _tag: "Without" }>["why"], "Banned"> | undefined) => void
  /** What was said of them, as "http://host Status". */
  readonly failures: () => ReadonlyArray<string>
  /** From now on whoever waits for those that are known does so until `settle`. */
  readonly unsettle: () => void
  readonly settle: () => void
}

/** Source: spec.md §7.3. */
const banTime = 15 * 60_000

const keyFor = (cache: CacheHost, url: ContentUrl) => `${nameOf(cache)} ${new URL(url).origin}`

const without = (why: Extract<Choice, { readonly _tag: "Without" }>["why"], until?: number): Choice => ({
  _tag: "Without",
  why,
  until
})

export const make = Effect.fnUntraced(function* (first: ReadonlyArray<CacheHost>): Effect.fn.Return<TestCacheHosts> {
  const clock = yield* Clock.Clock
  const settled = yield* Latch.make(true)
  let hosts = first
  let forbidden: Parameters<TestCacheHosts["forbid"]>[0]
  let turn = 0
  const bans = new Map<string, number>()
  const listeners = new Set<() => void>()
  const failures: Array<string> = []
  const now = () => clock.currentTimeMillisUnsafe()
  const current = (until: number | undefined) => (until !== undefined && until > now() ? until : undefined)
  const changed = () => {
    for (const listener of new Set(listeners)) listener()
  }
  const bannedUntil = (cache: CacheHost, url: ContentUrl): number =>
    Math.max(bans.get(nameOf(cache)) ?? -Infinity, bans.get(keyFor(cache, url)) ?? -Infinity)

  const choose = (url: ContentUrl, isOut: (cache: CacheHost) => boolean = () => false): Choice => {
    if (forbidden !== undefined) return without(forbidden)
    if (hosts.length === 0) return without("NoneKnown")
    for (let n = 0; n < hosts.length; n++) {
      const cache = hosts[(turn + n) % hosts.length]
      if (cache !== undefined && !isOut(cache) && bannedUntil(cache, url) <= now()) return { _tag: "Use", cache }
    }
    const wanted = hosts.filter((cache) => !isOut(cache))
    return without(
      "Banned",
      wanted.length === 0 ? undefined : Math.min(...wanted.map((cache) => bannedUntil(cache, url)))
    )
  }

  const failed = (cache: CacheHost, url: ContentUrl, failure: Failure) => {
    failures.push(`${nameOf(cache)} ${failure._tag}`)
    const at = hosts.findIndex((one) => nameOf(one) === nameOf(cache))
    if (failure._tag === "Unreachable") bans.set(nameOf(cache), now() + banTime)
    else if (failure._tag === "Status") bans.set(keyFor(cache, url), now() + banTime)
    turn = at + 1
    changed()
  }

  return {
    service: CacheHosts.of({
      settled: () => settled.await,
      choose: (url, isOut) => Effect.sync(() => choose(url, isOut)),
      failed: (cache, url, failure) => Effect.sync(() => failed(cache, url, failure)),
      known: Effect.sync(() =>
        hosts.map((cache) => ({
          cache,
          bannedUntil: current(bans.get(nameOf(cache))),
          refusedOrigins: new Map(
            [...bans].flatMap(([key, until]) =>
              key.startsWith(`${nameOf(cache)} `) && until > now() ? [[key.split(" ")[1] ?? "", until] as const] : []
            )
          ),
          without: undefined
        }))
      ),
      onChange: (look) =>
        Effect.asVoid(
          Effect.acquireRelease(
            Effect.sync(() => listeners.add(look)),
            () => Effect.sync(() => listeners.delete(look))
          )
        )
    }),
    set: (next) => {
      hosts = next
      changed()
    },
    forbid: (why) => {
      forbidden = why
      changed()
    },
    failures: () => failures,
    unsettle: () => void settled.closeUnsafe(),
    settle: () => void settled.openUnsafe()
  }
})
