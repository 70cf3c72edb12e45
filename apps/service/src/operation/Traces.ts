/**
 * Traces of the service: a span for each request, inside the caller's own where it sends a W3C `traceparent`, and spans for what roles
 * do.
 */
import * as Traces from "@piecework/telemetry/Traces"
import { Layer, type Option } from "effect"
import { HttpMiddleware } from "effect/http"
import { version } from "../version.ts"
import { routeOf } from "./Route.ts"

/** `url` is the collector's; without one no spans are made at all. */
export const layer = (url: Option.Option<string>): Layer.Layer<never> =>
  Layer.merge(Traces.layer({ url, serviceName: "piecework-service", version, all: true }), spans)

const spans = Layer.mergeAll(
  Layer.succeed(HttpMiddleware.TracerDisabledWhen, ({ url }) => routeOf(url) === "operation"),
  Layer.succeed(HttpMiddleware.SpanNameGenerator, ({ method, url }) => `${method} ${routeOf(url)}`)
)
