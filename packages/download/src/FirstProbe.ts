/** The first answer of an origin: of the first of several that has one. */
import type { Probe } from "@piecework/sources/Origin"
import { SourceError } from "@piecework/sources/PieceSource"
import { Clock, Duration, Effect, Exit, Option, Scope } from "effect"
import { type Asked, verdictOn } from "./Asked.ts"
import { DownloadConfig } from "./DownloadConfig.ts"
import type { Standing } from "./Standing.ts"

export interface Probed {
  readonly origin: Asked
  readonly probe: Probe
  /** Those that were not asked yet. */
  readonly others: ReadonlyArray<Asked>
}

/** Between two attempts: doubled from the first up to the last, in milliseconds. */
const firstWait = 250
const lastWait = 2000

/**
 * Asks one after the other until one answers, each again and again for a while; an origin that asks to be left alone is, and waited for as
 * long as anything is. Fails with what the first one said, since that is the one that people know; `undefined` when it said nothing.
 */
export const take = Effect.fn("FirstProbe.take")(function* (
  origins: ReadonlyArray<Asked>,
  length: number | undefined,
  standing: Pick<Standing, "lastFailure">
): Effect.fn.Return<Probed, SourceError | undefined, DownloadConfig | Scope.Scope> {
  let said: SourceError | undefined
  for (const [n, origin] of origins.entries()) {
    const result = yield* Effect.result(patiently(origin, length, standing))
    if (result._tag === "Success") return { origin, probe: result.success, others: origins.slice(n + 1) }
    if (n === 0) said = result.failure
  }
  return yield* Effect.fail(said)
})

const patiently = Effect.fnUntraced(function* (
  origin: Asked,
  length: number | undefined,
  standing: Pick<Standing, "lastFailure">
): Effect.fn.Return<Probe, SourceError | undefined, DownloadConfig | Scope.Scope> {
  const config = yield* DownloadConfig
  const usual = Duration.toMillis(Duration.fromInputUnsafe(config.firstByteTimeout))
  const most = Duration.toMillis(Duration.fromInputUnsafe(config.noProgressTimeout))
  const began = yield* Clock.currentTimeMillis
  let until = began + usual
  let failure: SourceError | undefined
  let hasTurned = false
  for (let wait = firstWait; ; wait = Math.min(wait * 2, lastWait)) {
    if (origin.instead !== undefined) {
      const waits = yield* Clock.currentTimeMillis
      yield* origin.instead.ready
      // What the settings have it wait for is not the server's silence.
      until += (yield* Clock.currentTimeMillis) - waits
    }
    const left = until - (yield* Clock.currentTimeMillis)
    // What came with a refusal nobody reads, and a server in trouble is not to keep a connection for each.
    const scope = yield* Scope.fork(yield* Effect.scope)
    const answer = yield* origin.probe(length).pipe(
      Scope.provide(scope),
      Effect.timeoutOption(Duration.millis(Math.max(0, left))),
      Effect.filterOrElse(
        (probed) => Option.isSome(probed) || origin.instead === undefined,
        () => Effect.fail(new SourceError({ source: origin.id, reason: "TimedOut", url: origin.url }))
      ),
      Effect.result
    )
    if (answer._tag === "Success" && answer.success._tag === "Some") return answer.success.value
    yield* Scope.close(scope, Exit.void)
    if (answer._tag === "Success") return yield* Effect.fail(failure)
    failure = answer.failure
    standing.lastFailure = failure
    const verdict = yield* verdictOn(origin, failure, false)
    if (verdict._tag === "Fatal") return yield* Effect.fail(failure)
    const failedAt = yield* Clock.currentTimeMillis
    if (verdict._tag === "AtOnce") {
      // Who comes after it has as much time, once.
      if (!hasTurned) until = Math.max(until, failedAt + usual)
      hasTurned = true
      wait /= 2
      continue
    }
    // A cache server that is stayed with.
    if (verdict.until >= failedAt) until = Math.max(until, began + most)
    if (verdict.until > failedAt) until = Math.max(until, verdict.until + usual)
    // A name that was typed wrongly does not ask for patience; who does is there.
    if (failure.retryAfter !== undefined) until = Math.max(until, began + most)
    const rest = Math.max(wait, failure.retryAfter ?? 0)
    const now = yield* Clock.currentTimeMillis
    if (now + rest >= until) {
      yield* Effect.sleep(Math.max(0, until - now))
      return yield* Effect.fail(failure)
    }
    yield* Effect.sleep(rest)
  }
})
