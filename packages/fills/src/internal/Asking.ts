/**
 * One question about a file, put to its servers in turn until one has an answer that is of use: cache servers above first, the
 * origin last. Each is asked once.
 */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import type { HttpError } from "@piecework/sources/HttpError"
import type { HttpResponse } from "@piecework/sources/HttpResponse"
import { Effect, Exit, Result, Scope, type Tracer } from "effect"
import { FillError } from "../FillError.ts"
import type { Failure, Upstream } from "../Upstreams.ts"
import { type Shop, shown } from "./Shop.ts"
import * as Verdict from "./Verdict.ts"

export interface Question {
  readonly url: ContentUrl
  readonly range?: Verdict.Range | undefined
  readonly ifRange?: string | undefined
  readonly ifNoneMatch?: string | undefined
  readonly ifModifiedSince?: string | undefined
  readonly via?: string | undefined
  readonly isGuarded?: boolean | undefined
  /** In which trace it is asked. */
  readonly inside?: Tracer.AnySpan | undefined
  /** Goes to the origin alone, and nobody else is asked. */
  readonly authorization?: string | undefined
  /** What else is wrong with an answer that looks right. */
  readonly wrong?:
    | ((upstream: Upstream, response: HttpResponse, verdict: Asked["verdict"]) => string | undefined)
    | undefined
}

/** An answer whose body is still to be read; closing `scope` lets go of it. */
export interface Asked {
  readonly upstream: Upstream
  readonly response: HttpResponse
  readonly verdict: Exclude<Verdict.Verdict, { readonly _tag: "Bad" }>
  readonly scope: Scope.Closeable
}

export const close = (scope: Scope.Closeable): Effect.Effect<void> => Scope.close(scope, Exit.void)

/** Answers `Failing` only where all are; fails when none has an answer that makes sense. */
export const ask = Effect.fnUntraced(function* (shop: Shop, question: Question): Effect.fn.Return<Asked, FillError> {
  const tried = new Set<string>()
  /** What the last of them came to. */
  let error: FillError | undefined
  let failing: Asked | undefined
  const letGo = Effect.suspend(() => (failing === undefined ? Effect.void : close(failing.scope)))
  while (true) {
    const ways = yield* shop.upstreams.ways(question.url)
    const allowed = question.authorization === undefined ? ways : ways.filter(({ kind }) => kind === "Origin")
    const upstream = allowed.find(({ name }) => !tried.has(name))
    if (upstream === undefined) break
    tried.add(upstream.name)
    const asked = yield* Effect.result(askOne(shop, upstream, question))
    if (Result.isFailure(asked)) {
      yield* shop.upstreams.failed(upstream, question.url, asked.failure.failure)
      yield* letGo
      failing = undefined
      error = asked.failure.error
      continue
    }
    const { response, verdict } = asked.success
    const isLast = upstream.kind === "Origin"
    // What a cache server refuses, it refuses for itself.
    if (verdict._tag !== "Failing" && (isLast || verdict._tag !== "Refused")) {
      yield* letGo
      return asked.success
    }
    const { status } = response
    const failure: Failure =
      status < 500 ? { _tag: "Status", status } : { _tag: "Broken", detail: `it answers HTTP ${status}` }
    // A circle is about this request, which clients may make look like one: the cache server is asked again for others.
    if (status !== loopDetected) yield* shop.upstreams.failed(upstream, question.url, failure)
    yield* letGo
    failing = asked.success
  }
  if (failing !== undefined) return failing
  const { url } = question
  return yield* (
    error ?? new FillError({ url: shown(url), reason: "Unreachable", detail: "no server may be asked for it" })
  )
})

/** Source: RFC 5842, section 7.2. */
const loopDetected = 508

interface Lost {
  readonly failure: Failure
  readonly error: FillError
}

const askOne = (shop: Shop, upstream: Upstream, question: Question): Effect.Effect<Asked, Lost> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { authorization, ifModifiedSince, ifNoneMatch, ifRange, isGuarded, range, url, via } = question
      const scope = yield* Scope.fork(shop.scope)
      const getting = shop.client.get({
        url: upstream.url,
        range,
        ifRange,
        ifNoneMatch,
        ifModifiedSince,
        server: upstream.kind === "Parent" ? "CacheServer" : "Origin",
        ...(isGuarded === true && upstream.kind === "Origin" ? { way: { isGuarded } } : {}),
        headers: {
          ...(via === undefined ? {} : { Via: via }),
          ...(authorization === undefined ? {} : { Authorization: authorization })
        }
      })
      const { inside } = question
      const surrounded =
        inside === undefined ? getting : Effect.withParentSpan(getting, inside, { captureStackTrace: false })
      const response = yield* Effect.onError(
        Effect.mapError(restore(Scope.provide(surrounded, scope)), (error) => lostBy(url, error)),
        () => close(scope)
      )
      const judged = Verdict.of(response, range, shop.now())
      const isAnswer = judged._tag !== "Bad" && judged._tag !== "Failing" && judged._tag !== "Refused"
      const wrong =
        judged._tag === "Bad" ? judged.detail : isAnswer ? question.wrong?.(upstream, response, judged) : undefined
      if (judged._tag === "Bad" || wrong !== undefined) {
        yield* close(scope)
        return yield* Effect.fail(broken(url, "BadAnswer", wrong ?? "its answer makes no sense"))
      }
      return { upstream, response, verdict: judged, scope }
    })
  )

const broken = (url: ContentUrl, reason: FillError["reason"], detail: string): Lost => ({
  failure: { _tag: "Broken", detail },
  error: new FillError({ url: shown(url), reason, detail })
})

/** An error of HTTP as others are told of it. */
export const lostBy = (url: ContentUrl, error: HttpError): Lost => {
  const detail = error.message.replace(/\.$/, "")
  const lost = broken(url, reasons[error.reason], detail)
  return isUnreachable.has(error.reason) ? { ...lost, failure: { _tag: "Unreachable", detail } } : lost
}

const isUnreachable: ReadonlySet<HttpError["reason"]> = new Set(["Unreachable", "TlsFailed", "TimedOut"])

const reasons: { readonly [R in HttpError["reason"]]: FillError["reason"] } = {
  Unreachable: "Unreachable",
  TlsFailed: "Unreachable",
  TimedOut: "TimedOut",
  Stalled: "TimedOut",
  Closed: "Unreachable",
  Truncated: "BadAnswer",
  BadResponse: "BadAnswer",
  Encoded: "BadAnswer",
  InsecureRedirect: "BadAnswer",
  TooManyRedirects: "BadAnswer",
  BadRedirect: "BadAnswer",
  ForbiddenRedirect: "BadAnswer",
  ProxyLogin: "Unreachable",
  ProxyFailed: "Unreachable",
  BadRequest: "Failed"
}
