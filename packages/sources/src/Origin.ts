/**
 * The HTTP server that always has the content, as a source of pieces. It notices when the file behind the URL becomes
 * another one, when only whole files are sent, and where redirects lead.
 */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import { CurrentPriority, Shaper } from "@piecework/shaping/Shaper"
import { BufferPool, type PieceBuffer } from "@piecework/hashing/BufferPool"
import { Clock, type Duration, Effect, type Scope } from "effect"
import type { Access } from "./Access.ts"
import { type Began, HttpClient, type Way } from "./HttpClient.ts"
import type { HttpError } from "./HttpError.ts"
import type { HttpFacts } from "./HttpFacts.ts"
import type { HttpBody, HttpResponse } from "./HttpResponse.ts"
import { parseUnsatisfiedRange } from "./internal/ResponseHead.ts"
import { type PieceRun, type PieceSource, SourceError, SourceId } from "./PieceSource.ts"
import * as RetryAfter from "./RetryAfter.ts"

/** What kind of server answers in the name of an origin. */
export type OriginKind = "Origin" | "CacheServer"

/** What the origin said about the content, and the first bytes of it. */
export interface Probe extends HttpResponse {
  /** Who answered. */
  readonly kind: OriginKind
  /** Length of the whole file, in bytes, when the origin knows it. */
  readonly size: number | undefined
  /** Whether it sends parts of the file. */
  readonly ranges: boolean
  /** What tells one version of the file from another: a strong ETag, else Last-Modified. */
  readonly validator: string | undefined
  readonly contentType: string | undefined
}

/** The file from some byte on, to its end or not. */
export interface Rest extends HttpResponse {
  /** Who answered. */
  readonly kind: OriginKind
  readonly isRest: boolean
}

export interface Origin extends PieceSource {
  /** A cache server in front of it is asked in the same way. */
  readonly kind: OriginKind
  readonly url: ContentUrl
  /**
   * Asks for the first `length` bytes (default 16 KiB). `body` starts at byte 0; with `ranges` it holds at most
   * `length` bytes, else it is the whole file.
   */
  readonly probe: (length?: number) => Effect.Effect<Probe, SourceError, Scope.Scope>
  /**
   * The file from byte `from` on. Fails with `RangeIgnored` when only whole files are sent and `from` is not 0, with
   * `ContentChanged` when `validator` no longer holds. Under a limit it may be less than the rest, and the next part is to be
   * asked for then: `isRest` says which. No byte from `until` on is asked for, where the origin sends parts.
   */
  readonly stream: (from: number, validator?: string, until?: number) => Effect.Effect<Rest, SourceError, Scope.Scope>
}

/** Bytes a probe asks for: enough for a small file and for a look at the start of any other. */
const probeLength = 16_384

export interface OriginOptions {
  /** What goes with the requests. Default: nothing. */
  readonly access?: Access | undefined
  /** How long nothing may come of an answer, where that is shorter than the settings of HTTP say. */
  readonly patience?: Duration.Duration | undefined
  /** The source's name, where the server's alone is another source's. */
  readonly id?: SourceId | undefined
  /** Default the origin. */
  readonly kind?: OriginKind | undefined
  /** How its requests go. Default as the settings of HTTP say. */
  readonly way?: Way | undefined
  /** Called with what the server said, whatever it was. */
  readonly onAnswer?: ((facts: HttpFacts) => void) | undefined
}

/** The usual name of a source that is the server of the URL. */
export const idOf = (url: ContentUrl): SourceId => SourceId.make(`origin:${new URL(url).origin}`)

export const make = Effect.fnUntraced(function* (
  url: ContentUrl,
  options: OriginOptions = {}
): Effect.fn.Return<Origin, never, HttpClient | BufferPool> {
  const client = yield* HttpClient
  const pool = yield* BufferPool
  const shaper = yield* Shaper
  const id = options.id ?? idOf(url)
  const { access, kind = "Origin", onAnswer, patience, way } = options

  /** How the first answer was come by. */
  let began: Began | undefined
  /** Where the last redirect led. */
  let target = url
  let validator: string | undefined
  /** The ETag at the first request, weak ones too: another one later is another file, whatever it promises. */
  let tag: string | undefined
  let sendsWholeFiles = false
  let finished = 0
  let answers = 0
  const underWay = new Set<HttpBody>()

  const fail = (reason: SourceError["reason"], response?: HttpResponse, retryAfter?: number) =>
    new SourceError({
      source: id,
      reason,
      url: response?.url ?? target,
      ...(response === undefined ? {} : { status: response.status }),
      ...(retryAfter === undefined ? {} : { retryAfter })
    })

  /** The answer, whose bytes count as content from now on. */
  const counted = <R extends HttpResponse>(response: R): Effect.Effect<R, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.sync(() => {
        underWay.add(response.body)
        answers++
        return response
      }),
      () =>
        Effect.sync(() => {
          underWay.delete(response.body)
          finished += response.body.received()
        })
    )

  /** An answer with status 200, 206 or 416; any other is an error. */
  const ask = Effect.fnUntraced(function* (
    range: { readonly start: number; readonly end?: number } | undefined,
    ifRange: string | undefined
  ): Effect.fn.Return<HttpResponse, SourceError, Scope.Scope> {
    const asked = target
    const getting = client.get({ url: asked, range, ifRange, access, began, patience, way, server: kind })
    const response = yield* Effect.mapError(getting, (error) => fromHttp(id, error))
    target = response.url
    const { status } = response
    began ??= response.began
    const { address, lines } = response
    onAnswer?.({ status, headers: response.headers, lines, url: response.url, address })
    if (status === 200 || status === 206 || status === 416) return response
    // What a redirect led to may be gone while the URL still leads somewhere.
    if (asked !== url && status >= 400 && status < 500) {
      target = url
      return yield* ask(range, ifRange)
    }
    target = url
    const { headers } = response
    const now = yield* Clock.currentTimeMillis
    return yield* fail(
      reasonOf(status),
      response,
      RetryAfter.parse(headers.get("retry-after"), headers.get("date"), now)
    )
  })

  const probe = Effect.fn("Origin.probe")(function* (
    length: number = probeLength
  ): Effect.fn.Return<Probe, SourceError, Scope.Scope> {
    const response = yield* ask({ start: 0, end: Math.max(1, length) - 1 }, undefined)
    const described = { kind, validator: validatorOf(response), contentType: response.headers.get("content-type") }
    validator = described.validator
    tag = response.headers.get("etag")
    sendsWholeFiles = response.status === 200
    if (response.status === 200) {
      const whole = { ...response, ...described, size: response.contentLength, ranges: false }
      return yield* counted(whole)
    }
    if (response.status === 416) {
      // No byte of an empty file can be asked for.
      const size = parseUnsatisfiedRange(response.headers.get("content-range") ?? "")
      if (size !== 0) return yield* fail("RangeUnsatisfiable", response)
      return { ...response, ...described, size, ranges: true, contentLength: 0, body: emptyBody }
    }
    const range = response.contentRange
    const isAsked = range !== undefined && range.start === 0 && range.end < Math.max(1, length)
    if (!isAsked || !isLength(response, range.end + 1)) return yield* fail("BadResponse", response)
    return yield* counted({ ...response, ...described, size: range.total, ranges: true })
  })

  const stream = Effect.fn("Origin.stream")(function* (
    from: number,
    before?: string,
    until: number = Infinity
  ): Effect.fn.Return<Rest, SourceError, Scope.Scope> {
    const most = sendsWholeFiles ? Infinity : Math.min(until - from, shaper.part(yield* CurrentPriority, until - from))
    const isPart = most < Infinity
    const asked = isPart ? { start: from, end: from + most - 1 } : from === 0 ? undefined : { start: from }
    const response = yield* ask(asked, from === 0 ? undefined : before)
    if (response.status === 416) return yield* fail("RangeUnsatisfiable", response)
    if (!isSame(response, before) || !hasTag(response, tag)) return yield* fail("ContentChanged", response)
    if (response.status === 200) {
      if (from !== 0) return yield* fail("RangeIgnored", response)
      return yield* counted({ ...response, kind, isRest: true })
    }
    const range = response.contentRange
    if (asked === undefined || range?.start !== from) return yield* fail("BadResponse", response)
    const isRest = range.total === undefined ? !isPart : range.end === range.total - 1
    const isAll = isRest || (isPart && range.end === from + most - 1)
    if (!isAll || !isLength(response, range.end - from + 1)) return yield* fail("BadResponse", response)
    return yield* counted({ ...response, kind, isRest })
  })

  /** The answer with the bytes from `start` to `end`, both inclusive. */
  const open = Effect.fnUntraced(function* (
    start: number,
    end: number,
    layout: PieceLayout
  ): Effect.fn.Return<HttpResponse, SourceError, Scope.Scope> {
    const isWhole = start === 0 && end === layout.contentSize - 1
    if (sendsWholeFiles && !isWhole) return yield* fail("RangeIgnored")
    const response = yield* ask(sendsWholeFiles ? undefined : { start, end }, undefined)
    if (response.status === 416) return yield* fail("RangeUnsatisfiable", response)
    if (!isSame(response, validator)) return yield* fail("ContentChanged", response)
    if (response.status === 200) {
      if (!isLength(response, layout.contentSize)) return yield* fail("ContentChanged", response)
      if (isWhole) return response
      sendsWholeFiles = true
      return yield* fail("RangeIgnored", response)
    }
    const range = response.contentRange
    if (sendsWholeFiles || range === undefined || range.start !== start || range.end !== end) {
      return yield* fail("BadResponse", response)
    }
    if (range.total !== undefined && range.total !== layout.contentSize) return yield* fail("ContentChanged", response)
    if (!isLength(response, end - start + 1)) return yield* fail("BadResponse", response)
    return response
  })

  const fetch = Effect.fn("Origin.fetch")(function* (
    run: PieceRun,
    layout: PieceLayout,
    deliver: (piece: PieceIndex, buffer: PieceBuffer) => Effect.Effect<void>
  ): Effect.fn.Return<void, SourceError, Scope.Scope> {
    if (Math.min(layout.pieceSize, layout.contentSize) > pool.bufferSize) {
      return yield* Effect.die(new Error(`a piece of ${layout.pieceSize} bytes is larger than the pool's buffers`))
    }
    const last = (run.first + run.count - 1) as PieceIndex
    const { offset, length } = layout.span(last)
    const end = offset + length
    const priority = yield* CurrentPriority
    let next = run.first * layout.pieceSize
    /** Bytes of the part that were not read yet. */
    let left = 0

    /** Asks for what comes next: all of it, unless a limit has it come in parts. */
    const more = Effect.gen(function* () {
      const most = sendsWholeFiles ? Infinity : shaper.part(priority, end - next)
      const until = Math.min(end, next + most)
      const response = yield* Effect.flatMap(open(next, until - 1, layout), counted)
      left = until - next
      next = until
      validator ??= validatorOf(response)
      return response
    })
    let response = yield* more
    const readPart = (wanted: Uint8Array) =>
      Effect.mapError(response.body.fill(wanted), (error) => fromHttp(id, error, response.status))
    const truncated = Effect.suspend(() => fail("Truncated", response))
    const read = (wanted: Uint8Array): Effect.Effect<void, SourceError, Scope.Scope> =>
      Effect.flatMap(readPart(wanted.subarray(0, left)), (got) => {
        left -= got
        if (got === wanted.length) return Effect.void
        if (left > 0 || next === end) return truncated
        return Effect.flatMap(more, (following) => {
          response = following
          return read(wanted.subarray(got))
        })
      })
    for (let piece = run.first; piece <= last; piece = (piece + 1) as PieceIndex) {
      const size = layout.length(piece)
      yield* pool.take(
        (buffer) => read(buffer.bytes.subarray(0, size)),
        (buffer) => deliver(piece, buffer)
      )
    }
    // An answer that did not say its length may hold more.
    if ((yield* readPart(new Uint8Array(1))) > 0) return yield* fail("ContentChanged", response)
  }, Effect.scoped)

  return {
    id,
    kind,
    url,
    probe,
    stream,
    fetch,
    received: () => {
      let sum = finished
      for (const body of underWay) sum += body.received()
      return sum
    },
    answers: () => ({ soFar: answers, now: underWay.size })
  }
})

const emptyBody: HttpBody = { fill: () => Effect.succeed(0), received: () => 0 }

/** Whether the answer is about the file that was there before. */
const isSame = (response: HttpResponse, before: string | undefined): boolean => {
  const now = validatorOf(response)
  return before === undefined || now === undefined || before === now
}

/** Whether the answer has the ETag that was there before. An answer without any says that the server does not know either. */
const hasTag = (response: HttpResponse, before: string | undefined): boolean =>
  before === undefined || response.headers.get("etag") === before

const isLength = (response: HttpResponse, length: number): boolean =>
  response.contentLength === undefined || response.contentLength === length

/** Source: RFC 9110, section 8.8: a weak ETag does not promise the same bytes. */
const validatorOf = (response: HttpResponse): string | undefined => {
  const tag = response.headers.get("etag")
  if (tag !== undefined && tag.startsWith('"')) return tag
  return response.headers.get("last-modified")
}

const reasonOf = (status: number): SourceError["reason"] => {
  if (status === 404 || status === 410) return "NotFound"
  if (status === 401 || status === 403 || status === 407) return "Forbidden"
  if (status >= 500) return "ServerFailed"
  return status >= 400 ? "Refused" : "BadResponse"
}

/** The failure of a request in the words of sources. */
export const fromHttp = (source: SourceId, error: HttpError, status?: number): SourceError =>
  new SourceError({
    source,
    reason: reasons[error.reason],
    url: error.url,
    cause: error,
    // What the proxy said; the server itself said nothing yet.
    ...(error.reason === "ProxyLogin" ? { status: 407 } : status === undefined ? {} : { status })
  })

const reasons: { readonly [R in HttpError["reason"]]: SourceError["reason"] } = {
  Unreachable: "Unreachable",
  TlsFailed: "TlsFailed",
  TimedOut: "TimedOut",
  Stalled: "Stalled",
  Closed: "Closed",
  Truncated: "Truncated",
  BadResponse: "BadResponse",
  Encoded: "Encoded",
  InsecureRedirect: "InsecureRedirect",
  TooManyRedirects: "TooManyRedirects",
  BadRedirect: "BadResponse",
  ForbiddenRedirect: "ForbiddenRedirect",
  ProxyLogin: "ProxyLogin",
  ProxyFailed: "ProxyFailed",
  BadRequest: "BadRequest"
}
