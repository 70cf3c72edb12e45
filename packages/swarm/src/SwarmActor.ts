/**
 * What one swarm does with a message: its members in `SwarmState`, who of them fetches what in `LeaseTables`. Each message
 * is done before it returns, so whoever calls, messages come one at a time. Both states are soft: after a loss the members'
 * next messages fill them again.
 */
import type { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import { LeaseReply, type LeaseRequest } from "@piecework/cloud/LeaseRpc"
import { classOf } from "@piecework/cloud/Profile"
import type { PeerId } from "@piecework/domain/Peer"
import { Duration } from "effect"
import * as Inside from "./Inside.ts"
import type { Inspected } from "./LiveView.ts"
import type { Member } from "./Member.ts"
import * as LeaseTables from "./LeaseTables.ts"
import { placeOf } from "./Place.ts"
import type { SwarmConfig } from "./SwarmConfig.ts"
import { type Census, type Joined, type Sums, SwarmState } from "./SwarmState.ts"
import * as Runs from "./Runs.ts"
import { mostSites, SwarmView } from "./SwarmView.ts"
import { Tally } from "./Tally.ts"
import * as Traits from "./Traits.ts"

/** The two clocks: epoch milliseconds, and milliseconds on a clock that nobody sets. */
export interface Now {
  readonly epoch: number
  /** Leases are not to end, nor to last for ever, when somebody sets the other. */
  readonly elapsed: number
}

export class SwarmActor {
  readonly #config: SwarmConfig["Service"]
  readonly #memory: Memory
  readonly #members: SwarmState
  #tables = LeaseTables.empty

  constructor(seed: number, epochMillis: number, config: SwarmConfig["Service"], memory: Memory) {
    this.#config = config
    this.#memory = memory
    this.#members = new SwarmState(seed, epochMillis, {
      ...config,
      census: memory.members,
      followed: memory.followed
    })
  }

  join(request: JoinRequest, externalIp: string, epochMillis: number): Joined {
    const joined = this.#members.join(request, externalIp, epochMillis)
    this.#memory.tally.handedOut(joined.near.length + joined.far.length)
    return joined
  }

  leave(peerId: PeerId, externalIp: string, elapsed: number): void {
    this.#members.leave(peerId, externalIp)
    this.#keep(LeaseTables.leave(this.#tables, peerId, externalIp, elapsed, this.#config.leasePace))
  }

  /** Nothing when there is no room for another member with leases. */
  lease(request: LeaseRequest, externalIp: string, now: Now): LeaseReply | undefined {
    const { leasePace, maxMembers } = this.#config
    const limits = { maxMembers, maxBytes: this.#memory.room(this.#tables.bytes) }
    const asker = this.#askerOf(request, externalIp, now.epoch)
    const [answer, after] = LeaseTables.ask(this.#tables, request, asker, now.elapsed, leasePace, limits)
    this.#keep(after)
    if (answer !== undefined) this.#memory.tally.leased(Runs.newIn(answer.runs, request.keep))
    return answer && new LeaseReply({ runs: answer.runs, again: Duration.millis(answer.again) })
  }

  get memberCount(): number {
    return this.#members.count
  }

  /** As of `SwarmState`. */
  get sums(): Sums {
    return this.#members.sums
  }

  countSites(): number {
    return this.#members.countSites()
  }

  get all(): Iterable<Member> {
    return this.#members.all
  }

  /** Who is there and who feeds whom; takes time with each member. */
  inspect(page: Inside.Page, epochMillis: number): Inspected {
    return Inside.look(this.#members, page, LeaseTables.look(this.#tables).leasedPieces, epochMillis)
  }

  /** For administrators; takes time with each member. */
  look(): SwarmView {
    const { leasedPieces, members } = LeaseTables.look(this.#tables)
    return new SwarmView({ ...this.#members.look(mostSites), leaseMembers: members, leasedPieces })
  }

  /** Gives back what it takes. */
  end(): void {
    this.#members.clear()
    this.#keep(LeaseTables.empty)
  }

  #askerOf(request: LeaseRequest, externalIp: string, epochMillis: number): LeaseTables.Asker {
    const { groupId, peerId, profile, scope } = request
    const place = placeOf(externalIp, request, this.#config.privateNetworks)
    const member = this.#members.find(peerId)
    // It may ask before it joins; then it is taken for one that uploads, and takes peers of any subnet.
    const traits = member?.externalIp === externalIp ? member.traits : 0
    const isThere = this.#members.hasSource(
      {
        id: peerId,
        place,
        group: scope === "Group" ? groupId : undefined,
        kind: classOf(profile) | (place.isLoopback ? Traits.loopback : 0),
        sameSubnetOnly: (traits & Traits.sameSubnetOnly) !== 0
      },
      epochMillis
    )
    return { site: place.site, externalIp, sources: isThere ? 1 : 0, gives: !Traits.givesNothing(traits, true) }
  }

  #keep(tables: LeaseTables.LeaseTables): void {
    this.#memory.count(tables.bytes - this.#tables.bytes)
    this.#tables = tables
  }
}

/** What the swarms of a process take together: contents are named by whoever asks, so one bound for each is none. */
export class Memory {
  readonly members: Census
  readonly followed: Census
  readonly tally = new Tally()
  readonly #most: { readonly swarm: number; readonly all: number }
  #bytes = 0

  constructor(config: SwarmConfig["Service"]) {
    this.members = { most: config.maxMembersInAll, count: 0 }
    this.followed = { most: config.maxFollowedInAll, count: 0 }
    this.#most = { swarm: config.maxLeaseBytes, all: config.maxLeaseBytesInAll }
  }

  /** Most bytes that the lease tables of a swarm may take that takes so many now. */
  room(bytes: number): number {
    return Math.min(this.#most.swarm, this.#most.all - this.#bytes + bytes)
  }

  count(moreBytes: number): void {
    this.#bytes += moreBytes
  }
}
