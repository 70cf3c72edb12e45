/**
 * What a download is of, found out by asking the services and the origin at the same time; what comes first decides. A small
 * file is here with the origin's first answer.
 */
import type { PieceCache } from "@piecework/cache/PieceCache"
import type { Cloud } from "@piecework/cloud/Cloud"
import { usesPeers, usesServices } from "@piecework/domain/DownloadMode"
import type { BufferPool } from "@piecework/hashing/BufferPool"
import * as Delays from "@piecework/policy/Delays"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import type { HttpClient } from "@piecework/sources/HttpClient"
import { Effect, Exit, Fiber, Option, Scope } from "effect"
import * as Approach from "./Approach.ts"
import { DownloadConfig } from "./DownloadConfig.ts"
import { Fallback, HaltedError, NoSourceError, UnverifiableError } from "./DownloadError.ts"
import { type DownloadRequest, priorityOf } from "./DownloadRequest.ts"
import * as FirstProbe from "./FirstProbe.ts"
import * as Neighbours from "./Neighbours.ts"
import type { Origins } from "./Origins.ts"
import type { Standing } from "./Standing.ts"

/** A swarm to join, or the origin's first answer, which goes on. */
export type Found =
  | Extract<Approach.Approach, { _tag: "Swarm" }>
  | (Extract<Approach.Approach, { _tag: "Simple" }> & { readonly first: FirstProbe.Probed })

/**
 * Of bytes that are handed out piece by piece, or in parts, nobody can tell in the end whether they were those that the caller means: each
 * piece is checked, or it fails. What nobody names and nobody vouches for is had as it is.
 */
export const asChecked = (
  request: Pick<DownloadRequest, "url" | "contentId" | "hashes">,
  found: Found
): Effect.Effect<Found, UnverifiableError> => {
  if (found._tag === "Swarm") return Effect.succeed(found)
  const { phf, why } = found
  if (phf !== undefined) return Effect.succeed({ _tag: "Swarm", mode: "HttpOnly", why, phf, policies: undefined })
  if (request.contentId === undefined && request.hashes === undefined) return Effect.succeed(found)
  const detail = why.detail === undefined ? {} : { detail: why.detail }
  return Effect.fail(new UnverifiableError({ url: request.url, reason: why.reason, ...detail }))
}

/**
 * Bytes of the first request where services may name a swarm: every device of a site sends one, and then wants none of
 * them over the line. A smaller file is still there with one answer.
 */
const smallProbe = 1024

export const take = Effect.fn("FirstLook.take")(function* (
  request: Pick<DownloadRequest, "url" | "contentId" | "hashes" | "mustVerify" | "mode" | "priority">,
  cloud: Option.Option<Cloud["Service"]>,
  origins: Pick<Origins, "asked" | "cache" | "others" | "access">,
  standing: Standing,
  /** Whether bytes are wanted before all of them are here, or not all of them. */
  isInParts = false
): Effect.fn.Return<
  Found,
  HaltedError | NoSourceError | UnverifiableError,
  BufferPool | DownloadConfig | HttpClient | PieceCache | Scope.Scope
> {
  const { contentId, hashes, mode, url } = request
  const config = yield* DownloadConfig
  const policy = yield* LivePolicy
  const probeScope = yield* Scope.fork(yield* Effect.scope)
  const isMatched = usesServices(mode) && (Option.isSome(cloud) || contentId !== undefined || hashes !== undefined)
  // Where HTTP is to wait for peers, it waits until it is known that there can be none.
  const mayPeer = isMatched && usesPeers(mode) && (Option.isSome(cloud) || (yield* Neighbours.canMeet))
  const situation = { priority: priorityOf(request), mayPeer, hasCacheServer: false }
  const { asked, cache } = origins
  cache?.peersAllowed(mayPeer)
  // A cache server is asked beside the peers, not after them.
  const isCached = cache !== undefined && (yield* cache.look)._tag === "Use"
  const isHeldBack = Delays.of(policy.current(), situation).origin !== 0 && !isCached

  const length = isMatched && !isHeldBack ? smallProbe : undefined
  // Who is not to ask the origin while there is a cache server does not before it is known whether there is one.
  const ready = cache === undefined ? Effect.void : cache.ready
  const probed = Effect.suspend(() =>
    FirstProbe.take(cache?.isOnly() === true ? [asked] : [asked, ...origins.others], length, standing)
  ).pipe((probe) => Effect.andThen(ready, probe), Scope.provide(probeScope), Effect.result)
  const probing = isHeldBack ? undefined : yield* Effect.forkIn(probed, probeScope)
  const isChecked = isInParts && contentId !== undefined
  const isNamed = hashes !== undefined || isChecked || (request.mustVerify === true && contentId === undefined)
  const small = Effect.flatMap(probing === undefined ? Effect.never : Fiber.join(probing), (answer) => {
    const size = answer._tag === "Success" ? answer.success.probe.size : undefined
    // Whose hashes are named is checked, however small it is.
    return size !== undefined && size < config.minContentSize && usesServices(mode) && !isNamed
      ? Effect.succeed<Approach.Approach>({ _tag: "Simple", why: new Fallback({ reason: "TooSmall" }) })
      : Effect.never
  })
  const { access } = origins
  const approach = yield* Effect.raceFirst(
    Approach.find({ url, contentId, hashes, isChecked, access, cache }, mode, cloud),
    small
  )
  if (approach._tag === "Halted") return yield* new HaltedError({ url })
  if (approach._tag === "Swarm") {
    // Or it would look as if its connection had broken.
    if (probing !== undefined) yield* Fiber.interrupt(probing)
    yield* Scope.close(probeScope, Exit.void)
    yield* ready
    return approach
  }
  const { phf, why } = approach
  // There are none to wait for.
  cache?.peersAllowed(false)
  if (request.mustVerify === true && contentId === undefined && phf === undefined) {
    return yield* new UnverifiableError({
      url,
      reason: why.reason,
      ...(why.detail === undefined ? {} : { detail: why.detail })
    })
  }
  const answer = yield* probing === undefined ? probed : Fiber.join(probing)
  if (answer._tag === "Failure") return yield* NoSourceError.from(url, answer.failure, cache?.isOnly())
  return { _tag: "Simple", why, phf, first: answer.success }
})
