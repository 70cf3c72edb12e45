/** The head of a GET request, as bytes. Source: RFC 9112, section 3; RFC 9110, sections 5, 13.1.5 and 14.2. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Result } from "effect"
import type { GetOptions } from "../HttpClient.ts"
import type { Proxy } from "../Proxies.ts"
import { check, type RequestHeaders } from "../RequestHeaders.ts"

const value = /^[\t\x20-\x7e\x80-\xff]*$/

export interface RequestOptions extends Pick<GetOptions, "range" | "ifRange" | "ifNoneMatch" | "ifModifiedSince"> {
  /** What the caller adds, as far as it is meant for this server. */
  readonly headers: RequestHeaders
  readonly userAgent: string
  /** The proxy that gets the request, and not the server itself. */
  readonly proxy: Proxy | undefined
}

/** The request, or why it cannot be sent. */
export const encode = (url: ContentUrl, options: RequestOptions): Result.Result<Uint8Array, string> => {
  const { proxy, userAgent } = options
  const { host, origin, pathname, search } = new URL(url)
  const target = `${proxy === undefined ? "" : origin}${pathname}${search}`
  const lines = [`GET ${target} HTTP/1.1`, `Host: ${host}`, "Accept-Encoding: identity"]
  if (proxy?.authorization !== undefined) lines.push(`Proxy-Authorization: ${proxy.authorization}`)
  if (options.range !== undefined) lines.push(`Range: bytes=${options.range.start}-${options.range.end ?? ""}`)
  const conditions = {
    "If-Range": options.ifRange,
    "If-None-Match": options.ifNoneMatch,
    "If-Modified-Since": options.ifModifiedSince
  }
  for (const [name, validator] of Object.entries(conditions)) {
    if (validator === undefined) continue
    if (!value.test(validator)) return Result.fail("the validator has characters that no header may have")
    lines.push(`${name}: ${validator}`)
  }
  const own = new Map([
    ["user-agent", `User-Agent: ${userAgent}`],
    ["accept", "Accept: */*"]
  ])
  const headers = check(options.headers)
  if (Result.isFailure(headers)) return Result.fail(headers.failure.message.replace(/\.$/, ""))
  for (const [key, text] of Object.entries(headers.success)) own.set(key.toLowerCase(), `${key}: ${text}`)
  return Result.succeed(Buffer.from(`${[...lines, ...own.values()].join("\r\n")}\r\n\r\n`, "latin1"))
}

/** Asks a proxy for the way to the server of an https URL. Source: RFC 9110, section 9.3.6. */
export const connect = (url: URL, proxy: Proxy, userAgent: string): Uint8Array => {
  const to = `${url.hostname}:${url.port === "" ? 443 : url.port}`
  const login = proxy.authorization === undefined ? [] : [`Proxy-Authorization: ${proxy.authorization}`]
  const lines = [`CONNECT ${to} HTTP/1.1`, `Host: ${to}`, `User-Agent: ${userAgent}`, ...login]
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1")
}
