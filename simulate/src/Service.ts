/**
 * The matching service as its swarm actor is: members and handouts by `SwarmState` and `Pace`, leases by
 * `LeaseTables`. Answers at once; the way there and back is its callers' affair.
 */
import type { LeaseRequest } from "@piecework/cloud/LeaseRpc"
import { classOf, pc } from "@piecework/cloud/Profile"
import type { Bitfield } from "@piecework/domain/Bitfield"
import { ContentId } from "@piecework/domain/Content"
import type { PeerId } from "@piecework/domain/Peer"
import type { Need } from "@piecework/scheduler/Leases"
import * as LeasePace from "@piecework/swarm/LeasePace"
import type * as Leases from "@piecework/swarm/Leases"
import * as LeaseTables from "@piecework/swarm/LeaseTables"
import type { Member } from "@piecework/swarm/Member"
import * as Pace from "@piecework/swarm/Pace"
import * as SwarmConfig from "@piecework/swarm/SwarmConfig"
import * as SwarmState from "@piecework/swarm/SwarmState"

/** Who asks. */
export interface Asker {
  readonly id: PeerId
  readonly site: number
  readonly isComplete: boolean
}

export interface Handout {
  readonly peers: ReadonlyArray<PeerId>
  /** Milliseconds until the next join. */
  readonly nextJoin: number
}

export interface ServiceOptions {
  readonly pieceCount: number
  readonly pieceSize: number
  readonly group: boolean
  readonly seed: number
}

/** A client has to be in its table before it counts; so many fit. */
const { maxMembers, maxLeaseBytes } = SwarmConfig.defaults
const limits = { maxMembers, maxBytes: maxLeaseBytes }

export class Service {
  readonly #options: ServiceOptions
  #tables = LeaseTables.empty
  readonly #joinedAt = new Map<PeerId, number>()
  #swarm: SwarmState.SwarmState

  constructor(options: ServiceOptions) {
    this.#options = options
    this.#swarm = SwarmState.make(options.seed)
  }

  join(asker: Asker, wanted: number, now: number): Handout {
    const joinedAt = this.#joinedAt.get(asker.id) ?? now
    this.#joinedAt.set(asker.id, joinedAt)
    const member = this.#member(asker, joinedAt)
    const most = Math.min(wanted, SwarmConfig.defaults.handoutLimit)
    const { peers, candidates } = SwarmState.handout(this.#swarm, member, most, now)
    const { isComplete } = asker
    const chance = SwarmState.chance(this.#swarm)
    const nextJoin = Pace.nextJoin(Pace.defaults, { isComplete, joinedFor: now - joinedAt, candidates }, chance)
    const expiresAt = now + Pace.expiry(Pace.defaults, nextJoin)
    this.#swarm = SwarmState.join(this.#swarm, { ...member, expiresAt }, now, maxMembers)
    return { peers: peers.map(({ id }) => id), nextJoin }
  }

  lease(
    asker: Asker,
    told: { readonly held: Bitfield; readonly need: Need; readonly seq: number },
    now: number
  ): Leases.Answer | undefined {
    const { id, site } = asker
    const sources = SwarmState.sourcesAt(this.#swarm, siteOf(site), { id, profileClass: classOf(pc) }, now)
    const request: LeaseRequest = {
      contentId,
      peerId: id,
      reportedIp: externalIp(site),
      scope: this.#options.group ? "Group" : "Lan",
      profile: pc,
      pieceCount: this.#options.pieceCount,
      pieceSize: this.#options.pieceSize,
      held: told.held.bytes,
      ...told.need,
      seq: told.seq
    }
    const from = { site: siteOf(site), externalIp: externalIp(site), sources, gives: true }
    const [answer, after] = LeaseTables.ask(this.#tables, request, from, now, LeasePace.defaults, limits)
    this.#tables = after
    return answer
  }

  #member({ id, site, isComplete }: Asker, joinedAt: number): Member {
    const host = externalIp(site)
    return {
      id,
      place: { site: siteOf(site), subnet: siteOf(site), nearHost: host, farHost: host, isLoopback: false },
      externalIp: host,
      port: 7680,
      scope: this.#options.group ? "Group" : "Lan",
      groupId: this.#options.group ? "group" : undefined,
      sameSubnetOnly: false,
      profileClass: classOf(pc),
      isComplete,
      restrictedUpload: false,
      joinedAt,
      // Only the member that is kept has to expire.
      expiresAt: Infinity
    }
  }
}

/** There is one content, whatever its name. */
const contentId = ContentId.make("DO-" + "A".repeat(43))

const siteOf = (site: number): string => `site ${site}`

/** A network for documentation (RFC 3849) has room for any number of sites. */
const externalIp = (site: number): string => `2001:db8:${site.toString(16)}::1`
