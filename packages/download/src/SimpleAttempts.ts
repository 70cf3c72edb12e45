/**
 * Simple mode until it succeeds or is of no use any more. A file that becomes another one on the way is begun again, since bytes of two
 * versions make neither; where an origin is gone for good the next of the download's URLs is tried, from the beginning as well: nobody
 * vouches for it being the same file.
 */
import type { PartialFiles } from "@piecework/cache/PartialFile"
import type { BufferPool } from "@piecework/hashing/BufferPool"
import type { Phf } from "@piecework/hashing/Phf"
import { Duration, Effect, Exit, Scope } from "effect"
import type { Asked } from "./Asked.ts"
import { CurrentLedger } from "./CurrentLedger.ts"
import { DownloadConfig } from "./DownloadConfig.ts"
import * as FirstProbe from "./FirstProbe.ts"
import * as SimpleDownload from "./SimpleDownload.ts"
import type { Standing } from "./Standing.ts"

export interface SimpleAttemptsOptions extends Omit<
  SimpleDownload.SimpleDownloadOptions,
  "url" | "origin" | "probe" | "patience"
> {
  readonly first: FirstProbe.Probed
  readonly standing: Standing
}

/** Whether the wrong bytes were a cache server's, which is not asked again. */
const spoiled = ({ instead }: Asked): Effect.Effect<boolean> => instead?.spoiled ?? Effect.succeed(false)

/** A file that changes more often than this while it is fetched is no file to fetch. */
const mostChanges = 3

/** How long an origin may send nothing while there is another one to try. */
const impatience = Duration.seconds(30)

export const run = Effect.fn("SimpleAttempts.run")(function* (
  options: SimpleAttemptsOptions
): Effect.fn.Return<Phf, SimpleDownload.Failure, BufferPool | DownloadConfig | PartialFiles | Scope.Scope> {
  const { first, meter, standing, ...how } = options
  const patience = Duration.fromInputUnsafe((yield* DownloadConfig).noProgressTimeout)
  let { origin, others, probe } = first
  for (let changes = 0; ;) {
    standing.fileBytes = probe.size
    const scope = yield* Scope.fork(yield* Effect.scope)
    const attempt = SimpleDownload.run({
      ...how,
      meter,
      url: origin.url,
      origin,
      probe,
      patience: others.length === 0 ? patience : Duration.min(patience, impatience)
    })
    const result = yield* Effect.result(Scope.provide(attempt, scope))
    if (result._tag === "Success") return result.success
    const error = result.failure
    const isSource = error._tag === "NoSourceError" || error._tag === "NoProgressError"
    const isChange = error._tag === "NoSourceError" && error.reason === "ContentChanged"
    const isSpoilt = error._tag === "NoSourceError" && error.reason === "BadPieces" && (yield* spoiled(origin))
    const isAgain = (isChange || isSpoilt) && ++changes <= mostChanges
    if (!isSource || (!isAgain && others.length === 0)) return yield* error
    yield* Effect.logInfo(
      isSpoilt
        ? "The bytes of a cache server are not the right ones; beginning again without it."
        : isAgain
          ? "The file at the origin has changed; beginning again."
          : "The origin is gone; trying the next URL."
    )
    const ledger = yield* CurrentLedger
    ledger.note({ _tag: "Again", why: isSpoilt ? "BadPieces" : isAgain ? "ContentChanged" : "NextUrl" })
    yield* Scope.close(scope, Exit.void)
    meter.lost()
    const candidates = isAgain ? [origin, ...others] : others
    const probed = yield* FirstProbe.take(candidates, undefined, standing).pipe(Effect.result)
    if (probed._tag === "Failure") return yield* error
    ;({ origin, others, probe } = probed.success)
  }
})
