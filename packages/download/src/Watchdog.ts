/**
 * Ends a download that gets nowhere: at once when nobody is left who could deliver, else when nothing came for too long,
 * or when what comes again and again makes no piece.
 */
import { Clock, Duration, Effect } from "effect"
import { DownloadConfig } from "./DownloadConfig.ts"
import { NoProgressError, type NoSourceError } from "./DownloadError.ts"

export interface Watched {
  readonly url: string
  /** Bytes of content that the network brought so far. */
  readonly received: () => number
  readonly heldPieces: () => number
  /** Fetches that failed, those at the origin that fell silent, and pieces that were bad, so far. */
  readonly failures: () => number
  /** Why nobody who is there can deliver what is missing; `undefined` while somebody can. */
  readonly exhausted: () => NoSourceError | undefined
  /** A limit of ours keeps bytes from coming now. */
  readonly isLimited: () => boolean
  /** Nothing is asked of anybody: neighbours are expected to bring what is missing, or the origin asks to be left alone. */
  readonly isWaiting: () => boolean
  /** The origin is kept waiting, as the settings say: nothing is wrong with getting nowhere then. */
  readonly isHeldBack: () => boolean
  /** Whether others may still come. */
  readonly mayMeet: () => boolean
  /** What the origin last failed with. */
  readonly lastFailure: () => NoSourceError | undefined
  readonly onTick: Effect.Effect<void>
}

/** So many failures without a piece in between are not chance. */
const fruitless = 3

export const watch = Effect.fnUntraced(function* (
  watched: Watched
): Effect.fn.Return<never, NoSourceError | NoProgressError, DownloadConfig> {
  const config = yield* DownloadConfig
  const patienceOf = (seen: number) =>
    Duration.toMillis(
      Duration.fromInputUnsafe(seen === 0 && !watched.isWaiting() ? config.firstByteTimeout : config.noProgressTimeout)
    )
  let seenAt = yield* Clock.currentTimeMillis
  let seen = watched.received()
  let grownAt = seenAt
  let held = watched.heldPieces()
  let failures = watched.failures()

  while (true) {
    yield* Effect.sleep(config.tick)
    yield* watched.onTick
    const now = yield* Clock.currentTimeMillis
    if (watched.received() > seen || watched.isLimited()) {
      seen = watched.received()
      seenAt = now
    }
    if (watched.heldPieces() > held) {
      held = watched.heldPieces()
      failures = watched.failures()
      grownAt = now
    }
    if (watched.isHeldBack()) {
      seenAt = now
      grownAt = now
      continue
    }
    const exhausted = watched.exhausted()
    if (exhausted !== undefined && !watched.mayMeet()) return yield* exhausted
    // An origin that breaks off in each piece sends bytes for ever. One that is only slow does not fail.
    const since = watched.failures() - failures >= fruitless ? Math.min(seenAt, grownAt) : seenAt
    if (now - since < patienceOf(seen)) continue
    const last = watched.lastFailure()
    if (exhausted !== undefined) return yield* exhausted
    if (seen === 0 && last !== undefined) return yield* last
    const seconds = (now - since) / 1000
    return yield* new NoProgressError({
      url: watched.url,
      seconds,
      ...(last === undefined ? {} : { last: last.message })
    })
  }
})
