/** Settings of the catalog. */
import { Config, Context, Effect, Layer } from "effect"

export class CatalogConfig extends Context.Service<
  CatalogConfig,
  {
    /** Folder of the database, made when missing. `CATALOG_DIRECTORY`, default "./data". */
    readonly directory: string
  }
>()("@piecework/catalog/CatalogConfig") {}

export const defaults: CatalogConfig["Service"] = { directory: "./data" }

export const layer = (options?: Partial<CatalogConfig["Service"]>): Layer.Layer<CatalogConfig> =>
  Layer.succeed(CatalogConfig, { ...defaults, ...options })

export const layerConfig: Layer.Layer<CatalogConfig, Config.ConfigError> = Layer.effect(
  CatalogConfig,
  Effect.gen(function* () {
    return { directory: yield* Config.String("CATALOG_DIRECTORY").pipe(Config.withDefault(defaults.directory)) }
  })
)
