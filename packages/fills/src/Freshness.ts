/**
 * What may be kept of an answer, and how long it counts without asking again. Only answers to requests that carry nothing of a
 * client are judged: they ask for plain bytes and say nothing else. Source: RFC 9111.
 */
import * as HttpDate from "./internal/HttpDate.ts"

/** Why an answer is for its client alone. */
export type NotKept = "NoStore" | "Private" | "Varies" | "SetsCookie"

export interface Freshness {
  /** `undefined` where it may be kept. */
  readonly notKept: NotKept | undefined
  /** Epoch milliseconds until which its server need not be asked again; the time of the answer where it is to be asked each time. */
  readonly freshUntil: number
}

/** No answer counts for longer, in milliseconds: a year. Source: RFC 9111, section 1.2.2, on times that are too long to count. */
const longest = 365 * 86_400_000

/** Of a file whose server says nothing: a tenth of its age, and at most a day. Source: RFC 9111, section 4.2.2. */
const partOfAge = 0.1
const longestGuess = 86_400_000

/** Of a file whose server says neither that nor when it was changed, in milliseconds. */
const shortestGuess = 60_000

/** What a request may differ in and get the same bytes all the same: nobody asks for codings here, and pages do not change files. */
const harmlessVariation = new Set([
  "accept-encoding",
  "access-control-request-headers",
  "access-control-request-method",
  "origin"
])

/** `now`: when the answer came, epoch milliseconds. `headers` by lower-case name. */
export const judge = (headers: ReadonlyMap<string, string>, now: number): Freshness => {
  const control = directives(headers.get("cache-control"))
  const notKept = whyNotKept(headers, control)
  const asksEachTime =
    control.has("no-cache") || (control.size === 0 && directives(headers.get("pragma")).has("no-cache"))
  const lifetime = asksEachTime ? 0 : Math.min(longest, lifetimeOf(headers, control, now))
  return { notKept, freshUntil: now + Math.max(0, lifetime - ageOf(headers, now)) }
}

/** Whether it may be answered past its time while its server is away. Source: RFC 9111, section 4.2.4. */
export const mayBeStale = (headers: ReadonlyMap<string, string>): boolean => {
  const control = directives(headers.get("cache-control"))
  return !["must-revalidate", "proxy-revalidate", "s-maxage", "no-cache"].some((name) => control.has(name))
}

/** Milliseconds for which a refusal counts whose server says so; `undefined` where it does not. */
export const refusedFor = (headers: ReadonlyMap<string, string>, now: number): number | undefined => {
  const control = directives(headers.get("cache-control"))
  if (control.has("no-store") || control.has("no-cache") || control.has("private")) return 0
  const lifetime = statedLifetime(headers, control, now)
  return lifetime === undefined ? undefined : Math.max(0, lifetime - ageOf(headers, now))
}

const whyNotKept = (
  headers: ReadonlyMap<string, string>,
  control: ReadonlyMap<string, string>
): NotKept | undefined => {
  if (control.has("no-store")) return "NoStore"
  if (control.has("private")) return "Private"
  const varies = (headers.get("vary") ?? "").split(",").map((name) => name.trim().toLowerCase())
  if (varies.some((name) => name !== "" && !harmlessVariation.has(name))) return "Varies"
  return headers.has("set-cookie") ? "SetsCookie" : undefined
}

/** In milliseconds, as the server says; `undefined` where it does not. Source: RFC 9111, section 4.2.1. */
const statedLifetime = (
  headers: ReadonlyMap<string, string>,
  control: ReadonlyMap<string, string>,
  now: number
): number | undefined => {
  const stated = control.get("s-maxage") ?? control.get("max-age")
  // What is no number counts as over: that costs a question, and nobody gets an old file.
  if (stated !== undefined) return seconds(stated) ?? 0
  const expires = headers.get("expires")
  if (expires === undefined) return undefined
  return Math.max(0, (HttpDate.parse(expires) ?? 0) - (HttpDate.parse(headers.get("date")) ?? now))
}

const lifetimeOf = (
  headers: ReadonlyMap<string, string>,
  control: ReadonlyMap<string, string>,
  now: number
): number => {
  const stated = statedLifetime(headers, control, now)
  if (stated !== undefined) return stated
  const changed = HttpDate.parse(headers.get("last-modified"))
  if (changed === undefined) return shortestGuess
  const age = Math.max(0, (HttpDate.parse(headers.get("date")) ?? now) - changed)
  return Math.min(longestGuess, age * partOfAge)
}

/** How old the answer was when it came, in milliseconds. Source: RFC 9111, section 4.2.3. */
const ageOf = (headers: ReadonlyMap<string, string>, now: number): number => {
  const date = HttpDate.parse(headers.get("date"))
  const apparent = date === undefined ? 0 : Math.max(0, now - date)
  return Math.max(apparent, seconds(headers.get("age") ?? "") ?? 0)
}

/** Whole seconds as milliseconds. */
const seconds = (text: string): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) * 1000 : undefined)

const directive = /([!#$%&'*+\-.^_`|~0-9a-z]+)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?/gi

/** By lower-case name, with the value or "". Of several of one name the first counts. Source: RFC 9111, section 5.2. */
const directives = (text: string | undefined): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  for (const [, name = "", quoted, plain] of (text ?? "").matchAll(directive)) {
    const key = name.toLowerCase()
    if (!found.has(key)) found.set(key, quoted ?? plain ?? "")
  }
  return found
}
