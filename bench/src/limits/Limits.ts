/**
 * Whether limits of rate hold on the wire: real clients in network namespaces, behind a line that is faster than the limits,
 * and the counters of the interface that the bytes come in by.
 */
import { Clock, Effect, FileSystem, Path, Result, Schema, type Scope } from "effect"
import { readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Apps from "../Apps.ts"
import { type Invocation, Meter, ProgramError } from "../Meter.ts"
import { inside } from "../site/Contestant.ts"
import * as Maker from "../site/Maker.ts"
import * as Namespaces from "../site/Namespaces.ts"
import { servicePort } from "../site/PieceworkDevices.ts"
import { originPort, urlOf } from "../site/Round.ts"
import type { SiteOptions } from "../site/SiteOptions.ts"
import * as Topology from "../site/Topology.ts"
import * as TestFile from "../TestFile.ts"
import * as Tools from "../Tools.ts"
import * as Workshop from "../Workshop.ts"
import * as Cases from "./Cases.ts"
import * as Rates from "./Rates.ts"

export interface Options {
  readonly bytes: number
  /** Bits a second of the line. */
  readonly wan: number
  readonly rttMillis: number
  readonly cases: ReadonlyArray<Cases.Case>
  /** Hears of what goes on. */
  readonly note: (text: string) => Effect.Effect<void>
}

/** The mean lies at most this share under the limit. */
export const under = 0.05

const Outcome = Schema.Struct({
  case: Schema.String,
  what: Schema.String,
  /** Bytes a second. */
  limit: Schema.NullOr(Schema.Finite),
  mean: Schema.NullOr(Schema.Finite),
  /** The most in any two seconds, divided by two. */
  highest: Schema.NullOr(Schema.Finite),
  seconds: Schema.NullOr(Schema.Finite),
  withinTarget: Schema.Boolean,
  failure: Schema.optionalKey(Schema.String)
})

export const Report = Schema.Struct({
  scenario: Schema.Literal("limits"),
  machine: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])),
  bytes: Schema.Natural,
  wan: Schema.Finite,
  rttMillis: Schema.Finite,
  delayBy: Schema.Literals(["netem", "none"]),
  results: Schema.Array(Outcome)
})
export interface Report extends Schema.Schema.Type<typeof Report> {}

/** How often the counters are looked at. A window is known to within as much. */
const sampleEvery = "5 millis"

/** A LAN peer is not held back when it brings so many times the limit of the line. */
const farAbove = 4

export const run = Effect.fn("Limits.run")(function* (options: Options) {
  const { bytes, note } = options
  const means = yield* Namespaces.means
  yield* Namespaces.sweep
  yield* Maker.sweepFolders([Workshop.memory, tmpdir()])
  yield* Apps.prepare
  const meter = yield* Meter
  const path = yield* Path.Path
  const site: SiteOptions = {
    devices: 2,
    sites: 1,
    bytes,
    wan: options.wan,
    lan: 1e9,
    rttMillis: options.rttMillis,
    loss: 0,
    churn: 0,
    staggerMillis: 0,
    service: "up"
  }
  const root = yield* Workshop.openFast(bytes * 8, yield* Maker.ownPrefix)
  const file = yield* TestFile.make(path.join(root, "original"), bytes)
  const topology = yield* Namespaces.build((prefix) => Topology.plan(prefix, site, means))
  const data = path.join(root, "service")
  yield* meter.run(Apps.publish(file.path, urlOf(topology), data), 60_000)
  const origin = { host: topology.origin.address, port: originPort }
  yield* (yield* meter.start(inside(topology.origin.namespace, Apps.origin(file.path, origin)))).firstLine

  const results: Array<typeof Outcome.Type> = []
  for (const one of options.cases) {
    const result = yield* Effect.result(Effect.scoped(measure(one, { topology, file, data, root })))
    const { limit, rates } = Result.isSuccess(result) ? result.success : { limit: undefined, rates: undefined }
    const outcome: typeof Outcome.Type = {
      case: one.name,
      what: one.what,
      limit: rounded(limit),
      mean: rounded(rates?.mean),
      highest: rounded(rates?.highest),
      seconds: rates === undefined ? null : Number(rates.seconds.toFixed(2)),
      withinTarget: limit !== undefined && rates !== undefined && isWithin(one, limit, rates),
      ...(Result.isFailure(result) ? { failure: result.failure.message } : {})
    }
    results.push(outcome)
    yield* note(sentence(outcome))
  }
  const report: Report = {
    scenario: "limits",
    machine: { ...Tools.machine(yield* Clock.currentTimeMillis) },
    bytes,
    wan: options.wan,
    rttMillis: options.rttMillis,
    delayBy: means.delayBy,
    results
  }
  return report
}, Effect.scoped)

/** What could not be measured or did not hold, in sentences. */
export const failures = (report: Report): ReadonlyArray<string> =>
  report.results
    .filter(({ withinTarget }) => !withinTarget)
    .map((one) => `${one.case}: ${one.failure ?? "the limit does not hold"}`)

const isWithin = (one: Cases.Case, limit: number, { highest, mean }: Rates.Rates): boolean => {
  if (one.from === "LanPeer") return mean > limit * farAbove
  return highest !== undefined && mean >= limit * (1 - under) && mean <= limit && highest <= limit
}

const rounded = (rate: number | undefined): number | null => (rate === undefined ? null : Math.round(rate))

const sentence = ({ case: name, failure, highest, limit, mean, withinTarget }: typeof Outcome.Type): string => {
  if (limit === null || mean === null) return `${name}: ${failure ?? "nothing was transferred"}`
  const share = (rate: number | null) => (rate === null ? "not known" : `${((100 * rate) / limit).toFixed(1)} %`)
  const verdict = withinTarget ? "" : ", NOT within the target"
  return `${name}: limit ${Math.round(limit / 1024)} KiB/s, mean ${share(mean)}, highest over 2 s ${share(highest)}${verdict}`
}

interface Given {
  readonly topology: Topology.Topology
  readonly file: TestFile.TestFile
  readonly data: string
  readonly root: string
}

const notWritten = (cause: { readonly message: string }) =>
  new ProgramError({ name: "bench", reason: "NotStarted", detail: cause.message, cause })

const measure = Effect.fnUntraced(function* (one: Cases.Case, given: Given) {
  const { file, root, topology } = given
  const path = yield* Path.Path
  const fs = yield* FileSystem.FileSystem
  const meter = yield* Meter
  const folder = yield* Workshop.room(root, one.name)
  const [device, neighbour] = topology.sites[0]?.devices ?? []
  if (device === undefined || neighbour === undefined) return yield* Effect.die(new Error("a site of two devices"))
  const service = `http://${topology.service.address}:${servicePort}`
  const hasService = one.from !== "Origin"
  if (hasService) {
    yield* (yield* meter.start(inside(topology.service.namespace, Apps.service(given.data, servicePort)))).firstLine
  }

  const client = Effect.fnUntraced(function* (
    name: string,
    settings: Readonly<Record<string, unknown>>,
    more: ReadonlyArray<string>
  ): Effect.fn.Return<Invocation, ProgramError> {
    const policy = path.join(folder, `${name}.json`)
    yield* Effect.mapError(fs.writeFileString(policy, JSON.stringify(settings)), notWritten)
    const mode = one.from === "InternetPeer" ? "internet" : one.from === "Origin" ? "simple" : "lan"
    return Apps.getUnder({
      url: urlOf(topology),
      output: path.join(folder, `${name}.file`),
      state: path.join(folder, name),
      policy,
      more: ["--mode", mode, ...(hasService ? ["--service", service] : []), ...more]
    })
  })

  if (Cases.needsLine(one)) {
    yield* fetched(inside(device.namespace, yield* client("own", {}, ["--overwrite", "--json"])))
    yield* Effect.ignore(fs.remove(path.join(folder, "own", "cache"), { recursive: true }))
  }
  if (one.from === "InternetPeer" || one.from === "LanPeer") {
    const at = one.from === "LanPeer" ? neighbour : topology.origin
    const seed = yield* client("peer", one.peerSettings ?? {}, ["--seed", "1h", "--events", "--host", at.address])
    const seeding = yield* meter.start(inside(at.namespace, seed))
    yield* seeding.firstLine
    yield* waitFor(fs, path.join(folder, "peer.file"))
    // Until it has told the service that it holds everything.
    yield* Effect.sleep("2 seconds")
  }
  const own = yield* client("own", one.settings, ["--overwrite", "--json", "--priority", one.priority])
  const samples = yield* fetched(inside(device.namespace, own))
  yield* Workshop.verify("piecework", path.join(folder, "own.file"), file)
  const limit = typeof one.limit === "number" ? one.limit : one.limit.share * (yield* capacityIn(folder))
  process.stderr.write("SAMPLES " + JSON.stringify(samples.map((x) => [Math.round(x.at), x.bytes])) + "\n")
  return { limit, rates: Rates.of(samples) }
})

/** As they are now, read in one step, so that nothing else runs between the counters and their time. */
const countersOf = (pid: number) =>
  Effect.try(() => {
    const since = performance.now()
    const text = readFileSync(`/proc/${pid}/net/dev`, "latin1")
    return Rates.received(text, "eth0", { since, at: performance.now() })
  })

/** Runs it to its end; the counters of its interface meanwhile. */
const fetched = Effect.fnUntraced(function* (
  invocation: Invocation
): Effect.fn.Return<ReadonlyArray<Rates.Sample>, ProgramError, Meter | Scope.Scope> {
  const meter = yield* Meter
  const samples: Array<Rates.Sample> = []
  const daemon = yield* meter.start(invocation)
  const look = Effect.gen(function* () {
    const sample = yield* Effect.orElseSucceed(countersOf(daemon.pid), () => undefined)
    if (sample !== undefined) samples.push(sample)
    yield* Effect.sleep(sampleEvery)
  })
  // That it ended well is seen by what it leaves.
  yield* Effect.raceFirst(Effect.ignore(daemon.ended), Effect.forever(look)).pipe(
    Effect.timeoutOrElse({
      duration: "2 minutes",
      orElse: () => new ProgramError({ name: invocation.name, reason: "TimedOut", detail: "two minutes are over" })
    })
  )
  return samples
})

const waitFor = (fs: FileSystem.FileSystem, file: string) =>
  Effect.repeat(
    Effect.delay(
      Effect.orElseSucceed(fs.exists(file), () => false),
      "100 millis"
    ),
    {
      until: (isThere) => isThere
    }
  ).pipe(
    Effect.timeoutOrElse({
      duration: "1 minute",
      orElse: () => new ProgramError({ name: "piecework", reason: "TimedOut", detail: "the peer has no file" })
    })
  )

const Line = Schema.fromJsonString(Schema.Struct({ down: Schema.Struct({ rate: Schema.Finite }) }))

/** What the device measured. */
const capacityIn = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  return yield* fs.readFileString(path.join(folder, "own", "line.json")).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Line)),
    Effect.map(({ down }) => down.rate),
    Effect.mapError(
      (cause) => new ProgramError({ name: "piecework", reason: "Unintelligible", detail: "no measured line", cause })
    )
  )
})
