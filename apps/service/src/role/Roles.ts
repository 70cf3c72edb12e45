/**
 * What the roles of the service are: names, routes and what stands behind them. A process has any set of them, and what a role
 * needs (database, swarms) is made only for a process that has the role, and once. A new role is one line in `routes`.
 */
import { Catalog } from "@piecework/catalog/Catalog"
import * as ContentPolicyHandlers from "@piecework/catalog/ContentPolicyHandlers"
import { ArrayRpcs } from "@piecework/cloud/ArrayRpcs"
import type { CallerMiddleware } from "@piecework/cloud/Caller"
import { ContentPolicyRpcs } from "@piecework/cloud/ContentPolicyRpcs"
import * as DiscoveryHandlers from "@piecework/cloud/DiscoveryHandlers"
import { DiscoveryRpcs } from "@piecework/cloud/DiscoveryRpcs"
import * as GeoHandlers from "@piecework/cloud/GeoHandlers"
import { GeoRpcs } from "@piecework/cloud/GeoRpcs"
import * as KeyValueHandlers from "@piecework/cloud/KeyValueHandlers"
import { KeyValueRpcs } from "@piecework/cloud/KeyValueRpcs"
import { paths } from "@piecework/cloud/Role"
import { ReportRpcs } from "@piecework/cloud/ReportRpcs"
import type { Database } from "@piecework/database/Database"
import { Places } from "@piecework/reports/Places"
import * as ReportAdminHandlers from "@piecework/reports/ReportAdminHandlers"
import * as ReportAdminRpcs from "@piecework/reports/ReportAdminRpcs"
import * as ReportHandlers from "@piecework/reports/ReportHandlers"
import { Reports } from "@piecework/reports/Reports"
import * as ReportsConfig from "@piecework/reports/ReportsConfig"
import * as Sweeper from "@piecework/reports/Sweeper"
import * as ArrayHandlers from "@piecework/swarm/ArrayHandlers"
import type { Swarms } from "@piecework/swarm/Swarms"
import { Layer } from "effect"
import type { HttpRouter } from "effect/http"
import { type Rpc, type RpcGroup, RpcSerialization, RpcServer } from "effect/rpc"
import { explained, type Failure, ofDatabase } from "../Failure.ts"
import * as PhfRoute from "../http/PhfRoute.ts"
import type { RoleName } from "./RoleName.ts"

/** What roles may stand on. */
export interface Rooms {
  readonly database: Layer.Layer<Database, Failure>
  readonly swarms: Layer.Layer<Swarms, Failure>
  /** Whether callers are told where to report to. */
  readonly takesReports: boolean
}

/** Routes that still want the router and who calls. */
export type Routes = Layer.Layer<never, Failure, HttpRouter.HttpRouter | CallerMiddleware>

export const routes = ({ database, swarms, takesReports }: Rooms): { readonly [N in RoleName]: Routes } => {
  const catalog = explained(Catalog.layer, ofDatabase).pipe(Layer.provide(database))
  const reports = Sweeper.layer.pipe(
    Layer.provideMerge(explained(Reports.layer, ofDatabase)),
    Layer.provide([database, Places.layerNone, ReportsConfig.layer()])
  )
  return {
    geo: rpcs(GeoRpcs, paths.Geo, GeoHandlers.layer),
    kv: rpcs(KeyValueRpcs, paths.KeyValue, KeyValueHandlers.layer({ takesReports })),
    "content-policy": rpcs(
      ContentPolicyRpcs,
      paths.ContentPolicy,
      ContentPolicyHandlers.layer.pipe(Layer.provide(catalog))
    ),
    discovery: rpcs(DiscoveryRpcs, paths.Discovery, DiscoveryHandlers.layer),
    array: rpcs(ArrayRpcs, paths.Array, ArrayHandlers.layer.pipe(Layer.provide(swarms))),
    reports: Layer.mergeAll(
      rpcs(ReportRpcs, paths.Reports, ReportHandlers.layer),
      rpcs(ReportAdminRpcs.ReportAdminRpcs, ReportAdminRpcs.path, ReportAdminHandlers.layer)
    ).pipe(Layer.provide(reports)),
    metadata: PhfRoute.layer.pipe(Layer.provide(catalog))
  }
}

/** A group of RPCs at a path. A defect in one call must not end the others. */
const rpcs = <Rpcs extends Rpc.Any, E, R>(
  group: RpcGroup.RpcGroup<Rpcs>,
  path: `/${string}`,
  handlers: Layer.Layer<Rpc.ToHandler<Rpcs>, E, R>
) =>
  RpcServer.layerHttp({ group, path, protocol: "http", disableFatalDefects: true }).pipe(
    Layer.provide([handlers, RpcSerialization.layerJson])
  )
