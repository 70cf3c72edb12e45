/** Header lines that callers want sent: checked, since they go into a request as they are. */
import { Result } from "effect"
import { code } from "../JobError.ts"

/** Bytes of all lines together. */
const most = 8192

const name = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** Visible characters and what lies between them. Source: RFC 9110, section 5.5. */
const value = /^[\t\u0020-\u007e\u0080-\u00ff]*$/

/** What a request says itself; two of them would make it another request for somebody on the way. */
const ours: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "if-range",
  "keep-alive",
  "range",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade"
])

/** The lines, each ended by CR LF, or the number of what is wrong. No text takes the lines away. */
export const headerLines = (given: string): Result.Result<string, number> => {
  const invalid = Result.fail(code("InvalidArgument"))
  if (Buffer.byteLength(given) > most) return invalid
  const lines = given.split(/\r?\n/).filter((line) => line !== "")
  for (const line of lines) {
    const colon = line.indexOf(":")
    const field = line.slice(0, colon)
    if (colon < 1 || !name.test(field) || !value.test(line.slice(colon + 1))) return invalid
    if (ours.has(field.toLowerCase())) return invalid
  }
  return Result.succeed(lines.map((line) => `${line}\r\n`).join(""))
}
