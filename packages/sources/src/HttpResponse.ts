/** The answer to a request: its head is here, its body still comes. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { Effect } from "effect"
import type { HttpError } from "./HttpError.ts"

/** The part of a file that an answer with status 206 holds. Source: RFC 9110, section 14.4. */
export interface ContentRange {
  readonly start: number
  /** The last byte, inclusive. */
  readonly end: number
  /** Length of the whole file, when the server knows it. */
  readonly total: number | undefined
}

export interface HttpBody {
  /**
   * Waits until `target` holds at least `atLeast` bytes (default: all of it; at least 1) and answers how many it holds. Fewer than
   * that only at the end of the body, 0 after it. One reader at a time.
   */
  readonly fill: (target: Uint8Array, atLeast?: number) => Effect.Effect<number, HttpError>
  /**
   * Bytes of the body that came in so far, read or not: a live counter. With chunked coding it moves when a part of a
   * chunk was read.
   */
  readonly received: () => number
}

export interface HttpResponse {
  readonly status: number
  /** By lower-case name; several of one name are joined with ", ". */
  readonly headers: ReadonlyMap<string, string>
  /** The header lines as they came. */
  readonly lines: ReadonlyArray<string>
  /** IP address of the server that answered; `undefined` when a proxy stood between. */
  readonly address: string | undefined
  /** The first step that led here: the URL that was given, and the address that was asked for it (`undefined` behind a proxy). */
  readonly began: { readonly url: ContentUrl; readonly address: string | undefined }
  /** Where the answer came from, after redirects. */
  readonly url: ContentUrl
  /** Length of the body, when announced. */
  readonly contentLength: number | undefined
  readonly contentRange: ContentRange | undefined
  readonly body: HttpBody
}
