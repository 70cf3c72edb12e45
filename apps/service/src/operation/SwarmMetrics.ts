/** Sums of what the cluster tells of its actors, one series each: how many swarms there are, and what waits for them. */
import { type Context, Metric } from "effect"
import type { Series } from "@piecework/telemetry/MetricsServer"

/** `own` is where the sums are put, and what is told. */
export const summed = (all: Series, own: Context.Context<never>): void => {
  let swarms = 0
  let waiting = 0
  for (const series of all.values()) {
    if (series.attributes?.["type"] !== "Swarm") continue
    if (series.id === "effect_cluster_entities") swarms += valueOf(series.hooks.get(own))
    if (series.id === "effect_cluster_entity_mailbox_size") waiting += valueOf(series.hooks.get(own))
  }
  swarmsGauge.updateUnsafe(swarms, own)
  waitingGauge.updateUnsafe(waiting, own)
}

const valueOf = (state: unknown): number =>
  typeof state === "object" && state !== null && "value" in state ? Number(state.value) : 0

const swarmsGauge = Metric.gauge("piecework_swarms", { description: "Swarms in the memory of this process." })
const waitingGauge = Metric.gauge("piecework_swarm_messages", {
  description: "Messages to swarms of this process that are not answered."
})
