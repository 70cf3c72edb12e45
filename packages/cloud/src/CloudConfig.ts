/** Settings of the client of the cloud services. */
import { Config, Context, Duration, Effect, Layer, type Redacted } from "effect"
import type { ServiceKey } from "./PolicySignature.ts"
import * as Profile from "./Profile.ts"

export class CloudConfig extends Context.Service<
  CloudConfig,
  {
    /** URL of the service; Geo is found under it. `CLOUD_SERVICE_URL`, default "http://127.0.0.1:7670". */
    readonly serviceUrl: string
    /** For each call, from the first byte sent to the last one read. `CLOUD_TIMEOUT`, default 3 seconds of the process's own turns. */
    readonly timeout: Duration.Duration
    /** Most bytes of one answer; 255 peers with long addresses take about 50 KB. Default 1 MiB. */
    readonly maxReplyBytes: number
    /** Told to every role. Default "0.1.0". */
    readonly clientVersion: string
    /** Told to every role; see `Profile.ts`. Default a PC. */
    readonly profile: number
    /** Told to Geo and Discovery in Group mode. Default none. */
    readonly groupId: string | undefined
    /** What proves who this device is, from its enrolment; shown to the service and to nobody else. Default none. */
    readonly credential: Redacted.Redacted<string> | undefined
    /** Keys of the service: then a ContentPolicy answer that none of them signed is refused. Default none, and any is taken. */
    readonly serviceKeys: ReadonlyArray<ServiceKey>
  }
>()("@piecework/cloud/CloudConfig") {}

export const defaults: CloudConfig["Service"] = {
  serviceUrl: "http://127.0.0.1:7670",
  timeout: Duration.seconds(3),
  maxReplyBytes: 1_048_576,
  clientVersion: "0.1.0",
  profile: Profile.pc,
  groupId: undefined,
  credential: undefined,
  serviceKeys: []
}

export const layer = (options?: Partial<CloudConfig["Service"]>): Layer.Layer<CloudConfig> =>
  Layer.succeed(CloudConfig, { ...defaults, ...options })

export const layerConfig: Layer.Layer<CloudConfig, Config.ConfigError> = Layer.effect(
  CloudConfig,
  Effect.gen(function* () {
    return {
      ...defaults,
      serviceUrl: yield* Config.String("CLOUD_SERVICE_URL").pipe(Config.withDefault(defaults.serviceUrl)),
      timeout: yield* Config.Duration("CLOUD_TIMEOUT").pipe(Config.withDefault(defaults.timeout))
    }
  })
)
