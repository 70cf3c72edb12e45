/**
 * Requests to origins that pass through: sent as they came, but for what is between neighbours, and their answers the same way back, at the
 * speed of the slower side. Source: RFC 9110, section 7.
 */
import { type IncomingMessage, request as httpRequest, type RequestOptions, type ServerResponse } from "node:http"
import { Agent as HttpsAgent, request as httpsRequest } from "node:https"
import { isIP } from "node:net"
import { connect as tlsConnect } from "node:tls"
import { Effect, Schema, Scope } from "effect"
import * as Destination from "./Destination.ts"
import * as Headers from "./Headers.ts"
import { DirectAgent, divert } from "./internal/DirectSocket.ts"
import { ProxyConfig } from "./ProxyConfig.ts"
import type { Target } from "./Target.ts"
import * as Tunnel from "./Tunnel.ts"

export class UpstreamError extends Schema.TaggedError<UpstreamError>()("UpstreamError", {
  host: Schema.String,
  reason: Schema.Literals(["Refused", "Malformed", "TimedOut", "Unreachable"]),
  /** What the system said. */
  detail: Schema.String
}) {
  override get message(): string {
    switch (this.reason) {
      case "Refused":
        return this.detail
      case "Malformed":
        return `The request cannot be passed on (${this.detail}).`
      case "TimedOut":
        return `${this.host} did not answer in time.`
      case "Unreachable":
        return `${this.host} cannot be reached (${this.detail}).`
    }
  }
}

/** A request on its way. */
export interface Outgoing {
  readonly request: IncomingMessage
  readonly target: Target
  readonly headers: ReadonlyArray<Headers.Header>
  readonly reach: Destination.Reach
}

export interface Upstream {
  /** The head of the answer. Its connection closes with the scope, unless the answer was read to its end. */
  readonly send: (outgoing: Outgoing) => Effect.Effect<IncomingMessage, UpstreamError, Scope.Scope>
}

const agentsOf = (reach: Destination.Reach) => {
  const lookup = Destination.lookup(reach)
  return { "http:": new DirectAgent({ ...kept, lookup }), "https:": new HttpsAgent({ ...kept, lookup }) }
}

/** Of idle connections to one origin: most of them, and how long they are kept, in milliseconds; servers keep theirs for 5 s and more. */
const kept = { keepAlive: true, maxFreeSockets: 8, timeout: 4000 } as const

/** May be sent again when nothing came of it. Source: RFC 9110, section 9.2.2. */
const idempotent: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"])

export const make: Effect.Effect<Upstream, never, ProxyConfig | Scope.Scope> = Effect.gen(function* () {
  const config = yield* ProxyConfig
  const { connectMillis, idleMillis, proxies } = config
  // Connections to this device are for its own programs, so others do not share them.
  const agents = yield* Effect.acquireRelease(
    Effect.sync(() => ({ All: agentsOf("All"), BeyondThisDevice: agentsOf("BeyondThisDevice") })),
    (all) =>
      Effect.sync(() => {
        for (const pair of Object.values(all)) for (const agent of Object.values(pair)) agent.destroy()
      })
  )

  /** Straight to the origin, or by the proxy that stands before it. */
  const wayTo = Effect.fnUntraced(function* (
    target: Target,
    reach: Destination.Reach,
    isFresh: boolean
  ): Effect.fn.Return<Way, Failed, Scope.Scope> {
    const { host, path, port, protocol } = target
    const proxy = proxies(new URL(`${protocol}//${target.authority}`))
    if (proxy === undefined) {
      const agent = isFresh ? false : agents[reach][protocol]
      return { options: { host, port, path, agent, lookup: Destination.lookup(reach) }, headers: [] }
    }
    if (protocol === "https:" || "wrong" in proxy) {
      const socket = yield* Tunnel.through(proxy, target).pipe(
        Effect.provideService(ProxyConfig, config),
        Effect.mapError((cause): Failed => ({ cause, isStale: false }))
      )
      const createConnection = () =>
        tlsConnect({ socket, ALPNProtocols: ["http/1.1"], ...(isIP(host) === 0 ? { servername: host } : {}) })
      return { options: { host, port, path, createConnection }, headers: [] }
    }
    return {
      options: {
        host: proxy.host,
        port: proxy.port,
        path: `${protocol}//${target.authority}${path}`,
        agent: isFresh ? false : agents.All[protocol]
      },
      headers: proxy.authorization === undefined ? [] : [["Proxy-Authorization", proxy.authorization]]
    }
  })

  const attempt = Effect.fnUntraced(function* ({ headers, reach, request, target }: Outgoing, isFresh: boolean) {
    const scope = yield* Effect.scope
    const sends = hasBody(request)
    const way = yield* wayTo(target, reach, isFresh)
    const options: RequestOptions = {
      ...way.options,
      method: request.method ?? "GET",
      headers: Headers.flat([
        ...headers,
        ...way.headers,
        ...(isChunked(request) ? [["Transfer-Encoding", "chunked"] as const] : [])
      ]),
      timeout: idleMillis
    }
    const outgoing = yield* Effect.try({
      try: () => (target.protocol === "https:" ? httpsRequest(options) : httpRequest(options)),
      catch: (cause): Failed => ({ cause, isStale: false })
    })
    yield* Scope.addFinalizer(
      scope,
      Effect.sync(() => outgoing.destroy())
    )
    return yield* Effect.callback<IncomingMessage, Failed>((resume) => {
      outgoing.on("error", (cause) =>
        resume(Effect.fail({ cause, isStale: outgoing.reusedSocket && idempotent.has(outgoing.method) && !sends }))
      )
      outgoing.on("timeout", () => outgoing.destroy(Object.assign(new Error("timed out"), { code: "ETIMEDOUT" })))
      outgoing.on("socket", (socket) => {
        if (!socket.connecting) return void socket.setTimeout(idleMillis)
        socket.setTimeout(connectMillis)
        socket.once("connect", () => socket.setTimeout(idleMillis))
      })
      // Only then the parser has all that came with the head.
      outgoing.on("response", (answer) => queueMicrotask(() => resume(Effect.succeed(answer))))
      if (!sends) return void outgoing.end()
      request.pipe(outgoing, { end: false })
      request.once("end", () => {
        if (request.rawTrailers.length > 0) {
          outgoing.addTrailers(Headers.trailers(request.rawTrailers))
        }
        outgoing.end()
      })
    })
  })

  return {
    send: (outgoing) => {
      const { request, target } = outgoing
      // A connection that the server closes at this moment would take the body with it.
      return attempt(outgoing, hasBody(request)).pipe(
        Effect.catch((failed) => (failed.isStale ? attempt(outgoing, true) : Effect.fail(failed))),
        Effect.mapError(({ cause }) => failure(target, cause))
      )
    }
  }
})

interface Way {
  readonly options: RequestOptions
  readonly headers: ReadonlyArray<Headers.Header>
}

interface Failed {
  readonly cause: unknown
  /** The server had closed a connection that was kept. */
  readonly isStale: boolean
}

const failure = ({ host }: Target, cause: unknown): UpstreamError => {
  if (cause instanceof Destination.DestinationError) {
    return new UpstreamError({ host, reason: "Refused", detail: cause.message })
  }
  if (cause instanceof Tunnel.TunnelError) {
    const reason = cause.reason === "TimedOut" ? "TimedOut" : "Unreachable"
    return new UpstreamError({ host, reason, detail: cause.detail })
  }
  const { code = "unknown", message = "" } = Object(cause)
  if (code === "ETIMEDOUT") return new UpstreamError({ host, reason: "TimedOut", detail: code })
  const isMalformed = String(code).startsWith("ERR_") && cause instanceof TypeError
  return new UpstreamError({
    host,
    reason: isMalformed ? "Malformed" : "Unreachable",
    detail: String(isMalformed ? message : code)
  })
}

const isChunked = ({ headers }: IncomingMessage): boolean => headers["transfer-encoding"] !== undefined

/** Whether bytes follow its head. */
export const hasBody = (request: IncomingMessage): boolean =>
  isChunked(request) || Number(request.headers["content-length"] ?? 0) > 0

/** Bodies from here on are worth a connection of their own. */
const largeBytes = 1_048_576

/** Passes a large body on around the parser, where it is known how long it is. False, and nothing has happened, for any other. */
const relayDirectly = (answer: IncomingMessage, response: ServerResponse): boolean => {
  const { socket } = answer
  let left = Number(answer.headers["content-length"] ?? 0)
  const mayBe = answer.statusCode === 200 || answer.statusCode === 206
  if (!mayBe || response.req.method === "HEAD" || left < largeBytes || left <= answer.readableLength) return false
  const write = (bytes: Buffer, free?: () => void) => {
    const part = bytes.subarray(0, left)
    left -= part.length
    if (!response.write(part, free)) {
      socket.pause()
      response.once("drain", () => socket.resume())
    }
    if (left > 0) return
    response.end()
    // Its parser waits for a body that it will not see.
    socket.destroy()
  }
  if (!divert(socket, write)) return false
  answer.removeAllListeners("error").on("error", () => undefined)
  socket.once("close", () => {
    // A body that breaks off must not look like a whole one.
    if (left > 0) response.destroy()
  })
  const begun: unknown = answer.read()
  if (Buffer.isBuffer(begun)) write(begun)
  socket.resume()
  return true
}

/** Passes the answer on with these headers; ends when it is over, one way or another. */
export const relay = (
  answer: IncomingMessage,
  response: ServerResponse,
  headers: ReadonlyArray<Headers.Header>
): Effect.Effect<void> =>
  Effect.callback((resume) => {
    // An answer that breaks off must not look like a whole one.
    const breakOff = () => void response.destroy()
    response.once("close", () => resume(Effect.void))
    // One that is over already says nothing more.
    if (answer.destroyed) return breakOff()
    answer.once("error", breakOff)
    answer.once("end", () => {
      if (answer.rawTrailers.length > 0) {
        response.addTrailers(Headers.trailers(answer.rawTrailers))
      }
      response.end()
    })
    try {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, Headers.flat(headers))
    } catch {
      // A reason phrase or a header that may not be sent.
      return breakOff()
    }
    if (relayDirectly(answer, response)) return
    answer.pipe(response, { end: false })
    // The first bytes may be long in coming.
    setImmediate(() => {
      if (!response.writableEnded && answer.readableFlowing !== false) response.flushHeaders()
    })
  })
