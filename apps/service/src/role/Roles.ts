/**
 * What the roles of the service are: names, routes and what stands behind them. A process has any set of them, and what a role
 * needs (database, swarms) is made only for a process that has the role, and once. A new role is one line in `routes`.
 */
import { Catalog } from "@piecework/catalog/Catalog"
import { ClientSettings, handedOut } from "@piecework/catalog/ClientSettings"
import type { CatalogConfig } from "@piecework/catalog/CatalogConfig"
import { Administration } from "@piecework/catalog/Administration"
import { RuleHasher } from "@piecework/catalog/RuleHasher"
import { Rules } from "@piecework/catalog/Rules"
import { UrlPublisher } from "@piecework/catalog/UrlPublisher"
import * as ContentAdminHandlers from "@piecework/catalog/ContentAdminHandlers"
import * as ContentPolicyHandlers from "@piecework/catalog/ContentPolicyHandlers"
import { ArrayRpcs } from "@piecework/cloud/ArrayRpcs"
import type { CallerMiddleware } from "@piecework/cloud/Caller"
import { ContentPolicyRpcs } from "@piecework/cloud/ContentPolicyRpcs"
import * as CacheNodeAdminRpcs from "@piecework/cloud/CacheNodeAdminRpcs"
import * as CacheNodeRpcs from "@piecework/cloud/CacheNodeRpcs"
import * as ContentAdminRpcs from "@piecework/cloud/ContentAdminRpcs"
import type { Gate } from "@piecework/cloud/Gate"
import * as DiscoveryHandlers from "@piecework/cloud/DiscoveryHandlers"
import { DiscoveryRpcs } from "@piecework/cloud/DiscoveryRpcs"
import * as GeoHandlers from "@piecework/cloud/GeoHandlers"
import { GeoRpcs } from "@piecework/cloud/GeoRpcs"
import * as KeyValueHandlers from "@piecework/cloud/KeyValueHandlers"
import { type KeyValueReply, KeyValueRpcs } from "@piecework/cloud/KeyValueRpcs"
import { paths } from "@piecework/cloud/Role"
import * as ReachRpcs from "@piecework/cloud/ReachRpcs"
import { ReportRpcs } from "@piecework/cloud/ReportRpcs"
import { Places } from "@piecework/reports/Places"
import * as ReportAdminHandlers from "@piecework/reports/ReportAdminHandlers"
import * as ReportAdminRpcs from "@piecework/reports/ReportAdminRpcs"
import * as ReportHandlers from "@piecework/reports/ReportHandlers"
import { Reports } from "@piecework/reports/Reports"
import * as ReportsConfig from "@piecework/reports/ReportsConfig"
import * as Sweeper from "@piecework/reports/Sweeper"
import { Database } from "@piecework/database/Database"
import * as Probe from "@piecework/database/Probe"
import { HasherConfig, PieceHasher } from "@piecework/hashing"
import * as HeartbeatHandlers from "@piecework/nodes/HeartbeatHandlers"
import { Heartbeats } from "@piecework/nodes/Heartbeats"
import * as NodeAdminHandlers from "@piecework/nodes/NodeAdminHandlers"
import { NodeDirectory } from "@piecework/nodes/NodeDirectory"
import { NodeFigures } from "@piecework/nodes/NodeFigures"
import { Nodes } from "@piecework/nodes/Nodes"
import * as NodesConfig from "@piecework/nodes/NodesConfig"
import * as NodeSweeper from "@piecework/nodes/NodeSweeper"
import { ReachConfig, ReachHandlers } from "@piecework/reach"
import { HttpClient, HttpClientConfig, Proxies } from "@piecework/sources"
import type { Failure } from "@piecework/terminal/Failure"
import { Transport } from "@piecework/transport"
import * as ArrayHandlers from "@piecework/swarm/ArrayHandlers"
import { GroupNaming } from "@piecework/swarm/GroupNaming"
import * as SwarmHandlers from "@piecework/swarm/SwarmHandlers"
import * as SwarmRpcs from "@piecework/swarm/SwarmRpcs"
import { Swarms } from "@piecework/swarm/Swarms"
import { ContentId } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Audit } from "@piecework/trust/Audit"
import * as SigningKeys from "@piecework/trust/SigningKeys"
import { Duration, Effect, Layer } from "effect"
import type { HttpRouter } from "effect/http"
import { type Rpc, type RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { explained, ofDatabase } from "../Explained.ts"
import * as SiteRoutes from "../console/SiteRoutes.ts"
import * as PhfRoute from "../http/PhfRoute.ts"
import { credentials, type Trust } from "../http/Trust.ts"
import * as CatalogMetrics from "../operation/CatalogMetrics.ts"
import * as NodeMetrics from "../operation/NodeMetrics.ts"
import { Readiness } from "../operation/Readiness.ts"
import type { RoleName } from "./RoleName.ts"

/** What roles may stand on. */
export interface Rooms {
  readonly database: Layer.Layer<Database, Failure>
  readonly catalog: Layer.Layer<Catalog, Failure>
  /** Who may have what of it. */
  readonly gate: Layer.Layer<CatalogConfig | Gate, Failure>
  readonly swarms: Layer.Layer<Swarms, Failure>
  /** What operators see groups called. Default: names that last as long as the process. */
  readonly groups?: Layer.Layer<GroupNaming, Failure>
  /** How cache nodes come and are told of. Default: what `NodesConfig` says. */
  readonly nodes?: Layer.Layer<NodesConfig.NodesConfig>
  /** How long reports are kept, and which networks are where. Default: what `ReportsConfig` says, and nowhere. */
  readonly reporting?: Layer.Layer<Places | ReportsConfig.ReportsConfig, Failure>
  /** Whether callers are told where to report to. */
  readonly takesReports: boolean
  /** Folders where the console's files may be, of which the first counts that has them. Default: where they are built. */
  readonly page?: ReadonlyArray<string>
  /** Whom it dials back that asks whether others reach it. Default: what `ReachConfig` says. */
  readonly reach?: Layer.Layer<ReachConfig.ReachConfig>
  /** Who is let in, whatever the role. */
  readonly trust: Trust
}

/** Routes that still want the router, who calls, and where a role says whether it works. */
export type Routes = Layer.Layer<never, Failure, HttpRouter.HttpRouter | CallerMiddleware | Readiness>

export const routes = ({
  catalog,
  database,
  gate,
  groups = GroupNaming.layerOwn,
  nodes = NodesConfig.layer(),
  reach = ReachConfig.layer(),
  reporting = Layer.merge(Places.layerNone, ReportsConfig.layer()),
  swarms,
  page,
  takesReports
}: Rooms): { readonly [N in RoleName]: Routes } => {
  const administration = Layer.mergeAll(Administration.layer, Rules.layer, ClientSettings.layer).pipe(
    Layer.provideMerge(explained(Audit.layer, ofDatabase))
  )
  // A rule's contents are read by whoever tells what they are.
  const ruled = RuleHasher.layer.pipe(Layer.provide([origins, hasher, administration]))
  const publisher = UrlPublisher.layer.pipe(Layer.provide([origins, hasher, administration]))
  const signer = explained(
    SigningKeys.layerSigner.pipe(Layer.provide(SigningKeys.SigningKeys.layer), Layer.provide(Audit.layer)),
    ofDatabase
  )
  const reports = Sweeper.layer.pipe(
    Layer.provideMerge(explained(Reports.layer, ofDatabase)),
    Layer.provide([database, reporting])
  )
  const cacheNodes = Layer.mergeAll(NodeDirectory.layer, Heartbeats.layer, NodeFigures.layer).pipe(
    Layer.provideMerge(explained(Nodes.layer, ofDatabase)),
    Layer.provide(credentials),
    Layer.provideMerge(nodes)
  )
  return {
    geo: works(
      "geo",
      Layer.merge(
        rpcs(GeoRpcs, paths.Geo, GeoHandlers.layer),
        rpcs(
          ReachRpcs.ReachRpcs,
          ReachRpcs.path,
          ReachHandlers.layer.pipe(Layer.provide([reach, Transport.Transport.layer]))
        )
      ),
      Effect.void
    ),
    kv: works(
      "kv",
      Layer.mergeAll(
        rpcs(KeyValueRpcs, paths.KeyValue, keyValue(takesReports)),
        rpcs(CacheNodeRpcs.CacheNodeRpcs, CacheNodeRpcs.path, HeartbeatHandlers.layer),
        rpcs(CacheNodeAdminRpcs.CacheNodeAdminRpcs, CacheNodeAdminRpcs.path, NodeAdminHandlers.layer),
        NodeSweeper.layer,
        NodeMetrics.layer
      ),
      Effect.void
    ).pipe(
      Layer.provide(cacheNodes),
      Layer.provide(ClientSettings.layer.pipe(Layer.provide(explained(Audit.layer, ofDatabase)))),
      Layer.provide([catalog, database])
    ),
    "content-policy": works(
      "content-policy",
      Layer.mergeAll(
        rpcs(ContentPolicyRpcs, paths.ContentPolicy, ContentPolicyHandlers.layer.pipe(Layer.provide([ruled, signer]))),
        rpcs(ContentAdminRpcs.ContentAdminRpcs, ContentAdminRpcs.path, ContentAdminHandlers.layer).pipe(
          Layer.provide([administration, publisher])
        ),
        CatalogMetrics.layer
      ),
      Effect.andThen(readable, Effect.flatMap(Database, Probe.writable))
    ).pipe(Layer.provide([catalog, database, gate])),
    metadata: works("metadata", PhfRoute.layer, readable).pipe(Layer.provide([catalog, gate])),
    discovery: works("discovery", rpcs(DiscoveryRpcs, paths.Discovery, DiscoveryHandlers.layer), Effect.void),
    array: works(
      "array",
      Layer.merge(
        rpcs(ArrayRpcs, paths.Array, ArrayHandlers.layer),
        rpcs(SwarmRpcs.SwarmRpcs, SwarmRpcs.path, SwarmHandlers.layer)
      ),
      answering
    ).pipe(Layer.provide([swarms, gate, groups])),
    reports: works(
      "reports",
      Layer.merge(
        rpcs(ReportRpcs, paths.Reports, ReportHandlers.layer),
        rpcs(ReportAdminRpcs.ReportAdminRpcs, ReportAdminRpcs.path, ReportAdminHandlers.layer)
      ),
      Effect.flatMap(Database, Probe.writable)
    ).pipe(Layer.provide([reports, database])),
    console: works("console", SiteRoutes.layer(page), Effect.void)
  }
}

/** The client of origins, by the proxies of the environment, and one thread that hashes what they have. */
const origins = HttpClient.HttpClient.layer.pipe(
  Layer.provide(HttpClientConfig.layer({ proxies: Proxies.fromEnvironment(process.env) })),
  Layer.provide(Transport.Transport.layer)
)
const hasher = PieceHasher.PieceHasher.layer.pipe(Layer.provide(HasherConfig.layer({ workers: 1 })))

/** A role with what tells whether it works. */
const works = <E, R, RC>(
  role: RoleName,
  serving: Layer.Layer<never, E, R>,
  check: Effect.Effect<unknown, { readonly message: string }, RC>
) =>
  Layer.merge(
    serving,
    Layer.effectDiscard(
      Effect.gen(function* () {
        const readiness = yield* Readiness
        yield* readiness.watch(role, Effect.provideContext(check, yield* Effect.context<RC>()))
      })
    )
  )

/** How long what was read of the settings is handed out. A device keeps it for an hour, so nothing hangs on a second. */
const settingsKept = Duration.seconds(2)

/** Settings as the database has them, or as it last had them: a device is not kept waiting for where everything is. */
const keyValue = (takesReports: boolean) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { list } = yield* ClientSettings
      const { serversFor } = yield* NodeDirectory
      let last: KeyValueReply["settings"] = {}
      const read = Effect.map(list, handedOut).pipe(
        Effect.tap((all) => Effect.sync(() => void (last = all))),
        Effect.catch((error) => Effect.as(Effect.logWarning("settings of the devices were not read", error), last))
      )
      const settings = yield* Effect.cachedWithTTL(read, settingsKept)
      return KeyValueHandlers.layer({ takesReports, settings, cacheHosts: serversFor })
    })
  )

/** Looking for a URL that nobody publishes reads the catalog's index and nothing else. */
const readable = Catalog.use((catalog) => catalog.byUrl(ContentUrl.make("http://health.invalid/")))

/** A look at the swarm of nothing: the way there and back, and no more. */
const answering = Swarms.use((swarms) => swarms.look(ContentId.make(`DO-${"A".repeat(43)}`), undefined))

/** A group of RPCs at a path. A defect in one call must not end the others. */
const rpcs = <Rpcs extends Rpc.Any, E, R>(
  group: RpcGroup.RpcGroup<Rpcs>,
  path: `/${string}`,
  handlers: Layer.Layer<Rpc.ToHandler<Rpcs>, E, R>
) =>
  RpcServer.layerHttp({ group, path, protocol: "http", disableFatalDefects: true }).pipe(
    Layer.provide([handlers, RpcSerialization.layerJson])
  )
