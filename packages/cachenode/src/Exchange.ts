/**
 * One request and its answer: which file it is for, whether this cache server has files of that origin, what is said of it, and its bytes.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import { isIPv6, type Socket } from "node:net"
import { type Answered, type FillError, Fills } from "@piecework/fills/Fills"
import { Objects } from "@piecework/objects/Objects"
import type { Part } from "@piecework/proxy/ByteRange"
import * as Headers from "@piecework/proxy/Headers"
import { hasBody } from "@piecework/proxy/Upstream"
import * as Spans from "@piecework/telemetry/Spans"
import { Clock, Effect, Option, Result, type Scope, Stream } from "effect"
import * as AllowList from "./AllowList.ts"
import * as Body from "./Body.ts"
import { Buffers } from "./Buffers.ts"
import { CacheNodeConfig } from "./CacheNodeConfig.ts"
import * as Delivery from "./Delivery.ts"
import { Figures } from "./Figures.ts"
import * as HealthFile from "./HealthFile.ts"
import * as KnownContents from "./KnownContents.ts"
import { ClientGone, Outlet } from "./Outlet.ts"
import { Pace } from "./Pace.ts"
import * as Refusal from "./Refusal.ts"
import * as Reply from "./Reply.ts"
import * as RequestForm from "./RequestForm.ts"

/** Answers one request; ends with the answer. */
export type Exchange = (request: IncomingMessage, response: ServerResponse) => Effect.Effect<void>

export interface ExchangeOptions {
  /** By which it knows its own requests when they come back. */
  readonly pseudonym: string
}

export const make = Effect.fnUntraced(function* ({
  pseudonym
}: ExchangeOptions): Effect.fn.Return<
  { readonly exchange: Exchange; readonly buffers: Buffers },
  never,
  CacheNodeConfig | Fills | Figures | Scope.Scope
> {
  const config = yield* CacheNodeConfig
  const figures = yield* Figures
  const fills = yield* Fills
  const objects = yield* Effect.serviceOption(Objects)
  const contents = yield* KnownContents.make
  const buffers = new Buffers({ maxBytes: config.maxBuffered, maxReaders: config.maxConnections })
  const clock = yield* Clock.Clock
  const pace = new Pace(
    () => config.maxOut,
    () => clock.currentTimeMillisUnsafe()
  )
  figures.watch(fills.received)

  const head = (response: ServerResponse, status: number, headers: ReadonlyArray<Headers.Header>) =>
    void response.writeHead(status, Headers.flat([...headers, ...Refusal.marks(config)]))

  /** The head was written; the bytes follow. */
  const deliver = (
    response: ServerResponse,
    body: Body.Body,
    part: Part | undefined,
    kind: "Hit" | "Miss" | "Other"
  ): Effect.Effect<void, ClientGone | Body.BodyError> => {
    if (part === undefined) return Effect.sync(() => void response.end())
    // The first bytes may be a while in coming, and programs wait for a head no longer than for a server.
    if (kind !== "Hit") response.flushHeaders()
    const onSent = (bytes: number) => figures.sent(bytes, kind)
    return Effect.andThen(
      Delivery.send({ response, buffers, body, pace, part, onSent }),
      Effect.sync(() => void response.end())
    )
  }

  const answerFile = Effect.fnUntraced(function* (
    request: IncomingMessage,
    response: ServerResponse,
    { body, cacheStatus, facts, halted }: KnownContents.Reading
  ) {
    const now = yield* Clock.currentTimeMillis
    const told = { status: cacheStatus, via: pseudonym, now }
    const { headers, part, status } = Reply.ofFile(request, facts, told)
    const isHit: boolean = part === undefined || (body.shelf !== undefined && Body.isHere(body.shelf, part))
    if (part !== undefined) figures.answered(isHit)
    yield* Effect.annotateCurrentSpan({ "piecework.cache.hit": isHit, "piecework.bytes.asked": part?.length ?? 0 })
    head(response, status, headers)
    yield* Effect.raceFirst(deliver(response, body, part, isHit ? "Hit" : "Miss"), halted)
  })

  /** As its origin gives it to this client alone. */
  const pass = Effect.fnUntraced(function* (
    request: IncomingMessage,
    response: ServerResponse,
    { body, headers, length, status }: Extract<Answered, { _tag: "Passing" }>
  ) {
    const size: ReadonlyArray<Headers.Header> = length === undefined ? [] : [["Content-Length", String(length)]]
    const range = headers.get("content-range")
    const place: ReadonlyArray<Headers.Header> = range === undefined ? [] : [["Content-Range", range]]
    const own = Reply.ownHeaders(headers, { status: "fwd=bypass", via: pseudonym })
    head(response, status, [...Reply.passedOn(headers), ...place, ...size, ...own])
    if (request.method === "HEAD") return void response.end()
    response.flushHeaders()
    figures.answered(false)
    const outlet = new Outlet(response)
    yield* Stream.runForEach(body, (chunk) => {
      outlet.write(chunk, () => undefined)
      figures.sent(chunk.length, "Miss")
      pace.took(chunk.length)
      return Effect.andThen(outlet.until(0), pace.turn)
    })
    response.end()
  })

  const refusedByOrigin = (
    response: ServerResponse,
    { headers, outcome, status }: Extract<Answered, { _tag: "Refused" }>
  ) =>
    Effect.sync(() => {
      const kept = Reply.passedOn(headers).filter(
        ([name]) => !/^(?:content-|etag$|last-modified$|cache-control$)/i.test(name)
      )
      const own = Reply.ownHeaders(headers, {
        status: outcome === "Hit" ? "hit" : `fwd=uri-miss; fwd-status=${status}`,
        via: pseudonym
      })
      Refusal.send(response, status, `The origin answers with status ${status}.`, config, [...kept, ...own])
    })

  const health = (response: ServerResponse) =>
    Effect.gen(function* () {
      const drives = Option.isNone(objects) ? [] : yield* objects.value.drives
      const hasRoom = drives.length === 0 || drives.some(({ problem }) => problem === undefined)
      const isReady = hasRoom && config.closed === undefined
      const text = `${JSON.stringify({
        ready: isReady,
        closed: config.closed ?? null,
        connections: figures.connections(),
        bufferedBytes: buffers.used,
        drives: drives.map(({ folder, problem, size, used }) => ({ folder, size, used, problem: problem ?? null }))
      })}\n`
      head(response, isReady ? 200 : 503, [
        ["Content-Type", "application/json"],
        ["Content-Length", String(Buffer.byteLength(text))],
        ["Cache-Control", "no-store"]
      ])
      response.end(response.req.method === "HEAD" ? undefined : text)
    })

  /** Microsoft's file, without asking anybody. */
  const healthFile = Effect.fnUntraced(function* (request: IncomingMessage, response: ServerResponse) {
    const now = yield* Clock.currentTimeMillis
    const { headers, part, status } = Reply.ofFile(request, HealthFile.facts(now), {
      status: "hit",
      via: pseudonym,
      now
    })
    head(response, status, headers)
    yield* deliver(response, healthBody, part, "Other")
  })

  const isOwn = (request: IncomingMessage, { host, port }: RequestForm.Authority): boolean => {
    const { socket } = request
    const isSecure = "encrypted" in socket
    if ((port ?? (isSecure ? 443 : 80)) !== socket.localPort) return false
    return host === "localhost" || host === addressOf(socket) || config.ownNames.includes(host)
  }

  const file = Effect.fnUntraced(function* (
    request: IncomingMessage,
    response: ServerResponse,
    entry: AllowList.Entry,
    { origin, path }: RequestForm.RequestForm
  ): Effect.fn.Return<void, FillError | Body.BodyError | ClientGone, Scope.Scope> {
    const url = AllowList.urlOf(entry, origin, path)
    const { authorization, via } = request.headers
    // What a login gives, it gives to this client alone.
    const recalled = authorization === undefined ? yield* contents.recall(url) : Option.none()
    if (Option.isSome(recalled)) return yield* answerFile(request, response, recalled.value)
    const answered = yield* fills.open({
      url,
      part: Reply.firstPart(request),
      isHead: request.method === "HEAD",
      isGuarded: AllowList.isGuarded(config.allow, url),
      inside: yield* Spans.current,
      via: via === undefined ? `1.1 ${pseudonym}` : `${via.slice(0, maxVia)}, 1.1 ${pseudonym}`,
      authorization
    })
    switch (answered._tag) {
      case "Filled":
        return yield* Effect.flatMap(contents.beside(answered), (reading) => answerFile(request, response, reading))
      case "Passing":
        return yield* pass(request, response, answered)
      case "Refused":
        return yield* refusedByOrigin(response, answered)
    }
  })

  const exchange: Exchange = (request, response) => {
    const refuse = (status: number, sentence: string, more?: ReadonlyArray<Headers.Header>) =>
      Effect.sync(() => Refusal.send(response, status, sentence, config, more))
    const isAsking = request.method === "GET" || request.method === "HEAD"
    if (!isAsking) return refuse(405, "This is a cache server: it answers GET and HEAD.", [["Allow", "GET, HEAD"]])
    if (hasBody(request)) return refuse(400, "A request for a file has no body.")
    const parsed = RequestForm.parse(request)
    if (Result.isFailure(parsed)) return refuse(parsed.failure.status, parsed.failure.message)
    const form = parsed.success
    if (isOwn(request, form.origin)) {
      if (form.path === "/health") return health(response)
      return refuse(
        404,
        "This is a cache server: name the origin of a file by cacheHostOrigin=host in the query, or as Host."
      )
    }
    if (Headers.hasPassed(request.headers.via, pseudonym) || Headers.hops(request.headers.via) > maxHops) {
      return refuse(508, "The request went in a circle: it has been at this cache server before.")
    }
    if (config.closed !== undefined) return refuse(403, config.closed)
    const answer = HealthFile.isAsked(form)
      ? healthFile(request, response)
      : Effect.suspend(() => {
          const entry = AllowList.find(config.allow, form.origin)
          return entry === undefined
            ? refuse(403, `This cache server has no files of ${RequestForm.written(form.origin)}.`)
            : told(request, response, form)(file(request, response, entry, form))
        })
    return Effect.scoped(answer).pipe(
      Effect.catchTags({
        ClientGone: () => Effect.void,
        BodyError: (error) =>
          error.reason === "Halted"
            ? refuse(403, error.message)
            : Effect.andThen(Effect.logWarning(error), refuse(502, error.message)),
        FillError: (error) =>
          Effect.andThen(Effect.logDebug(error), refuse(error.reason === "TimedOut" ? 504 : 502, error.message))
      }),
      Effect.ensuring(
        Effect.suspend(() =>
          Effect.logDebug("A request was answered.", {
            client: request.socket.remoteAddress,
            method: request.method,
            origin: RequestForm.written(form.origin),
            path: form.path,
            form: form.form,
            range: request.headers.range,
            status: response.statusCode
          })
        )
      )
    )
  }
  return { exchange, buffers }
})

/** With a span, inside of the client's where that says which. */
const told = (request: IncomingMessage, response: ServerResponse, { origin, path }: RequestForm.RequestForm) => {
  const { range, traceparent } = request.headers
  return Spans.within(Spans.names.cacheRequest, {
    kind: "server",
    parent: Spans.parse(typeof traceparent === "string" ? traceparent : undefined) ?? null,
    attributes: {
      "http.request.method": request.method,
      "url.full": `http://${RequestForm.written(origin)}${path}`,
      "http.request.range": range?.slice(0, 100)
    },
    atEnd: () => ({
      "http.response.status_code": response.statusCode
    })
  })
}

const healthBody: Body.Body = {
  shelf: undefined,
  chunk: HealthFile.size,
  stream: ({ length, offset }) =>
    Stream.suspend(() => Stream.succeed(HealthFile.bytes().subarray(offset, offset + length))),
  next: Effect.die(new Error("A file in memory does not move."))
}

/** Characters of Via that go on; longer ones than 16 caches write are nobody's. */
const maxVia = 2048

/** Caches between a client and its origin; more are a circle of some that change their names. */
const maxHops = 16

/** The address that the client asked at. */
const addressOf = ({ localAddress = "" }: Socket): string => {
  const plain = localAddress.replace(/^::ffff:(?=[\d.]+$)/i, "")
  return isIPv6(plain) ? new URL(`http://[${plain.replace(/%.*$/, "")}]`).hostname.slice(1, -1) : plain
}
