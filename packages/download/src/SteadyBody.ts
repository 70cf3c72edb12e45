/**
 * The bytes of a file at its origin as one body that mends itself: when the connection fails the rest is asked for
 * again, later and later, until nothing came for too long. One connection is open at a time.
 */
import type { HttpBody, HttpError, HttpResponse } from "@piecework/sources/HttpClient"
import type { OriginKind, Probe } from "@piecework/sources/Origin"
import { SourceError } from "@piecework/sources/PieceSource"
import { Clock, Duration, Effect, Exit, Scope } from "effect"
import { type Asked, endOf, verdictOn } from "./Asked.ts"
import { NoProgressError, type NoSourceError } from "./DownloadError.ts"

export interface SteadyBody {
  /** Fills `target`; short only at the end of the file. One reader at a time. */
  readonly fill: (target: Uint8Array) => Effect.Effect<number, NoProgressError | NoSourceError>
}

export interface SteadyBodyOptions {
  readonly origin: Asked
  /** The answer to the first request: its bytes are the beginning of the file. */
  readonly probe: Probe
  /** Where to begin, in bytes. */
  readonly from: number
  /** Where to end. Default: where the file does. */
  readonly until?: number | undefined
  /** Somebody else reads the first answer. Default false. */
  readonly isAnother?: boolean | undefined
  /** How long nothing may come before it gives up. */
  readonly patience: Duration.Duration
  /** Called with what was handed out, and from whom it came. */
  readonly onBytes?: ((kind: OriginKind, bytes: number) => void) | undefined
}

/** Source: spec.md §3.4, retry after a failure. */
const shortestWait = Duration.seconds(1)
const longestWait = Duration.seconds(30)

/**
 * Bytes asked of a body at a time: what has come of them is lost with the connection, so this is little where little comes. While
 * a stride takes no longer than a moment (milliseconds) the next is twice as long, up to all that is wanted.
 */
const shortestStride = 262_144
const longestStride = 16_777_216
const moment = 50

interface Part {
  readonly kind: OriginKind
  readonly body: HttpBody
  /** The file goes on behind it. */
  readonly isBeginning: boolean
}

export const make = Effect.fnUntraced(function* (
  options: SteadyBodyOptions
): Effect.fn.Return<SteadyBody, never, Scope.Scope> {
  const { origin, probe, from, isAnother = false, until } = options
  const end = until ?? probe.size
  const patience = Duration.toMillis(options.patience)
  const scope = yield* Effect.scope
  let at = from
  let sendsWholeFiles = !probe.ranges
  // The first answer is used up before anything else is asked for, if it has what is wanted.
  let part: Part | undefined =
    from === 0 && !isAnother ? { kind: probe.kind, body: probe.body, isBeginning: probe.ranges } : undefined
  let whole = from > 0 && sendsWholeFiles && !isAnother ? probe.body : undefined
  let connection: Scope.Closeable | undefined
  let isOver = false
  /** When the last bytes were handed out, in epoch milliseconds, and how many the body had got when the next were asked for. */
  let cameAt = -Infinity
  let hadCome = 0
  let stride = shortestStride

  const failed = (reason: SourceError["reason"]) => new SourceError({ source: origin.id, reason, url: origin.url })
  const isAtEnd = () => isOver || (end !== undefined && at >= end)

  const close = Effect.suspend(() => {
    const old = connection
    connection = undefined
    part = undefined
    return old === undefined ? Effect.void : Scope.close(old, Exit.void)
  })

  /** The body of the file from `start` on, over a connection of its own. */
  const ask = Effect.fnUntraced(function* (start: number): Effect.fn.Return<Part, SourceError> {
    yield* close
    connection = yield* Scope.fork(scope)
    const response = yield* origin.stream(start, probe.validator, until).pipe(Scope.provide(connection))
    const size = sizeOf(response)
    if (size !== undefined && probe.size !== undefined && size !== probe.size) return yield* failed("ContentChanged")
    return { kind: response.kind, body: response.body, isBeginning: !response.isRest }
  })

  /** Reads the part of the file that is here already. */
  const passOver = Effect.fnUntraced(function* (body: HttpBody): Effect.fn.Return<void, SourceError | HttpError> {
    const passedOver = new Uint8Array(65_536)
    for (let skipped = 0; skipped < at;) {
      const n = yield* body.fill(passedOver.subarray(0, Math.min(passedOver.length, at - skipped)))
      if (n === 0) return yield* failed("ContentChanged")
      skipped += n
    }
  })

  const open = Effect.gen(function* () {
    if (!sendsWholeFiles) {
      const rest = yield* Effect.result(ask(at))
      if (rest._tag === "Success") return void (part = rest.success)
      // What came was the whole file, though nobody knew how long it is.
      if (rest.failure.reason === "RangeUnsatisfiable") {
        if (probe.size === undefined) return void (isOver = true)
        // It has become shorter than it was.
        return yield* failed("ContentChanged")
      }
      if (rest.failure.reason !== "RangeIgnored") return yield* rest.failure
      sendsWholeFiles = true
    }
    const { body, kind } = whole === undefined ? yield* ask(0) : { body: whole, kind: probe.kind }
    whole = undefined
    yield* passOver(body)
    part = { kind, body, isBeginning: false }
  })

  const once = Effect.fnUntraced(function* (target: Uint8Array): Effect.fn.Return<void, SourceError | HttpError> {
    let filled = 0
    while (filled < target.length && !isAtEnd()) {
      if (part === undefined) yield* open
      if (part === undefined) continue
      const wanted = target.subarray(filled, filled + Math.min(stride, (end ?? Infinity) - at))
      const began = yield* Clock.currentTimeMillis
      hadCome = part.body.received()
      const { kind } = part
      const n = yield* part.body.fill(wanted)
      options.onBytes?.(kind, n)
      cameAt = yield* Clock.currentTimeMillis
      stride = cameAt - began > moment ? shortestStride : Math.min(stride * 2, longestStride)
      filled += n
      at += n
      if (n === wanted.length || isAtEnd()) continue
      if (part.isBeginning) part = undefined
      else if (probe.size === undefined) isOver = true
      else return yield* failed("Truncated")
    }
  })

  const fill = Effect.fnUntraced(function* (
    target: Uint8Array
  ): Effect.fn.Return<number, NoProgressError | NoSourceError> {
    const start = at
    // While nobody reads nothing is expected.
    const asked = yield* Clock.currentTimeMillis
    let wait = shortestWait
    let failingSince: number | undefined
    while (true) {
      const before = at
      const result = yield* Effect.result(once(target.subarray(at - start)))
      if (result._tag === "Success") return at - start
      const error = result.failure
      const verdict = yield* verdictOn(origin, error, at > before)
      if (verdict._tag === "Fatal" && error._tag === "SourceError") return yield* endOf(origin, error)
      const now = yield* Clock.currentTimeMillis
      if (at > before) {
        failingSince = undefined
        wait = shortestWait
      }
      // A connection says late that nothing comes any more. While a limit keeps bytes from coming it says nothing.
      const isLate = error.reason === "Stalled" && part?.body.received() === hadCome
      failingSince ??= isLate ? Math.max(asked, cameAt) : now
      const silence = now - failingSince
      if (verdict._tag === "AtOnce") {
        yield* Effect.logDebug("asking another server", error)
        yield* close
        continue
      }
      const stayUntil = verdict._tag === "Later" ? verdict.until : -Infinity
      if (silence >= patience && now >= stayUntil) {
        return yield* new NoProgressError({ url: origin.url, seconds: silence / 1000, last: error.message })
      }
      stride = shortestStride
      yield* Effect.logDebug("origin failed, asking again", error)
      yield* close
      const rest = error._tag === "SourceError" ? (error.retryAfter ?? 0) : 0
      const left = stayUntil > now ? stayUntil - now : patience - silence
      yield* Effect.sleep(Math.min(Math.max(Duration.toMillis(wait), rest), left))
      wait = Duration.min(Duration.times(wait, 2), longestWait)
    }
  })

  return { fill }
})

/** What the answer says of the length of the whole file. */
const sizeOf = (response: HttpResponse): number | undefined =>
  response.status === 206 ? response.contentRange?.total : response.contentLength
