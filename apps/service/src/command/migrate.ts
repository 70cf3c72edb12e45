/** `piecework-service migrate`: brings the database up to date before the service does, or says what that would be. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Catalog } from "@piecework/catalog/Catalog"
import { fileName } from "@piecework/database/Database"
import * as Pending from "@piecework/database/Pending"
import { Nodes } from "@piecework/nodes/Nodes"
import { Places } from "@piecework/reports/Places"
import { Reports } from "@piecework/reports/Reports"
import * as ReportsConfig from "@piecework/reports/ReportsConfig"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Audit } from "@piecework/trust/Audit"
import { Credentials } from "@piecework/trust/Credentials"
import { SigningKeys } from "@piecework/trust/SigningKeys"
import { Effect, Layer, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import { explained, ofDatabase } from "../Explained.ts"
import { databaseIn } from "./options.ts"
import { serve } from "./serve.ts"

/** Every room that keeps something: to open one brings its tables up to date. */
const rooms = explained(
  Layer.mergeAll(
    Catalog.layer,
    Layer.merge(Nodes.layer, SigningKeys.layer).pipe(
      Layer.provideMerge(Credentials.layer),
      Layer.provideMerge(Audit.layer)
    ),
    Reports.layer.pipe(Layer.provide([Places.layerNone, ReportsConfig.layer()]))
  ),
  ofDatabase
)

const check = Flag.Boolean("check").pipe(
  Flag.withDescription("change nothing: say what is to be done, and end with 21 if anything is"),
  Flag.withDefault(false)
)

export const migrate = Command.make("migrate", { check }).pipe(
  Command.withDescription("Brings the database's tables up to date; the service does it too when it starts"),
  Command.withHandler((options) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      if (Option.isNone(data.database) && !existsSync(join(data.directory, fileName))) {
        return yield* new Failure({
          sentence: `There is no database in ${data.directory}.`,
          code: exitCodes.notFound
        })
      }
      const found: Array<Pending.Standing> = []
      const database = databaseIn(data)
      yield* standings(found).pipe(Effect.provide(database))
      const behind = found.filter(({ at, newest }) => at < newest)
      const ahead = found.find(({ at, newest }) => at > newest)
      if (ahead !== undefined) {
        return yield* new Failure({
          sentence: `The tables of ${ahead.room} were made by a later version of this program; use that one.`,
          code: exitCodes.storage
        })
      }
      if (!options.check) yield* Effect.scoped(Layer.build(rooms.pipe(Layer.provide(database))))
      if (json) yield* output.line(JSON.stringify({ rooms: found, pending: behind.length > 0 && options.check }))
      else yield* output.note(sentence(behind, options.check))
      return yield* options.check && behind.length > 0
        ? new Failure({ sentence: "The database is not up to date.", code: exitCodes.outdated })
        : Effect.void
    })
  )
)

const standings = (found: Array<Pending.Standing>) =>
  Effect.scoped(Layer.build(Layer.fresh(rooms).pipe(Layer.provide(Pending.noting(found)))))

const sentence = (behind: ReadonlyArray<Pending.Standing>, isCheck: boolean): string => {
  if (behind.length === 0) return "The database is up to date."
  const steps = behind.map(({ at, newest, room }) => `${room} from ${at} to ${newest}`).join(", ")
  return `${isCheck ? "To be migrated" : "Migrated"}: ${steps}.`
}
