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
  Effect.map(SwarmConfig, (config) => {
    const memory = new Memory({ swarm: config.maxLeaseBytes, all: config.maxLeaseBytesInAll })
    return Swarm.toLayer(
      Effect.gen(function* () {
        const state = yield* Ref.make(SwarmState.make(yield* Random.nextInt))
        const tables = yield* Ref.make(LeaseTables.empty)
        yield* Effect.addFinalizer(() => Effect.map(Ref.get(tables), ({ bytes }) => memory.add(-bytes)))
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
              Effect.flatMap(elapsed, (now) =>
                Ref.update(tables, (before) =>
                  memory.count(before, LeaseTables.leave(before, peerId, externalIp, now, config.leasePace))
                )
              )
            ),
          Lease: ({ payload }) =>
            Effect.gen(function* () {
              const now = yield* Clock.currentTimeMillis
              const asker = askerOf(yield* Ref.get(state), payload.request, payload.externalIp, now, config)
              const since = yield* elapsed
              const reply = yield* Ref.modify(tables, (before) => {
                const [answer, after] = leased(before, payload.request, asker, since, config, memory.room(before))
                return [answer, memory.count(before, after)]
              })
              return yield* reply === undefined
                ? Effect.fail(new RequestRefused({ reason: "NotAllowed" }))
                : Effect.succeed(reply)
            })
        })
      }),
      // A swarm must outlive the pauses between its members' joins, or it would forget them.
      { maxIdleTime: Duration.times(config.pace.idle, 3) }
    )
  })
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

/** What the swarm knows of one that asks for leases. */
const askerOf = (
  members: SwarmState.SwarmState,
  request: LeaseRequest,
  externalIp: string,
  now: number,
  { privateNetworks }: SwarmConfig["Service"]
): LeaseTables.Asker => {
  const { site } = placeOf(externalIp, request, privateNetworks)
  const profileClass = classOf(request.profile)
  const sources = SwarmState.sourcesAt(members, site, { id: request.peerId, profileClass }, now)
  // It may ask before it joins; then it is taken for one that uploads.
  const gives = !Option.exists(
    SwarmState.find(members, request.peerId),
    (member) => member.restrictedUpload && member.externalIp === externalIp
  )
  return { site, externalIp, sources, gives }
}

const leased = (
  before: LeaseTables.LeaseTables,
  request: LeaseRequest,
  asker: LeaseTables.Asker,
  now: number,
  { leasePace, maxMembers }: SwarmConfig["Service"],
  maxBytes: number
): readonly [LeaseReply | undefined, LeaseTables.LeaseTables] => {
  const [answer, after] = LeaseTables.ask(before, request, asker, now, leasePace, { maxMembers, maxBytes })
  const reply =
    answer === undefined ? undefined : new LeaseReply({ runs: answer.runs, again: Duration.millis(answer.again) })
  return [reply, after]
}

/** Milliseconds on a clock that nobody sets: leases are not to end, nor to last for ever, when somebody sets the other. */
const elapsed = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos / 1_000_000n))

/** What the lease tables of all swarms here take: contents are named by whoever asks, so one bound for each is none. */
class Memory {
  readonly #most: { readonly swarm: number; readonly all: number }
  #bytes = 0

  constructor(most: { readonly swarm: number; readonly all: number }) {
    this.#most = most
  }

  add(bytes: number): void {
    this.#bytes += bytes
  }

  /** Most bytes that the swarm may take. */
  room({ bytes }: LeaseTables.LeaseTables): number {
    return Math.min(this.#most.swarm, this.#most.all - this.#bytes + bytes)
  }

  count(before: LeaseTables.LeaseTables, after: LeaseTables.LeaseTables): LeaseTables.LeaseTables {
    this.add(after.bytes - before.bytes)
    return after
  }
}
