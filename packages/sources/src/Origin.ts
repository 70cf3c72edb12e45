/** The HTTP server that always has the content, as a source of pieces. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { BufferPool } from "@piecework/hashing/BufferPool"
import { Effect, type Scope } from "effect"
import type { HttpClient, HttpResponse } from "./HttpClient.ts"
import type { PieceSource, SourceError } from "./PieceSource.ts"

/** What the origin said about the content, and the first bytes of it. */
export interface Probe extends HttpResponse {
  /** Length of the whole file, in bytes, when the origin knows it. */
  readonly size: number | undefined
  /** Whether it sends parts of the file. */
  readonly ranges: boolean
  /** What tells one version of the file from another: a strong ETag, else Last-Modified. */
  readonly validator: string | undefined
  readonly contentType: string | undefined
}

export interface Origin extends PieceSource {
  readonly kind: "Origin"
  readonly url: ContentUrl
  /**
   * Asks for the first `length` bytes (default 16 KiB). `body` starts at byte 0; with `ranges` it holds at most
   * `length` bytes, else it is the whole file.
   */
  readonly probe: (length?: number) => Effect.Effect<Probe, SourceError, Scope.Scope>
  /**
   * The file from byte `from` on. Fails with `RangeIgnored` when only whole files are sent and `from` is not 0, with
   * `ContentChanged` when `validator` no longer holds.
   */
  readonly stream: (from: number, validator?: string) => Effect.Effect<HttpResponse, SourceError, Scope.Scope>
}

export const make = (_url: ContentUrl): Effect.Effect<Origin, never, HttpClient | BufferPool> =>
  Effect.die(new Error("under construction"))
