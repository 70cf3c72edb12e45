/**
 * Heartbeats of nodes. A node is known by the device that calls: the one that is bound to it, or that came by the token of its
 * deployment, which is bound by its first heartbeat.
 */
import type { HeartbeatRequest } from "@piecework/cloud/CacheNodeRpcs"
import { LastHeartbeat } from "@piecework/cloud/CacheNodeAdminRpcs"
import type { Identity } from "@piecework/cloud/Identity"
import { Database } from "@piecework/database/Database"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import { Audit } from "@piecework/trust/Audit"
import { Credentials } from "@piecework/trust/Credentials"
import { Clock, Context, Duration, Effect, Layer, Option } from "effect"
import * as FigureMetrics from "./FigureMetrics.ts"
import * as Figures from "./Figures.ts"
import { healthOf } from "./Health.ts"
import * as FigureTables from "./internal/FigureTables.ts"
import * as NodeTable from "./internal/NodeTable.ts"
import type { Node } from "./Node.ts"
import { Nodes } from "./Nodes.ts"
import { NodesConfig } from "./NodesConfig.ts"
import { withoutZone } from "./Site.ts"

/** A heartbeat, and who brought it. */
export interface Delivery {
  readonly request: HeartbeatRequest
  readonly identity: Identity
  readonly externalIp: string
}

export class Heartbeats extends Context.Service<
  Heartbeats,
  {
    /** The node as it is told to be; `None` when the caller is none. */
    readonly take: (delivery: Delivery) => Effect.Effect<Option.Option<Node>, DatabaseError>
  }
>()("@piecework/nodes/Heartbeats") {
  /** `Nodes` makes the tables. */
  static readonly layer: Layer.Layer<Heartbeats, never, Audit | Credentials | Database | Nodes | NodesConfig> =
    Layer.effect(
      Heartbeats,
      Effect.suspend(() => make)
    )
}

/** Minutes by which a node's clock may be ahead; figures of later ones are not kept. */
const mostAhead = 10

const make = Effect.gen(function* () {
  yield* Nodes
  const audit = yield* Audit
  const config = yield* NodesConfig
  const credentials = yield* Credentials
  const { during, sql } = yield* Database
  const table = NodeTable.make(sql)
  const figures = FigureTables.make(sql)

  /** The node whose token the device came by; from now on it is the node, and the device before is nobody. */
  const bind = Effect.fnUntraced(function* (who: Identity & { readonly _tag: "Device" }) {
    const enrolment = Option.getOrUndefined(yield* credentials.find(who.id))?.credential.enrolment
    const found = enrolment === undefined ? Option.none() : yield* table.byEnrolment(enrolment)
    if (Option.isNone(found)) return Option.none()
    const { device, id } = found.value
    if (device !== null) yield* credentials.revoke(who, "Device", device)
    yield* table.bind(id, who.id)
    yield* audit.record({ who, action: "node.bind", subject: id, detail: device === null ? {} : { before: device } })
    return found
  })

  const nodeOf = Effect.fnUntraced(function* (who: Identity & { readonly _tag: "Device" }) {
    const bound = yield* table.byDevice(who.id)
    return Option.isSome(bound) ? bound : yield* bind(who)
  })

  /** Minutes that may be kept, in the order of time, each as it was told last; idle ones only where they take something back. */
  const kept = ({ figures: told }: HeartbeatRequest, now: number): FigureTables.Minutes => {
    const minute = Math.floor(now / 60_000)
    const oldest = minute - Math.floor(Duration.toMinutes(config.keepMinutes))
    const all = told.filter((one) => one.minute > oldest && one.minute <= minute + mostAhead)
    return new Map(all.toSorted((a, b) => a.minute - b.minute).map((one) => [one.minute, Figures.sumsOf(one)] as const))
  }

  const take = Effect.fnUntraced(function* ({ externalIp, identity, request }: Delivery) {
    if (identity._tag !== "Device") return Option.none()
    const found = yield* nodeOf(identity)
    if (Option.isNone(found)) return Option.none()
    const node = found.value
    if (request.nodeId !== undefined && request.nodeId !== node.id) return Option.none()
    const now = yield* Clock.currentTimeMillis
    const { figures: _, nodeId: __, ...said } = request
    const last = new LastHeartbeat({ ...said, at: now, externalIp: withoutZone(externalIp) })
    const isNews = isOther(node, last) || now - (node.toldAt ?? 0) >= Duration.toMillis(config.tellEvery)
    yield* table.setHeartbeat(node.id, last, isNews)
    return Option.some({ node, more: yield* figures.put(node.id, kept(request, now)) })
  })

  return Heartbeats.of({
    take: Effect.fn("Heartbeats.take")(function* (delivery) {
      const taken = yield* during("take a heartbeat")(sql.withTransaction(take(delivery)))
      if (Option.isNone(taken)) return Option.none()
      yield* FigureMetrics.count(taken.value.more)
      return Option.some(taken.value.node)
    })
  })
})

/** Whether devices are to be told otherwise than before. */
const isOther = ({ last }: Node, now: LastHeartbeat): boolean =>
  last === null ||
  healthOf({ seenAt: last.at, state: last.state }, now.at) === "Silent" ||
  JSON.stringify(placeOf(last)) !== JSON.stringify(placeOf(now))

const placeOf = ({ addresses, externalIp, httpPort, httpsPort, state, tls }: LastHeartbeat) => [
  addresses,
  externalIp,
  httpPort ?? null,
  httpsPort ?? null,
  state,
  tls.state,
  tls.name ?? null
]
