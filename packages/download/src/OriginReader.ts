/**
 * The bytes of a file straight from its origin, for one reader: over a connection of its own, which is made anew where it fails and goes
 * on at the same byte of the same file. What the reader does not take waits at the origin. An origin that sends whole files only is read from
 * the beginning on, and what is before the part is thrown away: slow, but right (spec.md F063).
 */
import type { OriginKind, Probe } from "@piecework/sources/Origin"
import { Cause, Clock, type Duration, Effect, Stream } from "effect"
import type { Asked } from "./Asked.ts"
import { type DownloadError, RangesError } from "./DownloadError.ts"
import * as SteadyBody from "./SteadyBody.ts"

/**
 * Bytes handed out at a time: few at first, so that the first are there soon; twice as many while they come within a moment
 * (milliseconds), half as many while they do not.
 */
const fewestBytes = 4096
const mostBytes = 1_048_576
const moment = 50

export interface OriginReading {
  readonly origin: Asked
  /** The answer to the first request. */
  readonly probe: Probe
  /** Whether another reader has taken the body of that. */
  readonly isAnother: boolean
  readonly start: number
  /** Just after the last byte; `undefined`: to the end of the file. */
  readonly end: number | undefined
  /** How long nothing may come before it gives up. */
  readonly patience: Duration.Duration
  readonly onRead: (kind: OriginKind, bytes: number) => void
}

type Pulled = readonly [Uint8Array]

export const stream = (reading: OriginReading): Stream.Stream<Uint8Array, DownloadError> =>
  Stream.unwrap(
    Effect.map(
      SteadyBody.make({
        origin: reading.origin,
        probe: reading.probe,
        from: reading.start,
        until: reading.end,
        isAnother: reading.isAnother,
        patience: reading.patience,
        onBytes: reading.onRead
      }),
      (body) => Stream.fromPull(Effect.succeed(pull(reading, body)))
    )
  )

const pull = (
  { end, start }: OriginReading,
  body: SteadyBody.SteadyBody
): Effect.Effect<Pulled, DownloadError | Cause.Done<void>> => {
  let buffer = new Uint8Array(fewestBytes)
  let length = fewestBytes
  let at = start
  let isOver = false

  return Effect.gen(function* () {
    if (isOver || at === end) return yield* Cause.done()
    const began = yield* Clock.currentTimeMillis
    if (buffer.length < length) buffer = new Uint8Array(mostBytes)
    const wanted = Math.min(length, (end ?? Infinity) - at)
    const n = yield* body.fill(buffer.subarray(0, wanted))
    isOver = n < wanted
    at += n
    // The origin had not said how long the file is.
    if (isOver && end !== undefined) return yield* new RangesError({ reason: "OutOfFile", offset: start, size: at })
    if (n === 0) return yield* Cause.done()
    const isSlow = (yield* Clock.currentTimeMillis) - began > moment
    length = isSlow ? Math.max(fewestBytes, length / 2) : Math.min(mostBytes, length * 2)
    return [buffer.subarray(0, n)] as const
  })
}
