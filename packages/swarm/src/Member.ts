/**
 * One device in a swarm, as its last join described it, and whether two of them may and can exchange pieces. Kept small: a
 * swarm has many. Only `SwarmState` changes one.
 */
import type { PeerId, PeerKind } from "@piecework/domain/Peer"
import type { Activity } from "./Activity.ts"
import type { Slot } from "./Bag.ts"
import type { Complaint } from "./Complaints.ts"
import * as PeerJson from "./PeerJson.ts"
import type { Pool } from "./Pool.ts"
import * as Traits from "./Traits.ts"

/** What a member does for others: gives and takes, only gives, or only takes. */
export type Role = (typeof roles)[number]
export const roles = ["Sharing", "Source", "Taking"] as const

export class Member {
  /** Who it is, and where others at its site or in its group reach it. */
  json: string
  /** The address that its join came from, at which all others reach it. */
  externalIp: string
  /** The network that the reported address is in. */
  subnet: string
  traits: Traits.Traits
  /** Milliseconds on the clock of its swarm. */
  joinedAt: number
  /** Of its last join. */
  seenAt: number
  /** … and after which it counts as gone. */
  expiresAt: number
  /** The pool of its site, and that of those elsewhere that are for it. */
  near: Pool
  far: Pool | undefined
  /** Where the pools' bags have it. */
  nearAt = -1
  farAt = -1
  /** What others say against it; most members have none. */
  complaints: ReadonlyArray<Complaint> | undefined = undefined
  /** What it receives, when that is followed. */
  activity: Activity | undefined = undefined

  constructor(
    json: string,
    externalIp: string,
    place: { readonly subnet: string; readonly near: Pool; readonly far: Pool | undefined },
    traits: Traits.Traits,
    joinedAt: number
  ) {
    this.json = json
    this.externalIp = externalIp
    this.subnet = place.subnet
    this.traits = traits
    this.joinedAt = joinedAt
    this.seenAt = joinedAt
    this.expiresAt = joinedAt
    this.near = place.near
    this.far = place.far
  }

  get id(): PeerId {
    return PeerJson.idOf(this.json)
  }

  /** Among those of its site, or elsewhere. Nothing, where it has all and may not give it, or is for nobody. */
  roleIn(slot: Slot): Role | undefined {
    if ((this.traits & Traits.alone) !== 0) return undefined
    const isComplete = (this.traits & Traits.complete) !== 0
    if (Traits.givesNothing(this.traits, slot === "near")) return isComplete ? undefined : "Taking"
    return isComplete ? "Source" : "Sharing"
  }
}

/** How near `other` is to `asker`, or nothing when they are not for each other. Both must be willing and one able to give. */
export const match = (asker: Member, other: Member): PeerKind | undefined => {
  if (asker === other || Traits.kindOf(asker.traits) !== Traits.kindOf(other.traits)) return undefined
  const near = isNear(asker, other)
  if (!canGive(asker.traits, other.traits, near) && !canGive(other.traits, asker.traits, near)) return undefined
  if (!admits(asker, other) || !admits(other, asker)) return undefined
  if (near) return "Lan"
  return (asker.traits & Traits.group) === 0 ? "Internet" : "Group"
}

export const isNear = (one: Member, other: Member): boolean => one.near.site === other.near.site

/** Whether `self`'s mode and restriction let it have `other`. Source: spec.md §2.1, §2.4. */
const admits = (self: Member, other: Member): boolean => {
  if ((self.traits & Traits.sameSubnetOnly) !== 0 && self.subnet !== other.subnet) return false
  if ((self.traits & Traits.internet) !== 0) return true
  if ((self.traits & Traits.group) === 0) return isNear(self, other)
  return (self.traits & Traits.alone) === 0 && self.near.group === other.near.group
}

const canGive = (from: Traits.Traits, to: Traits.Traits, near: boolean): boolean =>
  !Traits.givesNothing(from, near) && (from & Traits.alone) === 0 && (to & (Traits.complete | Traits.alone)) === 0
