/** How late the process's event loop runs what is due: when it stands still, nobody is answered. */
import { monitorEventLoopDelay, performance } from "node:perf_hooks"
import { Context, Duration, Effect, Layer, Metric, Schedule } from "effect"

export class EventLoop extends Context.Service<
  EventLoop,
  {
    /** Milliseconds by which it was late at most, in the last five to ten seconds. */
    readonly stoodStill: () => number
  }
>()("@piecework/telemetry/EventLoop") {
  static readonly layer: Layer.Layer<EventLoop> = Layer.effect(
    EventLoop,
    Effect.gen(function* () {
      const delay = yield* Effect.acquireRelease(
        Effect.sync(() => monitorEventLoopDelay({ resolution: step })),
        (histogram) => Effect.sync(() => histogram.disable())
      )
      delay.enable()
      let before = 0
      let idleBefore = performance.eventLoopUtilization()
      const late = () => Math.max(0, delay.max / 1e6 - step)
      for (const stat of stats) yield* Metric.update(lagGauge(stat), 0)
      yield* Metric.update(busyGauge, 0)
      yield* Effect.gen(function* () {
        before = late()
        yield* Metric.update(lagGauge("median"), Math.max(0, delay.percentile(50) / 1e6 - step) / 1000)
        yield* Metric.update(lagGauge("p99"), Math.max(0, delay.percentile(99) / 1e6 - step) / 1000)
        yield* Metric.update(lagGauge("max"), before / 1000)
        const idle = performance.eventLoopUtilization()
        yield* Metric.update(busyGauge, performance.eventLoopUtilization(idle, idleBefore).utilization)
        idleBefore = idle
        delay.reset()
      }).pipe(Effect.schedule(Schedule.spaced(window)), Effect.forkScoped)
      return EventLoop.of({ stoodStill: () => Math.max(before, late()) })
    })
  )
}

/** Milliseconds between two looks at the loop. */
const step = 20
const window = Duration.seconds(5)

const stats = ["median", "p99", "max"] as const

const lagGauge = (stat: (typeof stats)[number]) =>
  Metric.gauge("piecework_event_loop_lag_seconds", {
    description: "How late the event loop was in the last five seconds.",
    attributes: { stat }
  })

const busyGauge = Metric.gauge("piecework_event_loop_busy_ratio", {
  description: "Part of the last five seconds in which the event loop was at work."
})
