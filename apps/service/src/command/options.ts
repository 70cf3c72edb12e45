/** What several commands are told. */
import { homedir, userInfo } from "node:os"
import { Catalog } from "@piecework/catalog/Catalog"
import * as CatalogConfig from "@piecework/catalog/CatalogConfig"
import { ContentUrl, parse } from "@piecework/domain/ContentUrl"
import { Effect, Layer, Result } from "effect"
import { Flag } from "effect/cli"
import { defaultFolder } from "../DataFolder.ts"
import { exitCodes } from "../ExitCode.ts"
import { explained, Failure, ofCatalog } from "../Failure.ts"

export const data = Flag.String("data").pipe(
  Flag.withMetavar("DIR"),
  Flag.withDescription("folder with what is published; default $STATE_DIRECTORY or the user's state folder"),
  Flag.withDefault(defaultFolder(process.env, { uid: userInfo().uid, home: homedir() }))
)

export const json = Flag.Boolean("json").pipe(
  Flag.withDescription("say it for programs, in JSON"),
  Flag.withDefault(false)
)

/** The catalog in the folder, its troubles in words. */
export const catalogIn = (directory: string): Layer.Layer<Catalog, Failure> =>
  explained(Catalog.layer.pipe(Layer.provide(CatalogConfig.layer({ directory }))), ofCatalog)

export const contentUrl = (text: string): Effect.Effect<ContentUrl, Failure> =>
  Result.match(parse(text), {
    onFailure: (error) => Effect.fail(new Failure({ sentence: error.message, code: exitCodes.badUrl })),
    onSuccess: Effect.succeed
  })
