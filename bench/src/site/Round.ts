/** One run of one tool: all devices at once or one after the other, counted until the last has the file. */
import { cpus } from "node:os"
import { Deferred, Effect, FileSystem, Option, Path, Result, Schema, Stream } from "effect"
import { ChildProcess } from "effect/process"
import { type BytesBySource, fromPeers } from "@piecework/domain/SourceKind"
import * as Apps from "../Apps.ts"
import { Meter, ProgramError } from "../Meter.ts"
import type { TestFile } from "../TestFile.ts"
import type { Usage } from "../Usage.ts"
import * as Workshop from "../Workshop.ts"
import { type Contestant, inside, type Place } from "./Contestant.ts"
import * as Device from "./Device.ts"
import * as Namespaces from "./Namespaces.ts"
import { resultOf, servicePort } from "./PieceworkDevices.ts"
import { idealSeconds, lifeShare, type SiteOptions } from "./SiteOptions.ts"
import type { Topology } from "./Topology.ts"

/** What one device came to. Times are null of one that did not get the file in time. */
export interface Outcome {
  readonly seconds: number | null
  readonly startSeconds: number | null
  readonly verified: boolean
  /** Why not. */
  readonly failure: string | undefined
  readonly usage: Option.Option<Usage>
  /** Bytes of the file by where a Piecework device says they came from; those from others; bytes that it threw away. */
  readonly bytes: BytesBySource | null
  readonly fromPeers: number | null
  readonly wasted: number | null
}

export interface Round {
  readonly outcomes: ReadonlyArray<Outcome>
  /** Bytes of bodies that the origin sent. */
  readonly originBytes: number
  /** Of each site's line. */
  readonly crossed: ReadonlyArray<Namespaces.Crossed>
  /** How busy the processors of this machine were, with all that it does, 0 to 1. */
  readonly busy: number
  /** From the opening of the barrier to the last file, or to the limit. */
  readonly seconds: number
}

export interface Given {
  readonly options: SiteOptions
  readonly topology: Topology
  readonly file: TestFile
  /** Where the service keeps what is published. */
  readonly data: string
  /** Where the run makes its folders. */
  readonly root: string
  /** Longest that the run may take. */
  readonly limitSeconds: number
}

export const originPort = 80

export const urlOf = (topology: Topology): string => `http://${topology.origin.address}/file`

const OriginCount = Schema.fromJsonString(Schema.Struct({ bodyBytes: Schema.Natural }))

export const run = Effect.fn("Round.run")(function* (contestant: Contestant, given: Given) {
  const { options, topology, file } = given
  const meter = yield* Meter
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const root = yield* Workshop.room(given.root, contestant.tool)

  const origin = yield* meter.start(
    inside(topology.origin.namespace, Apps.origin(file.path, { host: topology.origin.address, port: originPort }))
  )
  yield* origin.firstLine
  const ideal = idealSeconds(options)
  const released = yield* Deferred.make<void>()
  const death = Effect.andThen(Deferred.await(released), Effect.sleep(ideal * lifeShare * 1000))
  const taskOf = yield* contestant.open({
    topology,
    file,
    url: urlOf(topology),
    service: {
      url: `http://${topology.service.address}:${servicePort}`,
      data: given.data,
      up: options.service !== "down",
      death: options.service === "dies" ? death : Effect.never
    },
    folder: root
  })

  const places = topology.sites.flatMap((site): ReadonlyArray<Place> =>
    site.devices.map((host) => ({ site, host, folder: path.join(root, host.namespace) }))
  )
  yield* Effect.forEach(places, ({ folder }) => fs.makeDirectory(folder)).pipe(
    Effect.mapError((cause) => new ProgramError({ name: "bench", reason: "NotStarted", detail: cause.message, cause }))
  )
  yield* barriers(places.map(({ folder }) => path.join(folder, Device.barrierName)))
  const devices = yield* Effect.forEach(places, (place) => Device.prepare(taskOf(place)), { concurrency: 4 })
  // Until the shells wait at their barriers.
  yield* Effect.sleep(200 + 10 * devices.length)

  const unsteady = new Set(chosen(devices.length, options.churn))
  const before = yield* Namespaces.crossed(topology)
  const processors = busyTimes()
  const startedAt = performance.now()
  yield* Deferred.succeed(released, undefined)
  const ended = yield* Effect.forEach(
    devices,
    (device, i) =>
      Effect.gen(function* () {
        yield* Effect.sleep(i * options.staggerMillis)
        yield* device.release
        if (unsteady.has(i)) {
          yield* Effect.sleep(ideal * 500)
          yield* device.restart
        }
        return yield* device.arrival
      }).pipe(
        Effect.timeoutOrElse({
          duration: given.limitSeconds * 1000,
          orElse: () =>
            new ProgramError({ name: contestant.tool, reason: "TimedOut", detail: `${given.limitSeconds} s are over` })
        }),
        Effect.result
      ),
    { concurrency: "unbounded" }
  )
  const seconds = (performance.now() - startedAt) / 1000
  const after = yield* Namespaces.crossed(topology)
  const busy = busyShare(processors, busyTimes())
  const usages = yield* Effect.forEach(devices, (device) => device.usage)
  // A device has been started before, most days: what one has compiled is there for the next run.
  yield* Effect.forEach(devices.slice(0, 1), (device) => device.end)
  const { bodyBytes } = yield* origin.lastLine.pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(OriginCount)),
    Effect.mapError(
      (cause) => new ProgramError({ name: "origin", reason: "Unintelligible", detail: String(cause), cause })
    )
  )

  const outcomes = yield* Effect.forEach(ended, (result, i) =>
    Effect.gen(function* () {
      const usage = usages[i] ?? Option.none<Usage>()
      const place = places[i]
      const checked =
        Result.isSuccess(result) && place !== undefined
          ? yield* Effect.result(Workshop.verify(contestant.tool, path.join(place.folder, "file"), file))
          : result
      const arrival = Option.getOrUndefined(Result.getSuccess(result))
      const own = arrival?.line === undefined ? Option.none() : resultOf(arrival.line)
      const outcome: Outcome = {
        seconds: arrival?.seconds ?? null,
        startSeconds: arrival?.startSeconds ?? null,
        verified: Result.isSuccess(checked),
        failure: Result.isFailure(checked) ? checked.failure.message : undefined,
        usage,
        bytes: Option.match(own, { onNone: () => null, onSome: ({ bytes }) => bytes }),
        fromPeers: Option.match(own, { onNone: () => null, onSome: ({ bytes }) => fromPeers(bytes) }),
        wasted: Option.match(own, {
          onNone: () => null,
          onSome: ({ waste }) => waste.bad + waste.duplicate + waste.cancelled
        })
      }
      return outcome
    })
  )
  const round: Round = {
    outcomes,
    originBytes: bodyBytes,
    crossed: after.map(({ down, up }, i) => ({ down: down - (before[i]?.down ?? 0), up: up - (before[i]?.up ?? 0) })),
    busy,
    seconds
  }
  return round
}, Effect.scoped)

/** The devices that are killed: as evenly among all as they go. At least one when there is any churn. */
export const chosen = (devices: number, churn: number): ReadonlyArray<number> => {
  const count = churn === 0 ? 0 : Math.max(1, Math.round(devices * churn))
  return Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * devices) / count))
}

const noBarrier = (cause: unknown) =>
  new ProgramError({ name: "mkfifo", reason: "NotStarted", detail: "no barrier for the devices", cause })

/** Pipes that devices wait at. */
const barriers = Effect.fnUntraced(function* (paths: ReadonlyArray<string>) {
  const handle = yield* ChildProcess.make("mkfifo", paths, { stdin: "ignore" }).pipe(Effect.mapError(noBarrier))
  yield* Effect.forkScoped(Effect.ignore(Stream.runDrain(handle.all)))
  const exitCode = yield* Effect.mapError(handle.exitCode, noBarrier)
  if (Number(exitCode) !== 0) return yield* noBarrier(exitCode)
})

interface Times {
  readonly idle: number
  readonly all: number
}

const busyTimes = (): Times => {
  const times = cpus().map((cpu) => cpu.times)
  return {
    idle: times.reduce((sum, { idle }) => sum + idle, 0),
    all: times.reduce((sum, { idle, irq, nice, sys, user }) => sum + idle + irq + nice + sys + user, 0)
  }
}

const busyShare = (before: Times, after: Times): number =>
  after.all === before.all ? 0 : 1 - (after.idle - before.idle) / (after.all - before.all)
