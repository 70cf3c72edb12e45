/**
 * Who of the neighbours asks the origin for what, without anybody telling them. Pieces are taken in groups; each group
 * has an order of all clients, the one whose id and group hash to the largest weight first (rendezvous hashing), so
 * clients that know the same neighbours agree, and one that comes or goes moves only its own share. The first is the
 * group's owner. Owners begin with the groups they weigh most in, because those they would own in most other companies
 * too: what a client fetches before it has met anybody is likely its own afterwards.
 */
import type { PeerId } from "@piecework/domain/Peer"
import * as Hash from "./internal/Hash.ts"

export interface Shares {
  /** Pieces in a group. */
  readonly groupSize: number
  readonly groupCount: number
  /** The neighbours that also fetch. */
  readonly members: ReadonlyArray<PeerId>
  /** All groups, in the order in which their owners come to them. */
  readonly order: Uint32Array
  /** By group: how many come before this client, 0 when it is its own. */
  readonly rank: Uint8Array
  /** By group: the places in `members` of the first `lineLength` that come before this client, -1 after the last. */
  readonly line: Int16Array
}

/**
 * As many are waited for one after the other, if all of them show nothing; then everybody may. More would hold a client back
 * for long that is the only one of many with a way to the origin.
 */
export const lineLength = 4

/**
 * Groups of one piece up to 512 pieces, so that a small content splits evenly; of 16 from 8192 pieces on, the longest
 * request; and never more than 4096 groups. All clients must come to the same, so it depends on the content alone.
 */
export const groupSizeOf = (pieceCount: number): number =>
  Math.max(1, Math.min(16, Math.ceil(pieceCount / 512)), Math.ceil(pieceCount / 4096))

export const make = (pieceCount: number, self: PeerId, members: ReadonlyArray<PeerId>): Shares => {
  const groupSize = groupSizeOf(pieceCount)
  const groupCount = Math.ceil(pieceCount / groupSize)
  const rank = new Uint8Array(groupCount)
  const line = new Int16Array(groupCount * lineLength).fill(-1)
  // Weight and group in one number, so that sorting needs no comparison function; both stay exact below 2^53.
  const keys = new Float64Array(groupCount)
  const own = Hash.ofText(self)
  const others = members.map(Hash.ofText)
  for (let group = 0; group < groupCount; group++) {
    const weight = weigh(group, own)
    let most = weight
    let before = 0
    for (let i = 0; i < others.length; i++) {
      const other = weigh(group, others[i] ?? 0)
      if (other <= weight) continue
      before++
      if (other > most) most = other
      // Into its place in the line: those that weigh less move back, and the last drops out.
      let lighter = i
      for (let at = group * lineLength; at < (group + 1) * lineLength && lighter >= 0; at++) {
        const there = line[at] ?? -1
        if (there >= 0 && weigh(group, others[there] ?? 0) >= weigh(group, others[lighter] ?? 0)) continue
        line[at] = lighter
        lighter = there
      }
    }
    rank[group] = Math.min(255, before)
    keys[group] = (2 ** 32 - 1 - most) * 4096 + group
  }
  const order = Uint32Array.from(keys.toSorted(), (key) => key % 4096)
  return { groupSize, groupCount, members, order, rank, line }
}

/** Whether the shares are those among just these neighbours. */
export const isAmong = (self: Shares, members: ReadonlyArray<PeerId>): boolean =>
  self.members.length === members.length && members.every((member, i) => member === self.members[i])

export const groupOf = (self: Shares, piece: number): number => Math.floor(piece / self.groupSize)

/** The owner's place in `members`, or -1 when this client owns the group. */
export const ownerOf = (self: Shares, group: number): number => self.line[group * lineLength] ?? -1

/** How many clients come before this one for the piece; 0 when it is its own. */
export const rankOf = (self: Shares, piece: number): number => self.rank[groupOf(self, piece)] ?? 0

const weigh = (group: number, client: number): number => Hash.mix(client ^ Math.imul(group + 1, 0x9e3779b1))
