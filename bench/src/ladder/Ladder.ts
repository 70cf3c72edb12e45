/**
 * Files of all sizes by a running agent, beside curl in the same run: what a program waits for that hands a download to the agent,
 * without the start of any process. Each way fetches each size in turn, from one HTTP server; each file is checked and removed.
 */
import { join } from "node:path"
import { runFolder, socketName } from "@piecework/client/AgentPlace"
import * as Piecework from "@piecework/client/Piecework"
import { Clock, Effect, FileSystem, Path, Schema } from "effect"
import * as Apps from "../Apps.ts"
import { Spread } from "../Contest.ts"
import { announcement, Meter, ProgramError } from "../Meter.ts"
import * as Statistics from "../Statistics.ts"
import * as TestFile from "../TestFile.ts"
import * as Tools from "../Tools.ts"
import * as Workshop from "../Workshop.ts"
import * as Rest from "./Rest.ts"
import * as Steps from "./Steps.ts"

export const usualSizes = [1, 1000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000] as const

export interface Options {
  /** Bytes of each file. */
  readonly sizes: ReadonlyArray<number>
  /** Runs of each size; small ones, whose times are those of a moment, get five times as many. */
  readonly turns: number
  /** Hears of what goes on. */
  readonly note: (text: string) => Effect.Effect<void>
}

export const Report = Schema.Struct({
  scenario: Schema.Literal("ladder"),
  machine: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])),
  turns: Schema.Natural,
  /** The very first download of the agent, of the smallest file: not among the others. */
  firstMillis: Schema.Finite,
  /** curl as a whole process, for the smallest file. */
  curlProcessMillis: Spread,
  steps: Schema.Array(Steps.Step),
  targets: Schema.Struct({ smallMillis: Schema.Finite, largeRatio: Schema.Finite }),
  /** By the agent's own interface, all sizes that targets speak of. */
  withinTarget: Schema.Boolean
})
export interface Report extends Schema.Schema.Type<typeof Report> {}

/** Bytes below which a size is run more often. */
const brief = 1_000_000
const moreOften = 5
/** Downloads of each way that are not measured, for each of up to five runs behind the first. */
const warmUp = 40

const OriginReady = Schema.Struct({ listening: Schema.String })
const AgentReady = Schema.Struct({ rest: Schema.Int })

/** The agent's socket in its state folder. */
const socketIn = (state: string): string =>
  join(runFolder({ named: undefined, isCompatible: false, state }, {}), socketName)

/** Time for whatever comes first, and 10 MB/s. */
const limitOf = (bytes: number): number => 60_000 + bytes / 10_000

const failed = (cause: { readonly message: string }) =>
  new ProgramError({ name: "the ladder", reason: "NotStarted", detail: cause.message, cause })

export const run = Effect.fn("Ladder.run")(function* ({ note, sizes, turns }: Options) {
  yield* Apps.prepare
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const meter = yield* Meter
  const largest = Math.max(...sizes)
  // The originals, one copy at its place, and what the agent keeps meanwhile.
  const root = yield* Workshop.open(sizes.reduce((sum, size) => sum + size, 0) + 3 * largest)
  const [originals, places] = [path.join(root, "files"), path.join(root, "places")]
  yield* Effect.mapError(Effect.andThen(fs.makeDirectory(originals), fs.makeDirectory(places)), failed)
  const files = yield* Effect.forEach(sizes, (size) => TestFile.make(path.join(originals, String(size)), size))

  const origin = yield* announcement(yield* meter.start(Apps.origin(originals)), OriginReady)
  const state = path.join(root, "state")
  const daemon = yield* meter.start(Apps.runningAgent(state))
  const { rest: port } = yield* announcement(daemon, AgentReady)
  const byRest = yield* Rest.connect(port)
  const socket = socketIn(state)

  /** Milliseconds that `fetch` took for the file, or says that it took. */
  const measured = <E>(
    name: string,
    file: TestFile.TestFile,
    fetch: (url: string, place: string) => Effect.Effect<number | void, E>
  ) =>
    Effect.gen(function* () {
      const place = path.join(places, `${name}-${path.basename(file.path)}`)
      const before = yield* Clock.currentTimeNanos
      const told = yield* fetch(`${origin.listening}/${path.basename(file.path)}`, place).pipe(
        Effect.timeoutOrElse({
          duration: limitOf(file.size),
          orElse: () => Effect.fail(new ProgramError({ name, reason: "TimedOut", detail: `${file.size} bytes` }))
        })
      )
      const took = Number((yield* Clock.currentTimeNanos) - before) / 1e6
      yield* Workshop.verify(name, place, file)
      yield* Effect.mapError(fs.remove(place), failed)
      return typeof told === "number" ? told : took
    })
  const processes: Array<number> = []
  const fetchers = {
    curl: (url: string, place: string) =>
      Effect.gen(function* () {
        const { seconds, stdout } = yield* meter.run(Apps.curlTimed(url, place), limitOf(largest))
        processes.push(seconds * 1000)
        return Number(stdout) * 1000
      }),
    // As a program does that has one file to fetch: the connection is part of it.
    api: (url: string, place: string) =>
      Piecework.download(url, { path: place, socket }).pipe(
        Effect.asVoid,
        Effect.mapError((cause) => new ProgramError({ name: "api", reason: "Failed", detail: cause.message, cause }))
      ),
    rest: byRest
  }

  const [smallest] = files.toSorted((one, other) => one.size - other.size)
  if (smallest === undefined) return yield* failed({ message: "there are no sizes" })
  const firstMillis = yield* measured("api", smallest, fetchers.api)
  // Ones that are not measured: an agent runs for weeks, and the engine compiles in its first downloads.
  for (let turn = 0; turn < warmUp * Math.min(turns - 1, 5); turn++) {
    for (const way of Steps.ways) yield* measured(way, smallest, fetchers[way])
  }
  processes.length = 0
  const steps: Array<Steps.Step> = []
  let curlProcess: ReadonlyArray<number> = []
  for (const file of files) {
    const runs: { [W in Steps.Way]: Array<number> } = { curl: [], api: [], rest: [] }
    const often = file.size < brief ? turns * moreOften : turns
    for (let turn = 0; turn < often; turn++) {
      for (const way of Steps.ways) runs[way].push(yield* measured(way, file, fetchers[way]))
    }
    if (file === smallest) curlProcess = [...processes]
    const step = Steps.step(file.size, runs)
    const medians = Steps.ways.map((way) => `${way} ${step[way].millis.median} ms`).join(", ")
    yield* note(`${file.size} bytes: ${medians}`)
    steps.push(step)
  }
  const report: Report = {
    scenario: "ladder",
    machine: { ...Tools.machine(yield* Clock.currentTimeMillis) },
    turns,
    firstMillis: Statistics.round(firstMillis, 2),
    curlProcessMillis: Statistics.spread(curlProcess.map((millis) => Statistics.round(millis, 2))) ?? {
      median: 0,
      min: 0,
      max: 0
    },
    steps,
    targets: Steps.targets,
    withinTarget: steps.every(({ api }) => api.withinTarget !== false)
  }
  return report
}, Effect.scoped)
