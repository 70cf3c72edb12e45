/**
 * The members of one swarm, and whom each is handed. Knows no clock and no chance but its seed: the same joins at the same
 * times give the same handouts. It changes in place, and a join takes as long as the peers that it hands out, in a swarm of
 * any size: with 20,000 members, putting one in by making a new list would cost more than all the rest.
 *
 * Invariant: a member is listed once, in the pools that its last join says; `count` is the number listed.
 */
import type { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import type { PeerId } from "@piecework/domain/Peer"
import { Duration } from "effect"
import * as Activity from "./Activity.ts"
import * as Amounts from "./Amounts.ts"
import { Chance } from "./Chance.ts"
import * as Complaints from "./Complaints.ts"
import { type Handed, handout } from "./Handing.ts"
import { Member } from "./Member.ts"
import * as Pace from "./Pace.ts"
import * as PeerJson from "./PeerJson.ts"
import { type Place, placeOf, type PrivateNetworks } from "./Place.ts"
import { type Circle, circlesOf, keyOf, Pool } from "./Pool.ts"
import { SiteView } from "./SwarmView.ts"
import * as Traits from "./Traits.ts"

export interface Rules {
  readonly pace: Pace.Pace
  readonly privateNetworks: PrivateNetworks
  /** Most peers in a handout, whatever is wanted. */
  readonly handoutLimit: number
  /** Past it newcomers get a handout, but are not kept. */
  readonly maxMembers: number
  /** Of this swarm and others together, likewise: contents are named by whoever asks, so one bound for each is none. */
  readonly census: Census
  /** Members whose figures are kept, likewise; those of the others are in no sum. */
  readonly followed: Census
}

/** Members of all swarms of a process. */
export interface Census {
  readonly most: number
  count: number
}

export interface Joined extends Handed {
  /** Milliseconds. */
  readonly nextJoin: number
}

/** A swarm in sums. */
export interface Sums {
  readonly members: number
  readonly complete: number
  readonly bytes: ReadonlyArray<number>
  readonly rate: ReadonlyArray<number>
}

/** Who asks what is there, member or not. */
export interface Asker {
  readonly id: PeerId
  readonly place: Pick<Place, "site" | "subnet">
  readonly group: string | undefined
  /** `Traits.kindOf` its traits. */
  readonly kind: number
  readonly sameSubnetOnly: boolean
}

/** Members that each join looks at, whether they have been silent too long; and when there is no room for another. */
const sweptAtOnce = 2
const sweptWhenFull = 64

export class SwarmState {
  readonly #rules: Rules
  readonly #chance: Chance
  /** Epoch milliseconds from which its members' times are counted, so that they are small numbers. */
  readonly #start: number
  readonly #members = new Map<PeerId, Member>()
  readonly #pools = new Map<string, Pool>()
  /** Whom a member complains about, for those that do. */
  readonly #accused = new Map<PeerId, ReadonlyArray<PeerId>>()
  /** Pools of members that keep to their subnet; and sites. */
  #closedPools = 0
  #sites = 0
  #complete = 0
  readonly #bytes = Amounts.none()
  readonly #rate = Amounts.none()
  #sweep: Iterator<Member>

  /** `now` is epoch milliseconds, here and in all that follows. */
  constructor(seed: number, now: number, rules: Rules) {
    this.#rules = rules
    // Swarms differ in what they are given, not in how near their seeds are.
    this.#chance = new Chance(Math.imul(seed, 0x9e37_79b1))
    this.#start = now
    this.#sweep = this.#members.values()
  }

  get count(): number {
    return this.#members.size
  }

  get #hasRoom(): boolean {
    const { census, maxMembers } = this.#rules
    return this.count < maxMembers && census.count < census.most
  }

  find(id: PeerId): Member | undefined {
    return this.#members.get(id)
  }

  /** Takes the member in, or its newer word in place of the older, and hands it others. */
  join(request: JoinRequest, externalIp: string, epochMillis: number): Joined {
    const { handoutLimit, pace } = this.#rules
    const now = epochMillis - this.#start
    const known = this.#members.get(request.peerId)
    // Whoever speaks is there, however long it was silent.
    if (known !== undefined) known.expiresAt = now + 1
    this.#forgetSilent(now, this.#hasRoom ? sweptAtOnce : sweptWhenFull)
    const member = known === undefined ? this.#newcomer(request, externalIp, now) : known
    if (known !== undefined) this.#renew(known, request, externalIp)
    if (request.event === "Started") member.joinedAt = now
    // One that goes on with what this process forgot knows its peers: else all of a site would come back in haste together.
    else if (known === undefined) member.joinedAt = now - Duration.toMillis(pace.eagerFor)
    member.expiresAt = now + 1
    member.seenAt = now
    this.#follow(member, request, now)
    this.#hear(member, request, now)
    const handed = this.#handout(member, Math.min(request.peersWanted, handoutLimit), now)
    const isComplete = request.left === 0
    const joinedFor = now - member.joinedAt
    const { candidates } = handed
    const nextJoin = Pace.nextJoin(pace, { isComplete, joinedFor, candidates }, this.#chance.next())
    member.expiresAt = now + Pace.expiry(pace, nextJoin)
    return { ...handed, nextJoin }
  }

  /** Takes the member out. Only from where it joined: others know its id, too. */
  leave(id: PeerId, externalIp: string): boolean {
    const member = this.#members.get(id)
    if (member === undefined || member.externalIp !== externalIp) return false
    this.#remove(id, member)
    return true
  }

  /** Whether a member near the asker could give it every piece. */
  hasSource(asker: Asker, epochMillis: number): boolean {
    const now = epochMillis - this.#start
    const { group, id, kind, place, sameSubnetOnly } = asker
    for (const subnet of [undefined, place.subnet]) {
      for (const member of this.#pools.get(keyOf({ site: place.site, group, kind, subnet }))?.bag("Source") ?? []) {
        const isInReach = !sameSubnetOnly || member.subnet === place.subnet
        if (isInReach && member.expiresAt > now && member.id !== id) return true
      }
    }
    return false
  }

  /** Costs nothing, unlike what follows. Who has been silent for too long is in it until it is noticed. */
  get sums(): Sums {
    return { members: this.count, complete: this.#complete, bytes: this.#bytes, rate: this.#rate }
  }

  /** Takes time with each circle of members. */
  countSites(): number {
    const sites = new Set<string>()
    for (const { site } of this.#pools.values()) if (site !== undefined) sites.add(site)
    return sites.size
  }

  /** All of them; their times count from `start`, epoch milliseconds. */
  get all(): Iterable<Member> {
    return this.#members.values()
  }

  get start(): number {
    return this.#start
  }

  /** Counts, and the sites with most members. Who has been silent for too long is counted until it is noticed. */
  look(mostSites: number): {
    readonly members: number
    readonly complete: number
    readonly restricted: number
    readonly siteCount: number
    readonly sites: ReadonlyArray<SiteView>
  } {
    const sites = new Map<string, { members: number; complete: number }>()
    let complete = 0
    let restricted = 0
    for (const member of this.#members.values()) {
      const isComplete = (member.traits & Traits.complete) !== 0
      if (isComplete) complete++
      if ((member.traits & Traits.restricted) !== 0) restricted++
      const name = member.near.site ?? ""
      const site = sites.get(name) ?? { members: 0, complete: 0 }
      sites.set(name, { members: site.members + 1, complete: site.complete + (isComplete ? 1 : 0) })
    }
    const largest = [...sites]
      .toSorted(([a, one], [b, other]) => other.members - one.members || (a < b ? -1 : 1))
      .slice(0, mostSites)
      .map(([site, counts]) => new SiteView({ site, ...counts }))
    return { members: this.count, complete, restricted, siteCount: sites.size, sites: largest }
  }

  /** Forgets everybody. */
  clear(): void {
    this.#rules.census.count -= this.count
    for (const member of this.#members.values()) this.#unfollow(member)
    this.#complete = 0
    this.#members.clear()
    this.#pools.clear()
    this.#accused.clear()
  }

  /** One that may not stay: it is in the list only if there is room. */
  #newcomer(request: JoinRequest, externalIp: string, now: number): Member {
    const place = placeOf(externalIp, request, this.#rules.privateNetworks)
    const traits = Traits.ofJoin(request, place.isLoopback)
    const json = PeerJson.make(request.peerId, place.nearHost, request.port)
    const hasRoom = this.#hasRoom
    const [near, far] = this.#poolsOf(place, groupOf(request), traits, hasRoom)
    const subnet = near.once(place.subnet)
    const member = new Member(json, near.once(externalIp), { subnet, near, far }, traits, now)
    if (hasRoom) {
      this.#members.set(member.id, member)
      this.#rules.census.count++
      this.#enter(member)
    }
    return member
  }

  #renew(member: Member, request: JoinRequest, externalIp: string): void {
    const group = groupOf(request)
    const isWhereItWas =
      member.externalIp === externalIp &&
      PeerJson.isAt(member.json, request.reportedIp, request.port) &&
      Traits.tellsMask(member.traits, request.subnetMask)
    if (isWhereItWas) {
      const traits = Traits.ofJoin(request, (member.traits & Traits.loopback) !== 0)
      if (traits === member.traits && group === member.near.group) return
      // The pools' names are made of what a member is, so they are looked up anew.
      this.#move(member, externalIp, { site: member.near.site ?? "", subnet: member.subnet }, group, traits)
      return
    }
    const place = placeOf(externalIp, request, this.#rules.privateNetworks)
    const json = PeerJson.make(request.peerId, place.nearHost, request.port)
    if (json !== member.json) {
      // At another address it may well be reached; what it gives is what it was.
      member.complaints = member.complaints?.filter(({ reason }) => reason !== "Unreachable")
      member.json = json
    }
    this.#move(member, externalIp, place, group, Traits.ofJoin(request, place.isLoopback))
  }

  #move(
    member: Member,
    externalIp: string,
    place: Pick<Place, "site" | "subnet">,
    group: string | undefined,
    traits: Traits.Traits
  ): void {
    this.#exit(member)
    const [near, far] = this.#poolsOf(place, group, traits, true)
    member.externalIp = near.once(externalIp)
    member.subnet = near.once(place.subnet)
    member.traits = traits
    member.near = near
    member.far = far
    this.#enter(member)
  }

  /** Takes what the join says of what it received in the place of what was said before. */
  #follow(member: Member, request: JoinRequest, now: number): void {
    const { followed } = this.#rules
    const after = Activity.heard(member.activity, request, now)
    this.#unfollow(member)
    const isKept = this.#members.get(request.peerId) === member
    if (after === undefined || !isKept || followed.count >= followed.most) return
    followed.count++
    member.activity = after
    Amounts.add(this.#bytes, after.bytes)
    Amounts.add(this.#rate, after.rate)
  }

  #unfollow(member: Member): void {
    const before = member.activity
    if (before === undefined) return
    this.#rules.followed.count--
    member.activity = undefined
    Amounts.add(this.#bytes, before.bytes, -1)
    Amounts.add(this.#rate, before.rate, -1)
  }

  #hear(member: Member, request: JoinRequest, now: number): void {
    const before = this.#accused.get(request.peerId)
    const told = request.complaints ?? []
    if (before === undefined && told.length === 0) return
    for (const id of before ?? []) {
      const other = this.#members.get(id)
      if (other !== undefined) other.complaints = Complaints.withoutComplaint(other.complaints, request.peerId)
    }
    const heard: Array<PeerId> = []
    for (const { peerId, reason } of this.#members.has(request.peerId) ? told : []) {
      const other = this.#members.get(peerId)
      if (other === undefined || other === member || heard.includes(peerId)) continue
      heard.push(peerId)
      const complaint = { by: request.peerId, site: member.near.site ?? "", reason, until: now + Complaints.lasting }
      other.complaints = Complaints.withComplaint(other.complaints, complaint, now)
    }
    if (heard.length === 0) this.#accused.delete(request.peerId)
    else this.#accused.set(request.peerId, heard)
  }

  #handout(asker: Member, wanted: number, now: number): Handed {
    const silent: Array<Member> = []
    const handed = handout(asker, {
      near: this.#around(asker.near, asker.subnet),
      far: asker.far === undefined ? [] : this.#around(asker.far, asker.subnet),
      wanted,
      now,
      voicesNeeded: Complaints.voicesNeeded(this.#sites),
      chance: this.#chance,
      onSilent: (member) => silent.push(member)
    })
    for (const member of silent) if (this.#members.get(member.id) === member) this.#remove(member.id, member)
    return handed
  }

  /** The pool, and the one of those that keep to the asker's subnet, or do not. */
  #around(own: Pool, subnet: string): ReadonlyArray<Pool> {
    if (this.#closedPools === 0) return [own]
    const { group, kind, site } = own
    const other = this.#pools.get(keyOf({ site, group, kind, subnet: own.subnet === undefined ? subnet : undefined }))
    return other === undefined ? [own] : [own, other]
  }

  #poolsOf(
    place: Pick<Place, "site" | "subnet">,
    group: string | undefined,
    traits: Traits.Traits,
    isKept: boolean
  ): readonly [Pool, Pool | undefined] {
    const [near, far] = circlesOf(place, group, traits)
    return [this.#pool(near, isKept), far === undefined ? undefined : this.#pool(far, isKept)]
  }

  #pool(circle: Circle, isKept: boolean): Pool {
    const key = keyOf(circle)
    const known = this.#pools.get(key)
    if (known !== undefined) return known
    const pool = new Pool(circle)
    if (isKept) {
      this.#pools.set(key, pool)
      if (pool.subnet !== undefined) this.#closedPools++
      if (pool.site !== undefined) this.#sites++
    }
    return pool
  }

  #enter(member: Member): void {
    if ((member.traits & Traits.complete) !== 0) this.#complete++
    member.near.put(member)
    member.far?.put(member)
  }

  #exit(member: Member): void {
    if ((member.traits & Traits.complete) !== 0) this.#complete--
    for (const pool of member.far === undefined ? [member.near] : [member.near, member.far]) {
      pool.take(member)
      if (!pool.isEmpty) continue
      this.#pools.delete(pool.key)
      if (pool.subnet !== undefined) this.#closedPools--
      if (pool.site !== undefined) this.#sites--
    }
  }

  #remove(id: PeerId, member: Member): void {
    this.#members.delete(id)
    this.#rules.census.count--
    this.#accused.delete(id)
    this.#unfollow(member)
    this.#exit(member)
  }

  /** Goes round all members, a few with each join. */
  #forgetSilent(now: number, most: number): void {
    for (let n = 0; n < most; n++) {
      const { done, value } = this.#sweep.next()
      if (done === true) {
        this.#sweep = this.#members.values()
        return
      }
      if (value.expiresAt <= now) this.#remove(value.id, value)
    }
  }
}

const groupOf = (request: JoinRequest): string | undefined => (request.scope === "Group" ? request.groupId : undefined)
