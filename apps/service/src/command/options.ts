/** What several commands are told. */
import { homedir } from "node:os"
import { Catalog } from "@piecework/catalog/Catalog"
import { Database } from "@piecework/database/Database"
import * as DatabaseConfig from "@piecework/database/DatabaseConfig"
import { ContentUrl, parse } from "@piecework/domain/ContentUrl"
import { Failure } from "@piecework/terminal/Failure"
import { Config, Effect, Layer, Option, Redacted, Result } from "effect"
import { Flag } from "effect/cli"
import { defaultFolder } from "../DataFolder.ts"
import { exitCodes } from "../ExitCode.ts"
import { explained, ofDatabase } from "../Explained.ts"

/** A user whom the system does not know has no home. */
const home = (): string => {
  try {
    return homedir()
  } catch {
    return "/"
  }
}

/** Where the service keeps what must survive. */
export interface Data {
  readonly directory: string
  /** A server instead of the file in the folder. */
  readonly database: Option.Option<Redacted.Redacted>
}

/** A URL of PostgreSQL as a flag or, so that no list of processes shows its password, in the environment. */
export const postgresUrl = (name: string, variable: string, description: string) =>
  Flag.Redacted(name).pipe(
    Flag.withMetavar("postgres://…"),
    Flag.withDescription(`${description}; also $${variable}`),
    Flag.withFallbackConfig(Config.Redacted(variable)),
    Flag.filter(
      (url) => /^postgres(ql)?:\/\//.test(Redacted.value(url)) && URL.canParse(Redacted.value(url)),
      () => `--${name} is no URL like postgres://user:password@host:5432/database`
    ),
    Flag.optional
  )

export const data = {
  directory: Flag.String("data").pipe(
    Flag.withMetavar("DIR"),
    Flag.withDescription("folder with what is published; default $STATE_DIRECTORY or the user's state folder"),
    Flag.withDefault(defaultFolder(process.env, { uid: process.getuid?.() ?? -1, home: home() }))
  ),
  database: postgresUrl("database", "PIECEWORK_DATABASE", "PostgreSQL database instead of a file in the folder")
}

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("say it for programs, in JSON"),
  Flag.withDefault(false)
)

/** The database on the server or in the folder, its troubles in words. */
export const databaseIn = ({ database, directory }: Data): Layer.Layer<Database, Failure> =>
  explained(
    Database.layer.pipe(Layer.provide(DatabaseConfig.layer({ directory, url: Option.getOrUndefined(database) }))),
    ofDatabase
  )

/** The catalog on a database, its troubles in words. */
export const catalogOn: Layer.Layer<Catalog, Failure, Database> = explained(Catalog.layer, ofDatabase)

export const contentUrl = (text: string): Effect.Effect<ContentUrl, Failure> =>
  Result.match(parse(text), {
    onFailure: (error) => Effect.fail(new Failure({ sentence: error.message, code: exitCodes.badUrl })),
    onSuccess: Effect.succeed
  })
