/**
 * Bytes of a content on a connection of their own. The program asks in a line, `read TOKEN OFFSET LENGTH` with `-` for "up to the end"; the agent
 * answers with frames: a big-endian `u32` with a number of bytes, and those; 0 at the end; 0xFFFFFFFF before the length and the JSON of an error.
 * Calls could carry them as well, but then each byte is written in Base64 and looked at as text on both sides (docs/api.md has what that costs).
 */
import { Option, Schema } from "effect"
import { JobError } from "./AgentError.ts"

export interface ReadRequest {
  readonly token: string
  readonly offset: number
  readonly length?: number | undefined
}

/** Bytes of the longest line with a request. */
export const longestRequest = 96

export const encodeRequest = ({ length, offset, token }: ReadRequest): string =>
  `read ${token} ${offset} ${length ?? "-"}\n`

/** A line without its end; `undefined` for what is no request. */
export const decodeRequest = (line: string): ReadRequest | undefined => {
  const found = /^read ([0-9a-f]{32}) (\d{1,16}) (-|\d{1,16})$/.exec(line)
  if (found === null) return undefined
  const [, token = "", offset, length] = found
  const request = { token, offset: Number(offset), length: length === "-" ? undefined : Number(length) }
  return Number.isSafeInteger(request.offset + (request.length ?? 0)) ? request : undefined
}

/** Bytes of the longest frame. */
export const longestFrame = 1_048_576

const failed = 0xffff_ffff

/** What goes before so many bytes, 1 to `longestFrame`. */
export const head = (bytes: number): Uint8Array => u32(bytes)

export const end: Uint8Array = new Uint8Array(4)

const ErrorText = Schema.fromJsonString(JobError)
const encodeError = Schema.encodeSync(ErrorText)
const decodeError = Schema.decodeUnknownOption(ErrorText)
const longestError = 65_536

export const error = (why: JobError): Uint8Array => {
  const text = Buffer.from(encodeError(why))
  return Buffer.concat([u32(failed), u32(text.length), text])
}

const u32 = (n: number): Uint8Array => {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(n)
  return bytes
}

/** What the frames so far say besides their bytes. */
export type Ending =
  | { readonly _tag: "Complete" }
  | { readonly _tag: "Failed"; readonly error: JobError }
  /** No frames of this protocol. */
  | { readonly _tag: "Garbled" }

/** Takes what comes in any portions; bytes are handed on as views of them. */
export interface Decoder {
  readonly push: (portion: Uint8Array, bytes: (view: Uint8Array) => void) => Ending | undefined
}

export const decoder = (): Decoder => {
  let missing = 0
  let number = 0
  let digits = 0
  let text: { bytes: Buffer; filled: number } | undefined
  let isError = false
  return {
    push: (portion, bytes) => {
      let at = 0
      while (at < portion.length) {
        if (missing > 0) {
          const some = portion.subarray(at, at + missing)
          missing -= some.length
          at += some.length
          if (text === undefined) {
            bytes(some)
            continue
          }
          text.bytes.set(some, text.filled)
          text.filled += some.length
          if (missing > 0) continue
          return Option.match(decodeError(text.bytes.toString()), {
            onNone: (): Ending => ({ _tag: "Garbled" }),
            onSome: (why): Ending => ({ _tag: "Failed", error: why })
          })
        }
        number = number * 256 + (portion[at++] ?? 0)
        if (++digits < 4) continue
        const value = number
        number = digits = 0
        if (isError) {
          if (value === 0 || value > longestError) return { _tag: "Garbled" }
          text = { bytes: Buffer.alloc(value), filled: 0 }
          missing = value
        } else if (value === 0) return { _tag: "Complete" }
        else if (value === failed) isError = true
        else if (value > longestFrame) return { _tag: "Garbled" }
        else missing = value
      }
      return undefined
    }
  }
}
