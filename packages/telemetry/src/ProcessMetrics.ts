/** The process's own figures, read when they are asked for. Names: Prometheus, "Writing client libraries", process metrics. */
import { Effect, Layer, Metric } from "effect"

/** `version`: of the program. */
export const layer = (version: string): Layer.Layer<never> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const context = yield* Effect.context<never>()
      const startedAt = Date.now() / 1000 - process.uptime()
      const gauges: ReadonlyArray<readonly [Metric.Gauge<number>, () => number]> = [
        [
          Metric.gauge("process_resident_memory_bytes", {
            description: "Memory of the process, as the system counts it."
          }),
          () => process.memoryUsage.rss()
        ],
        [
          Metric.gauge("piecework_heap_used_bytes", { description: "Memory of the JavaScript heap that is in use." }),
          () => process.memoryUsage().heapUsed
        ],
        [
          Metric.gauge("process_start_time_seconds", {
            description: "When the process started, in seconds since 1970."
          }),
          () => startedAt
        ],
        [Metric.gauge("piecework_build_info", { description: "Always 1.", attributes: { version } }), () => 1]
      ]
      const cpu = Metric.registerUnsafe(cpuCounter, context, {
        get: () => {
          const { system, user } = process.cpuUsage()
          return { count: (system + user) / 1e6, incremental: true }
        },
        update: () => {},
        modify: () => {}
      })
      const registered = gauges.map(([gauge, value]) =>
        Metric.registerUnsafe(gauge, context, { get: () => ({ value: value() }), update: () => {}, modify: () => {} })
      )
      yield* Effect.addFinalizer(() => Effect.sync(() => [cpu, ...registered].forEach((one) => one.remove())))
    })
  )

const cpuCounter = Metric.counter("process_cpu_seconds_total", {
  description: "Time that processors worked for the process.",
  incremental: true
})
