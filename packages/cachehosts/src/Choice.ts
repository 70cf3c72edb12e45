/**
 * Which of the cache servers is to be asked now, after what became of asking them: one at a time, in their order, the next one when
 * one fails. Pure: bans are values. Source: spec.md §7.3; F121, F122.
 */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { type CacheHost, nameOf } from "./CacheHost.ts"
import type { Choice, Failure } from "./CacheHosts.ts"
import { type Hosts, listed } from "./Hosts.ts"

/** For how long a host, or a host for one origin, is not asked. Source: spec.md §7.3. */
export const banned = 15 * 60_000

/** What is remembered of one host. All times are epoch milliseconds. */
export interface Mark {
  /** Nothing is asked of it before. */
  readonly until: number
  /** Origins that it refused, and until when. */
  readonly origins: ReadonlyMap<string, number>
  /** When it last broke without a ban: within the time of a ban, those that did not come first. */
  readonly brokenAt: number
}

/** By `nameOf`. */
export type Marks = ReadonlyMap<string, Mark>

export const none: Marks = new Map()

/** Most hosts of which something is remembered, and most origins of one: past that, what ends first is forgotten. */
const most = { hosts: 64, origins: 256 } as const

const unmarked: Mark = { until: 0, origins: new Map(), brokenAt: Number.NEGATIVE_INFINITY }

/** Scheme, host and port: what a ban is about that is not about the host. */
export const originOf = (url: ContentUrl): string => new URL(url).origin

export const choose = (
  { usable, without }: Pick<Hosts, "usable" | "without">,
  marks: Marks,
  url: ContentUrl,
  now: number,
  isOut: (cache: CacheHost) => boolean = () => false
): Choice => {
  if (without !== undefined) return { _tag: "Without", why: without, until: undefined }
  const may = usable.filter((cache) => mayHear(cache, url))
  if (may.length === 0)
    return { _tag: "Without", why: usable.length === 0 ? "NoneKnown" : "NotAllowed", until: undefined }
  const origin = originOf(url)
  const wanted = may.filter((cache) => !isOut(cache))
  if (wanted.length === 0) return { _tag: "Without", why: "Banned", until: undefined }
  const free = wanted.filter((cache) => freeAt(marks, cache, origin) <= now)
  const cache = inTurn(free, marks, now)
  return cache === undefined
    ? { _tag: "Without", why: "Banned", until: Math.min(...wanted.map((one) => freeAt(marks, one, origin))) }
    : { _tag: "Use", cache }
}

export const failed = (marks: Marks, cache: CacheHost, url: ContentUrl, failure: Failure, now: number): Marks => {
  const name = nameOf(cache)
  const before = marks.get(name) ?? unmarked
  return bounded(new Map(marks).set(name, after(before, url, failure, now)), now)
}

/** A ban that is in force, as people are told of it. */
export const ban = (marks: Marks, cache: CacheHost, now: number) => {
  const { origins, until } = marks.get(nameOf(cache)) ?? unmarked
  return {
    bannedUntil: until > now ? until : undefined,
    refusedOrigins: new Map([...origins].filter(([, end]) => end > now))
  }
}

/** When the next ban ends; `undefined` when none is in force. */
export const nextEnd = (marks: Marks, now: number): number | undefined => {
  const ends = [...marks.values()]
    .flatMap(({ origins, until }) => [until, ...origins.values()])
    .filter((end) => end > now)
  return ends.length === 0 ? undefined : Math.min(...ends)
}

/**
 * What a https origin is asked for is no business of the local network: a host that only DHCP or DNS-SD tells of does not hear of it
 * in plain text. Source: spec.md §7.6.
 */
const mayHear = ({ protocol, provider }: CacheHost, url: ContentUrl): boolean =>
  listed.has(provider) || protocol === "https:" || url.startsWith("http:")

const freeAt = (marks: Marks, cache: CacheHost, origin: string): number => {
  const { origins, until } = marks.get(nameOf(cache)) ?? unmarked
  return Math.max(until, origins.get(origin) ?? 0)
}

/** The first that did not break lately, else the one that broke longest ago: round robin. */
const inTurn = (free: ReadonlyArray<CacheHost>, marks: Marks, now: number): CacheHost | undefined => {
  const brokenAt = (cache: CacheHost) => {
    const at = marks.get(nameOf(cache))?.brokenAt ?? Number.NEGATIVE_INFINITY
    return now - at < banned ? at : Number.NEGATIVE_INFINITY
  }
  return free.reduce<CacheHost | undefined>(
    (best, one) => (best === undefined || brokenAt(one) < brokenAt(best) ? one : best),
    undefined
  )
}

const after = (mark: Mark, url: ContentUrl, failure: Failure, now: number): Mark => {
  switch (failure._tag) {
    case "Unreachable":
      return { ...mark, until: now + banned }
    case "Status":
      // What is no 4xx says nothing about the origin.
      return failure.status < 400 || failure.status > 499
        ? { ...mark, brokenAt: now }
        : { ...mark, origins: refusing(mark.origins, originOf(url), now) }
    case "Broken":
      return { ...mark, brokenAt: now }
  }
}

/** Without what is over, and with no more than may be remembered. */
const bounded = (marks: Marks, now: number): Marks => {
  const current = [...marks].filter(([, mark]) => lastOf(mark) > now)
  if (current.length <= most.hosts) return new Map(current)
  return new Map(current.toSorted(([, a], [, b]) => lastOf(b) - lastOf(a)).slice(0, most.hosts))
}

const refusing = (origins: Mark["origins"], origin: string, now: number): Mark["origins"] => {
  const current = new Map([...origins].filter(([, end]) => end > now))
  // Those that were refused last stand last.
  current.delete(origin)
  current.set(origin, now + banned)
  return new Map([...current].slice(-most.origins))
}

/** When nothing of it matters any more. */
const lastOf = ({ brokenAt, origins, until }: Mark): number =>
  Math.max(until, brokenAt + banned, [...origins.values()].at(-1) ?? 0)
