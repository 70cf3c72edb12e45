/** What a source of pieces is: the origin, a cache server or a peer, all asked in the same way. */
import type { PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import type { SourceKind } from "@piecework/domain/SourceKind"
import type { PieceBuffer } from "@piecework/hashing/BufferPool"
import { type Effect, Schema } from "effect"

/** Names a source within a download: `origin:http://host:port`, `peer:<40 hex digits>`. */
export const SourceId = Schema.NonEmptyString.pipe(Schema.brand("SourceId"))
export type SourceId = typeof SourceId.Type

/** Adjacent pieces, at least one. */
export interface PieceRun {
  readonly first: PieceIndex
  readonly count: number
}

/** A source did not give what it was asked for. */
export class SourceError extends Schema.TaggedError<SourceError>()("SourceError", {
  source: SourceId,
  reason: Schema.Literals([
    /** No connection came about. */
    "Unreachable",
    /** No answer in time. */
    "TimedOut",
    /** No byte came for too long. */
    "Stalled",
    /** The connection broke before the answer was whole. */
    "Closed",
    /** The answer ended early. */
    "Truncated",
    /** The answer breaks the rules of its protocol, or is not the one to the request. */
    "BadResponse",
    /** 404 or 410. */
    "NotFound",
    /** 401, 403 or 407. */
    "Forbidden",
    /** Another 4xx. */
    "Refused",
    /** 5xx, or another status nobody asked for. */
    "ServerFailed",
    /** The source sends whole files only. */
    "RangeIgnored",
    /** The range lies outside of what the source has. */
    "RangeUnsatisfiable",
    /** The source has another file than before. */
    "ContentChanged",
    /** The source wants us to go from https to http. */
    "InsecureRedirect",
    "TooManyRedirects",
    /** The source sends us to an address of this device or of its own link; see `ReservedAddress`. */
    "ForbiddenRedirect",
    /** The answer is encoded, though plain bytes were asked for. */
    "Encoded",
    /** The proxy on the way wants to know who we are. */
    "ProxyLogin",
    /** The proxy on the way is of no use. */
    "ProxyFailed",
    /** What was to be asked cannot be sent. */
    "BadRequest",
    /** The certificate, its name or the protocol of the secure connection is wrong. */
    "TlsFailed",
    /** A peer broke the rules. */
    "Protocol"
  ]),
  /** The HTTP status, when there was an answer. */
  status: Schema.optionalKey(Schema.Int),
  url: Schema.optionalKey(Schema.String),
  /** How long the source wants to be left alone, in milliseconds, when it said so. */
  retryAfter: Schema.optionalKey(Schema.Finite),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  /** Whether asking the same source again is pointless. Source: spec.md §3.4, fatal at once. */
  get isFatal(): boolean {
    // 408 and 429 ask for another try, later. Source: RFC 9110, section 15.5.9; RFC 6585, section 4.
    if (this.reason === "Refused") return this.status !== 408 && this.status !== 429
    return fatal.has(this.reason)
  }

  /** Whether it was the name of the server that led nowhere. */
  get isUnresolved(): boolean {
    const below = innermost(this.cause)
    return below !== undefined && "reason" in below && below.reason === "Unresolved"
  }

  /** What is wrong, in words without the URL and without a full stop. */
  get description(): string {
    const below = innermost(this.cause)
    // What goes wrong at a proxy is not the server's doing.
    const exact = below === undefined || this.reason === "ProxyFailed" ? undefined : exactly(below)
    const detail = detailed.has(this.reason) && below !== undefined ? `: ${detailOf(below)}` : ""
    return `${exact ?? sentences[this.reason]}${detail}${this.status === undefined ? "" : ` (HTTP ${this.status})`}`
  }

  override get message(): string {
    return `${this.url ?? this.source}: ${this.description}.`
  }
}

/** The first thing that went wrong: what errors give as their cause, as far down as it goes. */
const innermost = (error: unknown): object | undefined => {
  let at = error
  for (let depth = 0; depth < 8 && at instanceof Error && at.cause instanceof Error; depth++) at = at.cause
  return at instanceof Error ? at : undefined
}

/** Where what went wrong below says more than a sentence for all of them. */
const detailed: ReadonlySet<SourceError["reason"]> = new Set(["BadRequest", "Encoded", "ProxyFailed"])

const detailOf = (error: object): string => {
  const exact = exactly(error)
  if (exact !== undefined) return exact
  if ("detail" in error && typeof error.detail === "string") return error.detail
  return error instanceof Error ? error.message.replace(/\.$/, "") : ""
}

/** Better words for what the system or the TLS library said; `undefined` for what needs none. */
const exactly = (error: object): string | undefined => {
  const code = "code" in error && typeof error.code === "string" ? error.code : ""
  const below = "reason" in error && typeof error.reason === "string" ? error.reason : ""
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG") {
    return "the server does not speak TLS there (is this really https?)"
  }
  if (code.startsWith("ERR_TLS") || code.startsWith("ERR_SSL") || /CERT|SIGNED|ISSUER/.test(code)) {
    return `the server could not prove who it is (${error instanceof Error ? error.message : code})`
  }
  return codes[code] ?? codes[below]
}

/** By the system's code, or by the transport's own word for it. */
const codes: { readonly [code: string]: string | undefined } = {
  ECONNREFUSED: "connection refused; nothing listens there",
  Refused: "connection refused; nothing listens there",
  ENOTFOUND: "the name of the server could not be resolved; check its spelling and the name server",
  EAI_AGAIN: "the name of the server could not be resolved; check its spelling and the name server",
  Unresolved: "the name of the server could not be resolved; check its spelling and the name server",
  ENETUNREACH: "there is no route to the server; check the network",
  EHOSTUNREACH: "there is no route to the server; check the network"
}

const fatal: ReadonlySet<SourceError["reason"]> = new Set([
  "NotFound",
  "Forbidden",
  "RangeUnsatisfiable",
  "ContentChanged",
  "InsecureRedirect",
  "TooManyRedirects",
  "ForbiddenRedirect",
  "Encoded",
  "ProxyLogin",
  "BadRequest",
  "TlsFailed",
  "Protocol"
])

const sentences: { readonly [R in SourceError["reason"]]: string } = {
  Unreachable: "the server cannot be reached; check the address and the network",
  TimedOut: "the server did not answer in time",
  Stalled: "the server stopped sending",
  Closed: "the connection broke",
  Truncated: "the answer ended before it was whole",
  BadResponse: "the answer makes no sense",
  NotFound: "the server does not have this file; check the URL",
  Forbidden: "the server does not allow this download",
  Refused: "the server refused the request",
  ServerFailed: "the server has a problem; a later try may work",
  RangeIgnored: "the server sends whole files only",
  RangeUnsatisfiable: "the file is shorter than it should be",
  ContentChanged: "the file is not the one it was before; start again",
  InsecureRedirect: "the server redirects to an address without encryption",
  TooManyRedirects: "the server redirects again and again",
  ForbiddenRedirect: "the server redirects to an address of this device or of its own link",
  Encoded: "the server sends encoded bytes though only plain ones were asked for, and those cannot be checked",
  ProxyLogin: "the proxy wants a login; give it in the proxy's variable, like http://user:password@host:port",
  ProxyFailed: "the proxy on the way is of no use",
  BadRequest: "the request cannot be sent",
  TlsFailed: "the server could not prove who it is",
  Protocol: "the other side broke the rules of the protocol"
}

export interface PieceSource {
  readonly id: SourceId
  readonly kind: SourceKind
  /**
   * Fetches the run in order. Each full piece goes to `deliver`, which takes over the buffer (it runs uninterruptibly
   * and must not wait). The bytes are not checked yet.
   */
  readonly fetch: (
    run: PieceRun,
    layout: PieceLayout,
    deliver: (piece: PieceIndex, buffer: PieceBuffer) => Effect.Effect<void>
  ) => Effect.Effect<void, SourceError>
  /** All bytes of content that came in so far, wanted or not: a live counter. */
  readonly received: () => number
  /** Answers of a server: how many there were so far, and how many are being read now. */
  readonly answers?: (() => { readonly soFar: number; readonly now: number }) | undefined
  /** Whether a limit of ours keeps it from bringing anything now; a source that cannot tell may be held back by any. */
  readonly isHeldBack?: (() => boolean) | undefined
}
