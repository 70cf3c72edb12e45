/**
 * The matching service as its swarm actor is: members and handouts by `SwarmState` and `Pace`, leases by a `Leases` table for
 * each site. Answers at once; the way there and back is its callers' affair.
 */
import type { Bitfield } from "@piecework/domain/Bitfield"
import type { PeerId } from "@piecework/domain/Peer"
import type { Need } from "@piecework/scheduler/Leases"
import * as LeasePace from "@piecework/swarm/LeasePace"
import * as Leases from "@piecework/swarm/Leases"
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
const { maxMembers } = SwarmConfig.defaults

export class Service {
  readonly #options: ServiceOptions
  readonly #tables = new Map<number, Leases.Leases>()
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
  ): Leases.Answer {
    const { id, site } = asker
    const { pieceCount, pieceSize } = this.#options
    const { keep, most, originRate: rate } = told.need
    const sources = SwarmState.sourcesAt(this.#swarm, siteOf(site), { id, profileClass }, now)
    const table = this.#tables.get(site) ?? Leases.make(pieceCount, pieceSize)
    const ask = { id, externalIp: externalIp(site), held: told.held, keep, most, rate, seq: told.seq, sources }
    const [answer, next] = Leases.ask(table, ask, now, LeasePace.defaults)
    this.#tables.set(site, next)
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
      profileClass,
      isComplete,
      restrictedUpload: false,
      joinedAt,
      // Only the member that is kept has to expire.
      expiresAt: Infinity
    }
  }
}

/** All devices are of one class, so that all may be matched. */
const profileClass = 0

const siteOf = (site: number): string => `site ${site}`

/** A network for documentation (RFC 3849) has room for any number of sites. */
const externalIp = (site: number): string => `2001:db8:${site.toString(16)}::1`
