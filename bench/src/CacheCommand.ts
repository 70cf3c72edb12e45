/** `bench -- cache`: the options of the scenario with a cache server at a site. */
import * as Quantity from "@piecework/terminal/Quantity"
import { ByteSize, Console, Effect, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { BenchError } from "./BenchError.ts"
import * as Cache from "./cache/Cache.ts"
import * as Selection from "./Selection.ts"
import { mostDevices } from "./site/SiteOptions.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const rate = (name: string, fallback: string, of: string) =>
  Flag.String(name).pipe(
    Flag.withDefault(fallback),
    Flag.filterMap(Quantity.rate, (text) => `"${text}" is no rate; write it like 100mbit or 1gbit`),
    Flag.withMetavar("RATE"),
    Flag.withDescription(`Rate of ${of}, either way (default ${fallback})`)
  )

/** Above the size from which clients ask for peers. */
const leastBytes = 10_000_001
/** 64 GiB. */
const mostBytes = 2 ** 36

const size = (name: string, mebibytes: number, of: string) =>
  Flag.String(name).pipe(
    Flag.withSchema(Schema.ByteSizeFromString),
    Flag.filter(
      (bytes) => ByteSize.toNumberUnsafe(bytes) >= leastBytes && ByteSize.toNumberUnsafe(bytes) <= mostBytes,
      () => "take more than 10 MB, from which on clients ask for peers, and at most 64GiB"
    ),
    Flag.withDefault(ByteSize.mebibytes(mebibytes)),
    Flag.withDescription(`Size of ${of} (default ${mebibytes}MiB)`)
  )

export const cache = Command.make(
  "cache",
  {
    devices: Flag.Int("devices").pipe(
      Flag.withSchema(between(1, mostDevices)),
      Flag.withDefault(30),
      Flag.withDescription("Devices at the site (default 30)")
    ),
    size: size("size", 128, "the file that all devices want"),
    warmSize: size("warm-size", 1024, "the file that is served over loopback"),
    connections: Flag.Int("connections").pipe(
      Flag.withSchema(between(1, 10_000)),
      Flag.withDefault(1000),
      Flag.withDescription("Slow readers (default 1000)")
    ),
    wan: rate("wan", "100mbit", "the site's line to the Internet"),
    lan: rate("lan", "1gbit", "each device's port on the LAN"),
    port: rate("port", "10gbit", "the cache server's port on the LAN"),
    rtt: Flag.String("rtt").pipe(
      Flag.withDefault("20ms"),
      Flag.filterMap(Quantity.span(2000), (text) => `"${text}" is no time up to 2s; write it like 20ms`),
      Flag.withMetavar("TIME"),
      Flag.withDescription("Round trip from the site to the origin and the service (default 20ms)")
    ),
    runs: Flag.Int("runs").pipe(
      Flag.withSchema(between(1, 50)),
      Flag.withDefault(3),
      Flag.withDescription("Runs of each case, taken in turns (default 3)")
    ),
    only: Flag.String("only").pipe(
      Flag.filterMap(
        Selection.parse(Cache.cases, []),
        (text) => `"${text}" names something else than ${Cache.cases.join(", ")}`
      ),
      Flag.withMetavar("CASES"),
      Flag.optional,
      Flag.withDescription(`Just these cases, with commas: ${Cache.cases.join(",")}`)
    ),
    limit: Flag.String("limit").pipe(
      Flag.withDefault("90s"),
      Flag.filterMap(Quantity.span(3_600_000), (text) => `"${text}" is no time up to 60m; write it like 90s`),
      Flag.withMetavar("TIME"),
      Flag.withDescription("Longest that one run may take (default 90s)")
    ),
    keep: Flag.Boolean("keep").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Leave what the cache servers keep, to look at it")
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Print the JSON on one line, and nothing on standard error")
    )
  },
  Effect.fnUntraced(
    function* (flags) {
      const report = yield* Cache.run({
        devices: flags.devices,
        bytes: ByteSize.toNumberUnsafe(flags.size),
        warmBytes: ByteSize.toNumberUnsafe(flags.warmSize),
        connections: flags.connections,
        wan: flags.wan,
        lan: flags.lan,
        helperLan: flags.port,
        rttMillis: flags.rtt,
        runs: flags.runs,
        cases: Option.match(flags.only, { onNone: () => Cache.cases, onSome: ({ parts }) => parts }),
        limitSeconds: flags.limit / 1000,
        keep: flags.keep,
        note: (text) => (flags.json ? Effect.void : Console.error(text))
      })
      yield* Console.log(JSON.stringify(report, null, flags.json ? 0 : 2))
      const failures = Cache.failed(report)
      if (failures.length > 0) return yield* new BenchError({ failures })
    },
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(Command.withDescription("A site's cache server, cold and warm, beside nginx and varnish (needs root)"))
