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
    /** For how long what a rule published counts without a look at its origin. Default 5 min. */
    readonly ruleMaxAge: Duration.Duration
    /** How long such a look may keep a caller waiting, who has 3 s for all; then the content is unknown. Default 1.5 s. */
    readonly ruleLookTimeout: Duration.Duration
    /** For how long a URL that could not be hashed is not tried again. Default 10 min. */
    readonly ruleFailureKept: Duration.Duration
    /** Longest time for hashing one URL. Default 2 hours. */
    readonly ruleHashTimeout: Duration.Duration
    /** URLs that are hashed at a time. Default 2. */
    readonly ruleConcurrency: number
    /** Most URLs that wait for it; further ones are taken up when somebody asks again. Default 1000. */
    readonly ruleQueue: number
  }
>()("@piecework/catalog/CatalogConfig") {}

export const defaults: CatalogConfig["Service"] = {
  refreshEvery: Duration.seconds(1),
  checkEvery: Duration.seconds(2),
  unknownContents: "Refuse",
  ruleMaxAge: Duration.minutes(5),
  ruleLookTimeout: Duration.millis(1500),
  ruleFailureKept: Duration.minutes(10),
  ruleHashTimeout: Duration.hours(2),
  ruleConcurrency: 2,
  ruleQueue: 1000
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
