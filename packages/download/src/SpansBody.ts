/** Parts of a file at its origin, one after the other, as one body that mends itself: a request for each part. */
import type { OriginKind, Probe } from "@piecework/sources/Origin"
import { type Duration, Effect, Exit, Scope } from "effect"
import type { Asked } from "./Asked.ts"
import type { Span } from "./ByteRanges.ts"
import { type NoProgressError, type NoSourceError, RangesError } from "./DownloadError.ts"
import * as SteadyBody from "./SteadyBody.ts"

export interface SpansBody {
  /** Fills `target`; short only at the end of the last part. One reader at a time. */
  readonly fill: (target: Uint8Array) => Effect.Effect<number, NoProgressError | NoSourceError | RangesError>
}

export interface SpansBodyOptions {
  readonly origin: Asked
  /** The answer to the first request. */
  readonly probe: Probe
  /** In the order in which they are wanted. Ends may be infinite: where the file ends. */
  readonly spans: ReadonlyArray<Span>
  /** Bytes of the parts that are there already. */
  readonly from: number
  /** How long nothing may come before it gives up. */
  readonly patience: Duration.Duration
  /** Called with what was handed out, and from whom it came. */
  readonly onBytes?: ((kind: OriginKind, bytes: number) => void) | undefined
}

export const make = Effect.fnUntraced(function* ({
  from,
  onBytes,
  origin,
  patience,
  probe,
  spans
}: SpansBodyOptions): Effect.fn.Return<SpansBody, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const left: Array<Span> = []
  let skipped = from
  for (const { end, start } of spans) {
    const passed = Math.min(skipped, end - start)
    skipped -= passed
    if (passed < end - start) left.push({ start: start + passed, end })
  }
  let current: { readonly body: SteadyBody.SteadyBody; readonly scope: Scope.Closeable } | undefined
  let at = left[0]?.start ?? 0
  let isAnother = false

  const open = Effect.fnUntraced(function* ({ end, start }: Span) {
    const own = yield* Scope.fork(scope)
    const until = end === Infinity ? undefined : end
    const body = yield* SteadyBody.make({ origin, probe, from: start, until, isAnother, patience, onBytes }).pipe(
      Scope.provide(own)
    )
    isAnother = true
    at = start
    return { body, scope: own }
  })

  const fill = Effect.fnUntraced(function* (target: Uint8Array) {
    let filled = 0
    for (let span = left[0]; filled < target.length && span !== undefined; span = left[0]) {
      current ??= yield* open(span)
      const wanted = target.subarray(filled, filled + Math.min(target.length - filled, span.end - at))
      const n = yield* current.body.fill(wanted)
      filled += n
      at += n
      const isOver = n < wanted.length
      // The origin had not said how long the file is.
      if (isOver && span.end !== Infinity)
        return yield* new RangesError({ reason: "OutOfFile", offset: span.start, size: at })
      if (!isOver && at < span.end) continue
      left.shift()
      yield* Scope.close(current.scope, Exit.void)
      current = undefined
    }
    return filled
  })
  return { fill }
})
