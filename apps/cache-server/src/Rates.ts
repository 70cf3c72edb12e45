/** The fastest second of each minute, out and in, for the metrics of the service: bytes, looked at once a second. */
import { bytesIn, Figures, sum } from "@piecework/cachenode/Figures"
import { Clock, Context, Effect, Layer, Schedule } from "effect"

export interface Peak {
  readonly out: number
  readonly in: number
}

const minuteMillis = 60_000
/** Minutes that are remembered: as many as one heartbeat may tell. */
const most = 240

export class Rates extends Context.Service<
  Rates,
  {
    /** Of the minute that began then (epoch milliseconds). */
    readonly peakOf: (start: number) => Peak
  }
>()("@piecework/cache-server/Rates") {
  static readonly layer: Layer.Layer<Rates, never, Figures> = Layer.effect(
    Rates,
    Effect.gen(function* () {
      const figures = yield* Figures
      const peaks = new Map<number, Peak>()
      let last = { minute: 0, out: 0, in: 0 }
      const look = Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const minute = Math.floor(now / minuteMillis) * minuteMillis
        // What was sent since the last look may belong to the minute before.
        const since = Math.min(minute, last.minute === 0 ? minute : last.minute)
        const recent = figures.minutesSince(since)
        const counts = sum(recent)
        const before = last.minute === since ? last : { out: 0, in: 0 }
        const peak = peaks.get(minute) ?? { out: 0, in: 0 }
        peaks.set(minute, {
          out: Math.max(peak.out, counts.bytesOut - before.out),
          in: Math.max(peak.in, bytesIn(counts) - before.in)
        })
        const current = sum(recent.filter(({ start }) => start === minute))
        last = { minute, out: current.bytesOut, in: bytesIn(current) }
        for (const start of peaks.keys()) {
          if (peaks.size <= most) break
          peaks.delete(start)
        }
      })
      yield* Effect.forkScoped(Effect.repeat(look, Schedule.spaced("1 second")))
      return { peakOf: (start) => peaks.get(start) ?? { out: 0, in: 0 } }
    })
  )
}
