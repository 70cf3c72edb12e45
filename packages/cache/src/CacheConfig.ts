/** Settings of the cache. */
import { Config, Context, Effect, Layer } from "effect"

export class CacheConfig extends Context.Service<
  CacheConfig,
  {
    /** Folder that holds the contents; made when missing, for this user alone. `CACHE_DIRECTORY`, default `./cache`. */
    readonly directory: string
  }
>()("@piecework/cache/CacheConfig") {}

export const defaults: CacheConfig["Service"] = { directory: "./cache" }

export const layer = (options?: Partial<CacheConfig["Service"]>): Layer.Layer<CacheConfig> =>
  Layer.succeed(CacheConfig, { ...defaults, ...options })

export const layerConfig: Layer.Layer<CacheConfig, Config.ConfigError> = Layer.effect(
  CacheConfig,
  Effect.gen(function* () {
    return { directory: yield* Config.String("CACHE_DIRECTORY").pipe(Config.withDefault(defaults.directory)) }
  })
)
