/**
 * Whether others reach the caller: the service dials back, to the address that the call came from and to no other, says nothing there
 * and tells what became of it. No role of Delivery Optimization; ours, for the troubleshooter (spec.md §8.6, "port 7680 listening/open").
 */
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { CallerMiddleware } from "./Caller.ts"
import { ClientVersion, Ip } from "./Fields.ts"
import { RequestRefused } from "./RoleError.ts"

/** Path of the call under a service's URL: beside Geo, which says what the address is. */
export const path = "/rpc/geo/reach"

/** Below 1024 programs of the system listen, and no client does. */
export const ReachPort = Schema.Int.check(Schema.isBetween({ minimum: 1024, maximum: 65_535 }))

export class ReachRequest extends Schema.Class<ReachRequest>("@piecework/cloud/ReachRequest")({
  clientVersion: ClientVersion,
  /** TCP port on which the caller listens for peers. */
  port: ReachPort
}) {}

export const ReachOutcome = Schema.Literals([
  /** Somebody accepted the connection. */
  "Reachable",
  /** The connection was refused, or there is no way to the address. */
  "Refused",
  /** Nothing came back in time, as where a firewall is. */
  "Silent",
  /** The address is none that is dialled: the service's own, a proxy's, loopback or link-local. */
  "NotTried"
])
export type ReachOutcome = typeof ReachOutcome.Type

export class ReachReply extends Schema.Class<ReachReply>("@piecework/cloud/ReachReply")({
  outcome: ReachOutcome,
  /** The address that the service sees, which it dialled unless it says that it did not. */
  address: Ip
}) {}

/** `Overloaded` for one who asks too often, or for too many ports, and while too many are asked for. */
export const Reach = Rpc.make("Reach", { payload: ReachRequest, success: ReachReply, error: RequestRefused })

export class ReachRpcs extends RpcGroup.make(Reach).middleware(CallerMiddleware) {}
