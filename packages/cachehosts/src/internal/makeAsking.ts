/** Choosing over providers that may say something else at any moment; bans are of the process. */
import * as Journal from "@piecework/logs/Journal"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import type { Policy } from "@piecework/policy/Policy"
import { Clock, Effect, FiberHandle, type Scope } from "effect"
import { type CacheHost, nameOf } from "../CacheHost.ts"
import type { CacheHosts, KnownHost } from "../CacheHosts.ts"
import * as Choice from "../Choice.ts"
import * as Hosts from "../Hosts.ts"

/** What choosing needs to know, without waiting for it. */
export interface Finding {
  /** What the providers say, as far as it is known. */
  readonly said: () => Hosts.Said
  /** Calls when they say something else, until the scope closes. */
  readonly onSaid: (heard: () => void) => Effect.Effect<void, never, Scope.Scope>
  /** The interface that is a VPN. It may read files, and nothing that takes longer. */
  readonly vpn: Effect.Effect<string | false>
  /** Somebody wants to ask one: what has grown old may be looked up, by a fiber of its own. */
  readonly asked: Effect.Effect<void>
  /** As `CacheHosts` has it. */
  readonly settled: CacheHosts["Service"]["settled"]
  /** This one is asked from now on. */
  readonly uses: (cache: CacheHost) => Effect.Effect<void>
}

/** How often is looked for a VPN that comes or goes, where one matters. */
const lookAgain = "5 seconds"

export const makeAsking = Effect.fnUntraced(function* ({
  asked,
  onSaid,
  said,
  settled,
  uses,
  vpn
}: Finding): Effect.fn.Return<CacheHosts["Service"], never, Scope.Scope> {
  const live = yield* LivePolicy
  const listeners = new Set<() => void>()
  const tell = () => {
    for (const look of listeners) look()
  }
  yield* live.onChange(tell)
  yield* onSaid(tell)

  let hosts: { readonly by: readonly [Policy, Hosts.Said]; readonly are: Hosts.Hosts } | undefined
  const current = (): Hosts.Hosts => {
    const by = [live.current(), said()] as const
    if (hosts === undefined || hosts.by[0] !== by[0] || hosts.by[1] !== by[1]) hosts = { by, are: Hosts.of(...by) }
    return hosts.are
  }

  const lookedAt = yield* Effect.cachedWithTTL(vpn, lookAgain)
  /** Whether a VPN keeps it from asking; without the setting nobody looks for one. */
  const isKept = Effect.suspend(() =>
    live.current().get("DODisallowCacheServerDownloadsOnVPN") && current().usable.length > 0
      ? Effect.map(lookedAt, (name) => name !== false)
      : Effect.succeed(false)
  )
  let wasKept = yield* isKept
  const watchVpn = Effect.gen(function* () {
    yield* Effect.sleep(lookAgain)
    const is = yield* isKept
    if (is === wasKept) return
    wasKept = is
    tell()
  })

  let marks = Choice.none
  const end = yield* FiberHandle.make()
  /** A ban that is over is a change as well. */
  const awaitEnd: Effect.Effect<void> = Effect.gen(function* () {
    while (true) {
      const now = yield* Clock.currentTimeMillis
      const next = Choice.nextEnd(marks, now)
      if (next === undefined) return
      yield* Effect.sleep(next - now)
      tell()
    }
  })

  return {
    choose: Effect.fn("CacheHosts.choose")(function* (url, isOut) {
      yield* asked
      if (yield* isKept) return { _tag: "Without", why: "OnVpn", until: undefined } as const
      const choice = Choice.choose(current(), marks, url, yield* Clock.currentTimeMillis, isOut)
      if (choice._tag === "Use") yield* uses(choice.cache)
      return choice
    }),

    settled,

    failed: Effect.fn("CacheHosts.failed")(function* (cache, url, failure) {
      const now = yield* Clock.currentTimeMillis
      marks = Choice.failed(marks, cache, url, failure, now)
      yield* Journal.verbose(() => [
        "A cache server failed.",
        { cache: nameOf(cache), ...failure, ...Choice.ban(marks, cache, now) }
      ])
      yield* FiberHandle.run(end, awaitEnd)
      tell()
    }),

    known: Effect.gen(function* () {
      yield* asked
      const now = yield* Clock.currentTimeMillis
      const isOnVpn = yield* isKept
      return current().known.map(({ cache, without }): KnownHost => ({
        cache,
        ...Choice.ban(marks, cache, now),
        without: without ?? (isOnVpn ? "OnVpn" : undefined)
      }))
    }).pipe(Effect.withSpan("CacheHosts.known")),

    onChange: Effect.fn("CacheHosts.onChange")(function* (look) {
      yield* Effect.acquireRelease(
        Effect.sync(() => listeners.add(look)),
        () => Effect.sync(() => listeners.delete(look))
      )
      yield* Effect.forkScoped(Effect.forever(watchVpn))
    })
  }
})
