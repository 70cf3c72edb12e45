/**
 * The body of an answer, read off its connection into the caller's memory. One fiber per body looks now and then
 * whether bytes still come, so no fill needs a timer of its own.
 */
import type { TransportError } from "@piecework/transport/ByteStream"
import { Duration, Effect, type Fiber } from "effect"
import type { HttpError } from "../HttpError.ts"
import type { HttpBody } from "../HttpResponse.ts"
import type { Connection } from "./Connection.ts"
import { type Framing, maxHeaders, parseChunkSize } from "./ResponseHead.ts"

/** Looks per stall timeout: so a stall is seen at most a quarter late. */
const looks = 4

export interface BodyOptions {
  readonly connection: Connection
  readonly framing: Framing
  readonly stallTimeout: Duration.Duration
  readonly fail: (reason: HttpError["reason"], detail?: string, cause?: unknown) => HttpError
  /** Runs when the body was read to its end, but not for a body of no bytes. */
  readonly onEnd: Effect.Effect<void>
}

export const make = (options: BodyOptions): HttpBody => {
  const { connection, framing, fail, onEnd } = options
  const { stream } = connection
  const startsAt = connection.position
  let read = 0
  let isWaiting = false
  let isStalled = false
  let hasEnded = framing._tag === "Length" && framing.length === 0
  let watcher: Fiber.Fiber<void> | undefined

  const watch = Effect.gen(function* () {
    let seen = stream.counters.received
    // The first look may come just after the waiting began, so it does not count.
    for (let idle = 0; idle <= looks; idle++) {
      yield* Effect.sleep(Duration.times(options.stallTimeout, 1 / looks))
      const { received } = stream.counters
      if (!isWaiting || connection.flow.isHeldBack()) idle = -1
      else if (received !== seen) idle = 0
      seen = received
    }
    isStalled = true
    yield* connection.close
  })

  const broken = (error: TransportError): HttpError => fail(isStalled ? "Stalled" : "Closed", undefined, error)

  /** An effect of the connection, watched. */
  const watched = <A>(effect: Effect.Effect<A, TransportError>): Effect.Effect<A, HttpError> =>
    Effect.suspend(() => {
      isWaiting = true
      const waiting = Effect.mapBoth(effect, {
        onSuccess: (value) => {
          isWaiting = false
          return value
        },
        onFailure: broken
      })
      if (watcher !== undefined) return waiting
      return Effect.flatMap(connection.fork(watch), (fiber) => {
        watcher = fiber
        return waiting
      })
    })

  const end = Effect.suspend(() => {
    hasEnded = true
    // The watcher must be gone before somebody else has the connection.
    watcher?.interruptUnsafe()
    return onEnd
  })

  const sized = (length: number) => (target: Uint8Array, atLeast: number) => {
    const wanted = Math.min(target.length, length - read)
    return Effect.flatMap(watched(connection.fill(target.subarray(0, wanted), atLeast)), (got) => {
      read += got
      if (got < Math.min(wanted, atLeast)) return Effect.fail(fail("Truncated"))
      return read === length ? Effect.as(end, got) : Effect.succeed(got)
    })
  }

  const untilClose = (target: Uint8Array, atLeast: number) =>
    Effect.flatMap(watched(connection.fill(target, atLeast)), (got) => {
      read += got
      return got < atLeast ? Effect.as(end, got) : Effect.succeed(got)
    })

  const line = Effect.flatMap(
    Effect.suspend(() => watched(connection.line)),
    (result) => {
      if (result === "Ended") return Effect.fail(fail("Truncated"))
      return result === "TooLong"
        ? Effect.fail(fail("BadResponse", "a chunk's line is too long"))
        : Effect.succeed(result.text)
    }
  )

  /** Bytes left of the chunk under way; 0 when a line with a size comes next. */
  let left = 0
  /** The line after a chunk is to come first. */
  let isAfterChunk = false
  const chunked = Effect.fnUntraced(function* (
    target: Uint8Array,
    atLeast: number
  ): Effect.fn.Return<number, HttpError> {
    let filled = 0
    while (filled < atLeast) {
      if (isAfterChunk && (yield* line) !== "") return yield* fail("BadResponse", "a chunk is longer than its size")
      isAfterChunk = false
      if (left === 0) {
        const size = parseChunkSize(yield* line)
        if (size === undefined) return yield* fail("BadResponse", "a chunk's size is malformed")
        if (size === 0) {
          yield* trailers
          yield* end
          return filled
        }
        left = size
      }
      const wanted = Math.min(left, target.length - filled)
      const enough = Math.min(wanted, atLeast - filled)
      const got = yield* watched(connection.fill(target.subarray(filled, filled + wanted), enough))
      read += got
      filled += got
      left -= got
      if (got < enough) return yield* fail("Truncated")
      isAfterChunk = left === 0
    }
    return filled
  })

  const trailers = Effect.gen(function* () {
    for (let i = 0; i <= maxHeaders; i++) if ((yield* line) === "") return
    return yield* fail("BadResponse", "the body ends with too many headers")
  })

  const fillOf = framing._tag === "Length" ? sized(framing.length) : framing._tag === "Chunked" ? chunked : untilClose

  const cameIn = () => Math.max(read, stream.counters.received - startsAt)

  return {
    fill: (target, atLeast = target.length) =>
      Effect.suspend(() =>
        hasEnded || target.length === 0
          ? Effect.succeed(0)
          : fillOf(target, Math.max(1, Math.min(atLeast, target.length)))
      ),
    received: () => {
      if (hasEnded || framing._tag === "Chunked") return read
      return framing._tag === "Length" ? Math.min(framing.length, cameIn()) : cameIn()
    }
  }
}
