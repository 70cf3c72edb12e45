/**
 * Tells the service of this node, again and again: that it lives, how it is doing, and what it did, minute by minute; and does what the
 * service answers. Figures that were not taken are told again, a day of them at most. A service that does not answer changes nothing.
 */
import { hostname, networkInterfaces } from "node:os"
import { bytesFromCache, Figures, type Minute } from "@piecework/cachenode/Figures"
import type { MinuteFigures, NodeId } from "@piecework/cloud/CacheNode"
import * as CacheNodeRpcs from "@piecework/cloud/CacheNodeRpcs"
import * as HttpRpc from "@piecework/cloud/HttpRpc"
import { RequestRefused } from "@piecework/cloud/RoleError"
import * as Layers from "@piecework/device/Layers"
import { ServiceTrust } from "@piecework/device/ServiceTrust"
import { StateFolder } from "@piecework/device/StateFolder"
import { Objects } from "@piecework/objects/Objects"
import { Clock, Context, Duration, Effect, Layer, Result } from "effect"
import type { ServiceStatus } from "./control/Status.ts"
import { Live } from "./Live.ts"
import * as Orders from "./Orders.ts"
import * as OrdersFile from "./OrdersFile.ts"
import { Rates } from "./Rates.ts"
import { version } from "./version.ts"

/** Where it serves, and by what certificate. */
export interface Doors {
  readonly http: number | undefined
  readonly https: number | undefined
  /** Of the certificate that it shows now. */
  readonly certificate: () => { readonly until: number; readonly name: string | undefined } | undefined
}

export interface HeartbeatOptions {
  readonly service: string
  readonly doors: Doors
  /** As the service called it before this start. */
  readonly node: NodeId | undefined
}

export class Heartbeat extends Context.Service<Heartbeat, { readonly status: () => ServiceStatus }>()(
  "@piecework/cache-server/Heartbeat"
) {
  static readonly layer = (
    options: HeartbeatOptions
  ): Layer.Layer<Heartbeat, never, Figures | Live | Objects | Rates | ServiceTrust | StateFolder> =>
    Layer.effect(Heartbeat, make(options))
}

/** Between two, when the service does not say, or does not answer. */
const usualPause = Duration.minutes(1)
/** Once it said that this machine is no node of it. */
const refusedPause = Duration.minutes(10)
/** What a service may ask for, so that it neither floods itself nor forgets this node. */
const bounds = { minimum: Duration.seconds(5), maximum: Duration.hours(1) }

/** For the last word, while a supervisor waits for the process to end. */
const farewell = Duration.seconds(2)

const minuteMillis = 60_000

const make = Effect.fnUntraced(function* ({ doors, node, service }: HeartbeatOptions) {
  const figures = yield* Figures
  const live = yield* Live
  const objects = yield* Objects
  const rates = yield* Rates
  const { certificates, credential } = yield* ServiceTrust
  const { root } = yield* StateFolder
  const http = yield* Layer.build(Layers.nodeHttp(certificates))
  let id = node
  let takenUntil = 0
  let status: ServiceStatus = { url: service, isEnabled: live.orders().isEnabled }
  let told: string | undefined

  const figuresOf = (minute: Minute): typeof MinuteFigures.Type => {
    const peak = rates.peakOf(minute.start)
    return {
      minute: Math.floor(minute.start / minuteMillis),
      hits: minute.hits,
      misses: minute.misses,
      bytesOut: minute.bytesOut,
      bytesFromCache: bytesFromCache(minute),
      bytesFromOrigin: minute.bytesFromOrigin,
      bytesFromParents: minute.bytesFromParent,
      bytesFromPeers: minute.bytesFromPeers,
      maxOutBps: peak.out,
      maxInBps: peak.in
    }
  }

  const request = Effect.fnUntraced(function* (isStopping: boolean) {
    const now = yield* Clock.currentTimeMillis
    const drives = (yield* objects.drives).slice(0, 16)
    const broken = drives.flatMap(({ folder, problem }) =>
      problem === undefined ? [] : [{ code: "DriveFailed", text: `${folder}: ${problem}`.slice(0, 512) }]
    )
    const certificate = doors.certificate()
    const isExpired = certificate !== undefined && certificate.until <= now
    const over = figures
      .minutesSince((takenUntil + 1) * minuteMillis)
      .filter(({ start }) => start + minuteMillis <= now)
      .map(figuresOf)
    return new CacheNodeRpcs.HeartbeatRequest({
      ...(id === undefined ? {} : { nodeId: id }),
      version,
      hostName: hostname().slice(0, 253),
      state: isStopping ? "Stopping" : live.orders().isEnabled ? "Serving" : "Disabled",
      issues: broken,
      drives: drives.map(({ folder, problem, size, used }) => ({
        path: folder.slice(0, 512),
        size: Number.isFinite(size) ? size : 0,
        used,
        isWorking: problem === undefined
      })),
      addresses: ownAddresses(),
      ...(doors.http === undefined ? {} : { httpPort: doors.http }),
      ...(doors.https === undefined ? {} : { httpsPort: doors.https }),
      tls: {
        state: doors.https === undefined ? "Off" : isExpired ? "Expired" : "On",
        ...(certificate === undefined ? {} : { expiresAt: certificate.until }),
        ...(certificate?.name === undefined ? {} : { name: certificate.name })
      },
      sentAt: now,
      figures: over.slice(0, CacheNodeRpcs.mostMinutes)
    })
  })

  const url = service.replace(/\/+$/, "") + CacheNodeRpcs.path
  const tell = (said: CacheNodeRpcs.HeartbeatRequest) =>
    HttpRpc.call(CacheNodeRpcs.CacheNodeRpcs, { url, token: credential })((client) => client.Heartbeat(said)).pipe(
      Effect.provide(http)
    )
  const beat = Effect.gen(function* () {
    const said = yield* request(false)
    const replied = yield* Effect.result(tell(said))
    if (Result.isFailure(replied)) {
      const error = replied.failure
      const problem = problemOf(error)
      status = { ...status, problem }
      // Once for each trouble: this comes again every minute.
      if (told !== problem) yield* Effect.logWarning(problem)
      told = problem
      return error instanceof RequestRefused ? refusedPause : usualPause
    }
    told = undefined
    const { again, isEnabled, name, nodeId, takenUntil: until, work } = replied.success
    const was = live.inForce().closed
    id = nodeId
    takenUntil = until ?? takenUntil
    // First, so that who saw it obeyed finds it obeyed after any restart.
    yield* OrdersFile.write(root, service, { node: nodeId, orders: { isEnabled, name, work } })
    const words = Orders.ordersNeedStart(live.orders().work, work)
    live.obey({ isEnabled, name, work })
    if (words.length > 0)
      yield* Effect.logWarning(`The service says otherwise, from the next start on: ${words.join(", ")}.`)
    const now = live.inForce().closed
    if (was !== now) yield* Effect.logInfo(now ?? "The service lets this cache server serve again.")
    status = {
      url: service,
      node: nodeId,
      name,
      isEnabled,
      heardAt: yield* Clock.currentTimeMillis,
      ...(work.updateRing === undefined ? {} : { updateRing: ringOf(work.updateRing) })
    }
    return said.figures.length === CacheNodeRpcs.mostMinutes ? Duration.zero : Duration.clamp(again, bounds)
  })

  if (credential === undefined) {
    status = { ...status, problem: notEnrolled }
    yield* Effect.logInfo(notEnrolled)
  } else {
    // The service names it to nobody from then on; one that does not answer is not waited for.
    const leaving = Effect.suspend(() =>
      status.heardAt === undefined
        ? Effect.void
        : Effect.ignore(Effect.timeoutOption(Effect.interruptible(Effect.flatMap(request(true), tell)), farewell))
    )
    yield* Effect.addFinalizer(() => leaving)
    yield* Effect.forkScoped(Effect.forever(Effect.flatMap(beat, Effect.sleep)))
  }
  return Heartbeat.of({ status: () => status })
})

const notEnrolled =
  "This machine is not enrolled at its service, which therefore does not manage it; see piecework-cache enrol."

const problemOf = (error: RequestRefused | HttpRpc.ServiceError): string =>
  error instanceof RequestRefused
    ? "The service does not know this machine as one of its cache nodes; enrol it with piecework-cache enrol."
    : error.message

const ringOf = ({ day, ring, time, week }: { ring: string; day?: number; week?: number; time?: string }): string =>
  [
    ring,
    ...(day === undefined ? [] : [`day ${day}`]),
    ...(week === undefined ? [] : [`week ${week}`]),
    ...(time === undefined ? [] : [time])
  ].join(", ")

/** Those by which other machines reach this one, IPv4 first. */
const ownAddresses = (): ReadonlyArray<string> =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ address, internal }) => !internal && !/^(?:169\.254\.|fe80:)/i.test(address))
    .toSorted((a, b) => Number(a.family !== "IPv4") - Number(b.family !== "IPv4"))
    .map(({ address }) => address)
    .slice(0, 8)
