/** `piecework-service key`: the keys that sign what the service says of contents. On the machine of the database alone. */
import { local } from "@piecework/cloud/Identity"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Audit } from "@piecework/trust/Audit"
import { SigningKeys } from "@piecework/trust/SigningKeys"
import { Effect, Layer } from "effect"
import { Argument, Command } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"
import { explained, ofDatabase } from "../Explained.ts"
import { databaseIn } from "./options.ts"
import { serve } from "./serve.ts"
import { dayOf } from "./trusting.ts"

const keysIn = (data: Parameters<typeof databaseIn>[0]) =>
  explained(SigningKeys.layer.pipe(Layer.provide(Audit.layer)), ofDatabase).pipe(Layer.provide(databaseIn(data)))

const add = Command.make("add").pipe(
  Command.withDescription("Makes a key that signs from now on, beside those in use, and prints it for devices"),
  Command.withHandler(() =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const { id, text } = yield* SigningKeys.use((keys) =>
        Effect.catchTags(keys.add(local), {
          TooManyKeys: (error) => Effect.fail(new Failure({ sentence: error.message, code: exitCodes.usage })),
          DatabaseError: (error) => Effect.fail(ofDatabase(error))
        })
      ).pipe(Effect.provide(keysIn(data)))
      if (json) return yield* output.line(JSON.stringify({ id, key: text }))
      yield* output.note(
        "Give it to devices as --service-key, or in PIECEWORK_SERVICE_KEY; several with commas between."
      )
      return yield* output.line(text)
    })
  )
)

const list = Command.make("list").pipe(
  Command.withDescription("Shows the keys in use, the oldest first"),
  Command.withHandler(() =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const keys = yield* SigningKeys.use(({ list: all }) => Effect.mapError(all, ofDatabase)).pipe(
        Effect.provide(keysIn(data))
      )
      if (json)
        return yield* output.line(JSON.stringify(keys.map(({ createdAt, id, text }) => ({ id, key: text, createdAt }))))
      if (keys.length === 0) return yield* output.note("Nothing is signed; see piecework-service key add --help.")
      return yield* output.line(
        keys.map(({ createdAt, id, text }) => `${id}  ${text}  since ${dayOf(createdAt)}`).join("\n")
      )
    })
  )
)

const id = Argument.String("ID").pipe(Argument.withDescription("the key, as list shows it"))

const retire = Command.make("retire", { id }).pipe(
  Command.withDescription(
    "Makes a key sign no more, within five seconds; devices that know no other are without peers then"
  ),
  Command.withHandler((options) =>
    Effect.gen(function* () {
      const { data, json } = yield* serve
      const output = yield* Output
      const isThere = yield* SigningKeys.use((keys) =>
        Effect.mapError(keys.retire(local, options.id), ofDatabase)
      ).pipe(Effect.provide(keysIn(data)))
      if (!isThere) {
        return yield* new Failure({ sentence: `There is no key ${options.id} in use.`, code: exitCodes.notFound })
      }
      return yield* json ? output.line(JSON.stringify({ id: options.id })) : output.note(`Retired ${options.id}.`)
    })
  )
)

export const key = Command.make("key").pipe(
  Command.withDescription("Keys that sign what the service says of contents: add, list, retire"),
  Command.withSubcommands([add, list, retire])
)
