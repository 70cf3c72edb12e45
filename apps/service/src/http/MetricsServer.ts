/**
 * Metrics in Prometheus' text format at `/metrics`, with `/health` and `/ready`, on an address of their own: what a service has
 * to do and how it is doing is for its operators, and the port for devices is for everybody.
 */
import { createServer } from "node:http"
import type { Failure } from "@piecework/terminal/Failure"
import { Context, Effect, Layer, Metric } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import type { Readiness } from "../operation/Readiness.ts"
import * as HealthRoute from "./HealthRoute.ts"
import { listening } from "./listening.ts"

export interface Options {
  readonly host: string
  readonly port: number
}

/** Serves from when it is built until its scope closes. */
export const layer = (options: Options): Layer.Layer<never, Failure, Readiness> =>
  HttpRouter.serve(Layer.merge(route, HealthRoute.layer), { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(listening(() => createServer({ headersTimeout: 5000, requestTimeout: 10_000 }), options, "--metrics"))
  )

const route = HttpRouter.add(
  "GET",
  "/metrics",
  Effect.map(Effect.context<never>(), (context) =>
    HttpServerResponse.text(written(context), { contentType: "text/plain; version=0.0.4; charset=utf-8" })
  )
)

/**
 * All metrics but those of the cluster's inside, which has one series for each resident swarm, so as many as there are
 * contents; of these only sums are told.
 */
export const written = (context: Context.Context<never>): string => {
  const all = Context.get(context, Metric.MetricRegistry)
  const told = new Map(all)
  let swarms = 0
  let waiting = 0
  for (const [key, series] of all) {
    if (!series.id.startsWith("effect_")) continue
    told.delete(key)
    if (series.attributes?.["type"] !== "Swarm") continue
    if (series.id === "effect_cluster_entities") swarms += valueOf(series.hooks.get(context))
    if (series.id === "effect_cluster_entity_mailbox_size") waiting += valueOf(series.hooks.get(context))
  }
  const own = Context.add(context, Metric.MetricRegistry, told)
  swarmsGauge.updateUnsafe(swarms, own)
  waitingGauge.updateUnsafe(waiting, own)
  return PrometheusMetrics.formatUnsafe(own)
}

const valueOf = (state: unknown): number =>
  typeof state === "object" && state !== null && "value" in state ? Number(state.value) : 0

const swarmsGauge = Metric.gauge("piecework_swarms", { description: "Swarms in the memory of this process." })
const waitingGauge = Metric.gauge("piecework_swarm_messages", {
  description: "Messages to swarms of this process that are not answered."
})
