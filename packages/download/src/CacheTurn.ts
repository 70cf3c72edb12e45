/**
 * Whether a download asks the cache server or the origin, and for how long. What fails how often is remembered in a `Turn`; the rest
 * is arithmetic on the settings. Source: spec.md §1 (DODelayCacheServerFallback*), §7.3:
 *
 * - First the cache server.
 * - No delay is set: its first failure sends the download to the origin at once. Later each of the two has two attempts in a row
 *   that bring nothing before the other has its turn.
 * - A delay is set: the download stays with the cache servers, one after the other, until it is over. The first failure after that
 *   sends it to the origin, and it never comes back. One that delivers is not left.
 * - A delay of -1: the origin is never asked, and a cache server that refuses the content with a 4xx ends the download.
 *
 * A cache server counts as there while it is banned, so a ban does not end the delay. Where none may be asked at all (nobody named one, or a
 * setting forbids it) there is none to stay with, and the origin is asked, whatever the delay.
 */
import type { Choice, Failure } from "@piecework/cachehosts/CacheHosts"
import * as Delays from "@piecework/policy/Delays"
import type { Priority } from "@piecework/policy/Facts"
import type { Policy } from "@piecework/policy/Policy"

export interface Rules {
  readonly fallback: Delays.CacheFallback
  /** For the peers' sake the origin waits until then; epoch milliseconds. */
  readonly peersUntil: number
  /** From then on a cache server that fails is left; epoch milliseconds, infinite for never. */
  readonly due: number
}

export interface Situation {
  readonly priority: Priority
  /** The mode, the content and the device allow peers. */
  readonly mayPeer: boolean
  /** When the download was started, in epoch milliseconds. */
  readonly began: number
}

export const rulesOf = (policy: Policy, { began, mayPeer, priority }: Situation): Rules => {
  const until = (hasCacheServer: boolean) => {
    const { origin } = Delays.of(policy, { priority, mayPeer, hasCacheServer })
    return origin === "Never" ? Infinity : began + origin
  }
  return { fallback: Delays.cacheFallback(policy, priority), peersUntil: until(false), due: until(true) }
}

export interface Turn {
  readonly at: "Cache" | "Origin"
  /** Attempts there in a row that brought nothing. */
  readonly fruitless: number
  /** A cache server has failed this download. */
  readonly hasFailed: boolean
  /** No cache server is asked again for this download. */
  readonly isLeft: boolean
}

export const first: Turn = { at: "Cache", fruitless: 0, hasFailed: false, isLeft: false }

/** So many attempts in a row may bring nothing before the other has its turn. Source: spec.md §7.3. */
const mostFruitless = 2

/** A cache server is to be stayed with now, as long as there is any. */
const isStaying = ({ due, fallback }: Rules, now: number): boolean =>
  fallback === "Never" || (fallback !== "NotSet" && now < due)

/** For how many milliseconds the origin is still not to be asked if there is a cache server. */
export const left = (rules: Rules, now: number): number =>
  rules.fallback === "NotSet" ? 0 : Math.max(0, rules.due - now)

/** A cache server failed; `hasGrown` says whether anything came of the attempt. */
export const cacheFailed = (turn: Turn, rules: Rules, failure: Failure, hasGrown: boolean, now: number): Turn => {
  const fruitless = hasGrown ? 0 : turn.fruitless + 1
  const failed = { ...turn, fruitless, hasFailed: true }
  if (isStaying(rules, now)) return failed
  if (rules.fallback !== "NotSet") return { ...failed, at: "Origin", fruitless: 0, isLeft: true }
  const isOver = !turn.hasFailed || failure._tag === "Status" || fruitless >= mostFruitless
  return isOver ? { ...failed, at: "Origin", fruitless: 0 } : failed
}

/** The origin failed, and may be asked again. */
export const originFailed = (turn: Turn, hasGrown: boolean): Turn => {
  const fruitless = hasGrown ? 0 : turn.fruitless + 1
  return fruitless >= mostFruitless && !turn.isLeft ? { ...turn, at: "Cache", fruitless: 0 } : { ...turn, fruitless }
}

/** There is a cache server for this download, though it may be banned now. */
export const isThere = (turn: Turn, { fallback }: Rules, choice: Choice): boolean =>
  (choice._tag === "Use" || choice.why === "Banned") && (!turn.isLeft || fallback === "Never")

/** Who is to be asked next, where one is asked at a time. */
export type Next =
  | { readonly _tag: "Cache" }
  | { readonly _tag: "Origin" }
  /** Nobody before that, in epoch milliseconds (infinite: before something changes). */
  | { readonly _tag: "Wait"; readonly until: number }

export const next = (turn: Turn, rules: Rules, choice: Choice, now: number): Next => {
  const origin: Next = now < rules.peersUntil ? { _tag: "Wait", until: rules.peersUntil } : { _tag: "Origin" }
  if (!isThere(turn, rules, choice)) return origin
  const stays = isStaying(rules, now)
  if (choice._tag === "Use") {
    // What turned to the origin under other settings comes back.
    return turn.at === "Cache" || stays || origin._tag === "Wait" ? { _tag: "Cache" } : origin
  }
  return stays ? { _tag: "Wait", until: Math.min(rules.due, choice.until ?? Infinity) } : origin
}

/** The turn once it went on so: who turned to the origin when the delay was over does not come back when a ban ends. */
export const gone = (turn: Turn, rules: Rules, choice: Choice, to: Next): Turn =>
  to._tag === "Origin" && typeof rules.fallback === "number" && isThere(turn, rules, choice)
    ? { ...turn, at: "Origin", fruitless: 0, isLeft: true }
    : turn

/** Whether a refusal ends the download. */
export const isFatal = ({ fallback }: Rules, failure: Failure): boolean =>
  fallback === "Never" && failure._tag === "Status"

/**
 * The failure as all downloads of the device are told of it. While the download stays with its cache servers none is banned for
 * being away: it asks again, and the next of the list before that.
 */
export const told = (rules: Rules, failure: Failure, now: number): Failure => {
  if (!isStaying(rules, now)) return failure
  if (failure._tag === "Unreachable") return { _tag: "Broken", detail: failure.detail }
  return failure._tag === "Status" && rules.fallback === "Never"
    ? { _tag: "Broken", detail: `HTTP ${failure.status}` }
    : failure
}
