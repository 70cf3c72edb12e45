/** Heartbeats as nodes send them, and what is needed around them. */
import { type MinuteFigures, NodeChange, NodeSettings } from "@piecework/cloud/CacheNode"
import { HeartbeatRequest } from "@piecework/cloud/CacheNodeRpcs"
import { LastHeartbeat } from "@piecework/cloud/CacheNodeAdminRpcs"
import { type Identity, local } from "@piecework/cloud/Identity"
import { Credentials } from "@piecework/trust/Credentials"
import { Clock, Effect, Option, Redacted } from "effect"
import { Heartbeats } from "../../src/Heartbeats.ts"
import { Nodes } from "../../src/Nodes.ts"

export const settings = (name: string, more: Partial<ConstructorParameters<typeof NodeSettings>[0]> = {}) =>
  new NodeSettings({ name, isEnabled: true, ranges: [], servers: [], ...more })

export const change = (
  set: NodeChange["set"],
  ...reset: ConstructorParameters<typeof NodeChange>[0]["reset"]
): NodeChange => new NodeChange({ set, reset })

const said = {
  version: "1.0",
  hostName: "cache-1",
  state: "Serving",
  issues: [],
  drives: [{ path: "/srv/cache", size: 200e9, used: 10e9, isWorking: true }],
  addresses: ["10.1.0.9"],
  httpPort: 80,
  tls: { state: "Off" },
  sentAt: 0
} as const

export const heartbeat = (more: Partial<ConstructorParameters<typeof HeartbeatRequest>[0]> = {}) =>
  new HeartbeatRequest({ ...said, figures: [], ...more })

export const lastHeartbeat = (more: Partial<ConstructorParameters<typeof LastHeartbeat>[0]> = {}) =>
  new LastHeartbeat({ ...said, at: 0, externalIp: "203.0.113.9", ...more })

export const figures = (minute: number, more: Partial<MinuteFigures> = {}): MinuteFigures => ({
  minute,
  hits: 30,
  misses: 10,
  bytesOut: 4_000_000,
  bytesFromCache: 3_000_000,
  bytesFromOrigin: 600_000,
  bytesFromParents: 300_000,
  bytesFromPeers: 100_000,
  maxOutBps: 200_000,
  maxInBps: 50_000,
  ...more
})

/** A device that came by the token of the node's deployment. */
export const deployed = (node: string) =>
  Effect.gen(function* () {
    const nodes = yield* Nodes
    const credentials = yield* Credentials
    const wanted = { groups: [], lifetimeSeconds: 3600 }
    const { token } = Option.getOrThrow(yield* nodes.deploy(local, node, wanted))
    const { credential } = yield* credentials.enrol(Redacted.value(token), "cache-1")
    return { _tag: "Device", id: credential.id, groups: [] } satisfies Identity
  })

/** Takes a heartbeat of the device. */
export const beat = (
  identity: Identity,
  more: Partial<ConstructorParameters<typeof HeartbeatRequest>[0]> = {},
  externalIp = "203.0.113.9"
) =>
  Effect.gen(function* () {
    const request = heartbeat({ sentAt: yield* Clock.currentTimeMillis, ...more })
    return yield* Heartbeats.use((heartbeats) => heartbeats.take({ request, identity, externalIp }))
  })
