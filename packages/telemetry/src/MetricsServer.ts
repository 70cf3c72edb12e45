/**
 * Metrics in Prometheus' text format at `/metrics`, on an address of their own: what a program has to do and how it is doing is
 * for its operators, and the port for devices is for everybody. What else is served there the program says.
 */
import { createServer } from "node:http"
import type { Failure } from "@piecework/terminal/Failure"
import { Context, Effect, Layer, Metric } from "effect"
import { HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { NetAddress } from "effect/net"
import { PrometheusMetrics } from "effect/observability"
import * as Families from "./Families.ts"
import { listening } from "./Listening.ts"

export interface Options {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

export interface Told {
  /** What is read where it is counted, in full each time. Must not fail, nor take long: somebody waits. */
  readonly families?: Effect.Effect<ReadonlyArray<Families.Family>> | undefined
  /** Sums over the metrics of the cluster's inside, which are not told themselves. */
  readonly summed?: ((series: Series, own: Context.Context<never>) => void) | undefined
}

/** All that a registry has, by its key. */
export type Series = Context.Service.Shape<typeof Metric.MetricRegistry>

/** Serves from when it is built until its scope closes; `more` beside `/metrics`. */
export const layer = (
  options: Options,
  told: Told = {},
  more: Layer.Layer<never, never, HttpRouter.HttpRouter> = Layer.empty
): Layer.Layer<HttpServer.HttpServer, Failure> =>
  HttpRouter.serve(Layer.merge(route(told), more), { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(
      listening(() => createServer({ headersTimeout: 5000, requestTimeout: 10_000 }), options, "--metrics")
    )
  )

/** "HOST:PORT" of what the layer serves. */
export const place: Effect.Effect<string, never, HttpServer.HttpServer> = Effect.map(
  HttpServer.HttpServer,
  ({ address }) =>
    NetAddress.isInetAddress(address) ? `${NetAddress.formatUrlHost(address.address)}:${address.port}` : String(address)
)

const route = ({ families = Effect.succeed([]), summed }: Told) =>
  HttpRouter.add(
    "GET",
    "/metrics",
    Effect.gen(function* () {
      const context = yield* Effect.context<never>()
      const text = written(context, summed) + Families.render(yield* families)
      return HttpServerResponse.text(text, { contentType: "text/plain; version=0.0.4; charset=utf-8" })
    })
  )

/** All metrics of the registry but those of the cluster's inside, which has one series for each actor, so as many as there are contents. */
const written = (context: Context.Context<never>, summed: Told["summed"]): string => {
  const all = Context.get(context, Metric.MetricRegistry)
  const told = new Map(all)
  for (const [key, series] of all) if (series.id.startsWith("effect_")) told.delete(key)
  const own = Context.add(context, Metric.MetricRegistry, told)
  summed?.(all, own)
  return PrometheusMetrics.formatUnsafe(own)
}
