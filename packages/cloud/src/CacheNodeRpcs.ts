/**
 * What a cache node says to the service: that it lives, how it is doing, and what it did, minute by minute. The reply is all that it
 * is to do, so a message that is lost is made good by the next. The node is known by the credential that it calls with. Ours.
 */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { heartbeat, MinuteFigures, NodeId, NodeName, NodeWork } from "./CacheNode.ts"
import { CallerMiddleware } from "./Caller.ts"
import { RequestRefused } from "./RoleError.ts"

/** Under the service's URL. */
export const path = "/rpc/node"

/** Bytes of a request's body: the figures of `mostMinutes`, and the rest with room. */
export const maxBody = 131_072

/** Most minutes in one heartbeat; a node that has more comes again at once with the next. */
export const mostMinutes = 240

export class HeartbeatRequest extends Schema.Class<HeartbeatRequest>("@piecework/cloud/HeartbeatRequest")({
  /** As the service told; absent in the first. One that is another than the credential's is refused. */
  nodeId: Schema.optionalKey(NodeId),
  ...heartbeat,
  /** The minutes that were not taken yet, the oldest first. A minute that comes twice counts as it came last. */
  figures: Schema.Array(MinuteFigures).check(Schema.isMaxLength(mostMinutes))
}) {}

export class HeartbeatReply extends Schema.Class<HeartbeatReply>("@piecework/cloud/HeartbeatReply")({
  nodeId: NodeId,
  name: NodeName,
  /** One that is not serves nobody: it answers every request but those for its health with 403, so that clients leave it alone. */
  isEnabled: Schema.Boolean,
  /** What of the node's own files is overruled. */
  work: NodeWork,
  /** The figures up to this minute need not be sent again; absent when there were none. */
  takenUntil: Schema.optionalKey(Schema.Natural),
  /** When to come again, in milliseconds. */
  again: Schema.DurationFromMillis,
  /** The service's clock, epoch milliseconds. */
  now: Schema.Natural
}) {}

/** `NotAllowed` for a caller that is no node: its credential is none of a node, or the node was deleted. */
export const Heartbeat = Rpc.make("Heartbeat", {
  payload: HeartbeatRequest,
  success: HeartbeatReply,
  error: RequestRefused
})

export class CacheNodeRpcs extends RpcGroup.make(Heartbeat).middleware(CallerMiddleware) {}
