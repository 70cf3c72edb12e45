/**
 * The head of an answer, and which bytes follow it. What the origin said of the file is said on, but for what is between neighbours
 * alone and what changes on the way. Pure. Source: RFC 9110, sections 7.6, 8, 13, 14 and 15; RFC 9111, section 5.1; RFC 9211.
 */
import type { ObjectFacts } from "@piecework/objects/ObjectFacts"
import * as ByteRange from "@piecework/proxy/ByteRange"
import type { Header } from "@piecework/proxy/Headers"
import * as Selection from "@piecework/proxy/Selection"

export type Asked = Selection.Asked
export type Reply = Selection.Selection

export interface Told {
  /** Of `Cache-Status`, behind the cache's name. */
  readonly status: string
  readonly via: string
  /** Epoch milliseconds. */
  readonly now: number
}

/** Of a file whose size is known. */
export const ofFile = (asked: Asked, facts: ObjectFacts, told: Told): Reply => {
  const { size } = facts
  const version = { etag: facts.headers.get("etag"), lastModified: facts.headers.get("last-modified") }
  const about: ReadonlyArray<Header> = [
    ...passedOn(facts.headers),
    ["Accept-Ranges", "bytes"],
    ["Age", String(age(facts, told.now))],
    ...ownHeaders(facts.headers, told)
  ]
  const { headers, part, status } = Selection.select(asked, size, version)
  return { status, headers: [...about, ...headers], part }
}

/** What a client asks for first of a file whose size is not known yet; `undefined`: all of it, or what cannot be read. */
export const firstPart = ({
  headers,
  method
}: Asked): { readonly offset: number; readonly length?: number } | undefined => {
  if (method !== "GET" || headers["if-range"] !== undefined || ByteRange.isSeveral(headers.range)) return undefined
  const [, first = "", last = ""] = /^bytes\s*=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/i.exec(headers.range ?? "") ?? []
  if (first === "") return last === "" || Number(last) === 0 ? undefined : { offset: -Number(last) }
  if (last === "") return { offset: Number(first) }
  const length = Number(last) - Number(first) + 1
  return length < 1 ? undefined : { offset: Number(first), length }
}

/** Headers of somebody else's answer that go on. */
export const passedOn = (headers: ReadonlyMap<string, string>): ReadonlyArray<Header> => {
  const between = new Set((headers.get("connection") ?? "").split(",").map((name) => name.trim().toLowerCase()))
  return [...headers].flatMap(([name, value]): ReadonlyArray<Header> => {
    const small = name.toLowerCase()
    return keptBack.has(small) || between.has(small) || !isSayable(name, value) ? [] : [[shown(small), value]]
  })
}

/** Via and Cache-Status, behind those of whoever had it before. */
export const ownHeaders = (
  headers: ReadonlyMap<string, string>,
  { status, via }: Pick<Told, "status" | "via">
): ReadonlyArray<Header> => {
  const behind = (name: string, own: string) => {
    const before = headers.get(name)
    return before === undefined || !isSayable(name, before) ? own : `${before}, ${own}`
  }
  return [
    ["Via", behind("via", `1.1 ${via}`)],
    ["Cache-Status", behind("cache-status", `piecework; ${status}`)]
  ]
}

/** Of one connection, of this server's own making, or told of each client alone. */
const keptBack: ReadonlySet<string> = new Set([
  "accept-ranges",
  "age",
  "alt-svc",
  "cache-status",
  "connection",
  "content-length",
  "content-range",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-connection",
  "set-cookie",
  "set-cookie2",
  "strict-transport-security",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
  "x-ccc",
  "x-cid"
])

/** What Node refuses to send would end the request. Source: RFC 9110, sections 5.1 and 5.5. */
const isSayable = (name: string, value: string): boolean =>
  /^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(name) && !/[^\t\u0020-\u007e\u0080-\u00ff]/.test(value)

/** As such names are usually written. */
const shown = (small: string): string =>
  small === "etag"
    ? "ETag"
    : small.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())

/** Seconds since its origin said it. */
const age = ({ confirmedAt, headers }: ObjectFacts, now: number): number => {
  const before = Number(headers.get("age") ?? 0)
  const here = Math.max(0, Math.floor((now - confirmedAt) / 1000))
  return here + (Number.isSafeInteger(before) && before > 0 ? before : 0)
}
