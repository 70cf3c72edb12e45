/**
 * One request and its answer. What may be a content's is asked about first; what the service does not know, or the origin has otherwise, passes
 * through as it came. A service that is slow holds up nothing but large files: after `patience`, or at once where the origin has had
 * no contents so far, the origin is asked as well, and only an answer with a large body waits for the service's word, unread.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { HttpClient } from "@piecework/sources/HttpClient"
import { Effect, Fiber, Option, Result, type Scope } from "effect"
import * as Answer from "./Answer.ts"
import * as ByteRange from "./ByteRange.ts"
import * as Callers from "./Callers.ts"
import type { Contents, Knowledge } from "./Contents.ts"
import * as Delivery from "./Delivery.ts"
import * as Destination from "./Destination.ts"
import * as Headers from "./Headers.ts"
import * as KnownUrls from "./KnownUrls.ts"
import * as OpenContents from "./OpenContents.ts"
import { ProxyConfig } from "./ProxyConfig.ts"
import * as Refusal from "./Refusal.ts"
import * as Reverse from "./Reverse.ts"
import * as Target from "./Target.ts"
import * as Upstream from "./Upstream.ts"

export interface ExchangeOptions {
  /** By which it knows its own requests when they come back. */
  readonly pseudonym: string
  /** Whether other devices are served. */
  readonly isForAll: boolean
}

/** Answers one request; ends with the answer. */
export type Exchange = (request: IncomingMessage, response: ServerResponse) => Effect.Effect<void>

export const make = Effect.fnUntraced(function* ({
  isForAll,
  pseudonym
}: ExchangeOptions): Effect.fn.Return<Exchange, never, Contents | HttpClient | ProxyConfig | Scope.Scope> {
  const config = yield* ProxyConfig
  const urls = yield* KnownUrls.make
  const contents = yield* OpenContents.make
  const upstream = yield* Upstream.make
  const via: Headers.Header = ["Via", `1.1 ${pseudonym}`]

  const outgoingOf = (request: IncomingMessage, target: Target.Target): Upstream.Outgoing => {
    const without = target.form === "Reverse" ? [...ownToRequest, ...Reverse.keptBack.request] : ownToRequest
    const headers = Headers.endToEnd(request.rawHeaders, new Set(without))
    return {
      request,
      target,
      headers: [["Host", target.authority], ...headers, via],
      reach: Callers.isOfThisDevice(request) ? "All" : "BeyondThisDevice"
    }
  }

  const relay = (answer: IncomingMessage, response: ServerResponse, target: Target.Target) => {
    const { headers } = response.req
    const all =
      target.form === "Forward"
        ? Headers.endToEnd(answer.rawHeaders)
        : Reverse.headersOf(
            Headers.endToEnd(answer.rawHeaders, Reverse.keptBack.answer),
            target,
            headers.authorization !== undefined
          )
    return Upstream.relay(answer, response, [...all, via])
  }

  const pass = (request: IncomingMessage, response: ServerResponse, target: Target.Target) =>
    Effect.flatMap(upstream.send(outgoingOf(request, target)), (answer) => relay(answer, response, target))

  /** The content and what is to be said of it, until the scope closes; `Pass` where the origin has the word. */
  const prepare = Effect.fnUntraced(function* (
    request: IncomingMessage,
    url: ContentUrl,
    { contentId, size }: Extract<Knowledge, { _tag: "Known" }>
  ): Effect.fn.Return<Prepared | "Halted" | "Pass", never, Scope.Scope> {
    const opening = contents.open({ url, contentId, size, isWhole: wantsAll(request) })
    const opened = yield* Effect.result(opening)
    if (Result.isFailure(opened)) {
      if (opened.failure.reason === "Halted") return "Halted"
      yield* Effect.logDebug(opened.failure)
      yield* urls.deny(url)
      return "Pass"
    }
    const content = opened.success
    const { look } = content
    if (look._tag === "Other" || content.size !== size) {
      yield* urls.deny(url)
      return "Pass"
    }
    if (hasCredentials(request) && !(look._tag === "Same" && look.isPublic)) return "Pass"
    const facts: Answer.Facts = look._tag === "Same" ? look.facts : new Map()
    return { content, answer: Answer.decide(request, { contentId, size, facts }) }
  })

  const deliver = ({ answer, content }: Prepared, response: ServerResponse) =>
    Effect.gen(function* () {
      response.writeHead(answer.status, Headers.flat([...answer.headers, via]))
      // The first piece may be a while in coming, and programs wait for a head no longer than for a server.
      if (answer.part !== undefined) response.flushHeaders()
      if (answer.part !== undefined) yield* Delivery.send(response, content, answer.part)
      response.end()
    }).pipe(
      Effect.catchTag("ClientGone", () => Effect.void),
      Effect.catchTag("ContentError", (error) =>
        Effect.andThen(
          Effect.logWarning(error),
          // Half an answer must not look like a whole one.
          Effect.sync(() => void response.destroy())
        )
      )
    )

  /** A request that may be for a content. */
  const consider = Effect.fnUntraced(function* (
    request: IncomingMessage,
    response: ServerResponse,
    target: Target.Target,
    url: ContentUrl
  ): Effect.fn.Return<void, Upstream.UpstreamError, Scope.Scope> {
    const asking = yield* urls.ask(url)
    const patience = urls.isPromising(url) ? config.patience : 0
    const early = yield* Effect.timeoutOption(Fiber.join(asking), patience)
    // From here on an answer of the origin may be waiting.
    const answer = Option.isSome(early) ? undefined : yield* upstream.send(outgoingOf(request, target))
    if (answer !== undefined && !isLarge(answer, config.minContentSize)) return yield* relay(answer, response, target)
    const known = Option.isSome(early) ? early : yield* Effect.timeoutOption(Fiber.join(asking), config.lookupTimeout)
    const knowledge = Option.getOrElse(known, (): Knowledge => ({ _tag: "Unknown" }))
    const isCandidate = knowledge._tag === "Known" && knowledge.size >= config.minContentSize
    const prepared = isCandidate
      ? yield* prepare(request, url, knowledge)
      : knowledge._tag === "Halted"
        ? "Halted"
        : "Pass"
    if (prepared === "Pass") {
      // One that broke off while it waited is asked for again.
      const isThere = answer !== undefined && !answer.destroyed
      return yield* isThere ? relay(answer, response, target) : pass(request, response, target)
    }
    answer?.destroy()
    if (prepared === "Halted") return Refusal.send(response, 403, halted)
    return yield* deliver(prepared, response)
  })

  return (request, response) => {
    const isOwn = Callers.isOfThisDevice(request)
    const refuse = (status: number, sentence: string) => Effect.sync(() => Refusal.send(response, status, sentence))
    if (!isOwn && !isForAll) return refuse(403, "This proxy serves programs of its own device only.")
    const parsed = Target.parse(request.url ?? "")
    if (Result.isFailure(parsed)) {
      return refuse(parsed.failure.reason === "NoUrl" ? 404 : 400, parsed.failure.message)
    }
    const target = parsed.success
    if (target.form === "Reverse" && (Callers.isFromPage(request) || !Callers.isByOwnName(request))) {
      return refuse(403, "Web pages cannot use this proxy by its address.")
    }
    if (Headers.hasPassed(request.headers.via, pseudonym) || Headers.hops(request.headers.via) > maxHops) {
      return refuse(508, "The request went in a circle: it has been at this proxy before.")
    }
    if (!Destination.isAllowed(target.host, isOwn ? "All" : "BeyondThisDevice")) {
      return refuse(403, new Destination.DestinationError({ host: target.host }).message)
    }
    const url = mayBeContent(request) ? Target.urlOf(target) : undefined
    const exchange = url === undefined ? pass(request, response, target) : consider(request, response, target, url)
    return Effect.scoped(exchange).pipe(Effect.catch((error) => refuse(statusOf[error.reason], error.message)))
  }
})

interface Prepared {
  readonly content: OpenContents.Looked
  readonly answer: Answer.Answer
}

const halted = "The service has halted this content: its operator wants nobody to have it at present."

/** Said anew on the way: who is asked, and whether the body may come, which was said to the client already. */
const ownToRequest = ["host", "expect"]

/** Proxies between a client and its origin; more are a circle of some that change their names. */
const maxHops = 16

const statusOf: { readonly [R in Upstream.UpstreamError["reason"]]: number } = {
  Refused: 403,
  Malformed: 400,
  TimedOut: 504,
  Unreachable: 502
}

const hasCredentials = ({ headers }: IncomingMessage): boolean =>
  headers.authorization !== undefined || headers.cookie !== undefined

/** A plain question for one file or one part of it. Several parts at once are left to the origin, as hardly anybody asks so. */
const mayBeContent = (request: IncomingMessage): boolean =>
  (request.method === "GET" || request.method === "HEAD") &&
  !Upstream.hasBody(request) &&
  !ByteRange.isSeveral(request.headers.range)

/** Whether it is going to read all of it, as far as can be told. */
const wantsAll = ({ headers, method }: IncomingMessage): boolean =>
  method === "GET" &&
  headers.range === undefined &&
  headers["if-none-match"] === undefined &&
  headers["if-modified-since"] === undefined

/** Whether the answer is a file, or a part of one, for which peers are worth asking. */
const isLarge = ({ headers, statusCode }: IncomingMessage, least: number): boolean => {
  if (headers["content-encoding"] !== undefined) return false
  if (statusCode === 200) return Number(headers["content-length"] ?? 0) >= least
  return statusCode === 206 && Number(headers["content-range"]?.split("/")[1] ?? 0) >= least
}
