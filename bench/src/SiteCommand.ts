/** `bench -- site`: the options of the scenario with its site in network namespaces. */
import * as Quantity from "@piecework/terminal/Quantity"
import { ByteSize, Console, Effect, FileSystem, Option, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import { BenchError } from "./BenchError.ts"
import * as Chart from "./site/Chart.ts"
import { tools } from "./site/Contestant.ts"
import * as Site from "./site/Site.ts"
import * as SiteOptions from "./site/SiteOptions.ts"
import * as SiteReport from "./site/SiteReport.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const rate = (name: string, fallback: string, of: string) =>
  Flag.String(name).pipe(
    Flag.withDefault(fallback),
    Flag.filterMap(Quantity.rate, (text) => `"${text}" is no rate; write it like 100mbit or 1gbit`),
    Flag.withMetavar("RATE"),
    Flag.withDescription(`Rate of ${of}, either way (default ${fallback})`)
  )

const share = (name: string, most: number, what: string) =>
  Flag.String(name).pipe(
    Flag.withDefault("0%"),
    Flag.filterMap(Quantity.share(most), (text) => `"${text}" is no share up to ${most * 100}%; write it like 1%`),
    Flag.withMetavar("SHARE"),
    Flag.withDescription(`${what} (default 0%)`)
  )

/** Above the size from which clients ask for peers. */
const leastBytes = 10_000_001
/** 1 TiB. */
const mostBytes = 2 ** 40

export const site = Command.make(
  "site",
  {
    devices: Flag.Int("devices").pipe(
      Flag.withSchema(between(1, SiteOptions.mostDevices)),
      Flag.withDefault(30),
      Flag.withDescription("Devices at each site (default 30)")
    ),
    sites: Flag.Int("sites").pipe(
      Flag.withSchema(between(1, SiteOptions.mostSites)),
      Flag.withDefault(1),
      Flag.withDescription("Sites, each behind a line of its own (default 1)")
    ),
    size: Flag.String("size").pipe(
      Flag.withSchema(Schema.ByteSizeFromString),
      Flag.filter(
        (size) => ByteSize.toNumberUnsafe(size) >= leastBytes && ByteSize.toNumberUnsafe(size) <= mostBytes,
        () => "take more than 10 MB, from which on clients ask for peers, and at most 1TiB"
      ),
      Flag.withDefault(ByteSize.mebibytes(256)),
      Flag.withDescription("Size of the file (default 256MiB)")
    ),
    wan: rate("wan", "100mbit", "each site's line to the Internet"),
    rtt: Flag.String("rtt").pipe(
      Flag.withDefault("20ms"),
      Flag.filterMap(Quantity.span(2000), (text) => `"${text}" is no time up to 2s; write it like 20ms`),
      Flag.withMetavar("TIME"),
      Flag.withDescription("Round trip from a site to the origin and the service (default 20ms)")
    ),
    lan: rate("lan", "1gbit", "each device's port on the LAN"),
    start: Flag.String("start").pipe(
      Flag.withDefault("together"),
      Flag.filterMap(Quantity.start, (text) => `"${text}" is neither together nor a time like 2s`),
      Flag.withMetavar("WHEN"),
      Flag.withDescription(
        "together, or the time from one device's start to the next one's, like 2s (default together)"
      )
    ),
    loss: share("loss", 0.5, "Share of the frames that get lost on the way into a device"),
    churn: share("churn", 1, "Share of the devices that are killed in the middle and start again"),
    service: Flag.Literals("service", SiteOptions.serviceStates).pipe(
      Flag.withDefault("up" as const),
      Flag.withDescription("Whether Piecework's service can be reached, or dies on the way (default up)")
    ),
    only: Flag.Literals("only", tools).pipe(Flag.optional, Flag.withDescription("Just one tool")),
    runs: Flag.Int("runs").pipe(
      Flag.withSchema(between(1, 50)),
      Flag.withDefault(1),
      Flag.withDescription("Runs of each tool, taken in turns (default 1)")
    ),
    limit: Flag.String("limit").pipe(
      Flag.filterMap(Quantity.span(3_600_000), (text) => `"${text}" is no time up to 60m; write it like 90s`),
      Flag.withMetavar("TIME"),
      Flag.optional,
      Flag.withDescription("Longest that one run may take (default 60s and six times the ideal)")
    ),
    svg: Flag.String("svg").pipe(
      Flag.withMetavar("FILE"),
      Flag.optional,
      Flag.withDescription("Draw the results into this file")
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Print the JSON on one line, and nothing on standard error")
    )
  },
  Effect.fnUntraced(
    function* (flags) {
      const report = yield* Site.run({
        site: {
          devices: flags.devices,
          sites: flags.sites,
          bytes: ByteSize.toNumberUnsafe(flags.size),
          wan: flags.wan,
          lan: flags.lan,
          rttMillis: flags.rtt,
          loss: flags.loss,
          churn: flags.churn,
          staggerMillis: flags.start,
          service: flags.service
        },
        runs: flags.runs,
        tools: Option.match(flags.only, { onNone: () => tools, onSome: (tool) => [tool] }),
        limitSeconds: Option.getOrUndefined(Option.map(flags.limit, (millis) => millis / 1000)),
        note: (text) => (flags.json ? Effect.void : Console.error(text))
      })
      if (Option.isSome(flags.svg)) {
        const fs = yield* FileSystem.FileSystem
        yield* fs.writeFileString(flags.svg.value, Chart.svg(report))
      }
      yield* Console.log(JSON.stringify(report, null, flags.json ? 0 : 2))
      const failures = SiteReport.failures(report)
      if (failures.length > 0) return yield* new BenchError({ failures })
    },
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(
  Command.withDescription("Many devices of a site fetch one file over its thin line, beside other tools (needs root)")
)
