/**
 * HTTP/1.1 GET over a `Transport`, with bodies that are read straight into the caller's memory. Only plain bytes are
 * asked for and accepted, since pieces are checked as they are on the wire. Connections are kept for the next request.
 * Source: RFC 9110, RFC 9112.
 */
import * as ContentUrl from "@piecework/domain/ContentUrl"
import { CurrentPriority } from "@piecework/shaping/Shaper"
import type { Transport } from "@piecework/transport/Transport"
import type { TransportError } from "@piecework/transport/ByteStream"
import * as Spans from "@piecework/telemetry/Spans"
import { Context, Duration, Effect, Layer, Result, type Scope } from "effect"
import { HttpClientConfig } from "./HttpClientConfig.ts"
import { type Access, harmlessOf } from "./Access.ts"
import { HttpError } from "./HttpError.ts"
import type { HttpBody, HttpResponse } from "./HttpResponse.ts"
import * as Body from "./internal/Body.ts"
import type { Connection } from "./internal/Connection.ts"
import * as ConnectionPool from "./internal/ConnectionPool.ts"
import * as RequestHead from "./internal/RequestHead.ts"
import * as ResponseHead from "./internal/ResponseHead.ts"
import type { Proxy } from "./Proxies.ts"
import type { RequestHeaders } from "./RequestHeaders.ts"
import * as ReservedAddress from "./ReservedAddress.ts"

export { HttpError } from "./HttpError.ts"
export type { ContentRange, HttpBody, HttpResponse } from "./HttpResponse.ts"

export interface GetOptions {
  readonly url: ContentUrl.ContentUrl
  /** Bytes to ask for; `end` is inclusive, without it to the end of the file. */
  readonly range?: { readonly start: number; readonly end?: number | undefined } | undefined
  /** The range is wanted only if the validator still holds, else the whole file comes. */
  readonly ifRange?: string | undefined
  /** An entity tag: of the file that still has it nothing is wanted but the status 304. Source: RFC 9110, section 13.1.2. */
  readonly ifNoneMatch?: string | undefined
  /** The same by the date of the file, as its server wrote it. Source: RFC 9110, section 13.1.3. */
  readonly ifModifiedSince?: string | undefined
  /** More headers. Those that the client sets itself are refused; to other origins only harmless ones go, see `Access`. */
  readonly headers?: RequestHeaders | undefined
  /** What goes with the requests for this content, and what its redirects may do. */
  readonly access?: Access | undefined
  /** How long nothing may come of the answer, where that is shorter than the settings say. */
  readonly patience?: Duration.Duration | undefined
  /** How an earlier request for the same content began; `url` may be where that was led to. */
  readonly began?: Began | undefined
  /** Where it is not to go as the settings say. */
  readonly way?: Way | undefined
  /** What server it is. A cache server is one of ours, and is told in which trace this is; others are not. Default an origin. */
  readonly server?: "Origin" | "CacheServer" | undefined
}

/** How requests to one server go, where that differs from the settings. */
export interface Way {
  /** No proxy stands before it, whatever the settings say. Default false. */
  readonly isDirect?: boolean | undefined
  /** Longest time to connect, TLS included. */
  readonly connectTimeout?: Duration.Duration | undefined
  /** Neither it nor where it leads may be this device or its link, whatever its name resolves to: a stranger named it. Default false. */
  readonly isGuarded?: boolean | undefined
  /** Neither it nor where it leads may be a link-local address or a cloud's metadata service, whatever its name resolves to. Default false. */
  readonly isOffLink?: boolean | undefined
  /** Whether redirects are followed; else they are answers as any other. Default true. */
  readonly isFollowing?: boolean | undefined
}

/** The first step of a request. */
export interface Began {
  /** The URL that was given. */
  readonly url: ContentUrl.ContentUrl
  /** IP address of the server that was asked first; `undefined` when a proxy stood between. */
  readonly address: string | undefined
}

export class HttpClient extends Context.Service<
  HttpClient,
  {
    /**
     * The answer, whatever its status, after redirects. Its connection goes back to the pool once the body was read to
     * its end; else it closes with the scope.
     */
    readonly get: (options: GetOptions) => Effect.Effect<HttpResponse, HttpError, Scope.Scope>
  }
>()("@piecework/sources/HttpClient") {
  static readonly layer: Layer.Layer<HttpClient, never, Transport | HttpClientConfig> = Layer.effect(
    HttpClient,
    Effect.suspend(() => make)
  )
}

/** Source: RFC 9110, section 15.4. */
const redirects = new Set([301, 302, 303, 307, 308])

/** Interim answers before the real one; more are no help. */
const maxInterim = 16

/** Bodies of redirects up to this length are read, so that their connection can be used again. */
const maxSkipped = 65_536

type Fail = (reason: HttpError["reason"], detail?: string, cause?: unknown) => HttpError

const failed =
  (url: string): Fail =>
  (reason, detail, cause) =>
    new HttpError({
      url,
      reason,
      ...(detail === undefined ? {} : { detail }),
      ...(cause === undefined ? {} : { cause })
    })

const make = Effect.gen(function* () {
  const config = yield* HttpClientConfig
  const pool = yield* ConnectionPool.make

  /** A connection for one request, and how to give it back before the scope closes. */
  const lease = (way: ConnectionPool.Way, fresh: boolean) =>
    Effect.gen(function* () {
      let isMine = true
      const connection = yield* Effect.acquireRelease(pool.take(way, fresh), (taken) =>
        Effect.suspend(() => (isMine ? taken.close : Effect.void))
      )
      const giveBack = (keep: boolean) =>
        Effect.suspend(() => {
          isMine = false
          return keep ? pool.giveBack(connection) : connection.close
        })
      return { connection, giveBack }
    })

  /** Sends the request and reads the head of the answer; `None` when the connection ended before any of it came. */
  const ask = Effect.fnUntraced(function* (
    connection: Connection,
    request: Uint8Array,
    fail: Fail
  ): Effect.fn.Return<ResponseHead.ResponseHead | undefined, HttpError> {
    const before = connection.stream.counters.received
    const isSilent = () => connection.stream.counters.received === before
    const asked = yield* Effect.result(Effect.andThen(connection.stream.write([request]), connection.head))
    let bytes = asked
    for (let interim = 0; interim <= maxInterim; interim++) {
      if (Result.isFailure(bytes)) return isSilent() ? undefined : yield* fail("Closed", undefined, bytes.failure)
      if (bytes.success === "Ended") return isSilent() ? undefined : yield* fail("Closed")
      if (bytes.success === "TooLong") {
        return yield* fail("BadResponse", `its head is longer than ${ResponseHead.maxHeadBytes} bytes`)
      }
      const head = ResponseHead.parse(bytes.success)
      if (Result.isFailure(head)) return yield* fail("BadResponse", head.failure)
      if (head.success.status >= 200) return head.success
      if (head.success.status === 101) return yield* fail("BadResponse", "it changes the protocol")
      bytes = yield* Effect.result(connection.head)
    }
    return yield* fail("BadResponse", "it has too many interim answers")
  })

  /** One request to one server, and its answer. */
  const exchange = Effect.fnUntraced(function* (
    options: GetOptions,
    url: ContentUrl.ContentUrl,
    from: ReservedAddress.Zone | undefined,
    fresh: boolean
  ): Effect.fn.Return<HttpResponse & { readonly skip: Effect.Effect<void> }, HttpError, Scope.Scope> {
    const fail = failed(url)
    const target = new URL(url)
    const least = options.way?.isGuarded === true ? "Elsewhere" : from
    const isOffLink = options.way?.isOffLink === true
    const bars = (host: string) => {
      const zone = ReservedAddress.zoneOf(host)
      return (isOffLink && zone === "LinkLocal") || (least !== undefined && !ReservedAddress.mayLead(least, zone))
    }
    if (bars(target.hostname)) return yield* fail("ForbiddenRedirect")
    const { connectTimeout, isDirect = false } = options.way ?? {}
    const proxy = isDirect ? undefined : config.proxies(target)
    if (proxy !== undefined && "wrong" in proxy) return yield* fail("ProxyFailed", proxy.wrong)
    // Through a tunnel it is the server that gets the request.
    const asked = target.protocol === "http:" ? proxy : undefined
    const { ifModifiedSince, ifNoneMatch, ifRange, patience = Duration.infinity, range } = options
    const { userAgent } = config
    // Where it leads somebody else may be.
    const isOurs = options.server === "CacheServer" && target.origin === new URL(options.url).origin
    const place = isOurs ? yield* Spans.context : undefined
    const added = {
      ...headersFor(options, target),
      ...(place === undefined ? {} : { traceparent: Spans.written(place) })
    }
    const conditions = { ifModifiedSince, ifNoneMatch, ifRange, range }
    const encoded = RequestHead.encode(url, { ...conditions, headers: added, userAgent, proxy: asked })
    if (Result.isFailure(encoded)) return yield* fail("BadRequest", encoded.failure)
    const leasing = lease({ url: target, proxy, bars, connectTimeout }, fresh)
    const { connection, giveBack } = yield* Effect.mapError(leasing, (error) => dialFailed(fail, error, proxy))
    const isFirst = connection.requests++ === 0
    yield* connection.flow.ask(yield* CurrentPriority, lengthOf(options.range))
    const answer = Effect.gen(function* () {
      const head = yield* Effect.timeoutOrElse(ask(connection, encoded.success, fail), {
        duration: Duration.min(config.headTimeout, patience),
        orElse: () => Effect.fail(fail("TimedOut"))
      })
      // What comes with a refusal nobody reads.
      const coding = (head?.status ?? 0) < 300 ? head?.headers.get("content-encoding") : undefined
      if (coding !== undefined && coding.toLowerCase() !== "identity") return yield* fail("Encoded", coding)
      return head
    })
    const head = yield* Effect.onError(answer, () => giveBack(false))
    if (head === undefined) {
      yield* giveBack(false)
      // The server may end an idle connection at any time; a request that got nothing can be sent again.
      return yield* isFirst ? fail("Closed") : exchange(options, url, from, true)
    }
    if (asked !== undefined && head.status === 407) {
      yield* giveBack(false)
      return yield* fail("ProxyLogin")
    }
    if (head.contentLength !== undefined) connection.flow.answered(head.contentLength)
    const onEnd = giveBack(head.keepAlive)
    // There is nothing to read, so nobody would come to the end.
    if (head.contentLength === 0) yield* onEnd
    const { status, headers, lines, contentLength, contentRange, framing } = head
    const address = proxy === undefined ? connection.stream.remote.host : undefined
    const stallTimeout = Duration.min(config.stallTimeout, patience)
    const body = Body.make({ connection, framing, stallTimeout, fail, onEnd })
    return {
      status,
      headers,
      lines,
      address,
      url,
      began: options.began ?? { url: options.url, address },
      contentLength,
      contentRange,
      body,
      skip: skip(body, contentLength)
    }
  })

  /** Where a redirect leads. */
  const follow = Effect.fnUntraced(function* (
    from: ContentUrl.ContentUrl,
    location: string | undefined,
    allowInsecure: boolean
  ): Effect.fn.Return<ContentUrl.ContentUrl, HttpError> {
    const fail = failed(from)
    if (location === undefined || !URL.canParse(location, from)) return yield* fail("BadRedirect")
    const to = ContentUrl.parse(new URL(location, from).href)
    if (Result.isFailure(to)) return yield* fail("BadRedirect", undefined, to.failure)
    const isInsecure = from.startsWith("https:") && to.success.startsWith("http:")
    return isInsecure && !allowInsecure ? yield* fail("InsecureRedirect") : to.success
  })

  const get = Effect.fn("HttpClient.get")(function* (
    options: GetOptions
  ): Effect.fn.Return<HttpResponse, HttpError, Scope.Scope> {
    const { access } = options
    const allowInsecure = access?.allowInsecureRedirect ?? config.allowInsecureRedirect
    let { began, url } = options
    for (let hop = 0; hop <= config.maxRedirects; hop++) {
      const wasLoggedIn = access?.isLoggedIn(new URL(url)) ?? false
      const zone = began === undefined ? undefined : zoneOf(began)
      let { skip: skipBody, ...response } = yield* exchange({ ...options, began }, url, zone, false)
      if (response.status === 401 && !wasLoggedIn && access?.mayLogIn(response) === true) {
        access.asked()
        yield* skipBody
        ;({ skip: skipBody, ...response } = yield* exchange({ ...options, began }, url, zone, false))
      }
      if (!redirects.has(response.status) || options.way?.isFollowing === false) return response
      began = response.began
      url = yield* follow(url, response.headers.get("location"), allowInsecure)
      yield* skipBody
    }
    return yield* failed(options.url)("TooManyRedirects")
  })

  return HttpClient.of({
    get: (options) => Effect.flatMap(Spans.Telling, (is) => (is ? told(get, options) : get(options)))
  })
})

/** With a span from the request to the end of its scope, which says what came of it. */
const told = Effect.fnUntraced(function* (
  get: HttpClient["Service"]["get"],
  options: GetOptions
): Effect.fn.Return<HttpResponse, HttpError, Scope.Scope> {
  let response: HttpResponse | undefined
  const span = yield* Spans.scoped(Spans.names.request, {
    kind: "client",
    attributes: {
      "url.full": options.url,
      "http.request.method": "GET",
      "piecework.source": options.server ?? "Origin",
      "piecework.range.start": options.range?.start,
      "piecework.range.end": options.range?.end
    },
    atEnd: () => ({
      "http.response.status_code": response?.status,
      "piecework.bytes.received": response?.body.received()
    })
  })
  const getting = get(options)
  response = yield* span === undefined ? getting : Effect.withParentSpan(getting, span, { captureStackTrace: false })
  return response
})

/** Bytes that the range asks for, as far as it says. */
const lengthOf = (range: GetOptions["range"]): number =>
  range?.end === undefined ? Infinity : range.end - range.start + 1

const dialFailed = (
  fail: Fail,
  error: TransportError | ConnectionPool.ProxyRefusal,
  proxy: Proxy | undefined
): HttpError => {
  if (error instanceof ConnectionPool.ProxyRefusal) {
    return error.status === 407 ? fail("ProxyLogin") : fail("ProxyFailed", undefined, error)
  }
  if (error.reason === "TimedOut" || error.reason === "TlsFailed") return fail(error.reason, undefined, error)
  if (error.reason === "Barred") return fail("ForbiddenRedirect")
  return fail(proxy === undefined ? "Unreachable" : "ProxyFailed", undefined, error)
}

/** What the caller adds for this server: all of what was given for it, or what is harmless. */
const headersFor = ({ access, began, headers, url }: GetOptions, target: URL): RequestHeaders => {
  const added = access === undefined ? {} : access.headersFor(target)
  if (headers === undefined) return added
  const isSame = target.origin === new URL(began?.url ?? url).origin
  return { ...added, ...(isSame ? headers : harmlessOf(headers)) }
}

/** Where the request began: by the address, where that is known. */
const zoneOf = ({ address, url }: Began): ReservedAddress.Zone =>
  ReservedAddress.zoneOf(address ?? new URL(url).hostname)

/** Reads a short body away. */
const skip = (body: HttpBody, length: number | undefined): Effect.Effect<void> =>
  length === undefined || length > maxSkipped ? Effect.void : Effect.ignore(body.fill(new Uint8Array(length)))
