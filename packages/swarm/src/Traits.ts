/** What a join says of a member, beside who and where it is, as the bits of one small number. */
import type { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import { classOf } from "@piecework/cloud/Profile"

export type Traits = number

/** Nothing is missing: a source. */
export const complete = 1
/** Gives nothing, or nothing beyond its site: see `givesNear`. */
export const restricted = 2
/** Takes peers of its own subnet only. */
export const sameSubnetOnly = 4
/** Nobody on another machine reaches it. */
export const loopback = 8
/** Takes peers from anywhere. */
export const internet = 16
/** Takes peers of its group, at whatever site. With neither of the two, those of its site. */
export const group = 32
/** Is in Group mode without a group, so for nobody. */
export const alone = 64
/** With `restricted`: gives to its site all the same. */
export const givesNear = 128
/** Devices of different classes are never matched: the bits of `Profile.classOf`, moved. */
export const profileClass = 0xf00
/** How the subnet mask was told: 0 not at all, else its bits and 1; `oddMask` is in words that have to be read anew. */
const maskAt = 12
const oddMask = 63

/** Equal for those that may be matched at all. */
export const kindOf = (traits: Traits): number => traits & (profileClass | loopback)

/** Gives nothing to those of its site, or else to all others. */
export const givesNothing = (traits: Traits, isNear: boolean): boolean =>
  (traits & restricted) !== 0 && !(isNear && (traits & givesNear) !== 0)

export const ofJoin = (request: JoinRequest, isLoopback: boolean): Traits =>
  (request.left === 0 ? complete : 0) |
  (request.restrictedUpload ? restricted : 0) |
  (request.givesNear === true ? givesNear : 0) |
  (request.restriction === "Subnet" ? sameSubnetOnly : 0) |
  (isLoopback ? loopback : 0) |
  (request.scope === "Internet" ? internet : 0) |
  (request.scope === "Group" ? (request.groupId === undefined ? group | alone : group) : 0) |
  classOf(request.profile) |
  (maskOf(request.subnetMask) << maskAt)

/** Whether a join with that mask says what it said before, in the same words. */
export const tellsMask = (traits: Traits, mask: string | undefined): boolean => {
  const told = maskOf(mask)
  return told !== oddMask && told === traits >> maskAt
}

const maskOf = (mask: string | undefined): number => (mask === undefined ? 0 : (masks.get(mask) ?? oddMask))

/** The 32 masks of IPv4 that set a bit, in dotted form. */
const masks: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 32 }, (_, n) => {
    const mask = (0xffff_ffff << (31 - n)) >>> 0
    return [[24, 16, 8, 0].map((shift) => (mask >>> shift) & 0xff).join("."), n + 2] as const
  })
)
