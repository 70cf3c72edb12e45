/** `piecework-service setting`: what the service says of settings to all of its devices. */
import { SettingRefused, type SettingRecord } from "@piecework/cloud/ContentAdminRpcs"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Effect, Schema } from "effect"
import { Argument, Command } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import { printable } from "../view/Printable.ts"
import * as contents from "./contents.ts"
import * as remote from "./remote.ts"
import { serve } from "./serve.ts"

const name = Argument.String("NAME").pipe(Argument.withDescription("a setting, as piecework config shows them"))

const value = Argument.String("VALUE").pipe(
  Argument.withDescription("what it shall be; entries of a list with commas between")
)

const inWords = Effect.mapError(<E>(error: E): Exclude<E, SettingRefused> | Failure =>
  Schema.is(SettingRefused)(error)
    ? new Failure({ sentence: error.message, code: exitCodes.usage })
    : (error as Exclude<E, SettingRefused>)
)

const set = Command.make("set", { name, value, ...remote.flags }).pipe(
  Command.withDescription("Says a setting to all devices; what a device's own files say wins"),
  Command.withHandler(({ name: given, value: text, ...where }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const record = yield* contents
        .administer({ ...where, data }, (client) => client.SetSetting({ name: given, value: text }))
        .pipe(inWords)
      return yield* json
        ? output.line(JSON.stringify(forPrograms(record)))
        : output.note(`${record.name} is ${shown(record)} for all devices that say nothing else, within an hour.`)
    })
  )
)

const unset = Command.make("unset", { name, ...remote.flags }).pipe(
  Command.withDescription("Says nothing of a setting any more"),
  Command.withHandler(({ name: given, ...where }) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const { wasSet } = yield* contents
        .administerThere({ ...where, data }, (client) => client.UnsetSetting({ name: given }))
        .pipe(inWords)
      if (!wasSet) {
        return yield* new Failure({ sentence: `The service says nothing of ${given}.`, code: exitCodes.notFound })
      }
      return yield* json
        ? output.line(JSON.stringify({ name: given }))
        : output.note(`The service says nothing of ${given} any more; devices hear it within an hour.`)
    })
  )
)

const list = Command.make("list", remote.flags).pipe(
  Command.withDescription("Shows what the service says to all devices"),
  Command.withHandler((where) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const all = yield* contents.administerThere({ ...where, data }, (client) => client.ListSettings())
      if (json) return yield* output.line(JSON.stringify(all.map(forPrograms)))
      if (all.length === 0)
        return yield* output.note("The service says nothing; see piecework-service setting set --help.")
      const width = Math.max(...all.map((one) => one.name.length))
      return yield* output.line(all.map((one) => `${one.name.padEnd(width)}  ${shown(one)}`).join("\n"))
    })
  )
)

export const setting = Command.make("setting").pipe(
  Command.withDescription("What the service says of settings to all devices: set, list, unset"),
  Command.withSubcommands([set, list, unset])
)

const shown = ({ value: said }: SettingRecord): string => (said === "" ? "(empty)" : printable(String(said)))

const forPrograms = ({ setAt, ...rest }: SettingRecord) => ({ ...rest, setAt: new Date(setAt).toISOString() })
