/**
 * Which file a request is for. Clients of a cache server name its origin in one of three ways, which are looked at in this order: in the
 * query (`/path?query&cacheHostOrigin=host[:port]`, at any place, in any letter case), in the request's first line (`GET http://host/path`),
 * in the Host header. Path and query stay byte for byte as they came, without that parameter. Pure. Source: spec.md §7.1; RFC 9112,
 * section 3.2.
 */
import { isIPv6 } from "node:net"
import { maxLength } from "@piecework/domain/ContentUrl"
import { Result, Schema } from "effect"

export class RequestFormError extends Schema.TaggedError<RequestFormError>()("RequestFormError", {
  reason: Schema.Literals([
    "TooLong",
    "NotAPath",
    "NotHttp",
    "BadBytes",
    "NoOrigin",
    "BadOrigin",
    "TwoOrigins",
    "TwoHosts"
  ])
}) {
  override get message(): string {
    switch (this.reason) {
      case "TooLong":
        return `The URL is longer than ${maxLength} characters.`
      case "NotAPath":
        return "The request names no path."
      case "NotHttp":
        return "Only http and https URLs can be asked for here."
      case "BadBytes":
        return "The URL has characters that must be written in percent form."
      case "NoOrigin":
        return "The request names no origin: add cacheHostOrigin=host to its query, or send the origin as Host."
      case "BadOrigin":
        return "The origin is no host name or address, with a port at most."
      case "TwoOrigins":
        return "The request names its origin twice."
      case "TwoHosts":
        return "The request has two Host headers."
    }
  }

  /** Of the answer. */
  get status(): 400 | 414 {
    return this.reason === "TooLong" ? 414 : 400
  }
}

/** A server as a request names it. */
export interface Authority {
  /** In small letters, addresses in their usual form, IPv6 without brackets. */
  readonly host: string
  /** `undefined`: the usual one. */
  readonly port: number | undefined
}

export interface RequestForm {
  readonly origin: Authority
  /** With the query, as it came. */
  readonly path: string
  readonly form: "Query" | "Absolute" | "Host"
}

/** Of a request as Node has it. */
export interface Asked {
  readonly url?: string | undefined
  /** Names and values in turn. */
  readonly rawHeaders: ReadonlyArray<string>
}

/** Of the parameter that names the origin, in small letters. */
const parameter = "cachehostorigin"

export const parse = ({ rawHeaders, url = "" }: Asked): Result.Result<RequestForm, RequestFormError> => {
  if (url.length > maxLength) return fail("TooLong")
  if (/[^\u0021-\u007e]|#/.test(url)) return fail("BadBytes")
  const absolute = /^([a-z][a-z0-9+.-]*):\/\/([^/?]*)/i.exec(url)
  if (absolute !== null && !/^https?$/i.test(absolute[1] ?? "")) return fail("NotHttp")
  const rest = absolute === null ? url : url.slice(absolute[0].length)
  const from = absolute !== null && !rest.startsWith("/") ? `/${rest}` : rest
  if (!from.startsWith("/")) return fail("NotAPath")
  const hosts = hostsOf(rawHeaders)
  if (hosts.length > 1) return fail("TwoHosts")

  const { named, path } = split(from)
  if (named.length > 1) return fail("TwoOrigins")
  const [inQuery] = named
  const form = inQuery !== undefined ? "Query" : absolute === null ? "Host" : "Absolute"
  const text = inQuery ?? absolute?.[2] ?? hosts[0] ?? ""
  if (text === "") return fail("NoOrigin")
  const origin = authority(text)
  return origin === undefined ? fail("BadOrigin") : Result.succeed({ origin, path, form })
}

/** `host[:port]` as an authority; `undefined` where it is none. */
export const authority = (text: string): Authority | undefined => {
  const parts = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,254})(?::(\d{1,5}))?$/i.exec(text)
  const [, host = "", digits] = parts ?? []
  if (parts === null || !URL.canParse(`http://${host}`)) return undefined
  const port = digits === undefined ? undefined : Number(digits)
  if (port !== undefined && (port < 1 || port > 65_535)) return undefined
  // So that 127.1 and 0x7f000001 are seen for what they are, and a name with a dot behind it is the same name.
  const plain = new URL(`http://${host}`).hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "")
  if (isIPv6(plain)) return { host: plain, port }
  const isName =
    plain.length <= 253 && plain.split(".").every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label))
  return isName ? { host: plain, port } : undefined
}

/** As URLs and the Host header have it. */
export const written = ({ host, port }: Authority): string =>
  `${isIPv6(host) ? `[${host}]` : host}${port === undefined ? "" : `:${port}`}`

/** What the query says of the origin, and the rest. */
const split = (target: string): { readonly named: ReadonlyArray<string>; readonly path: string } => {
  const mark = target.indexOf("?")
  if (mark < 0) return { named: [], path: target }
  const all = target.slice(mark + 1).split("&")
  const named = all.filter(isNaming).map((part) => decoded(part.slice(parameter.length + 1)))
  if (named.length === 0) return { named, path: target }
  const kept = all.filter((part) => !isNaming(part))
  return { named, path: target.slice(0, mark) + (kept.length === 0 ? "" : `?${kept.join("&")}`) }
}

const isNaming = (part: string): boolean => {
  const name = part.split("=", 1)[0] ?? ""
  return name.length === parameter.length && name.toLowerCase() === parameter
}

/** As it came where it cannot be decoded, which makes no host. */
const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const hostsOf = (raw: ReadonlyArray<string>): ReadonlyArray<string> =>
  raw.flatMap((name, i) => (i % 2 === 0 && name.toLowerCase() === "host" ? [raw[i + 1] ?? ""] : []))

const fail = (reason: RequestFormError["reason"]) => Result.fail(new RequestFormError({ reason }))
