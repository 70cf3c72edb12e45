/**
 * Background beside foreground: a device uploads to one beyond a thin line with a deep queue, through which somebody else sends
 * something that is waited for. What counts is what that flow still gets, how long its packets wait, and whether the upload
 * uses the line when nobody else does.
 */
import { readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { Clock, Effect, Exit, Fiber, Path, Schedule, Schema, Scope } from "effect"
import { ahead } from "../Ahead.ts"
import * as Apps from "../Apps.ts"
import { ClientResult } from "../ClientResult.ts"
import { announcement, type Daemon, type Invocation, Meter, ProgramError } from "../Meter.ts"
import { inside } from "../site/Contestant.ts"
import * as Maker from "../site/Maker.ts"
import * as Namespaces from "../site/Namespaces.ts"
import { servicePort } from "../site/PieceworkDevices.ts"
import * as TestFile from "../TestFile.ts"
import * as Tools from "../Tools.ts"
import * as Workshop from "../Workshop.ts"
import * as Bottleneck from "./Bottleneck.ts"
import * as YieldReport from "./YieldReport.ts"

export interface Options {
  /** Bits a second of the line. */
  readonly rate: number
  readonly queueBytes: number
  readonly rttMillis: number
  /** Of each measurement. */
  readonly seconds: number
  readonly note: (text: string) => Effect.Effect<void>
}

const flowPort = 5001
const originPort = 80
const allowed = "/proc/sys/net/ipv4/tcp_allowed_congestion_control"

/** Seconds from the first bytes of the upload to its measurement: its start is not what it does in the long run. */
const settling = 3

/** The same after the bulk flow has ended, and for how long it is looked at then. */
const recovering = 4

export const run = Effect.fn("Yield.run")(function* (options: Options) {
  const { note, rate, seconds } = options
  const means = yield* Namespaces.means
  yield* Namespaces.sweep
  yield* Maker.sweepFolders([Workshop.memory, tmpdir()])
  if (means.delayBy === "none" && options.rttMillis > 0) {
    yield* note("this kernel has no netem, so the round trip is as short as this machine is fast; --rtt has no effect")
  }
  yield* Apps.prepare
  yield* ahead
  const meter = yield* Meter
  const path = yield* Path.Path
  // What the line carries while nobody else uses it, and some more so that the upload does not end on the way.
  const bytes = Math.ceil((rate / 8) * (2.3 * seconds + 3 * settling + 3 * recovering))
  const root = yield* Workshop.openFast(Math.ceil(bytes * 3.6), yield* Maker.ownPrefix)
  const file = yield* TestFile.make(path.join(root, "original"), bytes)
  const congestion = Bottleneck.congestionOf(yield* Effect.promise(() => readFile(allowed, "utf8")))
  const shape = { rate, queueBytes: options.queueBytes, rttMillis: options.rttMillis, congestion }
  const plan = yield* Namespaces.build((prefix) => Bottleneck.plan(prefix, shape, means))
  const { downloader, receiver, sender, service, uploader } = plan

  const url = `http://${service.address}/file`
  const serviceUrl = `http://${service.address}:${servicePort}`
  const data = path.join(root, "service")
  yield* meter.run(Apps.publish(file.path, url, data), 60_000 + bytes / 20_000)
  const start = Effect.fnUntraced(function* (namespace: string, invocation: Invocation) {
    const daemon = yield* meter.start(inside(namespace, invocation))
    yield* daemon.firstLine
    return daemon
  })
  yield* start(service.namespace, Apps.service(data, servicePort))
  yield* start(receiver.namespace, Apps.flow(["sink", receiver.address, String(flowPort)]))

  const drive = Effect.fnUntraced(function* (what: number | "bulk", name: string, lasting = seconds) {
    const args = ["drive", receiver.address, String(flowPort), String(lasting), String(what)]
    const { stdout } = yield* meter.run(inside(sender.namespace, Apps.flow(args)), (lasting + 30) * 1000)
    const flow = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(YieldReport.Flow))(stdout.trim()).pipe(
      Effect.mapError((cause) => failure("Unintelligible", stdout.slice(0, 200), cause))
    )
    const p95 = YieldReport.quantile(flow.trips, 0.95)
    yield* note(
      `${name}: ${(flow.bitsPerSecond / 1e6).toFixed(2)} Mbit/s, datagrams ${YieldReport.quantile(flow.trips, 0.5).toFixed(1)} ms at the median, ${p95.toFixed(1)} ms at the 95th percentile`
    )
    return flow
  })
  const carried = Effect.gen(function* () {
    const [command, ...args] = Bottleneck.counters(plan.line)
    const { stdout } = yield* meter.run({ name: "ip", command, args }, 10_000)
    const [link] = yield* Schema.decodeUnknownEffect(Links)(stdout).pipe(
      Effect.mapError((cause) => failure("Unintelligible", "no counters", cause))
    )
    return { bytes: link.stats64.tx.bytes, at: performance.now() }
  })
  /** What the line carries meanwhile, in bits a second. */
  const carriedDuring = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.gen(function* () {
      const before = yield* carried
      const result = yield* effect
      const after = yield* carried
      return { result, bitsPerSecond: ((after.bytes - before.bytes) * 8000) / (after.at - before.at) }
    })

  const light = rate / 10
  const idle = yield* drive(0, "the idle line")
  const bulk = yield* drive("bulk", "a bulk flow alone")
  const lightAlone = yield* drive(light, "a light flow alone")
  // As the upload will be, the other is under way when it begins, and goes on for longer.
  const other = yield* Effect.forkScoped(drive("bulk", "the other", seconds + 2 * settling))
  yield* Effect.sleep(settling * 1000)
  const besidePlain = yield* drive("bulk", "a bulk flow beside another")
  yield* Fiber.join(other)

  const place = (name: string, seed: boolean) => ({
    url,
    output: path.join(root, `${name}-file`),
    state: path.join(root, name),
    service: serviceUrl,
    seed
  })
  const origin = yield* Scope.make()
  yield* start(service.namespace, Apps.origin(file.path, { host: service.address, port: originPort })).pipe(
    Scope.provide(origin),
    Effect.onError(() => Scope.close(origin, Exit.void))
  )
  const seeder = yield* meter.start(inside(uploader.namespace, Apps.getAcross(place("uploader", true))))
  yield* announcement(seeder, ClientResult, 60_000).pipe(Effect.ensuring(Scope.close(origin, Exit.void)))
  yield* note("the uploader has the file, and the origin is gone")

  const fetching = yield* meter.start(inside(downloader.namespace, Apps.getAcross(place("downloader", false))))
  const from = yield* carried
  yield* Effect.repeat(carried, {
    until: (now) => now.bytes - from.bytes > 1_000_000 || now.at - from.at > 60_000,
    schedule: Schedule.spaced("100 millis")
  })
  yield* Effect.sleep(settling * 1000)
  const alone = yield* carriedDuring(drive(0, "the upload alone"))
  const lightBesideUpload = yield* drive(light, "a light flow beside the upload")
  const bulkBesideUpload = yield* drive("bulk", "a bulk flow beside the upload")
  yield* Effect.sleep(recovering * 1000)
  const afterwards = yield* carriedDuring(Effect.sleep(recovering * 1000))
  yield* stillRunning(fetching)
  yield* note(`afterwards: ${(afterwards.bitsPerSecond / 1e6).toFixed(2)} Mbit/s over the line`)

  const measured = {
    idle,
    bulk,
    light: lightAlone,
    besidePlain,
    upload: { pings: alone.result, bitsPerSecond: alone.bitsPerSecond },
    lightBesideUpload,
    bulkBesideUpload,
    afterwards
  }
  const report: YieldReport.Report = {
    scenario: "yield",
    machine: { ...Tools.machine(yield* Clock.currentTimeMillis) },
    shape: { ...shape, seconds },
    delayBy: means.delayBy,
    ...YieldReport.figures(measured, rate)
  }
  return report
}, Effect.scoped)

const failure = (reason: ProgramError["reason"], detail: string, cause?: unknown) =>
  new ProgramError({ name: "bench yield", reason, detail, ...(cause === undefined ? {} : { cause }) })

const Link = Schema.Struct({ stats64: Schema.Struct({ tx: Schema.Struct({ bytes: Schema.Finite }) }) })
const Links = Schema.fromJsonString(Schema.NonEmptyArray(Link))

/** Fails when the download is over: then there was no upload beside what was measured last. */
const stillRunning = (daemon: Daemon) =>
  daemon.ended.pipe(
    Effect.raceFirst(Effect.sleep("200 millis")),
    Effect.mapError((cause) => failure("WrongBytes", "the download was over before the measurements were", cause))
  )
