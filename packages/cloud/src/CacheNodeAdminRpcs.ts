/** What operators do with cache nodes over the network. Looking wants the scope Read, everything else Admin. Ours. */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { heartbeat, NodeChange, NodeId, NodeName, NodeSettings } from "./CacheNode.ts"
import { CallerMiddleware } from "./Caller.ts"
import { Secret } from "./EnrolRpcs.ts"
import { GroupId, Ip, text } from "./Fields.ts"
import { Name } from "./Identity.ts"
import { RequestRefused } from "./RoleError.ts"

/** Under the service's URL. */
export const path = "/rpc/admin/nodes"

/** Bytes of a request's body: settings with every list at its longest. */
export const maxBody = 131_072

/** Most nodes in one reply. */
export const maxPage = 50

/** Most nodes that a service manages. */
export const mostNodes = 10_000

/** Most rows of figures in one reply. */
export const maxRows = 2_000

/** A node that lives and works. The others say what is wrong: no heartbeat yet, none for 24 hours, or it says that it failed. Source: spec.md §7.5. */
export const Health = Schema.Literals(["Healthy", "NeverSeen", "Silent", "Failed"])
export type Health = typeof Health.Type

/** The last that a node said, when it was, and where it came from. */
export class LastHeartbeat extends Schema.Class<LastHeartbeat>("@piecework/cloud/LastHeartbeat")({
  ...heartbeat,
  /** Epoch milliseconds, by the service's clock. */
  at: Schema.Natural,
  externalIp: Ip
}) {}

export class NodeRecord extends Schema.Class<NodeRecord>("@piecework/cloud/NodeRecord")({
  id: NodeId,
  settings: NodeSettings,
  health: Health,
  /** The device whose heartbeats are the node's; `null` before the first. */
  device: Schema.NullOr(Name),
  lastHeartbeat: Schema.NullOr(LastHeartbeat),
  /** Epoch milliseconds. */
  createdAt: Schema.Natural,
  updatedAt: Schema.Natural
}) {}

/** There is no such node. */
export class NodeUnknown extends Schema.TaggedError<NodeUnknown>()("NodeUnknown", { node: text(128) }) {
  override get message(): string {
    return `There is no cache node ${this.node}.`
  }
}

/** Another node has the name, or there are too many. */
export class NodeRefused extends Schema.TaggedError<NodeRefused>()("NodeRefused", {
  reason: Schema.Literals(["NameTaken", "TooMany"]),
  name: text(128)
}) {
  override get message(): string {
    return this.reason === "NameTaken"
      ? `There is a cache node ${this.name} already.`
      : `There are ${mostNodes} cache nodes, and no more can be made.`
  }
}

/** A node by its id or its name. */
const named = { node: Schema.Union([NodeId, NodeName]) }

export const Create = Rpc.make("Create", {
  payload: { settings: NodeSettings },
  success: NodeRecord,
  error: Schema.Union([NodeRefused, RequestRefused])
})

export const Update = Rpc.make("Update", {
  payload: { ...named, change: NodeChange },
  success: NodeRecord,
  error: Schema.Union([NodeUnknown, NodeRefused, RequestRefused])
})

/** With its figures; the credential of its machine is good for nothing from then on. */
export const Delete = Rpc.make("Delete", {
  payload: named,
  success: Schema.Struct({ id: NodeId }),
  error: Schema.Union([NodeUnknown, RequestRefused])
})

/** By id, those after `after`. */
export const List = Rpc.make("List", {
  payload: {
    after: Schema.optionalKey(NodeId),
    most: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxPage }))
  },
  success: Schema.Struct({
    nodes: Schema.Array(NodeRecord).check(Schema.isMaxLength(maxPage)),
    /** Absent after the last page. */
    next: Schema.optionalKey(NodeId)
  }),
  error: RequestRefused
})

export const Show = Rpc.make("Show", {
  payload: named,
  success: NodeRecord,
  error: Schema.Union([NodeUnknown, RequestRefused])
})

/**
 * What it takes to make a machine the node: a token to enrol with, once. The device that comes by it is the node from its first
 * heartbeat on, and the one before is not; tokens of earlier calls that nobody used are revoked.
 */
export const Deployment = Rpc.make("Deployment", {
  payload: {
    ...named,
    /** Of the device, for contents that are limited to groups. */
    groups: Schema.Array(GroupId).check(Schema.isMaxLength(64)),
    /** Of the token. */
    lifetimeSeconds: Schema.Int.check(Schema.isBetween({ minimum: 60, maximum: 90 * 86_400 }))
  },
  success: Schema.Struct({
    node: NodeRecord,
    token: Secret,
    /** Of the token, epoch milliseconds. */
    expiresAt: Schema.Natural,
    /** By which this call reached the service. */
    serviceUrl: text(2048)
  }),
  error: Schema.Union([NodeUnknown, RequestRefused])
})

/** Figures of a span of time, under the names that Connected Cache has for them. Bits a second are averages of the whole span, also of one that is not over. Source: spec.md §7.5. */
export const FigureRow = Schema.Struct({
  /** When the span begins, epoch milliseconds. */
  at: Schema.Natural,
  nodeId: NodeId,
  /** Of the machine, as its last heartbeat says. */
  hostName: text(253),
  hits: Schema.Natural,
  misses: Schema.Natural,
  /** Percent of the requests that were hits; 0 without requests. */
  hitRatio: Schema.Finite,
  /** Sent to clients. */
  egressbps: Schema.Finite,
  /** Of that, what the node held before. */
  hitsbps: Schema.Finite,
  /** Of that, what it fetched for the request. */
  missesbps: Schema.Finite,
  /** Fetched from origins, parents and peers. */
  inboundbps: Schema.Finite,
  /** The fastest second. Ours. */
  maxEgressbps: Schema.Finite,
  /** The fastest second. Ours. */
  maxInboundbps: Schema.Finite
})
export type FigureRow = typeof FigureRow.Type

/** Milliseconds of a row: minutes are kept for 30 days, hours for 400. */
export const Grain = Schema.Literals(["Minute", "Hour"])
export type Grain = typeof Grain.Type

/** Rows of one node, the oldest first: at most so many from `from` on, and before `until`, both epoch milliseconds. Spans in which nothing was said have none. */
export const Metrics = Rpc.make("Metrics", {
  payload: {
    ...named,
    grain: Grain,
    from: Schema.Natural,
    until: Schema.Natural,
    most: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxRows }))
  },
  success: Schema.Array(FigureRow).check(Schema.isMaxLength(maxRows)),
  error: Schema.Union([NodeUnknown, RequestRefused])
})

/** All nodes together, over the minutes of a span. Source: spec.md §7.5, overview page. */
export class NodesOverview extends Schema.Class<NodesOverview>("@piecework/cloud/NodesOverview")({
  healthy: Schema.Natural,
  unhealthy: Schema.Natural,
  /** Of these, how many are switched off by an operator. */
  disabled: Schema.Natural,
  /** Bits a second over all nodes: the best minute, and the average of the whole span. */
  maxOutboundbps: Schema.Finite,
  averageOutboundbps: Schema.Finite,
  maxInboundbps: Schema.Finite,
  averageInboundbps: Schema.Finite,
  /** Bytes. */
  served: Schema.Natural,
  fromCache: Schema.Natural,
  /** Bytes from cache / bytes served, in percent; 0 when nothing was served. */
  cacheEfficiency: Schema.Finite
}) {}

/** Of the last hours, at most 30 days. */
export const Overview = Rpc.make("Overview", {
  payload: { hours: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 720 })) },
  success: NodesOverview,
  error: RequestRefused
})

export class CacheNodeAdminRpcs extends RpcGroup.make(
  Create,
  Update,
  Delete,
  List,
  Show,
  Deployment,
  Metrics,
  Overview
).middleware(CallerMiddleware) {}
