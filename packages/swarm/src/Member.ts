/** One device in a swarm, as its last join described it, and whether two of them may and can exchange pieces. */
import type { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import type { Scope } from "@piecework/cloud/Fields"
import { classOf } from "@piecework/cloud/Profile"
import { Peer, PeerAddress, type PeerId, type PeerKind } from "@piecework/domain/Peer"
import { type Place, placeOf, type PrivateNetworks } from "./Place.ts"

export interface Member {
  readonly id: PeerId
  readonly place: Place
  /** The address that the join came from. */
  readonly externalIp: string
  readonly port: number
  readonly scope: Scope
  readonly groupId: string | undefined
  /** Takes peers of its own subnet only. */
  readonly sameSubnetOnly: boolean
  /** Devices of different classes are never matched. */
  readonly profileClass: number
  /** Nothing is missing: a source. */
  readonly isComplete: boolean
  readonly restrictedUpload: boolean
  /** Epoch milliseconds. */
  readonly joinedAt: number
  /** Epoch milliseconds after which the member counts as gone. */
  readonly expiresAt: number
}

export const fromJoin = (
  request: JoinRequest,
  caller: { readonly externalIp: string; readonly privateNetworks: PrivateNetworks },
  times: { readonly joinedAt: number; readonly expiresAt: number }
): Member => ({
  id: request.peerId,
  place: placeOf(caller.externalIp, request, caller.privateNetworks),
  externalIp: caller.externalIp,
  port: request.port,
  scope: request.scope,
  groupId: request.scope === "Group" ? request.groupId : undefined,
  sameSubnetOnly: request.restriction === "Subnet",
  profileClass: classOf(request.profile),
  isComplete: request.left === 0,
  restrictedUpload: request.restrictedUpload,
  ...times
})

/** How near `other` is to `asker`, or nothing when they are not for each other. Both must be willing and one able to give. */
export const match = (asker: Member, other: Member): PeerKind | undefined => {
  if (other.id === asker.id || other.profileClass !== asker.profileClass) return undefined
  if (!admits(asker, other) || !admits(other, asker)) return undefined
  if (!canGive(asker, other) && !canGive(other, asker)) return undefined
  if (other.place.isLoopback !== asker.place.isLoopback) return undefined
  if (other.place.site === asker.place.site) return "Lan"
  return other.groupId !== undefined && other.groupId === asker.groupId ? "Group" : "Internet"
}

/** What a handout says about a member. */
export const peerOf = (member: Member, kind: PeerKind): Peer => {
  const host = kind === "Internet" ? member.place.farHost : member.place.nearHost
  return new Peer({ id: member.id, address: new PeerAddress({ host, port: member.port }), kind })
}

/** Whether `self`'s mode and restriction let it have `other`. Source: spec.md §2.1, §2.4. */
const admits = (self: Member, other: Member): boolean => {
  if (self.sameSubnetOnly && self.place.subnet !== other.place.subnet) return false
  switch (self.scope) {
    case "Lan":
      return self.place.site === other.place.site
    case "Group":
      return self.groupId !== undefined && self.groupId === other.groupId
    case "Internet":
      return true
  }
}

const canGive = (from: Member, to: Member): boolean => !from.restrictedUpload && !to.isComplete
