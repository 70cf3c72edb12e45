/** The command line of the bench: a subcommand for each scenario. */
import { ByteSize, Console, Effect, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import * as Apt from "./apt/Apt.ts"
import { BenchError } from "./BenchError.ts"
import { cache } from "./CacheCommand.ts"
import * as Jobs from "./jobs/Jobs.ts"
import { ladder } from "./LadderCommand.ts"
import { limits } from "./LimitsCommand.ts"
import * as Matching from "./matching/Matching.ts"
import * as Proxy from "./proxy/Proxy.ts"
import * as Publish from "./Publish.ts"
import * as Selection from "./Selection.ts"
import { site } from "./SiteCommand.ts"
import * as Throughput from "./Throughput.ts"
import { yields } from "./YieldCommand.ts"

const json = Flag.Boolean("json").pipe(
  Flag.withDefault(false),
  Flag.withDescription("Print the JSON on one line, and nothing on standard error")
)

const sizeOf = (fits: (bytes: number) => boolean, otherwise: string, of = "the file") =>
  Flag.String("size").pipe(
    Flag.withSchema(Schema.ByteSizeFromString),
    Flag.filter(
      (size) => fits(ByteSize.toNumberUnsafe(size)),
      () => otherwise
    ),
    Flag.withDefault(ByteSize.gibibytes(1)),
    Flag.withDescription(`Size of ${of} (default 1GiB)`)
  )

const runsOf = Flag.Int("runs").pipe(
  Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))),
  Flag.withDefault(3),
  Flag.withDescription("Runs of each program, taken in turns (default 3)")
)

const print = Effect.fnUntraced(function* (report: object, onOneLine: boolean, failures: ReadonlyArray<string>) {
  yield* Console.log(JSON.stringify(report, null, onOneLine ? 0 : 2))
  if (failures.length > 0) return yield* new BenchError({ failures })
})

const throughput = Command.make(
  "throughput",
  {
    size: sizeOf(
      (bytes) => bytes > Throughput.smallBytes,
      "the small file beside it has 16 MiB already; take a larger size"
    ),
    runs: runsOf,
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
      yield* print(report, flags.json, Throughput.failures(report))
    },
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(
  Command.withDescription(
    "One file over loopback: over HTTP beside curl and others, from peer to peer beside BitTorrent clients"
  )
)

const publish = Command.make(
  "publish",
  { size: sizeOf((bytes) => bytes > 0, "an empty file has no rate"), runs: runsOf, json },
  Effect.fnUntraced(
    function* (flags) {
      const report = yield* Publish.run({
        bytes: ByteSize.toNumberUnsafe(flags.size),
        turns: flags.runs,
        note: (text) => (flags.json ? Effect.void : Console.error(text))
      })
      yield* print(report, flags.json, Publish.failures(report))
    },
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(Command.withDescription("Publishing one file, beside openssl dgst -sha256, each on one processor"))

const count = (name: string, fallback: number, what: string) =>
  Flag.Int(name).pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 }))),
    Flag.withDefault(fallback),
    Flag.withDescription(`${what} (default ${fallback})`)
  )

const jobs = Command.make(
  "jobs",
  {
    size: sizeOf((bytes) => bytes > 0, "empty files have no rate", "all files together"),
    runs: runsOf,
    many: count("many", 64, "Files, and how many downloads are under way at once"),
    few: count("few", 4, "Downloads at once to compare with, and how many large files"),
    only: Flag.Literals("only", Jobs.Mode.literals).pipe(
      Flag.optional,
      Flag.withDescription("Just one mode: simple, or swarm (published contents)")
    ),
    json
  },
  Effect.fnUntraced(
    function* (flags) {
      const bytes = ByteSize.toNumberUnsafe(flags.size)
      if (bytes / Math.max(flags.many, flags.few) < Jobs.leastFileBytes) {
        return yield* new BenchError({
          failures: ["Files under 10 MB ask for no peers; take fewer, or a larger --size."]
        })
      }
      const report = yield* Jobs.run({
        bytes,
        turns: flags.runs,
        many: flags.many,
        few: flags.few,
        modes: Option.match(flags.only, { onNone: () => Jobs.Mode.literals, onSome: (mode) => [mode] }),
        note: (text) => (flags.json ? Effect.void : Console.error(text))
      })
      yield* print(report, flags.json, Jobs.failures(report))
    },
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(Command.withDescription("Many downloads at once in one process, beside few at once of the same files"))

const number = (
  name: string,
  range: { readonly minimum: number; readonly maximum: number },
  usual: number,
  what: string
) =>
  Flag.Int(name).pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween(range))),
    Flag.withDefault(usual),
    Flag.withDescription(`${what} (default ${usual})`)
  )

const matching = Command.make(
  "matching",
  {
    members: number("members", { minimum: 1, maximum: 1_000_000 }, 100_000, "Members of all swarms together"),
    swarms: number("swarms", { minimum: 1, maximum: 100_000 }, 1000, "Swarms that they are spread over"),
    wanted: number("peers", { minimum: 0, maximum: 255 }, 50, "Peers that each join asks for"),
    connections: number("connections", { minimum: 1, maximum: 1000 }, 64, "Connections that are kept"),
    seconds: number("seconds", { minimum: 1, maximum: 600 }, 10, "Seconds of each measurement"),
    json
  },
  Effect.fnUntraced(
    function* (flags) {
      const report = yield* Matching.run({
        ...flags,
        note: (text) => (flags.json ? Effect.void : Console.error(text))
      })
      yield* print(report, flags.json, Matching.failures(report))
    },
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(Command.withDescription("Joins a second of the matching service over HTTP, beside BitTorrent trackers"))

const proxy = Command.make(
  "proxy",
  { size: sizeOf((bytes) => bytes >= 10_000_000, "contents under 10 MB pass through"), runs: runsOf, json },
  Effect.fnUntraced(
    function* (flags) {
      const report = yield* Proxy.run({
        bytes: ByteSize.toNumberUnsafe(flags.size),
        turns: flags.runs,
        note: (text) => (flags.json ? Effect.void : Console.error(text))
      })
      yield* print(report, flags.json, Proxy.failures(report))
    },
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(Command.withDescription("curl through an agent's HTTP proxy, beside curl by itself"))

const apt = Command.make(
  "apt",
  { json },
  Effect.fnUntraced(
    function* (flags) {
      const report = yield* Apt.run({
        bytes: Apt.usualBytes,
        note: (text) => (flags.json ? Effect.void : Console.error(text))
      })
      yield* print(report, flags.json, Apt.failures(report))
    },
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(Command.withDescription("apt-get on two machines of a site, each through its agent's HTTP proxy (needs root)"))

export const command = Command.make("bench").pipe(
  Command.withDescription("Measure Piecework beside public tools, in one run on one machine"),
  Command.withSubcommands([throughput, publish, jobs, ladder, site, limits, matching, yields, proxy, apt, cache])
)
