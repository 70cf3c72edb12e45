/** What command lines say of both; light, since it is there whether anybody wants them or not. */
import { Config } from "effect"
import { Flag } from "effect/cli"
import { addressIn } from "./Address.ts"

/** `variable`: of the environment, for services of a system. */
export const metrics = (port: number, variable?: string) => {
  const flag = Flag.String("metrics").pipe(
    Flag.withMetavar("HOST:PORT"),
    Flag.withDescription("serves metrics there, for Prometheus; default nowhere")
  )
  return (variable === undefined ? flag : Flag.withFallbackConfig(flag, Config.String(variable))).pipe(
    Flag.filterMap(addressIn, (text) => `"${text}" is no address and port; give one like 127.0.0.1:${port}`),
    Flag.optional
  )
}

/** `--otlp URL`, or the variable that OpenTelemetry has for it. */
export const otlp = Flag.String("otlp").pipe(
  Flag.withMetavar("URL"),
  Flag.withDescription("sends traces to this OpenTelemetry collector; default $OTEL_EXPORTER_OTLP_ENDPOINT, or none"),
  Flag.withFallbackConfig(Config.String("OTEL_EXPORTER_OTLP_ENDPOINT")),
  Flag.filter(
    (text) => /^https?:\/\/[^\s@]+$/.test(text) && URL.canParse(text),
    (text) => `"${text}" is no http or https URL`
  ),
  Flag.optional
)
