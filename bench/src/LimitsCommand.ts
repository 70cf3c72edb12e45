/** `bench -- limits`: whether limits of rate hold on the wire. */
import * as Quantity from "@piecework/terminal/Quantity"
import { ByteSize, Console, Effect, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { BenchError } from "./BenchError.ts"
import * as Cases from "./limits/Cases.ts"
import * as Limits from "./limits/Limits.ts"

const names = Cases.all.map(({ name }) => name)

const parse = (text: string): Option.Option<ReadonlyArray<Cases.Case>> => {
  const wanted = text.split(",")
  return wanted.every((name) => names.includes(name))
    ? Option.some(Cases.all.filter(({ name }) => wanted.includes(name)))
    : Option.none()
}

export const limits = Command.make(
  "limits",
  {
    size: Flag.String("size").pipe(
      Flag.withSchema(Schema.ByteSizeFromString),
      Flag.filter(
        (size) => ByteSize.toNumberUnsafe(size) > 10_000_000,
        () => "take more than 10 MB, from which on clients ask for peers"
      ),
      Flag.withDefault(ByteSize.mebibytes(24)),
      Flag.withDescription("Size of the file (default 24MiB)")
    ),
    wan: Flag.String("wan").pipe(
      Flag.withDefault("50mbit"),
      Flag.filterMap(Quantity.rate, (text) => `"${text}" is no rate; write it like 100mbit or 1gbit`),
      Flag.withMetavar("RATE"),
      Flag.withDescription("Rate of the line, either way (default 50mbit)")
    ),
    rtt: Flag.String("rtt").pipe(
      Flag.withDefault("20ms"),
      Flag.filterMap(Quantity.span(2000), (text) => `"${text}" is no time up to 2s; write it like 20ms`),
      Flag.withMetavar("TIME"),
      Flag.withDescription("Round trip to the far side (default 20ms)")
    ),
    only: Flag.String("only").pipe(
      Flag.filterMap(parse, (text) => `"${text}" names something else than ${names.join(", ")}`),
      Flag.withMetavar("CASES"),
      Flag.optional,
      Flag.withDescription("Just these cases, with commas")
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Print the JSON on one line, and nothing on standard error")
    )
  },
  Effect.fnUntraced(
    function* (flags) {
      const report = yield* Limits.run({
        bytes: ByteSize.toNumberUnsafe(flags.size),
        wan: flags.wan,
        rttMillis: flags.rtt,
        cases: Option.getOrElse(flags.only, () => Cases.all),
        note: (text) => (flags.json ? Effect.void : Console.error(text))
      })
      yield* Console.log(JSON.stringify(report, null, flags.json ? 0 : 2))
      const failures = Limits.failures(report)
      if (failures.length > 0) return yield* new BenchError({ failures })
    },
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(Command.withDescription("Whether limits of rate hold on the wire, one by one (needs root)"))
