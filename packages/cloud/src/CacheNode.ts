/**
 * A cache node: a cache server that the service manages, with what an operator says of it and what it says of itself. Every text
 * and list is bounded here. Source: spec.md §7.5.
 */
import { Option, Result, Schema } from "effect"
import { IpNetwork } from "effect/net"
import { Bytes, Ip, text } from "./Fields.ts"
import { CacheServer } from "./KeyValueRpcs.ts"

/** 16 hex digits, as the service made them. */
export const NodeId = Schema.String.check(Schema.isPattern(/^[0-9a-f]{16}$/)).pipe(Schema.brand("NodeId"))
export type NodeId = typeof NodeId.Type

/** What people call it; no two nodes have the same, and none has the form of an id. */
export const NodeName = Schema.NonEmptyString.check(
  Schema.isMaxLength(64),
  Schema.isPattern(/^(?![0-9a-f]{16}$)[^\p{Cc}\s](?:[^\p{Cc}]*[^\p{Cc}\s])?$/u)
)

/** Networks in one node's settings, origins in its list, and parents. */
export const mostRanges = 128
export const mostOrigins = 128
export const mostParents = 8
/** Drives that an operator may say. Source: spec.md §7.5, "Linux up to nine". */
export const mostDrives = 9
/** Places under which a node is handed out; KeyValue names at most 16 servers in all. */
export const mostServers = 4

/** "203.0.113.0/24" or "2001:db8::/32", with no bits beyond the prefix. */
export const AddressRange = text(43).check(
  Schema.makeFilter((range) => Option.isSome(networkIn(range)) || "a network like 203.0.113.0/24 or 2001:db8::/32")
)

/** The network that the text names. */
export const networkIn = (range: string): Option.Option<IpNetwork.IpNetwork> =>
  Result.getSuccess(IpNetwork.fromString(range))

/** A name or an IP address without brackets. */
export const HostName = Schema.NonEmptyString.check(Schema.isMaxLength(253), Schema.isPattern(/^[\w.:-]+$/))

/** `origin` or `origin:port`, or `*.example` for all names below. */
export const OriginPattern = Schema.NonEmptyString.check(
  Schema.isMaxLength(260),
  Schema.isPattern(/^(?:\*\.)?[\w.-]+(?::\d{1,5})?$|^\[[0-9a-f:.]+\](?::\d{1,5})?$/i)
)

const Port = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 }))

/** Where the node may keep what it holds. Source: spec.md §7.5, 50–10000 GB each. */
export const DriveSetting = Schema.Struct({
  /** An absolute path. */
  path: Schema.NonEmptyString.check(Schema.isMaxLength(512), Schema.isPattern(/^\P{Cc}*$/u)),
  /** In units of 10⁹ bytes; absent is as much as is free. */
  sizeGb: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 50, maximum: 10_000 })))
})
export type DriveSetting = typeof DriveSetting.Type

/** Which versions of its software the node takes, and when. The service keeps and tells it, and installs nothing. Source: spec.md §7.5. */
export const UpdateRing = Schema.Struct({
  ring: Schema.Literals(["Stable", "Beta"]),
  /** 1 is Monday. */
  day: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 7 }))),
  /** Weeks after the release. */
  week: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 }))),
  /** "03:30", by the node's clock. */
  time: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^(?:[01]\d|2[0-3]):[0-5]\d$/)))
})
export type UpdateRing = typeof UpdateRing.Type

/** An HTTP proxy through which the node reaches origins. */
export const UpstreamProxy = Schema.Struct({ host: HostName, port: Port })
export type UpstreamProxy = typeof UpstreamProxy.Type

/** What the node is to do beyond its own files; what is absent, its own files say. */
const work = {
  /** Origins that it serves, and no others. */
  origins: Schema.optionalKey(Schema.Array(OriginPattern).check(Schema.isMaxLength(mostOrigins))),
  /** Cache servers that it asks before the origin, best first. */
  parents: Schema.optionalKey(Schema.Array(CacheServer).check(Schema.isMaxLength(mostParents))),
  drives: Schema.optionalKey(Schema.Array(DriveSetting).check(Schema.isMaxLength(mostDrives))),
  proxy: Schema.optionalKey(UpstreamProxy),
  updateRing: Schema.optionalKey(UpdateRing),
  /** Most that it sends to its clients, in bytes a second. */
  maxOutBps: Schema.optionalKey(Bytes.check(Schema.isGreaterThan(0))),
  /** `X-CID` of its answers. */
  cid: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[\w.:-]{1,64}$/)))
}

/** What the service tells a node to do. */
export class NodeWork extends Schema.Class<NodeWork>("@piecework/cloud/NodeWork")(work) {}

/** What an operator says of a node. */
export class NodeSettings extends Schema.Class<NodeSettings>("@piecework/cloud/NodeSettings")({
  name: NodeName,
  /** One that is not enabled is named to nobody, and is to serve nobody. */
  isEnabled: Schema.Boolean,
  /** Networks, as the service sees them, whose devices are told of the node; none: the network that its heartbeats come from. */
  ranges: Schema.Array(AddressRange).check(Schema.isMaxLength(mostRanges)),
  /** Where devices reach it; none: where it says itself that it serves. */
  servers: Schema.Array(CacheServer).check(Schema.isMaxLength(mostServers)),
  ...work
}) {}

/** Fields that may be taken back, so that the node's own files say them again. */
export const WorkName = Schema.Literals(["origins", "parents", "drives", "proxy", "updateRing", "maxOutBps", "cid"])
export type WorkName = typeof WorkName.Type

/** What shall be other than it is; the rest stays. */
export class NodeChange extends Schema.Class<NodeChange>("@piecework/cloud/NodeChange")({
  set: Schema.Struct({
    name: Schema.optionalKey(NodeSettings.fields.name),
    isEnabled: Schema.optionalKey(NodeSettings.fields.isEnabled),
    ranges: Schema.optionalKey(NodeSettings.fields.ranges),
    servers: Schema.optionalKey(NodeSettings.fields.servers),
    ...work
  }),
  reset: Schema.Array(WorkName).check(Schema.isMaxLength(WorkName.literals.length))
}) {}

/** How a drive of the node is doing. */
export const DriveState = Schema.Struct({
  path: text(512),
  /** Bytes that it may hold. */
  size: Bytes,
  /** Bytes that it holds. */
  used: Bytes,
  isWorking: Schema.Boolean
})
export type DriveState = typeof DriveState.Type

/** Something that somebody should know or do. */
export const Issue = Schema.Struct({
  /** A word for programs, as "DriveFull". */
  code: Schema.String.check(Schema.isPattern(/^\w{1,64}$/)),
  /** One sentence. */
  text: text(512)
})
export type Issue = typeof Issue.Type

/**
 * Starting: it serves nobody yet. Serving. Disabled: it was told to serve nobody. Stopping: it ends what it has. Failed: it cannot
 * serve, and `issues` says why.
 */
export const NodeState = Schema.Literals(["Starting", "Serving", "Disabled", "Stopping", "Failed"])
export type NodeState = typeof NodeState.Type

/** What a node says of itself, but for its figures. */
export const heartbeat = {
  /** Version of its software. */
  version: text(64),
  /** Name of its machine. */
  hostName: text(253),
  state: NodeState,
  issues: Schema.Array(Issue).check(Schema.isMaxLength(16)),
  drives: Schema.Array(DriveState).check(Schema.isMaxLength(16)),
  /** Its addresses in the networks of its clients, best first. */
  addresses: Schema.Array(Ip).check(Schema.isMaxLength(8)),
  /** Where it serves by plain HTTP; absent when it does not. */
  httpPort: Schema.optionalKey(Port),
  /** Where it serves by HTTPS; absent when it does not. */
  httpsPort: Schema.optionalKey(Port),
  tls: Schema.Struct({
    state: Schema.Literals(["Off", "On", "Expired", "Failed"]),
    /** Of its certificate, epoch milliseconds. */
    expiresAt: Schema.optionalKey(Schema.Natural),
    /** A name in its certificate, under which devices are to ask it by HTTPS; absent: by its address. */
    name: Schema.optionalKey(HostName)
  }),
  /** Its clock, epoch milliseconds. */
  sentAt: Schema.Natural
}

/** Requests of one minute. */
const Count = Schema.Natural.check(Schema.isLessThanOrEqualTo(1_000_000_000))

/** Bytes of one minute, or a second: at most 8 TiB, so that no node can make a sum meaningless. */
const Amount = Schema.Natural.check(Schema.isLessThanOrEqualTo(2 ** 43))

/** What a node did in one minute. Bytes are those of bodies. */
export const MinuteFigures = Schema.Struct({
  /** Minutes since 1970, by the node's clock; the minute is over. */
  minute: Schema.Natural.check(Schema.isLessThanOrEqualTo(2 ** 31)),
  /** Requests that were answered from what the node held. */
  hits: Count,
  /** Requests for which something was fetched. */
  misses: Count,
  /** Sent to clients. */
  bytesOut: Amount,
  /** Of these, what the node held before the request. */
  bytesFromCache: Amount,
  bytesFromOrigin: Amount,
  bytesFromParents: Amount,
  bytesFromPeers: Amount,
  /** The fastest second, in bytes. */
  maxOutBps: Amount,
  maxInBps: Amount
})
export type MinuteFigures = typeof MinuteFigures.Type
