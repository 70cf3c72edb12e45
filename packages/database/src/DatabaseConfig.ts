/** Where the database is. */
import { Config, Context, Effect, Layer, type Redacted } from "effect"

export class DatabaseConfig extends Context.Service<
  DatabaseConfig,
  {
    /** Folder of the file, made when missing. `DATABASE_DIRECTORY`, default "./data". */
    readonly directory: string
    /** URL of a PostgreSQL database, with what it takes to log in; then there is no file. `DATABASE_URL`, default none. */
    readonly url: Redacted.Redacted | undefined
    /** Most connections of this process to PostgreSQL. Default 10. */
    readonly maxConnections: number
  }
>()("@piecework/database/DatabaseConfig") {}

export const defaults: DatabaseConfig["Service"] = { directory: "./data", url: undefined, maxConnections: 10 }

export const layer = (options?: Partial<DatabaseConfig["Service"]>): Layer.Layer<DatabaseConfig> =>
  Layer.succeed(DatabaseConfig, { ...defaults, ...options })

export const layerConfig: Layer.Layer<DatabaseConfig, Config.ConfigError> = Layer.effect(
  DatabaseConfig,
  Effect.gen(function* () {
    return {
      ...defaults,
      directory: yield* Config.String("DATABASE_DIRECTORY").pipe(Config.withDefault(defaults.directory)),
      url: yield* Config.Redacted("DATABASE_URL").pipe(Config.withDefault(defaults.url))
    }
  })
)
