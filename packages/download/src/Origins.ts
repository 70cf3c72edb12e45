/**
 * The origins of one download: the server of its URL, and those of the other URLs that it was given. All count into one meter, keep to
 * one `Access` and say what they said last in one place.
 */
import type { CacheHosts } from "@piecework/cachehosts/CacheHosts"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { usesServices } from "@piecework/domain/DownloadMode"
import type { BufferPool } from "@piecework/hashing/BufferPool"
import { Access } from "@piecework/sources/Access"
import type { HttpClient } from "@piecework/sources/HttpClient"
import type { HttpFacts } from "@piecework/sources/HttpFacts"
import * as Origin from "@piecework/sources/Origin"
import { SourceId } from "@piecework/sources/PieceSource"
import { Duration, Effect, Option, Result, type Scope } from "effect"
import type { Asked } from "./Asked.ts"
import * as CacheFirst from "./CacheFirst.ts"
import { DownloadConfig } from "./DownloadConfig.ts"
import { NoSourceError } from "./DownloadError.ts"
import { type DownloadRequest, priorityOf } from "./DownloadRequest.ts"
import * as JobCache from "./JobCache.ts"
import type { Meter } from "./Meter.ts"

/** Most other URLs of one request. */
export const mostOthers = 16

export interface Origins {
  /** Who is asked in place of the first where one is asked at a time. */
  readonly asked: Asked
  /** The cache servers of the place that stand before the first; `undefined` where nobody looks for any. */
  readonly cache: JobCache.JobCache | undefined
  readonly first: Origin.Origin
  /** Those of the other URLs, in their order. */
  readonly others: ReadonlyArray<Origin.Origin>
  readonly access: Access
  /** What one of them said last; `undefined` before any said anything. */
  readonly facts: () => HttpFacts | undefined
  /** Why none of them can be asked. */
  readonly problem: NoSourceError | undefined
}

type Request = Pick<
  DownloadRequest,
  "url" | "others" | "headers" | "authHeaders" | "allowInsecureRedirect" | "priority" | "mode"
>

export const make = Effect.fnUntraced(function* (
  request: Request,
  meter: Meter,
  /** When the download was started, in epoch milliseconds. */
  began: number,
  hosts: Option.Option<CacheHosts["Service"]>
): Effect.fn.Return<Origins, never, HttpClient | BufferPool | DownloadConfig | Scope.Scope> {
  const { url } = request
  const others = [...new Set(request.others ?? [])].filter((other) => other !== url)
  const { lookupTimeout, noProgressTimeout } = yield* DownloadConfig
  const patience = Duration.fromInputUnsafe(noProgressTimeout)
  const made = Access.make(request)
  const access = Result.getOrElse(made, () => Access.none(url))
  let facts: HttpFacts | undefined
  const names = new Set<string>()
  const nameOf = (of: ContentUrl) => {
    const name = Origin.idOf(of)
    let id = name
    // Several URLs may be of one server.
    for (let n = 2; names.has(id); n++) id = SourceId.make(`${name} ${n}`)
    names.add(id)
    return id
  }
  const one = Effect.fnUntraced(function* (of: ContentUrl) {
    const origin = yield* Origin.make(of, { access, patience, id: nameOf(of), onAnswer: (said) => (facts = said) })
    const { answers, id, kind, received } = origin
    meter.join({ id, kind, received, answers, sent: () => 0 })
    return origin
  })
  const bad = (detail: string) => new NoSourceError({ url, reason: "BadRequest", detail })
  const first = yield* one(url)
  const cache = Option.isNone(hosts)
    ? undefined
    : yield* JobCache.make({
        hosts: hosts.value,
        url,
        began,
        meter,
        priority: priorityOf(request),
        asksService: usesServices(request.mode),
        patience: Duration.fromInputUnsafe(lookupTimeout),
        how: { access, patience, onAnswer: (said) => (facts = said) }
      })
  return {
    first,
    asked: cache === undefined ? first : CacheFirst.make(cache, first),
    cache,
    others: yield* Effect.forEach(others.slice(0, mostOthers), one),
    access,
    facts: () => facts,
    problem: Result.isFailure(made)
      ? bad(made.failure.message)
      : others.length > mostOthers
        ? bad(`there are more than ${mostOthers} other URLs`)
        : undefined
  }
})
