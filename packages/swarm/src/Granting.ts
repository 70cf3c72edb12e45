/** Which leases a member gets: runs of free pieces, each member in a gap of its own; or one that took another far too long. */
import * as Bitfield from "@piecework/domain/Bitfield"
import { HashMap } from "effect"
import * as Gaps from "./Gaps.ts"
import type { LeaseDraft, Member } from "./internal/LeaseDraft.ts"
import * as Judging from "./Judging.ts"
import type { Holder, MemberId } from "./LeaseTable.ts"
import * as LeaseWindow from "./LeaseWindow.ts"

/** New leases for the asker, at most so many; whether it wanted some and there were none for it. */
export const grant = (draft: LeaseDraft, member: Member, most: number): boolean => {
  if (most === 0) return false
  if (draft.now < draft.table.settledAt) return true
  const wanted = Math.min(most, capacity(draft, member) - member.leased.size)
  if (wanted <= 0) return true
  const had = member.leased.size
  if (!mustWait(draft, member)) grantFree(draft, member, wanted)
  if (member.leased.size === 0) hedge(draft, member)
  return member.leased.size === had
}

/** How many pieces the member may have leased. */
export const capacity = (draft: LeaseDraft, member: Member): number => {
  if (draft.now < member.blockedUntil) return 0
  const { pace, table } = draft
  const ahead = Math.floor((member.rate * pace.runTime) / 1000 / table.pieceSize)
  return Math.min(member.trust, Math.max(2, 2 * ahead))
}

/** Whoever gives nothing takes what the others fetch: its own leases would be paid for twice. */
const mustWait = (draft: LeaseDraft, member: Member): boolean =>
  !member.gives &&
  !member.isolated &&
  HashMap.some(draft.table.members, (other, id) => id !== member.id && other.counted)

const grantFree = (draft: LeaseDraft, member: Member, wanted: number): void => {
  const { table } = draft
  const { free, gaps, taken } = survey(draft, member, wanted)
  if (free === 0 && member.leased.size === 0) Judging.starve(draft, member.id)
  if (free === 0 || Judging.isTooSlow(draft, member, free)) return
  const askers = HashMap.size(table.members) + (HashMap.has(table.members, member.id) ? 0 : 1)
  // Never more than half of what would be everybody's part, so that all end together.
  const part = askers === 1 ? free : Math.max(1, Math.ceil(free / (2 * askers)))
  let left = Math.min(wanted, part, LeaseWindow.room(draft, member, free))
  const take = (start: number) => {
    let piece = start
    for (; left > 0 && !Gaps.has(taken, piece) && draft.isFree(member, piece); piece++, left--)
      draft.lease(member, piece)
    if (piece > start) member.cursor = piece
  }
  if (member.cursor < table.pieceCount) take(member.cursor)
  for (const gap of gaps) if (left > 0) take(startIn(draft, gap))
  // What is before the middle of gaps that others go on into.
  for (const { first } of gaps) if (left > 0) take(first)
}

/** What the member may have: how many pieces, and the longest gaps between what is taken, enough of them for so many. */
const survey = (
  draft: LeaseDraft,
  member: Member,
  most: number
): ReturnType<typeof Gaps.survey> & { readonly taken: Uint8Array } => {
  const { claimed, leased, pieceCount } = draft.table
  const own = Gaps.union(leased, member.held.bytes)
  const without = (taken: Uint8Array) => ({ ...Gaps.survey(pieceCount, taken, most), taken })
  if (!member.isolated) return without(draft.haveSources ? everything(own) : Gaps.union(own, claimed))
  // It needs them all, and what the others hold already delays nobody.
  const others = without(Gaps.union(own, Gaps.minus(everything(claimed), claimed)))
  return others.free > 0 ? others : without(own)
}

const everything = ({ length }: Uint8Array) => new Uint8Array(length).fill(0xff)

/** Somebody goes on into the gap from before it, so a newcomer begins in its middle. */
const startIn = (draft: LeaseDraft, { first, count }: Gaps.Gap): number => {
  const isTaken = first > 0 && Gaps.has(draft.table.leased, first - 1)
  return isTaken ? first + (count >> 1) : first
}

/** Takes over the lease that has taken the longest, if that is far too long and nobody of the site could give the piece. */
const hedge = (draft: LeaseDraft, member: Member): void => {
  let oldest = draft.now - Judging.patience(draft)
  let found: readonly [MemberId, Holder, number] | undefined
  for (const [id, other] of draft.table.members) {
    if (id === member.id) continue
    for (const [piece, since] of other.leased) {
      if (since > oldest) break
      if (Bitfield.has(member.held, piece) || isGiven(draft, member, piece)) continue
      oldest = since
      found = [id, other, piece]
    }
  }
  if (found === undefined) return
  const [id, slow, piece] = found
  Judging.outdo(draft, id, slow, piece)
  draft.lease(member, piece)
}

/** Somebody of the site holds it, though it is leased: a member that ends asks no more, and what it had leased last stays so. */
const isGiven = (draft: LeaseDraft, member: Member, piece: number): boolean =>
  !member.isolated && (draft.haveSources || (draft.table.holders[piece] ?? 0) > 0)
