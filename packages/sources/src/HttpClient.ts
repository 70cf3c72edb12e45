/**
 * HTTP/1.1 GET whose bodies are read straight into the caller's memory, over any `Transport`.
 */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { Transport } from "@piecework/transport/Transport"
import { Context, Effect, Layer, Schema, type Scope } from "effect"
import type { HttpClientConfig } from "./HttpClientConfig.ts"

/** A request failed, or its answer broke off. An answer with any status is no failure. */
export class HttpError extends Schema.TaggedError<HttpError>()("HttpError", {
  url: Schema.String,
  reason: Schema.Literals([
    "Unreachable",
    "TlsFailed",
    /** No connection, or no head of an answer, in time. */
    "TimedOut",
    /** No byte of the body for too long. */
    "Stalled",
    /** The connection broke. */
    "Closed",
    /** The body ended early. */
    "Truncated",
    /** The answer is not what HTTP/1.1 allows. */
    "BadResponse",
    /** The answer is encoded, though only plain bytes were asked for. */
    "Encoded",
    "InsecureRedirect",
    "TooManyRedirects",
    "BadRedirect"
  ]),
  /** What exactly is wrong with the answer. */
  detail: Schema.optionalKey(Schema.String),
  cause: Schema.optionalKey(Schema.Defect())
}) {}

export interface ContentRange {
  readonly start: number
  /** The last byte, inclusive. */
  readonly end: number
  /** Length of the whole file, when the server knows it. */
  readonly total?: number
}

export interface HttpBody {
  /** Fills all of `target`; short only at the end of the body, 0 after it. */
  readonly fill: (target: Uint8Array) => Effect.Effect<number, HttpError>
  /** Bytes of the body that came in so far: a live counter. */
  readonly received: () => number
}

export interface HttpResponse {
  readonly status: number
  /** By lower-case name; several of one name are joined with ", ". */
  readonly headers: ReadonlyMap<string, string>
  /** Where the answer came from, after redirects. */
  readonly url: ContentUrl
  /** Length of the body, when announced. */
  readonly contentLength: number | undefined
  readonly contentRange: ContentRange | undefined
  readonly body: HttpBody
}

export interface GetOptions {
  readonly url: ContentUrl
  /** Bytes to ask for; `end` is inclusive, without it to the end of the file. */
  readonly range?: { readonly start: number; readonly end?: number | undefined } | undefined
  /** The range is wanted only if the validator still holds, else the whole file comes. */
  readonly ifRange?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export class HttpClient extends Context.Service<
  HttpClient,
  {
    /** The connection goes back to the pool only when the body was read to its end; else it closes with the scope. */
    readonly get: (options: GetOptions) => Effect.Effect<HttpResponse, HttpError, Scope.Scope>
  }
>()("@piecework/sources/HttpClient") {
  static readonly layer: Layer.Layer<HttpClient, never, Transport | HttpClientConfig> = Layer.effect(
    HttpClient,
    Effect.die(new Error("under construction"))
  )
}
