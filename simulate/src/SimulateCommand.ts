/** The command line of the simulator: what it takes, what it prints, how it fails. */
import { availableParallelism } from "node:os"
import * as DownloadConfig from "@piecework/download/DownloadConfig"
import * as Quantity from "@piecework/terminal/Quantity"
import { ByteSize, Clock, Console, Effect, Schema } from "effect"
import { CliError, Command, Flag } from "effect/cli"
import * as Crew from "./Crew.ts"
import * as Report from "./Report.ts"
import { pieceSize, type Scene } from "./Scene.ts"
import * as Summary from "./Summary.ts"

/** In virtual time too, a device has to end somewhere. */
export class NotComplete extends Schema.TaggedError<NotComplete>()("NotComplete", {
  complete: Schema.Natural,
  devices: Schema.Natural
}) {
  override get message(): string {
    return `Only ${this.complete} of ${this.devices} devices got the whole file.`
  }
}

/** The scene would take hours and more memory than there is. */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", { pieces: Schema.Natural }) {
  override get message(): string {
    return `${this.pieces} pieces over all devices are too many; take fewer devices or a smaller file, up to ${mostPieces} pieces.`
  }
}

/** Pieces over all devices: twenty times a fleet of 1,000 that fetches 500 MB. */
const mostPieces = 10_000_000

/** Below it clients fetch over plain HTTP. */
const leastBytes = DownloadConfig.defaults.minContentSize

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const number = (name: string, fallback: number, most: number, what: string) =>
  Flag.Int(name).pipe(
    Flag.withSchema(between(1, most)),
    Flag.withDefault(fallback),
    Flag.withDescription(`${what} (default ${fallback})`)
  )

const rate = (name: string, fallback: string, of: string) =>
  Flag.String(name).pipe(
    Flag.withDefault(fallback),
    Flag.filterMap(Quantity.rate, (text) => `"${text}" is no rate; write it like 100mbit or 1gbit`),
    Flag.withMetavar("RATE"),
    Flag.withDescription(`Rate of ${of}, either way (default ${fallback})`)
  )

export const command = Command.make(
  "simulate",
  {
    sites: number("sites", 10, 1000, "Sites, each behind a line of its own"),
    devices: number("devices", 100, 5000, "Devices at each site"),
    size: Flag.String("size").pipe(
      Flag.withSchema(Schema.ByteSizeFromString),
      Flag.filter(
        (size) => ByteSize.toNumberUnsafe(size) >= leastBytes && ByteSize.toNumberUnsafe(size) <= 2 ** 38,
        () => "take at least 10 MB, from which on clients ask for peers, and at most 256GiB"
      ),
      Flag.withDefault(ByteSize.megabytes(500)),
      Flag.withDescription("Size of the file (default 500MB)")
    ),
    wan: rate("wan", "100mbit", "each site's line to the Internet"),
    lan: rate("lan", "1gbit", "each device's plug"),
    rtt: Flag.String("rtt").pipe(
      Flag.withDefault("20ms"),
      Flag.filterMap(Quantity.span(2000), (text) => `"${text}" is no time up to 2s; write it like 20ms`),
      Flag.withMetavar("TIME"),
      Flag.withDescription("Round trip from a site to the origin, the service and other sites (default 20ms)")
    ),
    start: Flag.String("start").pipe(
      Flag.withDefault("together"),
      Flag.filterMap(Quantity.start, (text) => `"${text}" is neither together nor a time up to 10m like 2s`),
      Flag.withMetavar("WHEN"),
      Flag.withDescription(
        "together, or the time from the start of one device of a site to the next one's, like 2s (default together)"
      )
    ),
    churn: Flag.String("churn").pipe(
      Flag.withDefault("0%"),
      Flag.filterMap(Quantity.share(1), (text) => `"${text}" is no share up to 100%; write it like 10%`),
      Flag.withMetavar("SHARE"),
      Flag.withDescription("Share of the devices that are killed in the middle and start again (default 0%)")
    ),
    service: Flag.Literals("service", ["up", "down"]).pipe(
      Flag.withDefault("up" as const),
      Flag.withDescription("down: devices find each other all the same, but nobody gives leases (default up)")
    ),
    connections: number("connections", DownloadConfig.defaults.maxPeers, 50, "Others that each device dials"),
    group: Flag.Boolean("group").pipe(
      Flag.withDefault(false),
      Flag.withDescription("All sites are one group, so that devices meet across sites")
    ),
    seed: Flag.Int("seed").pipe(
      Flag.withSchema(between(0, 0x7fff_ffff)),
      Flag.withDefault(1),
      Flag.withDescription("The same seed gives the same output (default 1)")
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Print one JSON object in place of the table")
    )
  },
  Effect.fnUntraced(
    function* (flags) {
      const scene: Scene = {
        sites: flags.sites,
        devices: flags.devices,
        bytes: ByteSize.toNumberUnsafe(flags.size),
        wan: flags.wan,
        lan: flags.lan,
        rttMillis: flags.rtt,
        staggerMillis: flags.start,
        churn: flags.churn,
        leases: flags.service === "up",
        connections: flags.connections,
        group: flags.group,
        seed: flags.seed
      }
      const pieces = scene.sites * scene.devices * Math.ceil(scene.bytes / pieceSize)
      if (pieces > mostPieces) return yield* new TooLarge({ pieces })
      const began = yield* Clock.currentTimeMillis
      const report = Report.of(scene, yield* Crew.run(scene, availableParallelism()))
      const took = (yield* Clock.currentTimeMillis) - began
      yield* Console.log(flags.json ? JSON.stringify(report) : Summary.render(report).join("\n"))
      yield* Console.error(`tookSeconds ${(took / 1000).toFixed(1)}`)
      const { complete, devices } = report
      if (complete < devices) return yield* new NotComplete({ complete, devices })
    },
    Effect.mapError((cause) => new CliError.UserError({ cause }))
  )
).pipe(
  Command.withDescription(
    "Thousands of devices fetch one file in virtual time, by the scheduler and the leases of the real client"
  )
)
