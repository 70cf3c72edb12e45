/**
 * How fast one file comes over loopback: over HTTP beside curl, and from one peer beside aria2c. Ratios above 1 mean
 * that Piecework took less time, at the median of all runs, each from the start of its process to the exit.
 */
import { Clock, Effect, Schema } from "effect"
import * as Path from "effect/Path"
import * as Contest from "./Contest.ts"
import * as HttpContest from "./HttpContest.ts"
import { Meter } from "./Meter.ts"
import * as PeerContest from "./PeerContest.ts"
import * as TestFile from "./TestFile.ts"
import * as Tools from "./Tools.ts"
import * as Workshop from "./Workshop.ts"

export const Part = Schema.Literals(["http", "peer"])
export type Part = typeof Part.Type

export interface Options {
  readonly bytes: number
  readonly turns: number
  readonly parts: ReadonlyArray<Part>
  /** Hears of what goes on. */
  readonly note: (text: string) => Effect.Effect<void>
}

/** Least ratios that this project holds itself to. */
export const targets = { simpleToCurl: 0.5, peerToAria2: 1 } as const

export const Report = Schema.Struct({
  scenario: Schema.Literal("throughput"),
  machine: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])),
  /** Where CPU and memory of whole processes come from. */
  usageFrom: Schema.Literals(["wait4", "proc", "none"]),
  bytes: Schema.Natural,
  turns: Schema.Natural,
  http: Schema.optionalKey(Schema.Struct({ piecework: Contest.Standing, curl: Contest.Standing })),
  peer: Schema.optionalKey(Schema.Struct({ piecework: Contest.Standing, aria2c: Contest.Standing })),
  /** Null when there is nothing to compare. */
  ratios: Schema.Struct({
    simpleToCurl: Schema.NullOr(Schema.Finite),
    peerToAria2: Schema.NullOr(Schema.Finite)
  }),
  targets: Schema.Struct({ simpleToCurl: Schema.Finite, peerToAria2: Schema.Finite })
})
export interface Report extends Schema.Schema.Type<typeof Report> {}

/** Copies of the file on disk at once: original, two caches, two outputs. */
const copies = 5

/** Time for a start-up, and 20 MB/s: far slower than anything that is worth waiting for. */
const limitOf = (bytes: number): number => 60_000 + bytes / 20_000

export const run = Effect.fn("Throughput.run")(function* (options: Options) {
  const { bytes, turns, note } = options
  const meter = yield* Meter
  const path = yield* Path.Path
  const root = yield* Workshop.open(bytes * copies)
  yield* note(`making a file of ${bytes} bytes under ${root}`)
  const file = yield* TestFile.make(path.join(root, "file"), bytes)
  const contest: HttpContest.Options = { root, file, turns, limitMillis: limitOf(bytes), note }
  const http = options.parts.includes("http") ? yield* HttpContest.hold(contest) : undefined
  const peer = options.parts.includes("peer") ? yield* PeerContest.hold(contest) : undefined
  const report: Report = {
    scenario: "throughput",
    machine: { ...Tools.machine(yield* Clock.currentTimeMillis) },
    usageFrom: meter.method,
    bytes,
    turns,
    ...(http === undefined ? {} : { http }),
    ...(peer === undefined ? {} : { peer }),
    ratios: {
      simpleToCurl: http === undefined ? null : Contest.ratio(http.piecework, http.curl),
      peerToAria2: peer === undefined ? null : Contest.ratio(peer.piecework, peer.aria2c)
    },
    targets
  }
  return report
}, Effect.scoped)

/** What was out of the contest, in sentences. */
export const failures = (report: Report): ReadonlyArray<string> =>
  [report.http?.piecework, report.http?.curl, report.peer?.piecework, report.peer?.aria2c]
    .map((standing) => standing?.failed)
    .filter((failed) => failed !== undefined)
