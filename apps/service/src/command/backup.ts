/** `piecework-service backup`: a copy of the database in one file, while the service runs or not. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Backup from "@piecework/database/Backup"
import { fileName } from "@piecework/database/Database"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Effect, Option } from "effect"
import { Argument, Command } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import { ofDatabase } from "../Explained.ts"
import * as Amount from "../view/Amount.ts"
import { serve } from "./serve.ts"

const target = Argument.String("FILE").pipe(Argument.withDescription("where the copy is to be; must not be there yet"))

export const backup = Command.make("backup", { target }).pipe(
  Command.withDescription("Copies the database into one file, while the service runs or not"),
  Command.withHandler((options) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const source = join(data.directory, fileName)
      if (Option.isSome(data.database)) {
        return yield* refusal("The database is on a server; copy it with pg_dump.", exitCodes.usage)
      }
      if (!existsSync(source)) return yield* refusal(`There is no database in ${data.directory}.`, exitCodes.notFound)
      if (existsSync(options.target)) return yield* refusal(`${options.target} is there already.`, exitCodes.file)
      const bytes = yield* Effect.mapError(Backup.toFile(source, options.target), ofDatabase)
      return yield* json
        ? output.line(JSON.stringify({ file: options.target, bytes }))
        : output.note(`Copied ${Amount.bytes(bytes)} to ${options.target}.`)
    })
  )
)

const refusal = (sentence: string, code: number) => Effect.fail(new Failure({ sentence, code }))
