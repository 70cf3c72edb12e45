/**
 * A swarm as an actor: its id is the content and, in Group mode, the group; its messages come one at a time; its state is
 * `SwarmState` and `LeaseTables`, which are soft: after a loss the members' next messages fill them again.
 */
import { Handout, JoinRequest } from "@piecework/cloud/ArrayRpcs"
import { LeaseReply, LeaseRequest } from "@piecework/cloud/LeaseRpc"
import { classOf } from "@piecework/cloud/Profile"
import { RequestRefused } from "@piecework/cloud/RoleError"
import type { ContentId } from "@piecework/domain/Content"
import { PeerId } from "@piecework/domain/Peer"
import { Clock, Duration, Effect, Layer, Option, Random, Ref, Schema } from "effect"
import { Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import * as LeaseTables from "./LeaseTables.ts"
import * as Member from "./Member.ts"
import * as Pace from "./Pace.ts"
import { placeOf } from "./Place.ts"
import { SwarmConfig } from "./SwarmConfig.ts"
import * as SwarmState from "./SwarmState.ts"

const Join = Rpc.make("Join", { payload: { request: JoinRequest, externalIp: Schema.String }, success: Handout })
const Leave = Rpc.make("Leave", { payload: { peerId: PeerId, externalIp: Schema.String } })
const Lease = Rpc.make("Lease", {
  payload: { request: LeaseRequest, externalIp: Schema.String },
  success: LeaseReply,
  error: RequestRefused
})

export const Swarm = Entity.make("Swarm", [Join, Leave, Lease])

/** The entity in which the members of a content meet: those of a group meet only each other. */
export const idOf = (contentId: ContentId, groupId: string | undefined): string =>
  groupId === undefined ? contentId : `${contentId}/${groupId}`

export const layer = Layer.unwrap(
  Effect.map(SwarmConfig, (config) =>
    Swarm.toLayer(
      Effect.gen(function* () {
        const state = yield* Ref.make(SwarmState.make(yield* Random.nextInt))
        const tables = yield* Ref.make(LeaseTables.empty)
        return Swarm.of({
          Join: ({ payload }) =>
            Effect.gen(function* () {
              const now = yield* Clock.currentTimeMillis
              return yield* Ref.modify(state, (before) =>
                joined(before, payload.request, payload.externalIp, now, config)
              )
            }),
          Leave: ({ payload: { externalIp, peerId } }) =>
            Effect.andThen(
              Ref.update(state, (before) => SwarmState.leave(before, peerId, externalIp)),
              Ref.update(tables, (before) => LeaseTables.leave(before, peerId, externalIp))
            ),
          Lease: ({ payload }) =>
            Effect.gen(function* () {
              const now = yield* Clock.currentTimeMillis
              const members = yield* Ref.get(state)
              const reply = yield* Ref.modify(tables, (before) =>
                leased(before, members, payload.request, payload.externalIp, now, config)
              )
              return yield* reply === undefined
                ? Effect.fail(new RequestRefused({ reason: "NotAllowed" }))
                : Effect.succeed(reply)
            })
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

const leased = (
  before: LeaseTables.LeaseTables,
  members: SwarmState.SwarmState,
  request: LeaseRequest,
  externalIp: string,
  now: number,
  { leasePace, maxMembers, maxLeaseBytes, privateNetworks }: SwarmConfig["Service"]
): readonly [LeaseReply | undefined, LeaseTables.LeaseTables] => {
  const { site } = placeOf(externalIp, request, privateNetworks)
  const sources = SwarmState.sourcesAt(
    members,
    site,
    { id: request.peerId, profileClass: classOf(request.profile) },
    now
  )
  const limits = { maxMembers, maxBytes: maxLeaseBytes }
  const [answer, after] = LeaseTables.ask(before, request, { site, externalIp, sources }, now, leasePace, limits)
  const reply =
    answer === undefined ? undefined : new LeaseReply({ runs: answer.runs, again: Duration.millis(answer.again) })
  return [reply, after]
}
