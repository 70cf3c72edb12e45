/**
 * A site in a box: devices on a LAN behind one thin line fetch the same file, with Piecework and with what else there is,
 * each in turn on the same lines. What counts is how many copies cross the line, and how long the last device takes over
 * the time in which the line carries one.
 */
import { tmpdir } from "node:os"
import { Clock, Effect, Option, Path } from "effect"
import { ahead } from "../Ahead.ts"
import * as Apps from "../Apps.ts"
import { Meter } from "../Meter.ts"
import * as TestFile from "../TestFile.ts"
import * as Tools from "../Tools.ts"
import * as Workshop from "../Workshop.ts"
import { type Contestant, type Tool } from "./Contestant.ts"
import * as HttpDevices from "./HttpDevices.ts"
import * as Maker from "./Maker.ts"
import * as Namespaces from "./Namespaces.ts"
import * as PieceworkDevices from "./PieceworkDevices.ts"
import * as Round from "./Round.ts"
import * as SiteReport from "./SiteReport.ts"
import { idealSeconds, type SiteOptions } from "./SiteOptions.ts"
import * as Topology from "./Topology.ts"
import * as TorrentDevices from "./TorrentDevices.ts"

export interface Options {
  readonly site: SiteOptions
  /** Of each tool, taken in turns. */
  readonly runs: number
  readonly tools: ReadonlyArray<Tool>
  /** Longest that one run may take; by default a minute, and six times what one copy takes. */
  readonly limitSeconds: number | undefined
  readonly note: (text: string) => Effect.Effect<void>
}

const contestants: ReadonlyArray<Contestant<Tool>> = [
  PieceworkDevices.contestant,
  HttpDevices.direct,
  HttpDevices.cached,
  TorrentDevices.aria2c,
  TorrentDevices.transmission
]

export const run = Effect.fn("Site.run")(function* (options: Options) {
  const { note, site } = options
  const means = yield* Namespaces.means
  const swept = yield* Namespaces.sweep
  yield* Maker.sweepFolders([Workshop.memory, tmpdir()])
  if (swept > 0) yield* note(`removed ${swept} network namespaces of a run that was killed`)
  if (means.delayBy === "none" && site.rttMillis > 0) {
    yield* note("this kernel has no netem, so the round trip is as short as this machine is fast; --rtt has no effect")
  }
  yield* Apps.prepare
  yield* ahead

  const meter = yield* Meter
  const path = yield* Path.Path
  const devices = site.devices * site.sites
  // What a device has, what caches at the sites have, and the original; a fifth more for what programs keep beside it.
  const root = yield* Workshop.openFast(
    Math.ceil(site.bytes * (devices + site.sites + 1) * 1.2),
    yield* Maker.ownPrefix
  )
  const file = yield* TestFile.make(path.join(root, "original"), site.bytes)
  const topology = yield* Namespaces.build((prefix) => Topology.plan(prefix, site, means))
  yield* note(`${topology.namespaces.length} network namespaces, a file of ${site.bytes} bytes under ${root}`)
  const data = path.join(root, "service")
  yield* meter.run(Apps.publish(file.path, Round.urlOf(topology), data), 60_000 + site.bytes / 20_000)

  const limitSeconds =
    options.limitSeconds ?? Math.ceil(60 + 6 * idealSeconds(site) + (devices * site.staggerMillis) / 1000)
  const standings = yield* Effect.forEach(
    contestants.filter(({ tool }) => options.tools.includes(tool)),
    (contestant) =>
      Effect.map(contestant.version, (version) => ({
        contestant,
        version,
        rounds: new Array<Round.Round>(),
        failures: new Array<string>()
      }))
  )
  for (let turn = 1; turn <= options.runs; turn++) {
    for (const { contestant, failures, rounds, version } of standings) {
      if (Option.isNone(version) || failures.length > 0) continue
      yield* Round.run(contestant, { options: site, topology, file, data, root, limitSeconds }).pipe(
        Effect.map((round) => {
          rounds.push(round)
          return SiteReport.sentence(SiteReport.summary(contestant, version.value, site, [round], []))
        }),
        Effect.catch(({ message }) => {
          failures.push(message)
          return Effect.succeed(`${contestant.tool}: ${message}`)
        }),
        Effect.flatMap((text) => note(`run ${turn} of ${options.runs}, ${text}`))
      )
    }
  }
  const report: SiteReport.Report = {
    scenario: "site",
    machine: { ...Tools.machine(yield* Clock.currentTimeMillis) },
    shape: site,
    delayBy: means.delayBy,
    runs: options.runs,
    idealSeconds: Number(idealSeconds(site).toFixed(3)),
    results: standings.map(({ contestant, failures, rounds, version }) =>
      Option.match(version, {
        onNone: () => SiteReport.absent(contestant, site),
        onSome: (known) => SiteReport.summary(contestant, known, site, rounds, failures)
      })
    )
  }
  return report
}, Effect.scoped)
