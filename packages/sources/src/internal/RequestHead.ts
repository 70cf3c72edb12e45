/** The head of a GET request, as bytes. Source: RFC 9112, section 3; RFC 9110, sections 5, 13.1.5 and 14.2. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Result } from "effect"
import type { GetOptions } from "../HttpClient.ts"

const name = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const value = /^[\t\x20-\x7e\x80-\xff]*$/

/** Headers that the client sets by itself, or that would change what an answer is. */
const reserved = new Set([
  "host",
  "connection",
  "content-length",
  "transfer-encoding",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "range",
  "if-range",
  "accept-encoding"
])

/** Headers that are meant for one server only. */
const secret = new Set(["authorization", "cookie", "proxy-authorization"])

/** The request, or why it cannot be sent. Without `isSameServer` the headers for the first server are left out. */
export const encode = (
  url: ContentUrl,
  options: GetOptions,
  userAgent: string,
  isSameServer: boolean
): Result.Result<Uint8Array, string> => {
  const { host, pathname, search } = new URL(url)
  const lines = [`GET ${pathname}${search} HTTP/1.1`, `Host: ${host}`, "Accept-Encoding: identity"]
  if (options.range !== undefined) lines.push(`Range: bytes=${options.range.start}-${options.range.end ?? ""}`)
  if (options.ifRange !== undefined) {
    if (!value.test(options.ifRange)) return Result.fail("the validator has characters that no header may have")
    lines.push(`If-Range: ${options.ifRange}`)
  }
  const own = new Map([
    ["user-agent", `User-Agent: ${userAgent}`],
    ["accept", "Accept: */*"]
  ])
  for (const [key, text] of Object.entries(options.headers ?? {})) {
    const lower = key.toLowerCase()
    if (!name.test(key) || !value.test(text)) return Result.fail(`header "${key}" is malformed`)
    if (reserved.has(lower)) return Result.fail(`header "${key}" is not the caller's to set`)
    if (isSameServer || !secret.has(lower)) own.set(lower, `${key}: ${text}`)
  }
  return Result.succeed(Buffer.from(`${[...lines, ...own.values()].join("\r\n")}\r\n\r\n`, "latin1"))
}
