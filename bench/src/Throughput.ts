/**
 * How fast one file comes over loopback: over HTTP beside curl and its like, and from one peer beside BitTorrent clients. Ratios above 1 mean
 * that Piecework took less time, at the median of all runs, each from the start of its process to the exit.
 *
 * Programs differ in how long they take to begin and to end (aria2c waits for its next tick of a second several times),
 * so the same is done with a small file, and the ratios "beyond start" are of what the large one took longer.
 */
import { Clock, Effect, FileSystem, Option, Path, Schema } from "effect"
import * as Apps from "./Apps.ts"
import * as Contest from "./Contest.ts"
import * as HttpContest from "./HttpContest.ts"
import { Meter } from "./Meter.ts"
import * as PeerContest from "./PeerContest.ts"
import * as Ratios from "./Ratios.ts"
import * as TestFile from "./TestFile.ts"
import * as Tools from "./Tools.ts"
import { torrentTools } from "./torrent/Client.ts"
import * as Workshop from "./Workshop.ts"

export const Part = Schema.Literals(["http", "peer"])
export type Part = typeof Part.Type

export interface Options {
  readonly bytes: number
  readonly turns: number
  readonly parts: ReadonlyArray<Part>
  /** Which tools are wanted beside Piecework. */
  readonly wants: (tool: string) => boolean
  /** Hears of what goes on. */
  readonly note: (text: string) => Effect.Effect<void>
}

/** Least ratios that this project holds itself to. */
export const targets = { simpleToCurl: 1, peerToAria2: 3 } as const

export const tools: ReadonlyArray<string> = [...new Set([...HttpContest.httpTools, ...torrentTools])]

const Standings = Schema.Struct({ small: Contest.Standings, large: Contest.Standings })

export const Report = Schema.Struct({
  scenario: Schema.Literal("throughput"),
  machine: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])),
  /** Where CPU and memory of whole processes come from; of those that are ended when they have the file, from /proc. */
  usageFrom: Schema.Literals(["wait4", "proc", "none"]),
  bytes: Schema.Natural,
  turns: Schema.Natural,
  http: Schema.optionalKey(Standings),
  peer: Schema.optionalKey(Standings),
  /** Of the large file, one for each tool that is there; null when it could not be measured. */
  ratios: Schema.Record(Schema.String, Schema.NullOr(Schema.Finite)),
  targets: Schema.Struct({ simpleToCurl: Schema.Finite, peerToAria2: Schema.Finite })
})
export interface Report extends Schema.Schema.Type<typeof Report> {}

/** The small file: over the size from which clients ask for peers, and next to nothing to carry. */
export const smallBytes = 16_777_216

/** Copies of the file on disk at once: original, two caches, two outputs. */
const copies = 5

/** Time for a start-up, and 10 MB/s, about as much as Transmission gets from a single peer. */
const limitOf = (bytes: number): number => 60_000 + bytes / 10_000

export const run = Effect.fn("Throughput.run")(function* (options: Options) {
  yield* Apps.prepare
  const { bytes, note, turns, wants } = options
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const meter = yield* Meter
  const root = yield* Workshop.open((bytes + smallBytes) * copies)

  /** A contest over a file of its own, in a folder of its own. */
  const over = <A, E, R>(hold: (contest: HttpContest.Options) => Effect.Effect<A, E, R>, size: number) =>
    Effect.gen(function* () {
      const folder = yield* fs.makeTempDirectoryScoped({ directory: root, prefix: "contest-" })
      yield* note(`a file of ${size} bytes, under ${folder}`)
      const file = yield* TestFile.make(path.join(folder, "file"), size)
      return yield* hold({ root: folder, file, turns, limitMillis: limitOf(size), wants, note })
    }).pipe(Effect.scoped)
  const both = <A, E, R>(part: Part, hold: (contest: HttpContest.Options) => Effect.Effect<A, E, R>) =>
    options.parts.includes(part)
      ? Effect.asSome(Effect.all({ small: over(hold, smallBytes), large: over(hold, bytes) }))
      : Effect.succeedNone

  const http = Option.getOrUndefined(yield* both("http", HttpContest.hold))
  const peer = Option.getOrUndefined(yield* both("peer", PeerContest.hold))
  const report: Report = {
    scenario: "throughput",
    machine: { ...Tools.machine(yield* Clock.currentTimeMillis) },
    usageFrom: meter.method,
    bytes,
    turns,
    ...(http === undefined ? {} : { http }),
    ...(peer === undefined ? {} : { peer }),
    ratios: {
      ...(http === undefined ? {} : Ratios.times("simpleTo", http)),
      ...(peer === undefined ? {} : { ...Ratios.times("peerTo", peer), ...Ratios.processors(peer) })
    },
    targets
  }
  return report
}, Effect.scoped)

/** What fell out of the contests, in sentences. */
export const failures = (report: Report): ReadonlyArray<string> =>
  Contest.failures([report.http, report.peer].flatMap((pair) => (pair === undefined ? [] : [pair.small, pair.large])))
