/**
 * How many joins a second the matching service answers over HTTP, beside BitTorrent trackers with the same load: the same
 * members in the same swarms, each join renewing or changing one and answered with as many peers, from a process of its
 * own. Each server is started, filled, driven as fast as it answers, and driven at half of that.
 */
import { fileURLToPath } from "node:url"
import { Effect, FileSystem, Option, Path, Schedule, Schema, type Scope } from "effect"
import * as Apps from "../Apps.ts"
import { announcement, type Daemon, type Invocation, Meter, ProgramError } from "../Meter.ts"
import { round } from "../Statistics.ts"
import * as Tools from "../Tools.ts"
import type { Plan } from "./load.ts"
import * as Traffic from "./Traffic.ts"

export interface Options extends Traffic.Population {
  /** Of each of the two measurements. */
  readonly seconds: number
  readonly connections: number
  readonly note: (text: string) => Effect.Effect<void>
}

/** What the load program reports. */
const Load = Schema.Struct({
  answered: Schema.Finite,
  requestsPerSecond: Schema.Finite,
  p50Millis: Schema.NullOr(Schema.Finite),
  p99Millis: Schema.NullOr(Schema.Finite),
  maxMillis: Schema.NullOr(Schema.Finite),
  bytesPerAnswer: Schema.Finite,
  peersPerAnswer: Schema.NullOr(Schema.Finite),
  ownShare: Schema.Finite
})

const Standing = Schema.Struct({
  installed: Schema.Boolean,
  /** How to get it when it is not there. */
  install: Schema.optionalKey(Schema.String),
  failed: Schema.optionalKey(Schema.String),
  requestsPerSecond: Schema.optionalKey(Schema.Finite),
  /** Of all requests at half of that rate, from when each was due. */
  p99Millis: Schema.optionalKey(Schema.Finite),
  p50Millis: Schema.optionalKey(Schema.Finite),
  /** What a full collection left, with the members less without them; absent where the server has no such heap. */
  heapBytesPerMember: Schema.optionalKey(Schema.Finite),
  /** Of the process, at its highest, less before the members came. */
  rssBytesPerMember: Schema.optionalKey(Schema.Finite),
  bytesPerAnswer: Schema.optionalKey(Schema.Finite),
  peersPerAnswer: Schema.optionalKey(Schema.Finite),
  /** Of one processor, while the server was driven at its fastest: near 1, the load would be what is measured. */
  loadShare: Schema.optionalKey(Schema.Finite)
})
type Standing = typeof Standing.Type

export const Report = Schema.Struct({
  machine: Schema.Record(Schema.String, Schema.Unknown),
  members: Schema.Int,
  swarms: Schema.Int,
  peersWanted: Schema.Int,
  connections: Schema.Int,
  piecework: Standing,
  bittorrentTracker: Standing,
  opentracker: Standing,
  /** Requests a second of Piecework divided by those of the other. */
  ratios: Schema.Struct({
    toBittorrentTracker: Schema.NullOr(Schema.Finite),
    toOpentracker: Schema.NullOr(Schema.Finite)
  }),
  /** What this project holds itself to; null where it could not be measured. */
  targets: Schema.Struct({
    twiceBittorrentTracker: Schema.NullOr(Schema.Boolean),
    p99Under10Millis: Schema.NullOr(Schema.Boolean),
    heapUnder400Bytes: Schema.NullOr(Schema.Boolean)
  })
})
export type Report = typeof Report.Type

export const failures = (report: Report): ReadonlyArray<string> =>
  [report.piecework, report.bittorrentTracker, report.opentracker].flatMap(({ failed }) => failed ?? [])

/** A server to be measured: how it is started on a free port, and what it speaks. */
interface Server {
  readonly name: string
  readonly dialect: Traffic.Dialect
  readonly start: (
    invocationOf: (program: Invocation) => Invocation
  ) => Effect.Effect<{ readonly daemon: Daemon; readonly port: number }, ProgramError, Meter | Scope.Scope>
  /** Whether it runs on Node, so that its heap can be looked at. */
  readonly isNode: boolean
}

const at = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const Listening = Schema.Struct({ listening: Schema.String })

const portOf = (url: string) => Number(new URL(url).port)

const nodeServer = (name: string, dialect: Traffic.Dialect, program: Invocation): Server => ({
  name,
  dialect,
  isNode: true,
  start: Effect.fnUntraced(function* (invocationOf) {
    const meter = yield* Meter
    const daemon = yield* meter.start(invocationOf(program))
    const { listening } = yield* announcement(daemon, Listening)
    return { daemon, port: portOf(listening) }
  })
})

/** It says nothing when it listens, and drops its rights to those of `nobody` if it has more. */
const opentracker = (folder: string, port: number): Server => ({
  name: "opentracker",
  dialect: "bittorrent",
  isNode: false,
  start: Effect.fnUntraced(function* () {
    const meter = yield* Meter
    const args = ["-i", "127.0.0.1", "-p", String(port), "-P", String(port), "-d", folder, "-w", "/whitelist"]
    const daemon = yield* meter.start({ name: "opentracker", command: "opentracker", args })
    yield* Effect.sleep("1 second")
    return { daemon, port }
  })
})

export const run = Effect.fn("Matching.run")(function* (options: Options) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const folder = yield* fs.makeTempDirectoryScoped({ prefix: "piecework-matching-" })
  yield* Apps.prepare

  const piecework = nodeServer(
    "piecework-service",
    "piecework",
    Apps.service(path.join(folder, "data"), 0, ["--unknown-contents", "take"])
  )
  const tracker = nodeServer("bittorrent-tracker", "bittorrent", {
    name: "bittorrent-tracker",
    command: process.execPath,
    args: [at("npm-tracker.ts")]
  })
  const measured = yield* measure(piecework, options)
  const other = yield* measure(tracker, options)
  const third = yield* measureOpentracker(folder, options)
  const ratio = (standing: Standing) => {
    const [ours, theirs] = [measured.requestsPerSecond, standing.requestsPerSecond]
    return ours === undefined || theirs === undefined ? null : round(ours / theirs, 2)
  }
  const toTracker = ratio(other)
  const { heapBytesPerMember, p99Millis } = measured
  const report: Report = {
    machine: { ...Tools.machine(Date.now()) },
    members: options.members,
    swarms: options.swarms,
    peersWanted: options.wanted,
    connections: options.connections,
    piecework: measured,
    bittorrentTracker: other,
    opentracker: third,
    ratios: { toBittorrentTracker: toTracker, toOpentracker: ratio(third) },
    targets: {
      twiceBittorrentTracker: toTracker === null ? null : toTracker >= 2,
      p99Under10Millis: p99Millis === undefined ? null : p99Millis <= 10,
      heapUnder400Bytes: heapBytesPerMember === undefined ? null : heapBytesPerMember <= 400
    }
  }
  return report
}, Effect.scoped)

const measure = (
  server: Server,
  options: Options
): Effect.Effect<Standing, never, Meter | FileSystem.FileSystem | Path.Path> =>
  driven(server, options).pipe(
    Effect.scoped,
    Effect.catch((error) => Effect.succeed<Standing>({ installed: true, failed: error.message }))
  )

const driven = Effect.fnUntraced(function* (server: Server, options: Options) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const meter = yield* Meter
  const { connections, members, note, seconds, swarms, wanted } = options
  const heapFile = path.join(yield* fs.makeTempDirectoryScoped({ prefix: "piecework-heap-" }), "heap")
  yield* note(`${server.name}: starts`)
  const { daemon, port } = yield* server.start((program) => watched(program, heapFile))
  const load = Effect.fnUntraced(function* (way: Plan["way"], population: Traffic.Population, rate: number) {
    const plan: Plan = { ...population, dialect: server.dialect, port, way, connections, seconds, rate }
    const name = `the load on ${server.name}`
    const limit = (seconds + 120) * 1000
    const { stdout } = yield* meter.run(
      { name, command: process.execPath, args: [at("load.ts"), JSON.stringify(plan)] },
      limit
    )
    return yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Load))(stdout).pipe(
      Effect.mapError(
        (cause) => new ProgramError({ name, reason: "Unintelligible", detail: stdout.slice(0, 200), cause })
      )
    )
  })
  const heap = server.isNode ? heapOf(daemon, heapFile) : Effect.succeedNone
  const rss = Effect.map(
    daemon.usage,
    Option.map(({ peakRssBytes }) => peakRssBytes)
  )

  // Code is compiled and connections are known before the members come, so that their memory is what is more then.
  yield* load("fill", { members: Math.min(members, 5000), swarms: 1, wanted: 1 }, 0)
  const [heapBefore, rssBefore] = [yield* heap, yield* rss]
  yield* note(`${server.name}: ${members} members join`)
  yield* load("fill", { members, swarms, wanted }, 0)
  const [heapAfter, rssAfter] = [yield* heap, yield* rss]
  yield* note(`${server.name}: as fast as it answers`)
  const full = yield* load("full", { members, swarms, wanted }, 0)
  yield* note(`${server.name}: ${Math.round(full.requestsPerSecond)} requests a second; now at half of that`)
  const paced = yield* load("paced", { members, swarms, wanted }, Math.floor(full.requestsPerSecond / 2))
  const perMember = (before: Option.Option<number>, after: Option.Option<number>) =>
    Option.getOrUndefined(Option.zipWith(before, after, (less, more) => Math.round((more - less) / members)))
  const [heapBytes, rssBytes] = [perMember(heapBefore, heapAfter), perMember(rssBefore, rssAfter)]
  const standing: Standing = {
    installed: true,
    requestsPerSecond: Math.round(full.requestsPerSecond),
    p99Millis: round(paced.p99Millis ?? Number.NaN, 2),
    p50Millis: round(paced.p50Millis ?? Number.NaN, 2),
    ...(heapBytes === undefined ? {} : { heapBytesPerMember: heapBytes }),
    ...(rssBytes === undefined ? {} : { rssBytesPerMember: rssBytes }),
    bytesPerAnswer: Math.round(full.bytesPerAnswer),
    ...(full.peersPerAnswer === null ? {} : { peersPerAnswer: round(full.peersPerAnswer, 1) }),
    loadShare: round(full.ownShare, 2)
  }
  return standing
})

/** With a heap that can be asked about. */
const watched = ({ args, command, name }: Invocation, heapFile: string): Invocation => {
  const probe = new URL("heap-probe.ts", import.meta.url)
  probe.searchParams.set("to", heapFile)
  return { name, command, args: ["--expose-gc", "--import", probe.href, ...args] }
}

const heapOf = Effect.fnUntraced(function* (daemon: Daemon, file: string) {
  const fs = yield* FileSystem.FileSystem
  yield* Effect.ignore(fs.remove(file))
  yield* Effect.sync(() => process.kill(daemon.pid, "SIGUSR2"))
  return yield* fs.readFileString(file).pipe(
    Effect.map(Number),
    Effect.filterOrFail((bytes) => bytes > 0),
    Effect.retry(Schedule.max([Schedule.spaced("100 millis"), Schedule.recurs(100)])),
    Effect.option
  )
})

const measureOpentracker = Effect.fnUntraced(function* (folder: string, options: Options) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const known = yield* Tools.saysOf("opentracker", ["-h"], /opentracker|Usage/)
  if (Option.isNone(known)) {
    const missing: Standing = { installed: false, install: "apt-get install opentracker" }
    return missing
  }
  // Builds of distributions serve what is listed alone; the list is read from inside the folder.
  const place = path.join(folder, "opentracker")
  const hashes = Array.from({ length: options.swarms }, (_, swarm) => Traffic.infoHash(swarm).toString("hex"))
  yield* Effect.orDie(
    Effect.andThen(fs.makeDirectory(place), fs.writeFileString(path.join(place, "whitelist"), `${hashes.join("\n")}\n`))
  )
  return yield* measure(opentracker(place, 20_000 + (process.pid % 20_000)), options)
})
