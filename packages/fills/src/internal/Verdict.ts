/** What the head of an answer means for the filling of a file. Pure: what was asked for and the head go in, one of few cases comes out. */
import { maxPieceCount, standardPieceSize } from "@piecework/domain/PieceLayout"
import type { ContentRange } from "@piecework/sources/HttpResponse"
import * as Freshness from "../Freshness.ts"

/** The head, as far as it counts here. */
export interface Head {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly contentLength: number | undefined
  readonly contentRange: ContentRange | undefined
}

/** Bytes that were asked for; `end` is inclusive, without it to the end of the file. */
export interface Range {
  readonly start: number
  readonly end?: number | undefined
}

export type Verdict =
  /** Bytes of a file of known size; the body has those from `start` to before `end`. */
  | {
      readonly _tag: "File"
      readonly size: number
      readonly start: number
      readonly end: number
      readonly sendsParts: boolean
      readonly freshUntil: number
    }
  /** It may not be kept, or nobody knows how long it is. */
  | { readonly _tag: "Passing" }
  /** 304: the file that is here is still the one. */
  | { readonly _tag: "Unchanged" }
  /** A 4xx about the file itself. */
  | { readonly _tag: "Refused" }
  /** A 5xx, or a 4xx that says nothing about the file: another server, or another time, may do better. */
  | { readonly _tag: "Failing" }
  /** 416: the range lies outside of the file. */
  | { readonly _tag: "OutOfFile" }
  | { readonly _tag: "Bad"; readonly detail: string }

/** 408: the request came too slowly; 421: the wrong server; 425: too early; 429: too many requests. Source: RFC 9110, 15.5; RFC 8470; RFC 6585. */
const passingRefusals = new Set([408, 421, 425, 429])

/** `now`: when the head came, epoch milliseconds. */
export const of = (head: Head, asked: Range | undefined, now: number): Verdict => {
  const { contentLength, contentRange, headers, status } = head
  if (status === 304) return { _tag: "Unchanged" }
  if (status === 416 && asked !== undefined) return { _tag: "OutOfFile" }
  if (status >= 500 || passingRefusals.has(status)) return { _tag: "Failing" }
  if (status >= 400) return { _tag: "Refused" }
  if (status === 206) return partOf(head, contentRange, asked, now)
  if (status < 200 || status >= 300) return bad(`its server answers HTTP ${status}`)
  const { freshUntil, notKept } = Freshness.judge(headers, now)
  if (status !== 200 || contentLength === undefined || notKept !== undefined || isTooLarge(contentLength)) {
    return { _tag: "Passing" }
  }
  const refusesParts = asked !== undefined || headers.get("accept-ranges")?.trim().toLowerCase() === "none"
  return { _tag: "File", size: contentLength, start: 0, end: contentLength, sendsParts: !refusesParts, freshUntil }
}

const partOf = (
  { contentLength, headers }: Head,
  range: ContentRange | undefined,
  asked: Range | undefined,
  now: number
): Verdict => {
  if (asked === undefined) return bad("its server sends a part though all of it was asked for")
  if (range === undefined) return bad("its server does not say which part it sends")
  if (range.start !== asked.start || range.end > (asked.end ?? Infinity)) {
    return bad("its server sends another part than the one that was asked for")
  }
  const length = range.end - range.start + 1
  if (contentLength !== undefined && contentLength !== length) return bad("its server sends a part of another length")
  const { freshUntil, notKept } = Freshness.judge(headers, now)
  const { total } = range
  if (total === undefined || contentLength === undefined || notKept !== undefined || isTooLarge(total)) {
    return { _tag: "Passing" }
  }
  return { _tag: "File", size: total, start: range.start, end: range.end + 1, sendsParts: true, freshUntil }
}

const isTooLarge = (size: number): boolean => size > maxPieceCount * standardPieceSize

const bad = (detail: string): Verdict => ({ _tag: "Bad", detail })
