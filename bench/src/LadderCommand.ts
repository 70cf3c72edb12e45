/** `bench -- ladder`: files of all sizes by a running agent, beside curl. */
import { ByteSize, Console, Effect, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import * as Ladder from "./ladder/Ladder.ts"

const most = 16e9

const parse = (text: string): Option.Option<ReadonlyArray<number>> => {
  const sizes = text.split(",").map((one) => Schema.decodeUnknownOption(Schema.ByteSizeFromString)(one.trim()))
  const bytes = sizes.flatMap((size) => (Option.isSome(size) ? [ByteSize.toNumberUnsafe(size.value)] : []))
  const isRight = bytes.length === sizes.length && bytes.every((size) => size >= 1 && size <= most)
  return isRight && new Set(bytes).size === bytes.length ? Option.some(bytes) : Option.none()
}

export const ladder = Command.make(
  "ladder",
  {
    sizes: Flag.String("sizes").pipe(
      Flag.filterMap(
        parse,
        (text) => `"${text}" is no list of different sizes up to 16 GB; write them like 1B,1kB,100MB`
      ),
      Flag.withMetavar("SIZES"),
      Flag.withDefault(Ladder.usualSizes),
      Flag.withDescription("Sizes of the files, with commas (default 1B,1kB,1MB,10MB,100MB,1GB)")
    ),
    runs: Flag.Int("runs").pipe(
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))),
      Flag.withDefault(5),
      Flag.withDescription("Runs of each size and way, taken in turns; five times as many under 1MB (default 5)")
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Print the JSON on one line, and nothing on standard error")
    )
  },
  Effect.fnUntraced(
    function* ({ json, runs, sizes }) {
      const report = yield* Ladder.run({
        sizes,
        turns: runs,
        note: (text) => (json ? Effect.void : Console.error(text))
      })
      yield* Console.log(JSON.stringify(report, null, json ? 0 : 2))
    },
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(Command.withDescription("Files from 1 B to 1 GB by a running agent, beside curl, in one run"))
