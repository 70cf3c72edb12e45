/** A cache node as the service keeps it. */
import { NodeId, NodeSettings, type NodeChange, NodeWork, WorkName } from "@piecework/cloud/CacheNode"
import { LastHeartbeat, NodeRecord } from "@piecework/cloud/CacheNodeAdminRpcs"
import { Schema, Struct } from "effect"
import type { Known } from "./Choosing.ts"
import { healthOf } from "./Health.ts"

export class Node extends Schema.Class<Node>("@piecework/nodes/Node")({
  id: NodeId,
  settings: NodeSettings,
  /** The enrolment token by which its next device comes. */
  enrolment: Schema.NullOr(Schema.String),
  /** The device whose heartbeats are its own. */
  device: Schema.NullOr(Schema.String),
  last: Schema.NullOr(LastHeartbeat),
  /** When those who hand it out were last told of a heartbeat, epoch milliseconds. */
  toldAt: Schema.NullOr(Schema.Natural),
  /** Of all nodes together, the latest change has the largest. */
  version: Schema.Natural,
  /** Epoch milliseconds. */
  createdAt: Schema.Natural,
  updatedAt: Schema.Natural
}) {}

/** As operators see it. */
export const recordOf = ({ createdAt, device, id, last, settings, updatedAt }: Node, now: number): NodeRecord =>
  new NodeRecord({
    id,
    settings,
    health: healthOf(last === null ? undefined : { seenAt: last.at, state: last.state }, now),
    device,
    lastHeartbeat: last,
    createdAt,
    updatedAt
  })

/** As those know it who hand it out. */
export const knownOf = ({ id, last, settings }: Node): Known => ({
  id,
  isEnabled: settings.isEnabled,
  servers: settings.servers,
  last: last ?? undefined
})

/** The settings after a change; what is set and reset is set. */
export const changed = (before: NodeSettings, { reset, set }: NodeChange): NodeSettings => {
  const { isEnabled, name, ranges, servers } = before
  const kept = Object.entries(before).filter(([field]) => !reset.some((one) => one === field))
  return new NodeSettings({ ...Object.fromEntries(kept), isEnabled, name, ranges, servers, ...set })
}

/** What the node is told to do. */
export const workOf = (settings: NodeSettings): NodeWork => new NodeWork(Struct.pick(settings, WorkName.literals))
