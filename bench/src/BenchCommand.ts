/** The command line of the bench: a subcommand for each scenario. */
import { ByteSize, Console, Effect, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { BenchError } from "./BenchError.ts"
import * as Selection from "./Selection.ts"
import { site } from "./SiteCommand.ts"
import * as Throughput from "./Throughput.ts"

const json = Flag.Boolean("json").pipe(
  Flag.withDefault(false),
  Flag.withDescription("Print the JSON on one line, and nothing on standard error")
)

const throughput = Command.make(
  "throughput",
  {
    size: Flag.String("size").pipe(
      Flag.withSchema(Schema.ByteSizeFromString),
      Flag.filter(
        (size) => ByteSize.toNumberUnsafe(size) > Throughput.smallBytes,
        () => "the small file beside it has 16 MiB already; take a larger size"
      ),
      Flag.withDefault(ByteSize.gibibytes(1)),
      Flag.withDescription("Size of the file (default 1GiB, more than 16MiB)")
    ),
    runs: Flag.Int("runs").pipe(
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))),
      Flag.withDefault(3),
      Flag.withDescription("Runs of each program, taken in turns (default 3)")
    ),
    only: Flag.String("only").pipe(
      Flag.filterMap(
        Selection.parse(Throughput.Part.literals, Throughput.tools),
        (text) => `"${text}" names something else than ${[...Throughput.Part.literals, ...Throughput.tools].join(", ")}`
      ),
      Flag.withMetavar("WHAT"),
      Flag.optional,
      Flag.withDescription("Just these parts (http, peer) and tools, with commas: peer,aria2c,libtorrent")
    ),
    json
  },
  Effect.fnUntraced(
    function* (flags) {
      const report = yield* Throughput.run({
        bytes: ByteSize.toNumberUnsafe(flags.size),
        turns: flags.runs,
        ...Option.getOrElse(flags.only, () => Selection.all(Throughput.Part.literals)),
        note: (text) => (flags.json ? Effect.void : Console.error(text))
      })
      yield* Console.log(JSON.stringify(report, null, flags.json ? 0 : 2))
      const failures = Throughput.failures(report)
      if (failures.length > 0) return yield* new BenchError({ failures })
    },
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(
  Command.withDescription(
    "One file over loopback: over HTTP beside curl and others, from peer to peer beside BitTorrent clients"
  )
)

export const command = Command.make("bench").pipe(
  Command.withDescription("Measure Piecework beside public tools, in one run on one machine"),
  Command.withSubcommands([throughput, site])
)
