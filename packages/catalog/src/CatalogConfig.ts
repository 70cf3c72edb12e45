/** Settings of what is handed out. */
import { Config, Context, Duration, Effect, Layer } from "effect"

export class CatalogConfig extends Context.Service<
  CatalogConfig,
  {
    /**
     * How often changes that other processes made are looked for. Default 1 s: with `checkEvery` and the way there and back
     * it stays under the 5 s after which clients that run must have heard that a content is halted.
     */
    readonly refreshEvery: Duration.Duration
    /** How often clients check the contents that they have in use. Default 2 s, as often as they renew leases. */
    readonly checkEvery: Duration.Duration
    /**
     * Whether Array takes contents that are not in the catalog. `CATALOG_UNKNOWN_CONTENTS`, "Refuse" or "Take"; default
     * "Refuse": else anybody could use the service to let devices meet about anything.
     */
    readonly unknownContents: "Refuse" | "Take"
  }
>()("@piecework/catalog/CatalogConfig") {}

export const defaults: CatalogConfig["Service"] = {
  refreshEvery: Duration.seconds(1),
  checkEvery: Duration.seconds(2),
  unknownContents: "Refuse"
}

export const layer = (options?: Partial<CatalogConfig["Service"]>): Layer.Layer<CatalogConfig> =>
  Layer.succeed(CatalogConfig, { ...defaults, ...options })

export const layerConfig: Layer.Layer<CatalogConfig, Config.ConfigError> = Layer.effect(
  CatalogConfig,
  Effect.gen(function* () {
    return {
      ...defaults,
      unknownContents: yield* Config.Literals(["Refuse", "Take"], "CATALOG_UNKNOWN_CONTENTS").pipe(
        Config.withDefault(defaults.unknownContents)
      )
    }
  })
)
