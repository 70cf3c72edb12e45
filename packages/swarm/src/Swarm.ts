/**
 * A swarm as an actor: its id is the content and, in Group mode, the group; its messages come one at a time; its state is
 * `SwarmState`, which is soft: after a loss the members' next joins fill it again.
 */
import { Handout, JoinRequest } from "@piecework/cloud/ArrayRpcs"
import type { ContentId } from "@piecework/domain/Content"
import { PeerId } from "@piecework/domain/Peer"
import { Clock, Duration, Effect, Layer, Option, Random, Ref, Schema } from "effect"
import { Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import * as Member from "./Member.ts"
import * as Pace from "./Pace.ts"
import { SwarmConfig } from "./SwarmConfig.ts"
import * as SwarmState from "./SwarmState.ts"

const Join = Rpc.make("Join", { payload: { request: JoinRequest, externalIp: Schema.String }, success: Handout })
const Leave = Rpc.make("Leave", { payload: { peerId: PeerId, externalIp: Schema.String } })

export const Swarm = Entity.make("Swarm", [Join, Leave])

/** The entity in which the members of a content meet: those of a group meet only each other. */
export const idOf = (contentId: ContentId, groupId: string | undefined): string =>
  groupId === undefined ? contentId : `${contentId}/${groupId}`

export const layer = Layer.unwrap(
  Effect.map(SwarmConfig, (config) =>
    Swarm.toLayer(
      Effect.gen(function* () {
        const state = yield* Ref.make(SwarmState.make(yield* Random.nextInt))
        return Swarm.of({
          Join: ({ payload }) =>
            Effect.gen(function* () {
              const now = yield* Clock.currentTimeMillis
              return yield* Ref.modify(state, (before) =>
                joined(before, payload.request, payload.externalIp, now, config)
              )
            }),
          Leave: ({ payload }) =>
            Ref.update(state, (before) => SwarmState.leave(before, payload.peerId, payload.externalIp))
        })
      }),
      // A swarm must outlive the pauses between its members' joins, or it would forget them.
      { maxIdleTime: Duration.times(config.pace.idle, 3) }
    )
  )
)

const joined = (
  before: SwarmState.SwarmState,
  request: JoinRequest,
  externalIp: string,
  now: number,
  config: SwarmConfig["Service"]
): readonly [Handout, SwarmState.SwarmState] => {
  const { handoutLimit, maxMembers, pace, privateNetworks } = config
  const known = request.event === "Started" ? Option.none() : SwarmState.find(before, request.peerId)
  const joinedAt = Option.match(known, { onNone: () => now, onSome: (member) => member.joinedAt })
  const asker = Member.fromJoin(request, { externalIp, privateNetworks }, { joinedAt, expiresAt: now })
  const { candidates, peers } = SwarmState.handout(before, asker, Math.min(request.peersWanted, handoutLimit), now)
  const { isComplete } = asker
  const pause = Pace.nextJoin(pace, { isComplete, joinedFor: now - joinedAt, candidates }, SwarmState.chance(before))
  const member = { ...asker, expiresAt: now + Pace.expiry(pace, pause) }
  const handout = new Handout({ peers, candidates, nextJoin: Duration.millis(pause) })
  return [handout, SwarmState.join(before, member, now, maxMembers)]
}
