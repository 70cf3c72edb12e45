/**
 * A swarm as an entity of a cluster: its id is the content and, in Group mode, the group; its messages come one at a time,
 * and `SwarmActor` does what they say.
 */
import { Handout, JoinRequest } from "@piecework/cloud/ArrayRpcs"
import { LeaseReply, LeaseRequest } from "@piecework/cloud/LeaseRpc"
import { RequestRefused } from "@piecework/cloud/RoleError"
import type { ContentId } from "@piecework/domain/Content"
import { PeerId } from "@piecework/domain/Peer"
import { Clock, Effect, Layer, Random, Schema } from "effect"
import { Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import * as Handouts from "./Handouts.ts"
import * as Pace from "./Pace.ts"
import { Residents } from "./Residents.ts"
import { Inspected } from "./LiveView.ts"
import { Memory, SwarmActor } from "./SwarmActor.ts"
import { SwarmConfig } from "./SwarmConfig.ts"
import { SwarmView } from "./SwarmView.ts"
import * as Tally from "./Tally.ts"

const Join = Rpc.make("Join", { payload: { request: JoinRequest, externalIp: Schema.String }, success: Handout })
const Leave = Rpc.make("Leave", { payload: { peerId: PeerId, externalIp: Schema.String } })
const Lease = Rpc.make("Lease", {
  payload: { request: LeaseRequest, externalIp: Schema.String },
  success: LeaseReply,
  error: RequestRefused
})
const Look = Rpc.make("Look", { success: SwarmView })
const Inspect = Rpc.make("Inspect", {
  payload: {
    site: Schema.optionalKey(Schema.String),
    after: Schema.optionalKey(PeerId),
    most: Schema.Natural
  },
  success: Inspected
})

export const Swarm = Entity.make("Swarm", [Join, Leave, Lease, Look, Inspect])

/** The entity in which the members of a content meet: those of a group meet only each other. */
export const idOf = (contentId: ContentId, groupId: string | undefined): string =>
  groupId === undefined ? contentId : `${contentId}/${groupId}`

export const layer = Layer.unwrap(
  Effect.gen(function* () {
    const config = yield* SwarmConfig
    const residents = yield* Residents
    const memory = new Memory(config)
    yield* Tally.registered(memory.tally, () => memory.members.count)
    return Swarm.toLayer(
      Effect.gen(function* () {
        const { entityId: id } = yield* Entity.CurrentAddress
        const actor = new SwarmActor(yield* Random.nextInt, yield* Clock.currentTimeMillis, config, memory)
        yield* Effect.acquireRelease(
          Effect.sync(() => residents.enter(id, actor)),
          () =>
            Effect.sync(() => {
              residents.leave(id, actor)
              actor.end()
            })
        )
        const messaged = Effect.map(Effect.all({ epoch: Clock.currentTimeMillis, elapsed }), (now) => {
          residents.messaged(id, now.epoch)
          return now
        })
        return Swarm.of({
          Join: ({ payload: { externalIp, request } }) =>
            Effect.map(messaged, ({ epoch }) => Handouts.toHandout(actor.join(request, externalIp, epoch))),
          Leave: ({ payload: { externalIp, peerId } }) =>
            Effect.map(messaged, (now) => actor.leave(peerId, externalIp, now.elapsed)),
          Lease: ({ payload: { externalIp, request } }) =>
            Effect.flatMap(messaged, (now) => {
              const reply = actor.lease(request, externalIp, now)
              return reply === undefined
                ? Effect.fail(new RequestRefused({ reason: "NotAllowed" }))
                : Effect.succeed(reply)
            }),
          Look: () => Effect.sync(() => actor.look()),
          Inspect: ({ payload }) => Effect.map(Clock.currentTimeMillis, (at) => actor.inspect(payload, at))
        })
      }),
      { maxIdleTime: Pace.idleTime(config.pace) }
    )
  })
)

/** Milliseconds on a clock that nobody sets. */
export const elapsed = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))
