/**
 * Many downloads at once in one process beside few at once, of the same files, so that what differs is only how many share
 * the buffers, the workers and the event loop; and beside as many bytes in few large files. Everything comes from an HTTP
 * server on loopback: in Simple mode, and as contents that are published, through the swarm's conductor.
 */
import { Clock, Effect, FileSystem, Option, Path, Schema } from "effect"
import * as Apps from "../Apps.ts"
import * as Contest from "../Contest.ts"
import { announcement, Meter, ProgramError } from "../Meter.ts"
import * as Statistics from "../Statistics.ts"
import * as TestFile from "../TestFile.ts"
import * as Tools from "../Tools.ts"
import * as Workshop from "../Workshop.ts"
import { Outcome, type Plan } from "./Plan.ts"

export const Mode = Schema.Literals(["simple", "swarm"])
export type Mode = typeof Mode.Type

export interface Options {
  /** Of all files together. */
  readonly bytes: number
  readonly turns: number
  /** Files, all of them under way at once. */
  readonly many: number
  /** As many at once for comparison; also the number of large files. */
  readonly few: number
  readonly modes: ReadonlyArray<Mode>
  /** Hears of what goes on. */
  readonly note: (text: string) => Effect.Effect<void>
}

/** Least ratio: ten per cent slower at most. */
export const targets = { manyToFew: 0.9 } as const

/** `many` files at once, the same files `few` at once, and `large` files, few and all at once. */
export const ways = ["many", "few", "large"] as const
export type Way = (typeof ways)[number]

export const Report = Schema.Struct({
  scenario: Schema.Literal("jobs"),
  machine: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])),
  /** Where peaks of memory come from. Times and CPU are the agent's own, without the start of its process. */
  usageFrom: Schema.Literals(["wait4", "proc", "none"]),
  bytes: Schema.Natural,
  turns: Schema.Natural,
  many: Schema.Natural,
  few: Schema.Natural,
  simple: Schema.optionalKey(Contest.Standings),
  swarm: Schema.optionalKey(Contest.Standings),
  ratios: Schema.Record(Schema.String, Schema.NullOr(Schema.Finite)),
  targets: Schema.Struct({ manyToFew: Schema.Finite })
})
export interface Report extends Schema.Schema.Type<typeof Report> {}

/** Above the size from which clients ask for peers. */
export const leastFileBytes = 10_000_001

/** Time for a start-up, and 20 MB/s. */
const limitOf = (bytes: number): number => 60_000 + bytes / 20_000

const OriginReady = Schema.Struct({ listening: Schema.String })
const ServiceReady = Schema.Struct({ listening: Schema.String })

/** Times of few over times of many: above 1, many at once are faster; and memory of many over that of few. */
export const ratios = (mode: Mode, standings: Contest.Standings): Report["ratios"] => {
  const { few, large, many } = standings
  const suffix = mode === "simple" ? "" : "InSwarm"
  if (few === undefined || many === undefined || large === undefined) return {}
  const memory =
    many.peakRssBytes === undefined || few.peakRssBytes === undefined
      ? null
      : Statistics.round(many.peakRssBytes / few.peakRssBytes, 3)
  return {
    [`manyToFew${suffix}`]: Contest.ratio(many, few),
    [`manyToLarge${suffix}`]: Contest.ratio(many, large),
    [`memoryOfManyToFew${suffix}`]: memory
  }
}

const failed = (cause: { readonly message: string }) =>
  new ProgramError({ name: "agent", reason: "NotStarted", detail: cause.message, cause })

export const run = Effect.fn("Jobs.run")(function* (options: Options) {
  const { bytes, few, many, note, turns } = options
  yield* Apps.prepare
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const meter = yield* Meter
  const root = yield* Workshop.open(bytes * 4)
  const originals = path.join(root, "files")
  const limitMillis = limitOf(bytes)

  yield* fs.makeDirectory(originals).pipe(Effect.mapError(failed))
  yield* note(`${many} files and ${few} files of ${bytes} bytes in all each, under ${root}`)
  const make = (kind: string, count: number) =>
    Effect.forEach(
      Array.from({ length: count }, (_, i) => path.join(originals, `${kind}-${i}`)),
      (name) => TestFile.make(name, Math.floor(bytes / count))
    )
  const small = yield* make("small", many)
  const large = yield* make("large", few)

  const origin = yield* announcement(yield* meter.start(Apps.origin(originals)), OriginReady)
  const data = path.join(root, "service")
  const service = yield* announcement(yield* meter.start(Apps.service(data)), ServiceReady)
  const urlOf = (file: TestFile.TestFile) => `${origin.listening}/${path.basename(file.path)}`
  if (options.modes.includes("swarm")) {
    for (const file of [...small, ...large]) yield* meter.run(Apps.publish(file.path, urlOf(file), data), limitMillis)
  }

  const fetch = Effect.fnUntraced(function* (mode: Mode, way: Way) {
    const folder = yield* Workshop.room(root, "agent")
    const files = way === "large" ? large : small
    const outputs = files.map((file) => ({ file, url: urlOf(file), path: path.join(folder, path.basename(file.path)) }))
    const plan: Plan = {
      state: path.join(folder, "state"),
      service: service.listening,
      mode: mode === "simple" ? "Simple" : "Lan",
      atOnce: way === "many" ? many : few,
      jobs: outputs.map(({ path: to, url }) => ({ url, path: to }))
    }
    const planFile = path.join(folder, "plan.json")
    yield* fs.writeFileString(planFile, JSON.stringify(plan)).pipe(Effect.mapError(failed))
    const { stdout, usage } = yield* meter.run(Apps.agent(planFile), limitMillis)
    const outcome = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Outcome))(stdout.trim()).pipe(
      Effect.mapError((cause) => new ProgramError({ name: "agent", reason: "Unintelligible", detail: stdout, cause }))
    )
    if (outcome.modes[plan.mode] !== files.length) {
      const detail = `not all were fetched in the mode ${plan.mode}: ${JSON.stringify(outcome.modes)}`
      return yield* new ProgramError({ name: "agent", reason: "WrongBytes", detail })
    }
    for (const output of outputs) yield* Workshop.verify("agent", output.path, output.file)
    const { cpuSeconds, seconds } = outcome
    return Contest.sample(
      { seconds, usage: Option.map(usage, ({ peakRssBytes }) => ({ cpuSeconds, peakRssBytes })) },
      Option.none(),
      Option.none()
    )
  }, Effect.scoped)

  const held = yield* Effect.forEach(options.modes, (mode) =>
    Effect.map(
      Contest.hold({
        contenders: ways.map((way) => ({ name: `${mode}, ${way}`, version: "sources", run: () => fetch(mode, way) })),
        turns,
        bytes,
        note
      }),
      (standings) => [mode, Object.fromEntries(standings.map((one, i) => [ways[i] ?? "", one]))] as const
    )
  )
  const report: Report = {
    scenario: "jobs",
    machine: { ...Tools.machine(yield* Clock.currentTimeMillis) },
    usageFrom: meter.method,
    bytes,
    turns,
    many,
    few,
    ...Object.fromEntries(held),
    ratios: Object.assign({}, ...held.map(([mode, standings]) => ratios(mode, standings))),
    targets
  }
  return report
}, Effect.scoped)

/** What could not be measured, in sentences. */
export const failures = (report: Report): ReadonlyArray<string> =>
  Contest.failures([report.simple ?? {}, report.swarm ?? {}])
