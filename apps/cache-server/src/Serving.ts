/** What a cache server does once it knows its settings: opens its doors one after the other, and says so when all are open. */
import { resolve } from "node:path"
import { X509Certificate } from "node:crypto"
import * as CacheHost from "@piecework/cachehosts/CacheHost"
import * as CacheNode from "@piecework/cachenode/CacheNode"
import { Figures } from "@piecework/cachenode/Figures"
import * as PolicySignature from "@piecework/cloud/PolicySignature"
import * as FolderLock from "@piecework/device/FolderLock"
import { Seeder } from "@piecework/download/Seeder"
import { Objects } from "@piecework/objects/Objects"
import { PeerHost } from "@piecework/peers/PeerHost"
import * as Journal from "@piecework/logs/Journal"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Supervisor } from "@piecework/terminal/Supervisor"
import * as Certificate from "@piecework/trust/Certificate"
import * as CertificateFiles from "@piecework/trust/CertificateFiles"
import { Clock, Context, Effect, Layer, Option } from "effect"
import * as Announcing from "./Announcing.ts"
import * as ControlServer from "./control/ControlServer.ts"
import * as Controlled from "./control/Controlled.ts"
import * as Enrolled from "./Enrolled.ts"
import { exitCodes } from "./ExitCode.ts"
import { Heartbeat } from "./Heartbeat.ts"
import { Live } from "./Live.ts"
import * as Node from "./Node.ts"
import * as NodeMetrics from "./NodeMetrics.ts"
import * as NodePolicy from "./NodePolicy.ts"
import * as Orders from "./Orders.ts"
import * as OrdersFile from "./OrdersFile.ts"
import * as Place from "./Place.ts"
import * as Reloading from "./Reloading.ts"
import { socketOf } from "./RunFolder.ts"
import type { Settings } from "./Settings.ts"
import * as Startup from "./Startup.ts"
import { version } from "./version.ts"

export interface ServingOptions {
  readonly settings: Settings
  /** The settings as they are said now. */
  readonly reread: Effect.Effect<Settings, Failure>
  /** The state folder as it was named, and the one that is used. */
  readonly state: string | undefined
  readonly root: string
  /** By what it becomes a node of its service, unless it is one. */
  readonly enrolling: { readonly token: string; readonly allowHttp: boolean } | undefined
  readonly isForPrograms: boolean
  /** Where metrics are served, if at all. */
  readonly metrics: Option.Option<MetricsPlace>
}

interface MetricsPlace {
  readonly host: string
  readonly port: number
}

/** Goes on until it is interrupted. */
export const run = Effect.fn("Serving.run")(function* (options: ServingOptions) {
  const { settings } = options
  const root = resolve(options.root)
  const serviceKeys = yield* keysIn(settings.serviceKey)
  const certificate = yield* certificateOf(settings)
  // Before anything of it is touched, and for as long as this runs.
  yield* FolderLock.hold(root, { who: "cache server" })
  if (options.enrolling !== undefined) yield* Enrolled.ensure({ ...options.enrolling, root, settings })
  const remembered = settings.service === undefined ? Option.none() : yield* OrdersFile.read(root, settings.service)
  const orders = Option.match(remembered, { onNone: () => Orders.none, onSome: (kept) => kept.orders })
  const policy = NodePolicy.of({
    group: settings.group,
    hasPeers: settings.peers !== undefined,
    parents: Orders.parentsOf(settings, orders).map(CacheHost.nameOf)
  })
  const node = Node.layer({
    settings,
    orders,
    serviceKeys,
    root,
    policy
  })
  return yield* serve(options, certificate, Option.getOrUndefined(remembered)?.node).pipe(
    Effect.scoped,
    Effect.provide(node),
    Startup.explained
  )
})

const serve = Effect.fnUntraced(function* (
  options: ServingOptions,
  certificate: CertificateFiles.Pair | undefined,
  nodeId: OrdersFile.Remembered["node"] | undefined
) {
  const { settings } = options
  const startedAt = yield* Clock.currentTimeMillis
  const { http, tls } = settings
  const seeding = yield* seed(settings)
  const open = (host: string | undefined) =>
    CacheNode.serve({
      host,
      port: http.port,
      tls: tls === undefined || certificate === undefined ? undefined : { ...certificate, port: tls.port }
    })
  const front = yield* open(http.host).pipe(
    // A system without IPv6 has no address that means all of both kinds.
    Effect.catchIf(
      ({ code }) => http.host === undefined && code === "EAFNOSUPPORT",
      () => open("0.0.0.0")
    ),
    Effect.mapError(Startup.ofFront({ http: http.port, tls: tls?.port }))
  )
  let shownCertificate = certificate === undefined ? undefined : factsOf(certificate)
  const doors = {
    http: front.port,
    https: front.tlsPort,
    certificate: () => shownCertificate
  }
  const heartbeat =
    settings.service === undefined
      ? undefined
      : Context.get(yield* Layer.build(Heartbeat.layer({ service: settings.service, doors, node: nodeId })), Heartbeat)
  const { address } = yield* PeerHost
  const shown = {
    http: Place.written({ host: http.host, port: front.port ?? http.port }),
    https: front.tlsPort === undefined ? undefined : Place.written({ host: http.host, port: front.tlsPort }),
    peers: settings.peers === undefined ? undefined : address.toString()
  }
  const controlled = yield* Controlled.make({
    startedAt,
    shown,
    seeding,
    service: heartbeat === undefined ? () => undefined : heartbeat.status
  })
  yield* ControlServer.serve(socketOf(options.state, resolve(options.root), process.env), controlled)
  yield* Reloading.onHangup({
    reread: options.reread,
    renew: (pair) => Effect.tap(front.renew(pair), () => Effect.sync(() => void (shownCertificate = factsOf(pair))))
  })
  yield* measure(options.metrics, {
    seeding,
    buffered: front.buffered,
    certificateUntil: () => shownCertificate?.until,
    heardAt: () => heartbeat?.status().heardAt
  })
  if (settings.announce && Announcing.isReachable(http.host)) yield* Announcing.announce(doors)
  yield* say(options, shown)
  return yield* Effect.never
})

/** Serves metrics until the scope closes; loads what that needs. */
const measure = Effect.fnUntraced(function* (
  place: Option.Option<MetricsPlace>,
  now: { readonly [K in "seeding" | "buffered"]: () => number } & {
    readonly [K in "certificateUntil" | "heardAt"]: () => number | undefined
  }
) {
  if (Option.isNone(place)) return
  const figures = yield* Figures
  const live = yield* Live
  const objects = yield* Objects
  const { EventLoop, MetricsServer, ProcessMetrics } = yield* Effect.promise(() => import("@piecework/telemetry"))
  const families = Effect.map(objects.drives, (drives) => {
    const { closed, maxOut } = live.inForce()
    return NodeMetrics.families({
      total: figures.total(),
      connections: figures.connections(),
      buffered: now.buffered(),
      drives,
      seeding: now.seeding(),
      isServing: closed === undefined,
      maxOut,
      certificateUntil: now.certificateUntil(),
      heardAt: now.heardAt()
    })
  })
  yield* Layer.build(
    Layer.mergeAll(
      MetricsServer.layer(place.value, { families }),
      EventLoop.EventLoop.layer,
      ProcessMetrics.layer(version)
    )
  )
})

/** Serves peers what is kept, if there are to be any; answers how many contents that is. */
const seed = Effect.fnUntraced(function* ({ group, peers }: Settings) {
  if (peers === undefined) return () => 0
  const seeder = yield* Seeder
  const seeding = yield* seeder
    .start({ scope: group === undefined ? "Lan" : "Group" })
    .pipe(Effect.mapError((error) => new Failure({ sentence: error.message, code: exitCodes.storage })))
  return () => seeding.contents().length
})

interface Shown {
  readonly http: string
  readonly https: string | undefined
  readonly peers: string | undefined
}

/** To people, programs and systemd. */
const say = Effect.fnUntraced(function* ({ isForPrograms }: ServingOptions, { http, https, peers }: Shown) {
  const output = yield* Output
  const { ready } = yield* Supervisor
  const { closed, origins } = (yield* Live).inForce()
  const doors = `${http}${https === undefined ? "" : ` and by HTTPS on ${https}`}`
  const also = peers === undefined ? "" : `, and peers on ${peers}`
  const whom =
    origins.length === 0
      ? "nobody, for no --origin is named,"
      : origins.length > 4
        ? `${origins.length} origins`
        : origins.join(", ")
  const sentence =
    closed ??
    (origins.length === 0 ? `Serving ${whom} on ${doors}${also}.` : `Serving files of ${whom} on ${doors}${also}.`)
  yield* Journal.note(() => [`The cache server runs. ${sentence}`, { version, node: process.version }])
  yield* Ending.settled
  yield* ready(sentence)
  yield* isForPrograms
    ? output.line(JSON.stringify({ http, https, peers }))
    : output.note(`piecework-cache: ${sentence}`)
})

/** Until when it is good (epoch milliseconds), and a name by which it is known. */
const factsOf = ({ cert }: CertificateFiles.Pair) => ({
  until: Date.parse(new X509Certificate(cert).validTo),
  name: Certificate.namesOf(cert).find((name) => /^[\w.-]+$/.test(name))
})

const certificateOf = Effect.fnUntraced(function* ({ tls }: Settings) {
  if (tls === undefined) return undefined
  return yield* Effect.mapError(
    CertificateFiles.read(tls),
    ({ message }) => new Failure({ sentence: message, code: exitCodes.file })
  )
})

const keysIn = (text: string | undefined): Effect.Effect<ReadonlyArray<PolicySignature.ServiceKey>, Failure> =>
  Effect.forEach(
    (text ?? "").split(",").filter((one) => one.trim() !== ""),
    (one) =>
      Option.match(PolicySignature.parseKey(one.trim()), {
        onNone: () =>
          Effect.fail(
            new Failure({
              sentence: `"${one.trim()}" is no key of a service; piecework-service key list shows them.`,
              code: exitCodes.usage
            })
          ),
        onSome: Effect.succeed
      })
  )
