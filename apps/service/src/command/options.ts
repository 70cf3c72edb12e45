/** What several commands are told. */
import { existsSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { Catalog } from "@piecework/catalog/Catalog"
import { Database, fileName } from "@piecework/database/Database"
import * as DatabaseConfig from "@piecework/database/DatabaseConfig"
import { ContentUrl, parse } from "@piecework/domain/ContentUrl"
import { Effect, Layer, Result } from "effect"
import { Flag } from "effect/cli"
import { defaultFolder } from "../DataFolder.ts"
import { exitCodes } from "../ExitCode.ts"
import { explained, Failure, ofDatabase } from "../Failure.ts"

/** A user whom the system does not know has no home. */
const home = (): string => {
  try {
    return homedir()
  } catch {
    return "/"
  }
}

export const data = Flag.String("data").pipe(
  Flag.withMetavar("DIR"),
  Flag.withDescription("folder with what is published; default $STATE_DIRECTORY or the user's state folder"),
  Flag.withDefault(defaultFolder(process.env, { uid: process.getuid?.() ?? -1, home: home() }))
)

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("say it for programs, in JSON"),
  Flag.withDefault(false)
)

/** The catalog in the folder, its troubles in words. */
export const catalogIn = (directory: string): Layer.Layer<Catalog, Failure> =>
  explained(
    Catalog.layer.pipe(Layer.provide(Database.layer), Layer.provide(DatabaseConfig.layer({ directory }))),
    ofDatabase
  )

/** For commands that only look: the catalog that is there, and none is made. */
export const catalogThere = (directory: string): Layer.Layer<Catalog, Failure> =>
  Layer.unwrap(
    Effect.suspend(() =>
      existsSync(join(directory, fileName))
        ? Effect.succeed(catalogIn(directory))
        : Effect.fail(
            new Failure({
              sentence: `Nothing is published yet in ${directory}; see piecework-service publish --help.`,
              code: exitCodes.notFound
            })
          )
    )
  )

export const contentUrl = (text: string): Effect.Effect<ContentUrl, Failure> =>
  Result.match(parse(text), {
    onFailure: (error) => Effect.fail(new Failure({ sentence: error.message, code: exitCodes.badUrl })),
    onSuccess: Effect.succeed
  })
