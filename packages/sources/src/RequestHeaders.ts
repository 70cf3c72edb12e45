/**
 * Headers that a caller adds to requests. Their number and length are bounded, and those that say how a message is read, or that the
 * client needs for its own ends, are refused: an answer to another question than was asked cannot be checked. Source: RFC 9110, section 5.
 */
import { Result, Schema } from "effect"

/** Values by name. */
export type RequestHeaders = Readonly<Record<string, string>>

/** The headers cannot be sent. */
export class HeaderError extends Schema.TaggedError<HeaderError>()("HeaderError", {
  reason: Schema.Literals(["Malformed", "Reserved", "TooMany", "TooLong"]),
  /** Of which header; the value may be a secret and is not told. */
  name: Schema.String
}) {
  override get message(): string {
    const name = this.name.length > 60 ? `${this.name.slice(0, 60)}…` : this.name
    switch (this.reason) {
      case "Malformed":
        return `The header "${name}" is malformed; write it like "Name: value".`
      case "Reserved":
        return `The header "${name}" cannot be set; the download needs it for itself.`
      case "TooMany":
        return `There are more than ${maxHeaders} headers.`
      case "TooLong":
        return `The headers are longer than ${maxBytes} bytes together.`
    }
  }
}

/** Of all of them together. Servers take heads of 8 KiB and more; what the client itself says is short. */
export const maxBytes = 8192
export const maxHeaders = 50

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const text = /^[\t\x20-\x7e\x80-\xff]*$/

/** Headers that the client sets by itself, or that would change what an answer is. */
const reserved: ReadonlySet<string> = new Set([
  "host",
  "connection",
  "proxy-connection",
  "keep-alive",
  "content-length",
  "transfer-encoding",
  "te",
  "trailer",
  "upgrade",
  "expect",
  "range",
  "if-range",
  "if-match",
  "if-none-match",
  "if-modified-since",
  "if-unmodified-since",
  "accept-encoding",
  // What a proxy is told comes with its URL, and servers have no use for it.
  "proxy-authorization"
])

/** The same headers, once they can be sent. */
export const check = (headers: RequestHeaders): Result.Result<RequestHeaders, HeaderError> => {
  const fail = (reason: HeaderError["reason"], name: string) => Result.fail(new HeaderError({ reason, name }))
  let count = 0
  let bytes = 0
  for (const [name, value] of Object.entries(headers)) {
    if (!token.test(name) || !text.test(value)) return fail("Malformed", name)
    if (reserved.has(name.toLowerCase())) return fail("Reserved", name)
    bytes += name.length + value.length + 4
    if (++count > maxHeaders) return fail("TooMany", name)
    if (bytes > maxBytes) return fail("TooLong", name)
  }
  return Result.succeed(headers)
}

/** Lines "Name: value". Those of one name, in any case, become one: with "; " between for cookies, with ", " for others. */
export const parse = (lines: Iterable<string>): Result.Result<RequestHeaders, HeaderError> => {
  const found = new Map<string, readonly [name: string, value: string]>()
  for (const line of lines) {
    const colon = line.indexOf(":")
    if (colon < 1) return Result.fail(new HeaderError({ reason: "Malformed", name: colon === 0 ? "" : line }))
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).trim()
    const key = name.toLowerCase()
    const before = found.get(key)
    const glue = key === "cookie" ? "; " : ", "
    found.set(key, before === undefined ? [name, value] : [before[0], `${before[1]}${glue}${value}`])
  }
  return check(Object.fromEntries(found.values()))
}
