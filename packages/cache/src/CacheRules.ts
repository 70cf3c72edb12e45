/**
 * Which contents leave the cache, in which order, and why. Plain values go in and come out. The order is:
 *
 * 1. what has expired, and downloads that nobody goes on with; what expired first goes first;
 * 2. what is not to be kept at all, because it is too small or larger than the whole budget;
 * 3. while the cache is over its budget, or the disk has less free than it should: what was not used for longest.
 *
 * A pin keeps a content from all of these, and does not count against the budget. What is being downloaded or served stays until
 * that has ended, and counts. Nothing goes in step 3 but what is needed. Source: spec.md §3.5, §1, §4.3.
 */
import type { Policy } from "@piecework/policy/Policy"
import { providers } from "@piecework/policy/Provider"
import { gibibyte, mebibyte } from "@piecework/policy/Units"

/** The part of the disk that the cache leaves free. Source: spec.md §3.5. */
export const freePart = 0.05

/** How far ahead an expiry may be set by hand, in ms. Source: spec.md §3.5. */
export const farthestExpiry = 366 * 86_400_000

/** How long an unfinished download is kept since its last byte, where its policy says nothing; ms. Source: spec.md §4.3. */
export const unfinishedFor = 86_400_000

/** What the rules know of a content, or of a partial file. Times are epoch milliseconds. */
export interface Kept {
  /** Bytes on the disk. */
  readonly bytes: number
  /** Bytes of the whole; `undefined` when nobody knows. */
  readonly contentSize: number | undefined
  readonly isComplete: boolean
  /** When its download was complete; when it last got a byte, while it is not. */
  readonly completedAt: number
  /** When it was last fetched or served. */
  readonly usedAt: number
  /** It is being downloaded or served at this moment. */
  readonly isInUse: boolean
  readonly isPinned: boolean
  /** Set by hand. It takes the place of the age, and ends a pin. */
  readonly expiresAt: number | undefined
  /** What the content's policy says. */
  readonly policy: ContentTerms
}

/** What the policy of one content says of keeping it. */
export interface ContentTerms {
  /** For how long after its download, in ms; 0 is without end. */
  readonly maxAge?: number | undefined
  /** When it goes whatever its age. */
  readonly expireAt?: number | undefined
  /** For how long an unfinished download is kept, in ms. */
  readonly unfinishedFor?: number | undefined
}

/** What the settings come to on this disk. Sizes are bytes. */
export interface Terms {
  /** Most that contents without a pin may take; infinite when there is no limit, or nobody knows the disk. */
  readonly budget: number
  /** What stays free on the disk. */
  readonly leastFree: number
  /** Smaller contents are not kept. */
  readonly leastSize: number
  /** Ms; 0 is without end. */
  readonly maxAge: number
  /** Whether the age was said by somebody whom a content's policy does not overrule. */
  readonly isAgeFirm: boolean
}

export const termsOf = (policy: Policy, disk: number | undefined): Terms => {
  const absolute = policy.get("DOAbsoluteMaxCacheSize")
  const part = disk === undefined ? Number.POSITIVE_INFINITY : Math.floor((disk * policy.get("DOMaxCacheSize")) / 100)
  const age = policy.effective("DOMaxCacheAge")
  return {
    budget: absolute === undefined ? part : absolute === 0 ? Number.POSITIVE_INFINITY : absolute * gibibyte,
    leastFree: disk === undefined ? 0 : Math.ceil(disk * freePart),
    leastSize: policy.get("DOMinFileSizeToCache") * mebibyte,
    maxAge: age.value * 1000,
    isAgeFirm: providers.indexOf(age.provider) > providers.indexOf("ContentPolicy")
  }
}

/** Whether a pin holds now: not past the expiry that was set by hand, and not while it is being downloaded. */
export const isPinnedNow = ({ expiresAt, isComplete, isPinned }: Kept, now: number): boolean =>
  isPinned && isComplete && !(expiresAt !== undefined && expiresAt <= now)

/** When the content expires; infinite when it does not by itself. */
export const expiryOf = (kept: Kept, terms: Terms, now: number): number => {
  const { completedAt, expiresAt, isComplete, policy, usedAt } = kept
  // A time ahead comes from a clock that was set back, or from somebody who wrote it there.
  const since = (then: number, span: number) => Math.min(then, now) + span
  if (!isComplete) return since(Math.max(usedAt, completedAt), policy.unfinishedFor ?? unfinishedFor)
  const age = terms.isAgeFirm ? terms.maxAge : (policy.maxAge ?? terms.maxAge)
  const byAge = age === 0 ? Number.POSITIVE_INFINITY : since(completedAt, age)
  if (kept.isPinned) return expiresAt ?? Number.POSITIVE_INFINITY
  return Math.min(expiresAt ?? byAge, policy.expireAt ?? Number.POSITIVE_INFINITY)
}

export type Why = "Expired" | "Unfinished" | "TooSmall" | "TooLarge" | "OverBudget" | "DiskFull"

export interface Going<K extends Kept> {
  readonly kept: K
  readonly why: Why
}

export interface Decision<K extends Kept> {
  /** In the order in which they go. */
  readonly going: ReadonlyArray<Going<K>>
  /** Bytes that contents without a pin take, once those are gone. */
  readonly used: number
  /** Bytes free on the disk then; `undefined` when nobody knows. */
  readonly free: number | undefined
}

export interface Situation<K extends Kept> {
  readonly contents: ReadonlyArray<K>
  readonly terms: Terms
  /** Bytes free on the disk now; `undefined` when nobody knows, and then it is enough. */
  readonly free: number | undefined
  /** Bytes that are about to be fetched into the cache. Default 0. */
  readonly wanted?: number
  readonly now: number
}

export const decide = <K extends Kept>({ contents, free, now, terms, wanted = 0 }: Situation<K>): Decision<K> => {
  const going: Array<Going<K>> = []
  let used = contents.reduce((sum, kept) => (isPinnedNow(kept, now) ? sum : sum + kept.bytes), 0)
  let left = free
  const go = (kept: K, why: Why): void => {
    going.push({ kept, why })
    used -= kept.bytes
    if (left !== undefined) left += kept.bytes
  }

  const movable = contents.filter((kept) => !kept.isInUse && !isPinnedNow(kept, now))
  const stays: Array<K> = []
  const expiring = movable
    .map((kept) => ({ kept, at: expiryOf(kept, terms, now) }))
    .toSorted((a, b) => order(a.at, b.at))
  for (const { at, kept } of expiring) {
    if (at <= now) go(kept, kept.isComplete ? "Expired" : "Unfinished")
    else stays.push(kept)
  }
  const worthIt: Array<K> = []
  for (const kept of stays) {
    const why = unwanted(kept, terms)
    if (why === undefined) worthIt.push(kept)
    else go(kept, why)
  }
  // What is larger than the budget will not be kept: nothing has to go for its sake but for the disk's.
  const coming = wanted > terms.budget ? 0 : wanted
  for (const kept of worthIt.toSorted((a, b) => a.usedAt - b.usedAt)) {
    const isOver = used + coming > terms.budget
    if (!isOver && (left === undefined || left - wanted >= terms.leastFree)) break
    if (kept.bytes === 0) continue
    go(kept, isOver ? "OverBudget" : "DiskFull")
  }
  return { going, used, free: left }
}

/** Why a content that is here for a while yet, perhaps, is not to be kept. Downloads may go on, whatever their size. */
const unwanted = ({ contentSize, isComplete }: Kept, { budget, leastSize }: Terms): Why | undefined => {
  if (!isComplete || contentSize === undefined) return undefined
  if (contentSize < leastSize) return "TooSmall"
  return contentSize > budget ? "TooLarge" : undefined
}

/** Infinities are alike. */
const order = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1)

/** Without the full stop. */
export const sentenceOf = (why: Why): string => sentences[why]

const sentences: { readonly [W in Why]: string } = {
  Expired: "it has expired",
  Unfinished: "nobody went on with its download",
  TooSmall: "it is smaller than DOMinFileSizeToCache",
  TooLarge: "it is larger than the whole cache may be",
  OverBudget: "the cache is over its budget, and this was not used for longest",
  DiskFull: "the disk has less free than it should, and this was not used for longest"
}
