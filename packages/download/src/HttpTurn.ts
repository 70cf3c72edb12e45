/**
 * When the origin's turn comes: not before peers, and then cache servers, had the time that the settings give them, and out of turn
 * when peers give less than they say a download has to have. A change of the settings is heard while it runs.
 */
import type { ContentTerms } from "@piecework/policy/ContentTerms"
import * as Delays from "@piecework/policy/Delays"
import { forbidsPeers } from "@piecework/policy/Eligibility"
import type { Priority } from "@piecework/policy/Facts"
import * as Limits from "@piecework/policy/Limits"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import type { Policy } from "@piecework/policy/Policy"
import { Clock, Effect, Latch, type Scope } from "effect"
import { CurrentLedger } from "./CurrentLedger.ts"
import type { Turn } from "./Fetches.ts"
import type { JobCache } from "./JobCache.ts"

export interface HttpTurnOptions {
  readonly priority: Priority
  /** The mode, the content and the device allow peers. */
  readonly mayPeer: boolean
  /** When the download was started, in epoch milliseconds. */
  readonly began: number
  readonly terms: ContentTerms
  /** The cache servers before the origin; absent where there are none. */
  readonly cache?: Pick<JobCache, "isThere"> | undefined
  /** Hears when the origin is held back and let go, and of the rate below which it is asked for more. */
  readonly tell: (turn: Turn) => void
}

export interface HttpTurn {
  /** While the origin is held back: until how many milliseconds after the start, `null` for good; else `undefined`. */
  readonly after: () => number | null | undefined
  /** To be called when a cache server came, went, or is left for good. */
  readonly look: () => void
}

/** Longest sleep in milliseconds: a delay may be years, and timers are not. */
const longestSleep = 86_400_000

export const take = Effect.fn("HttpTurn.take")(function* (
  options: HttpTurnOptions
): Effect.fn.Return<HttpTurn, never, Scope.Scope> {
  const live = yield* LivePolicy
  const ledger = yield* CurrentLedger
  const clock = yield* Clock.Clock
  const changed = yield* Latch.make(false)
  const { began, cache, mayPeer, priority, tell, terms } = options
  const situationIn = (policy: Policy): Delays.Situation => ({
    priority,
    mayPeer: mayPeer && !forbidsPeers(policy),
    hasCacheServer: cache?.isThere() ?? false
  })
  const delayIn = (policy: Policy) => Delays.of(policy, situationIn(policy)).origin
  let delay = delayIn(live.current())
  let floor: number | undefined
  let isHeld = false

  /** Milliseconds until the turn comes. */
  const left = () => (delay === "Never" ? Infinity : began + delay - clock.currentTimeMillisUnsafe())
  const look = () => {
    const isEarly = left() > 0
    if (isEarly === isHeld) return
    isHeld = isEarly
    if (isEarly) {
      const until = delay === "Never" ? null : delay
      const settings = Delays.settingsOf(live.current(), situationIn(live.current()))
      ledger.note({ _tag: "HttpHeld", until, settings })
    } else ledger.note({ _tag: "HttpAllowed", why: delay !== "Never" && left() > -1000 ? "DelayOver" : "Changed" })
    tell(() => [{ _tag: isEarly ? "OriginHeld" : "OriginAllowed" }])
  }
  const obey = (policy: Policy) => {
    delay = delayIn(policy)
    const rate = mayPeer && !forbidsPeers(policy) ? Limits.saidFloor(policy, priority, terms) : undefined
    if (rate !== floor) {
      ledger.note({ _tag: "Floor", rate: rate ?? null })
      tell(() => [{ _tag: "Floor", rate }])
    }
    floor = rate
    look()
    changed.openUnsafe()
  }

  obey(live.current())
  if (!isHeld) ledger.note({ _tag: "HttpAllowed", why: "NoDelay" })
  yield* live.onChange(obey)
  yield* Effect.gen(function* () {
    while (true) {
      yield* changed.close
      const wait = isHeld ? Effect.timeoutOption(changed.await, Math.min(left(), longestSleep)) : changed.await
      yield* wait
      look()
    }
  }).pipe(Effect.forkScoped)

  return {
    after: () => (isHeld ? (delay === "Never" ? null : delay) : undefined),
    look: () => obey(live.current())
  }
})
