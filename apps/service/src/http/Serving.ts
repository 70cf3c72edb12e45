/** The service from its first word to its end. Loaded only when it is to serve. */
import { existsSync } from "node:fs"
import { join as inFolder } from "node:path"
import * as CatalogConfig from "@piecework/catalog/CatalogConfig"
import * as CatalogGate from "@piecework/catalog/CatalogGate"
import { Gate } from "@piecework/cloud/Gate"
import { EndpointUrl } from "@piecework/cloud/Fields"
import { type Database, fileName } from "@piecework/database/Database"
import * as NodesConfig from "@piecework/nodes/NodesConfig"
import { GroupNames } from "@piecework/reports/GroupNames"
import * as ReportsConfig from "@piecework/reports/ReportsConfig"
import { GroupNaming } from "@piecework/swarm/GroupNaming"
import * as SwarmConfig from "@piecework/swarm/SwarmConfig"
import { Swarms } from "@piecework/swarm/Swarms"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import * as Supervisor from "@piecework/terminal/Supervisor"
import type { Rate } from "@piecework/trust/Bucket"
import { Duration, Effect, identity, Layer, Option, type Redacted, Schema } from "effect"
import { HttpServer } from "effect/http"
import { NetAddress } from "effect/net"
import type { join } from "../cluster/Joining.ts"
import type { HostPort } from "../cluster/RunnerAddress.ts"
import { catalogOn, type Data, databaseIn } from "../command/options.ts"
import { exitCodes } from "../ExitCode.ts"
import { explained, ofDatabase } from "../Explained.ts"
import { EventLoop } from "@piecework/telemetry/EventLoop"
import * as Logs from "../operation/Logs.ts"
import * as LookMetrics from "../operation/LookMetrics.ts"
import * as ProcessMetrics from "@piecework/telemetry/ProcessMetrics"
import { Readiness } from "../operation/Readiness.ts"
import { summed } from "../operation/SwarmMetrics.ts"
import * as Traces from "../operation/Traces.ts"
import { Traffic } from "../operation/Traffic.ts"
import * as PlacesFile from "../report/PlacesFile.ts"
import { missing, type RoleName, type RoleUrl } from "../role/RoleName.ts"
import * as MetricsServer from "@piecework/telemetry/MetricsServer"
import * as HealthRoute from "./HealthRoute.ts"
import * as Service from "./Service.ts"
import * as TlsServer from "./TlsServer.ts"
import * as Trust from "./Trust.ts"
import { version } from "../version.ts"

export interface Options {
  /** Address to listen on; all of this machine's when absent. */
  readonly host: Option.Option<string>
  /** 0 takes a free one. */
  readonly port: number
  /** What clients are told; the URL by which they came when absent. */
  readonly publicUrl: Option.Option<string>
  /** Reverse proxies that are believed. */
  readonly proxies: ReadonlyArray<string>
  /** What this process is to do. */
  readonly roles: readonly [RoleName, ...ReadonlyArray<RoleName>]
  /** Where the others are. */
  readonly roleUrls: ReadonlyArray<RoleUrl>
  readonly privateNetworks: "one-site" | "by-subnet"
  /** Address of the console alone. */
  readonly consoleAt: Option.Option<{ readonly host: string; readonly port: number }>
  /** Where metrics are served, if at all. */
  readonly metrics: Option.Option<MetricsServer.Options>
  /** URL of the OpenTelemetry collector that gets traces, if any. */
  readonly otlp: Option.Option<string>
  readonly log: Logs.Options
  /** Where the other processes of the cluster are found; this process alone when absent. */
  readonly cluster: Option.Option<Redacted.Redacted>
  /** Where they reach this one, which then has swarms. */
  readonly runner: Option.Option<HostPort>
  readonly runnerListen: Option.Option<string>
  /** Whether devices may meet about contents that are not published here. */
  readonly unknownContents: "refuse" | "take"
  readonly data: Data
  /** Whether devices that have not enrolled are refused. */
  readonly requireEnrolment: boolean
  /** Certificate and key for HTTPS; what `init` made when absent. */
  readonly tlsCert: Option.Option<string>
  readonly tlsKey: Option.Option<string>
  readonly plainHttp: boolean
  /** Requests of one address, and of one device or operator. */
  readonly perAddress: Option.Option<Rate>
  readonly perIdentity: Option.Option<Rate>
  /** Days for which reports are kept, by themselves and in sums. */
  readonly keepEvents: Option.Option<number>
  readonly keepSums: Option.Option<number>
  /** File of the organisation's networks and where they are. */
  readonly places: Option.Option<string>
  /** Whether to say where it listens for a program. */
  readonly json: boolean
}

/** Serves until it is told to stop. */
export const run = Effect.fnUntraced(function* (options: Options) {
  const listenOn = Option.getOrUndefined(options.host)
  const publicUrl = yield* toldUrl(Option.getOrUndefined(options.publicUrl))
  const [lost] = publicUrl === undefined ? missing(options.roles, options.roleUrls) : []
  if (lost !== undefined) {
    return yield* new Failure({
      sentence: `Callers are to be told where ${lost} is: give --role-url ${lost}=URL, or the --public-url under which all roles are.`,
      code: exitCodes.usage
    })
  }
  const tls = yield* TlsServer.filesFor({ ...options, data: options.data.directory })
  const privateNetworks = options.privateNetworks === "by-subnet" ? "BySubnet" : "OneSite"
  const config = SwarmConfig.layer({ privateNetworks })
  const url = Option.getOrUndefined(options.cluster)
  if (url === undefined && Option.isSome(options.runner)) {
    return yield* new Failure({
      sentence: "A runner is one of a cluster: give --cluster postgres://… too.",
      code: exitCodes.usage
    })
  }
  const database = databaseIn({
    ...options.data,
    database: Option.orElse(options.data.database, () => options.cluster)
  })
  const joined = url === undefined ? undefined : yield* joining({ ...options, url, publicUrl }, database, config)
  const swarms = joined?.swarms ?? Swarms.layerEmbedded.pipe(Layer.provide(config))
  const catalog = catalogOn.pipe(Layer.provide(database))
  const isKept = hasDatabase(options)
  if (!isKept && options.unknownContents === "refuse" && options.roles.includes("array")) {
    return yield* new Failure({
      sentence:
        "An array without the catalog would refuse all contents: give the service's --data or --database, or --unknown-contents take.",
      code: exitCodes.usage
    })
  }
  const contents = CatalogConfig.layer({ unknownContents: options.unknownContents === "take" ? "Take" : "Refuse" })
  const gate = Layer.merge(
    isKept ? explained(CatalogGate.layer, ofDatabase).pipe(Layer.provide([catalog, contents])) : Gate.layerOpen,
    contents
  )
  const service = Service.layer(
    {
      host: listenOn,
      port: options.port,
      proxies: options.proxies,
      publicUrl,
      roles: options.roles,
      roleUrls: options.roleUrls,
      tls,
      consoleAt: Option.getOrUndefined(options.consoleAt),
      isSecure: tls !== undefined
    },
    {
      database,
      catalog,
      gate,
      swarms,
      ...(isKept ? { groups: groupsIn(database) } : {}),
      nodes: NodesConfig.layer({ privateNetworks }),
      reporting: Layer.merge(PlacesFile.layer(options.places), keeping(options)),
      trust: Trust.make({ ...options, hasCredentials: options.requireEnrolment || isKept }, database)
    }
  )
  const ready = Layer.effectDiscard(
    Effect.andThen(hurried, announced(listenOn, tls === undefined ? "http" : "https", options))
  )
  if (joined === undefined)
    return yield* ready.pipe(Layer.provide(service), operated(options, tls?.certificate), Layer.launch)
  return yield* Layer.mergeAll(ready, joined.announced).pipe(
    Layer.provide(service),
    Layer.provide(joined.arrays),
    // A runner has swarms whatever roles it has.
    Option.isSome(options.runner) ? Layer.provideMerge(joined.swarms) : identity,
    operated(options, tls?.certificate),
    Layer.launch
  )
})

/** As reports call them. */
const groupsIn = (database: Layer.Layer<Database, Failure>): Layer.Layer<GroupNaming, Failure> =>
  Layer.effect(
    GroupNaming,
    Effect.map(GroupNames, (names) => GroupNaming.of({ of: (groupId) => Effect.orDie(names.of(groupId)) }))
  ).pipe(Layer.provide(explained(GroupNames.layer, ofDatabase)), Layer.provide(database))

const keeping = ({ keepEvents, keepSums }: Options) =>
  ReportsConfig.layer({
    keepEvents: Option.match(keepEvents, { onNone: () => ReportsConfig.defaults.keepEvents, onSome: Duration.days }),
    keepSums: Option.match(keepSums, { onNone: () => ReportsConfig.defaults.keepSums, onSome: Duration.days })
  })

/** A process whose roles keep nothing makes no database; it has the one that is there, or that it must have. */
const hasDatabase = ({ cluster, data, roles }: Options): boolean =>
  Option.isSome(data.database) ||
  Option.isSome(cluster) ||
  roles.some((role) => role === "content-policy" || role === "metadata") ||
  existsSync(inFolder(data.directory, fileName))

/** With what an operator looks at: metrics, readiness, traces and the log. */
const operated =
  ({ log, metrics, otlp }: Options, certificate: string | undefined) =>
  <A, E, R>(self: Layer.Layer<A, E, R>) =>
    self.pipe(
      Layer.provide(Option.match(metrics, { onNone: () => Layer.empty, onSome: (at) => measured(at, certificate) })),
      Layer.provide(
        Readiness.layer.pipe(Layer.provideMerge([EventLoop.layer, Traffic.layer, ProcessMetrics.layer(version)]))
      ),
      Layer.provide(Supervisor.layer),
      Layer.provide([Logs.layer(log), Traces.layer(otlp)])
    )

/** Metrics, with health beside them. */
const measured = (at: MetricsServer.Options, certificate: string | undefined) =>
  Layer.unwrap(
    Effect.map(Readiness, (readiness) =>
      MetricsServer.layer(
        at,
        { summed, families: LookMetrics.families(readiness, certificate) },
        HealthRoute.layer.pipe(Layer.provide(Layer.succeed(Readiness, readiness)))
      )
    )
  )

/** Told a second time, the process ends at once; and whatever it is that does not end, it takes no longer than five seconds. */
const hurried = Effect.addFinalizer(() =>
  Effect.sync(() => {
    process.on("SIGTERM", endNow(exitCodes.interrupted)).on("SIGINT", endNow(exitCodes.interrupted))
    setTimeout(endNow(exitCodes.unexpected), 4800).unref()
  })
)

const endNow = (code: number) => () => process.exit(code)

/** Loaded only for a cluster. */
const joining = (...args: Parameters<typeof join>) =>
  Effect.flatMap(
    Effect.promise(() => import("../cluster/Joining.ts")),
    (Joining) => Joining.join(...args)
  )

const toldUrl = (text: string | undefined): Effect.Effect<string | undefined, Failure> =>
  text === undefined || Schema.is(EndpointUrl)(text)
    ? Effect.succeed(text?.replace(/\/+$/, ""))
    : Effect.fail(
        new Failure({
          sentence: `"${text}" is no URL that clients could be told; give one like https://service.example.`,
          code: exitCodes.badUrl
        })
      )

/** Says where it listens, for a person or a program, once it does. */
const announced = (listenOn: string | undefined, scheme: "http" | "https", { json, log, roles }: Options) =>
  Effect.gen(function* () {
    const output = yield* Output
    const { address } = yield* HttpServer.HttpServer
    if (!NetAddress.isInetAddress(address)) return yield* Effect.die("an address without a port")
    const isEverywhere = NetAddress.isUnspecified(address.address)
    const shown = isEverywhere ? "127.0.0.1" : NetAddress.formatUrlHost(address.address)
    const url = `${scheme}://${shown}:${address.port}`
    yield* Ending.settled
    yield* (yield* Supervisor.Supervisor).ready(`Listening at ${url}, roles ${roles.join(",")}.`)
    if (log.format === "json") yield* Effect.annotateLogs(Effect.logInfo("listening"), { url, roles: roles.join(",") })
    if (json) return yield* output.line(JSON.stringify({ listening: url }))
    if (log.format === "json") return undefined
    const where = listenOn === undefined || isEverywhere ? ` and on this machine's other addresses` : ""
    return yield* output.note(`piecework-service listens at ${url}${where}. Stop it with Ctrl-C.`)
  })
