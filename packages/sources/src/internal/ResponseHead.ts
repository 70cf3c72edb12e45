/**
 * The head of an HTTP/1.1 answer, from bytes. Strict where leniency lets two readers disagree about where a body ends.
 * Source: RFC 9112, sections 2.2, 4, 5 and 6; RFC 9110, sections 5 and 14.4.
 */
import { Result } from "effect"
import type { ContentRange } from "../HttpResponse.ts"

/** Most bytes of a head, status line included. */
export const maxHeadBytes = 65_536

/** Most header lines of a head. */
export const maxHeaders = 200

export type Framing =
  | { readonly _tag: "Length"; readonly length: number }
  | { readonly _tag: "Chunked" }
  | { readonly _tag: "UntilClose" }

export interface ResponseHead {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  /** The header lines as they came. */
  readonly lines: ReadonlyArray<string>
  readonly framing: Framing
  readonly contentLength: number | undefined
  readonly contentRange: ContentRange | undefined
  /** Whether another request may follow on the connection. */
  readonly keepAlive: boolean
}

const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/
const headerLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/
const digits = /^\d{1,15}$/

/** Where the head ends, its blank line included; -1 when it goes on past `end`. No blank line ends before `from`. */
export const endOfHead = (bytes: Uint8Array, start: number, end: number, from = start): number => {
  for (let at = bytes.indexOf(10, from); at !== -1 && at < end; at = bytes.indexOf(10, at + 1)) {
    if (at >= start + 3 && bytes[at - 1] === 13 && bytes[at - 2] === 10 && bytes[at - 3] === 13) return at + 1
  }
  return -1
}

/** The head as a value, or what is wrong with it. `bytes` ends with the blank line. */
export const parse = (bytes: Uint8Array): Result.Result<ResponseHead, string> => {
  const lines = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength - 4)
    .toString("latin1")
    .split("\r\n")
  if (lines.length > maxHeaders + 1) return Result.fail(`more than ${maxHeaders} headers`)
  const first = statusLine.exec(lines[0] ?? "")
  if (first === null) return Result.fail("the status line is malformed")
  const status = Number(first[2])
  const headers = new Map<string, string>()
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] ?? ""
    if (line.startsWith(" ") || line.startsWith("\t")) return Result.fail("a header goes over several lines")
    const match = headerLine.exec(line)
    if (match === null) return Result.fail(`header ${i} is malformed`)
    const name = (match[1] ?? "").toLowerCase()
    const value = match[2] ?? ""
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  return Result.map(framingOf(status, first[1] === "0", headers), (framing) => ({
    status,
    headers,
    lines: lines.slice(1),
    framing,
    contentLength: framing._tag === "Length" ? framing.length : undefined,
    contentRange: parseContentRange(headers.get("content-range") ?? ""),
    keepAlive: framing._tag !== "UntilClose" && keepsAlive(headers.get("connection"), first[1] === "0")
  }))
}

const framingOf = (
  status: number,
  isOld: boolean,
  headers: ReadonlyMap<string, string>
): Result.Result<Framing, string> => {
  const coding = headers.get("transfer-encoding")
  const lengths = headers.get("content-length")
  if (coding !== undefined) {
    if (lengths !== undefined) return Result.fail("it has both a length and a transfer coding")
    if (isOld) return Result.fail("HTTP/1.0 has no transfer codings")
    if (coding.toLowerCase() !== "chunked") return Result.fail("its transfer coding is not chunked")
  }
  // The same length several times over is allowed; anything else means that somebody is lying.
  const all = new Set(lengths?.split(",").map((length) => length.trim()))
  const [length] = all
  if (all.size > 1) return Result.fail("it has several lengths")
  if (length !== undefined && !digits.test(length)) return Result.fail("its length is no number")
  if (status < 200 || status === 204 || status === 304) return Result.succeed({ _tag: "Length", length: 0 })
  if (coding !== undefined) return Result.succeed({ _tag: "Chunked" })
  return Result.succeed(length === undefined ? { _tag: "UntilClose" } : { _tag: "Length", length: Number(length) })
}

const keepsAlive = (connection: string | undefined, isOld: boolean): boolean => {
  const options = (connection ?? "").toLowerCase().split(",")
  const has = (option: string) => options.some((one) => one.trim() === option)
  return isOld ? has("keep-alive") : !has("close")
}

/** `undefined` for anything but a range of bytes that could be. */
export const parseContentRange = (text: string): ContentRange | undefined => {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(text)
  if (match === null) return undefined
  const start = Number(match[1])
  const end = Number(match[2])
  const total = match[3] === "*" ? undefined : Number(match[3])
  return start <= end && (total === undefined || end < total) ? { start, end, total } : undefined
}

/** The length of the file in the Content-Range of an answer with status 416. */
export const parseUnsatisfiedRange = (text: string): number | undefined => {
  const match = /^bytes \*\/(\d{1,15})$/i.exec(text)
  return match === null ? undefined : Number(match[1])
}

/** The size in the line before a chunk, without its line end; `undefined` when malformed. Source: RFC 9112, 7.1. */
export const parseChunkSize = (line: string): number | undefined => {
  const match = /^([0-9a-f]{1,12})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/i.exec(line)
  return match === null ? undefined : Number.parseInt(match[1] ?? "", 16)
}
