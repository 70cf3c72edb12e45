/** Where the database is. */
import { Config, Context, Effect, Layer } from "effect"

export class DatabaseConfig extends Context.Service<
  DatabaseConfig,
  {
    /** Folder of the file, made when missing. `DATABASE_DIRECTORY`, default "./data". */
    readonly directory: string
  }
>()("@piecework/database/DatabaseConfig") {}

export const defaults: DatabaseConfig["Service"] = { directory: "./data" }

export const layer = (options?: Partial<DatabaseConfig["Service"]>): Layer.Layer<DatabaseConfig> =>
  Layer.succeed(DatabaseConfig, { ...defaults, ...options })

export const layerConfig: Layer.Layer<DatabaseConfig, Config.ConfigError> = Layer.effect(
  DatabaseConfig,
  Effect.gen(function* () {
    return { directory: yield* Config.String("DATABASE_DIRECTORY").pipe(Config.withDefault(defaults.directory)) }
  })
)
