/**
 * Traces to an OpenTelemetry collector over HTTP: a span for each request, inside the caller's own where it sends a W3C
 * `traceparent`, and spans for what roles do. Without a collector none are made at all.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { ConfigProvider, Layer, References } from "effect"
import { HttpMiddleware } from "effect/http"
import { OtlpSerialization, OtlpTracer } from "effect/observability"
import { version } from "../version.ts"
import { routeOf } from "./Route.ts"

/** `url` is the collector's ("http://127.0.0.1:4318"); the other `OTEL_…` variables of the environment hold as well. */
export const layer = (url: string | undefined): Layer.Layer<never> =>
  url === undefined ? Layer.succeed(References.TracerEnabled, false) : Layer.mergeAll(exporter(url), spans)

const spans = Layer.mergeAll(
  Layer.succeed(HttpMiddleware.TracerDisabledWhen, ({ url }) => routeOf(url) === "operation"),
  Layer.succeed(HttpMiddleware.SpanNameGenerator, ({ method, url }) => `${method} ${routeOf(url)}`)
)

const exporter = (url: string): Layer.Layer<never> =>
  OtlpTracer.layerFromConfig({ resource: { serviceName: "piecework-service", serviceVersion: version } }).pipe(
    Layer.provide([OtlpSerialization.layerJson, NodeHttpClient.layerUndici]),
    Layer.provide(
      ConfigProvider.layer(
        ConfigProvider.orElse(
          ConfigProvider.fromUnknown({ OTEL_TRACES_EXPORTER: "otlp", OTEL_EXPORTER_OTLP_ENDPOINT: url }),
          ConfigProvider.fromEnv()
        )
      )
    )
  )
