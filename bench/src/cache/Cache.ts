/**
 * A site's cache server on a machine of its own: how many copies cross the line for many cold clients at the same second, how much a
 * cold cache costs one client, what a warm one serves, and what readers cost that do not read. Others beside it in the same run.
 */
import { tmpdir } from "node:os"
import { Clock, Effect, Path, Schema } from "effect"
import { ahead } from "../Ahead.ts"
import * as Apps from "../Apps.ts"
import { Meter } from "../Meter.ts"
import * as Maker from "../site/Maker.ts"
import * as Namespaces from "../site/Namespaces.ts"
import * as Round from "../site/Round.ts"
import { idealSeconds, type SiteOptions } from "../site/SiteOptions.ts"
import * as Topology from "../site/Topology.ts"
import * as TestFile from "../TestFile.ts"
import * as Tools from "../Tools.ts"
import * as Workshop from "../Workshop.ts"
import * as Servers from "./Servers.ts"
import * as Single from "./Single.ts"
import * as SiteCases from "./SiteCases.ts"
import * as Slow from "./Slow.ts"
import { targets } from "./Targets.ts"
import * as Warm from "./Warm.ts"

/** Those of a site need namespaces, and so root; the others run on loopback. */
export const cases = [...SiteCases.siteCases, "single", "warm", "slow"] as const
export type Case = (typeof cases)[number]

export interface Options {
  readonly devices: number
  /** Of the file that all devices of the site want. */
  readonly bytes: number
  /** Of the file on loopback. */
  readonly warmBytes: number
  readonly connections: number
  /** Bits a second of the site's line, of each device's port, and of the cache server's. */
  readonly wan: number
  readonly lan: number
  readonly helperLan: number
  readonly rttMillis: number
  readonly runs: number
  readonly cases: ReadonlyArray<Case>
  /** Longest that one run may take. */
  readonly limitSeconds: number
  /** Whether what servers keep is left for a look. */
  readonly keep: boolean
  readonly note: (text: string) => Effect.Effect<void>
}

const Failure = Schema.Struct({ case: Schema.Literals(cases), message: Schema.String })

export const Report = Schema.Struct({
  scenario: Schema.Literal("cache"),
  machine: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])),
  shape: Schema.Struct({
    devices: Schema.Natural,
    bytes: Schema.Natural,
    wan: Schema.Finite,
    lan: Schema.Finite,
    helperLan: Schema.Finite,
    rttMillis: Schema.Finite
  }),
  runs: Schema.Natural,
  /** `null` where no case needed the site. See the report of a site. */
  delayBy: Schema.NullOr(Schema.Literals(["netem", "none"])),
  /** Seconds in which the line carries one copy of the file. */
  idealSeconds: Schema.Finite,
  site: Schema.Array(SiteCases.SiteResult),
  single: Schema.NullOr(Single.SingleResult),
  warm: Schema.NullOr(Warm.WarmResult),
  slow: Schema.Array(Slow.SlowResult),
  targets: Schema.Record(Schema.String, Schema.Finite),
  /** Cases that could not be held. */
  failures: Schema.Array(Failure)
})
export interface Report extends Schema.Schema.Type<typeof Report> {}

const isSiteCase = (one: Case): one is SiteCases.SiteCase => SiteCases.siteCases.some((other) => other === one)

/** Disk: the original, what each server keeps of it, and what programs keep beside it. */
const onDisk = ({ cases: chosen, warmBytes }: Options): number =>
  (chosen.includes("warm") ? 3 * warmBytes : 0) + (chosen.includes("slow") ? 3 * slowBytes : 0) + 67_108_864

/** Memory, for all that devices and the server of one run have, and the originals. */
const atSite = ({ bytes, devices }: Options): number => Math.ceil(bytes * (2 * devices + 4))

const slowBytes = 268_435_456

export const run = Effect.fn("Cache.run")(function* (options: Options) {
  const { bytes, keep, note } = options
  const wants = (one: Case) => options.cases.includes(one)
  yield* Maker.sweepFolders([Workshop.memory, tmpdir()])
  yield* Apps.prepare
  if (options.cases.some((one) => one !== "others")) yield* Apps.prepareCacheServer
  yield* ahead

  const failures: Array<typeof Failure.Type> = []
  /** What one case comes to; one that fails does not end the others. */
  const attempt = <A, E extends { readonly message: string }, R>(one: Case, effect: Effect.Effect<A, E, R>) =>
    Effect.catch(effect, ({ message }) => {
      failures.push({ case: one, message })
      return Effect.as(note(`${one}: ${message}`), null)
    })

  const meter = yield* Meter
  const path = yield* Path.Path
  const prefix = yield* Maker.ownPrefix
  const site: Array<SiteCases.SiteResult> = []
  let single: Single.SingleResult | null = null
  let delayBy: Topology.DelayBy | null = null
  if (options.cases.some((one) => isSiteCase(one) || one === "single")) {
    yield* Effect.scoped(
      Effect.gen(function* () {
        const means = yield* Namespaces.means
        yield* Namespaces.sweep
        delayBy = means.delayBy
        const shape = siteOf(options)
        const root = yield* Workshop.openFast(atSite(options), prefix, keep)
        const file = yield* TestFile.make(path.join(root, "original"), bytes)
        const topology = yield* Namespaces.build((name) => Topology.plan(name, shape, means))
        const data = path.join(root, "service")
        yield* meter.run(Apps.publish(file.path, Round.urlOf(topology), data), 60_000 + bytes / 20_000)
        yield* note(`${topology.namespaces.length} network namespaces, a file of ${bytes} bytes under ${root}`)
        const given = { ...options, options: shape, topology, file, data, root }
        for (const one of options.cases.filter(isSiteCase)) {
          site.push(...((yield* attempt(one, SiteCases.measure(one, given))) ?? []))
        }
        if (wants("single")) single = yield* attempt("single", Single.measure(Servers.piecework, given))
      })
    )
  }

  const root = yield* Workshop.open(onDisk(options), { prefix, keep })
  const given = { ...options, root, bytes: options.warmBytes }
  const both = [Servers.piecework, Servers.nginx]
  const warm = wants("warm") ? yield* attempt("warm", Warm.measure(both, given)) : null
  const slow: Array<Slow.SlowResult> = []
  for (const server of wants("slow") ? both : []) {
    const result = yield* attempt("slow", Slow.measure(server, { ...given, bytes: slowBytes }))
    if (result !== null) slow.push(result)
  }
  const report: Report = {
    scenario: "cache",
    machine: { ...Tools.machine(yield* Clock.currentTimeMillis) },
    shape: {
      devices: options.devices,
      bytes,
      wan: options.wan,
      lan: options.lan,
      helperLan: options.helperLan,
      rttMillis: options.rttMillis
    },
    runs: options.runs,
    delayBy,
    idealSeconds: Number(idealSeconds(options).toFixed(3)),
    site,
    single,
    warm,
    slow,
    targets,
    failures
  }
  return report
}, Effect.scoped)

const siteOf = ({ bytes, devices, helperLan, lan, rttMillis, wan }: Options): SiteOptions => ({
  devices,
  sites: 1,
  bytes,
  wan,
  lan,
  helperLan,
  rttMillis,
  loss: 0,
  churn: 0,
  staggerMillis: 0,
  service: "up"
})

/** What could not be measured, and files that are not what they should be, in sentences. */
export const failed = ({ failures, site, slow, warm }: Report): ReadonlyArray<string> => [
  ...failures.map((one) => `${one.case}: ${one.message}`),
  ...site
    .filter(({ devices, installed, verified }) => installed && verified < devices)
    .map(
      (one) =>
        `${one.case}, ${one.tool}: ${one.verified} of ${one.devices} devices have the file: ${one.failures[0] ?? ""}`
    ),
  ...(warm?.servers ?? []).flatMap(({ failed: why, server }) => (why === undefined ? [] : [`warm, ${server}: ${why}`])),
  ...slow
    .filter(({ connections, whole }) => whole < connections)
    .map(({ connections, server, whole }) => `slow, ${server}: ${whole} of ${connections} readers got their part`)
]
