/**
 * The matching service as its swarm actor is: members and handouts by `SwarmState` and `Pace`, leases by
 * `LeaseTables`. Answers at once; the way there and back is its callers' affair.
 */
import { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import type { LeaseRequest } from "@piecework/cloud/LeaseRpc"
import { classOf, pc } from "@piecework/cloud/Profile"
import type { Bitfield } from "@piecework/domain/Bitfield"
import { ContentId } from "@piecework/domain/Content"
import type { PeerId } from "@piecework/domain/Peer"
import type { Need } from "@piecework/scheduler/Leases"
import * as LeasePace from "@piecework/swarm/LeasePace"
import type * as Leases from "@piecework/swarm/Leases"
import * as LeaseTables from "@piecework/swarm/LeaseTables"
import { placeOf } from "@piecework/swarm/Place"
import * as SwarmConfig from "@piecework/swarm/SwarmConfig"
import { SwarmState } from "@piecework/swarm/SwarmState"

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
  readonly #swarm: SwarmState

  constructor(options: ServiceOptions) {
    this.#options = options
    const census = { most: Number.POSITIVE_INFINITY, count: 0 }
    const followed = { most: 0, count: 0 }
    this.#swarm = new SwarmState(options.seed, 0, { ...SwarmConfig.defaults, census, followed })
  }

  join(asker: Asker, wanted: number, now: number): Handout {
    const { near, far, nextJoin } = this.#swarm.join(this.#request(asker, wanted), externalIp(asker.site), now)
    return { peers: [...near, ...far].map(({ id }) => id), nextJoin }
  }

  lease(
    asker: Asker,
    told: { readonly held: Bitfield; readonly need: Need; readonly seq: number },
    now: number
  ): Leases.Answer | undefined {
    const { id, site } = asker
    const group = this.#options.group ? groupId : undefined
    const isThere = this.#swarm.hasSource(
      { id, place: { site: siteOf(site), subnet: siteOf(site) }, group, kind: classOf(pc), sameSubnetOnly: false },
      now
    )
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
    const from = { site: siteOf(site), externalIp: externalIp(site), sources: isThere ? 1 : 0, gives: true }
    const [answer, after] = LeaseTables.ask(this.#tables, request, from, now, LeasePace.defaults, limits)
    this.#tables = after
    return answer
  }

  #request({ id, isComplete, site }: Asker, wanted: number): JoinRequest {
    const scope = this.#options.group ? ({ scope: "Group", groupId } as const) : ({ scope: "Lan" } as const)
    return JoinRequest.make(
      {
        contentId,
        peerId: id,
        reportedIp: externalIp(site),
        port: 7680,
        left: isComplete ? 0 : 1,
        event: "Periodic",
        peersWanted: wanted,
        ...scope
      },
      { disableChecks: true }
    )
  }
}

/** There is one content, whatever its name. */
const contentId = ContentId.make("DO-" + "A".repeat(43))

const groupId = "group"

/** As the swarm names it. */
const siteOf = (site: number): string =>
  placeOf(externalIp(site), { reportedIp: externalIp(site) }, SwarmConfig.defaults.privateNetworks).site

/** A network for documentation (RFC 3849) has room for any number of sites. */
const externalIp = (site: number): string => `2001:db8:${site.toString(16)}::1`
