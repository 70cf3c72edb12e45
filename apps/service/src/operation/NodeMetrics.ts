/** How many cache nodes there are and how they are, from what is in memory; what each of them does is asked by `node metrics`. */
import * as FigureMetrics from "@piecework/nodes/FigureMetrics"
import { NodeDirectory } from "@piecework/nodes/NodeDirectory"
import { Effect, Layer, Metric, Schedule } from "effect"

export const layer: Layer.Layer<never, never, NodeDirectory> = Layer.effectDiscard(
  Effect.flatMap(Effect.andThen(FigureMetrics.begin, NodeDirectory), ({ counts }) =>
    counts.pipe(
      Effect.flatMap((found) =>
        Effect.forEach(states, (state) => Metric.update(gauges[state], found[state]), { discard: true })
      ),
      Effect.repeat(Schedule.spaced("15 seconds")),
      Effect.forkScoped
    )
  )
)

const gauge = Metric.gauge("piecework_cache_nodes", {
  description: "Cache nodes that are healthy, unhealthy, or switched off, which are counted as either too."
})

const states = ["healthy", "unhealthy", "disabled"] as const

const gauges = {
  healthy: Metric.withAttributes(gauge, { state: "healthy" }),
  unhealthy: Metric.withAttributes(gauge, { state: "unhealthy" }),
  disabled: Metric.withAttributes(gauge, { state: "disabled" })
}
