/**
 * Spans to an OpenTelemetry collector over HTTP, as JSON. What waits for a collector that is slow or away is bounded: some thousand spans,
 * then they are dropped for a minute; nothing that is traced waits for any of it. Loaded where there is a collector.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { ConfigProvider, Context, Duration, Effect, Layer, References, Tracer } from "effect"
import { HttpClient, HttpClientError } from "effect/http"
import { OtlpSerialization, OtlpTracer } from "effect/observability"
import type { Sampler } from "../Sampler.ts"
import { type Told, Telling } from "../Spans.ts"
import * as TellingTracer from "./TellingTracer.ts"

export interface Options {
  /** Variables of OpenTelemetry, with the collector's URL among them. */
  readonly environment: Readonly<Record<string, string>>
  readonly serviceName: string
  readonly version: string
  readonly sampler: Sampler
  readonly told: (name: string, kind: Tracer.SpanKind) => Told
}

/** Lots of spans that are on their way to the collector at a time. Of a thousand each, and as many wait for the next. */
const mostUnderWay = 4

export const layer = (options: Options): Layer.Layer<never> => {
  const collector = OtlpTracer.layerFromConfig({
    resource: { serviceName: options.serviceName, serviceVersion: options.version }
  }).pipe(
    Layer.provide([OtlpSerialization.layerJson, guarded(millisOf(options.environment))]),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { ...options.environment } })))
  )
  const telling = Layer.effect(
    Tracer.Tracer,
    Effect.map(Layer.build(collector), (built) => TellingTracer.make(Context.get(built, Tracer.Tracer), options))
  )
  return Layer.mergeAll(
    telling,
    Layer.succeed(References.TracerEnabled, true),
    Layer.succeed(HttpClient.TracerDisabledWhen, () => false),
    Layer.succeed(Telling, true)
  )
}

/** Neither waits for long nor queues; says once that nobody answers, until somebody does. */
const guarded = (millis: number) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      let underWay = 0
      let isLost = false
      return HttpClient.transform(client, (send, request) =>
        Effect.suspend(() => {
          if (underWay >= mostUnderWay) return busy(request)
          underWay++
          return send.pipe(
            Effect.timeoutOrElse({ duration: Duration.millis(millis), orElse: () => busy(request) }),
            Effect.tap(() => Effect.sync(() => void (isLost = false))),
            Effect.tapError(() => {
              if (isLost) return Effect.void
              isLost = true
              return Effect.logWarning("The collector of traces does not answer; what happens meanwhile is not traced.")
            }),
            Effect.ensuring(Effect.sync(() => underWay--))
          )
        })
      )
    })
  ).pipe(Layer.provide(NodeHttpClient.layerNodeHttp))

const busy = (request: HttpClientError.HttpClientError["request"]) =>
  Effect.fail(
    new HttpClientError.HttpClientError({
      reason: new HttpClientError.TransportError({ request, description: "The collector is slow." })
    })
  )

/** Milliseconds for one sending. Source: OpenTelemetry, "OTLP Exporter Configuration": 10 s where nothing is said. */
const millisOf = (environment: Options["environment"]): number => {
  const said = environment["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"] ?? environment["OTEL_EXPORTER_OTLP_TIMEOUT"] ?? ""
  return /^\d{1,7}$/.test(said) ? Number(said) : 10_000
}
