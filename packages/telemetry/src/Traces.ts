/**
 * Traces to an OpenTelemetry collector, for programs that are told of one. Without one no spans are made at all, and what exports them is
 * not loaded.
 */
import { Effect, Layer, Option, References, Result } from "effect"
import { HttpClient } from "effect/http"
import * as Sampler from "./Sampler.ts"
import * as Spans from "./Spans.ts"

export interface Options {
  /** The collector's URL ("http://127.0.0.1:4318"); the other `OTEL_…` variables of the environment hold as well. */
  readonly url: Option.Option<string>
  /** What the program is called, unless `OTEL_SERVICE_NAME` says otherwise. */
  readonly serviceName: string
  readonly version: string
  /** Whether all is told that is done for a request of others, and not what `Spans.names` has alone. Default false. */
  readonly all?: boolean | undefined
  /** Default that of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined
}

/** No spans, and no headers of any to other programs. */
export const off: Layer.Layer<never> = Layer.merge(
  Layer.succeed(References.TracerEnabled, false),
  Layer.succeed(HttpClient.TracerDisabledWhen, () => true)
)

export const layer = (options: Options): Layer.Layer<never> => {
  const { all = false, serviceName, version } = options
  const found = settled(options.url, options.environment ?? process.env)
  if (found === undefined) return off
  const { environment } = found
  const sampler = Sampler.parse(environment["OTEL_TRACES_SAMPLER"], environment["OTEL_TRACES_SAMPLER_ARG"])
  const exporter = Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("./internal/Exporter.ts")),
      (loaded) =>
        loaded.layer({
          environment,
          serviceName: environment["OTEL_SERVICE_NAME"] ?? serviceName,
          version,
          sampler: Result.getOrElse(sampler, () => Sampler.usual),
          told: all ? (_, kind) => (kind === "server" ? "Root" : "Inner") : Spans.told
        })
    )
  )
  return Result.isSuccess(sampler)
    ? exporter
    : Layer.merge(exporter, Layer.effectDiscard(Effect.logWarning(sampler.failure)))
}

/** The variables as they hold, the flag among them; `undefined` where nobody is to be told. */
const settled = (
  url: Option.Option<string>,
  environment: Readonly<Record<string, string | undefined>>
): { readonly environment: Readonly<Record<string, string>> } | undefined => {
  const said = Object.fromEntries(
    Object.entries(environment).filter(
      (pair): pair is [string, string] => pair[0].startsWith("OTEL_") && pair[1] !== undefined && pair[1] !== ""
    )
  )
  const { OTEL_EXPORTER_OTLP_ENDPOINT: usual, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own } = said
  const named = Option.getOrUndefined(url)
  // What is said on the command line counts, whatever the variables say.
  const isFlag = named !== undefined && named !== usual
  if (named === undefined && own === undefined) return undefined
  if (said["OTEL_SDK_DISABLED"]?.toLowerCase() === "true") return undefined
  if (!isFlag && said["OTEL_TRACES_EXPORTER"] === "none") return undefined
  const endpoint = isFlag || own === undefined ? `${(named ?? "").replace(/\/+$/, "")}/v1/traces` : own
  return {
    environment: { ...said, OTEL_TRACES_EXPORTER: "otlp", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: endpoint }
  }
}
