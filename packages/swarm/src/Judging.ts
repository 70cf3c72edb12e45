/**
 * What members are believed. Nobody can be asked to prove what it holds; but what one holds that gives, another gets. So
 * whoever alone holds pieces that others wait for in vain is not counted (`barren`), until somebody gets one of them; and
 * whoever gets nothing of what others hold (`isolated`) may fetch that itself, and is not counted either. Both say nothing
 * about guilt: the one may be a liar, the other behind a firewall.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import { HashMap } from "effect"
import * as Gaps from "./Gaps.ts"
import type { LeaseDraft, Member } from "./internal/LeaseDraft.ts"
import type { Holder, MemberId } from "./LeaseTable.ts"
import * as LeaseWindow from "./LeaseWindow.ts"

/** At most so many pieces of one ask are looked at for who gave them. */
const mostWitnessed = 64

/** The pieces that somebody got without a lease are a word for whoever alone can have given them. Before they are counted. */
export const witness = (draft: LeaseDraft, member: Member, got: Uint8Array): void => {
  const { holders, leased, members } = draft.table
  const single = new Set<number>()
  let fromNobody = false
  const unheld = new Set<number>()
  Gaps.forEach(got, (piece) => {
    const count = holders[piece] ?? 0
    if (count === 1 && single.size < mostWitnessed) single.add(piece)
    // What is leased comes from the origin, also to one who had it leased before.
    if (count > 0 || Gaps.has(leased, piece)) return
    fromNobody = true
    if (unheld.size < mostWitnessed) unheld.add(piece)
  })
  if (fromNobody && draft.table.sources > 0) {
    draft.table.sourcesDoubt = 0
    if (draft.table.sourcesBarren) draft.table.sourcesBarren = false
    else unheld.clear()
  }
  if (single.size === 0 && unheld.size === 0) return
  for (const [id, other] of members) {
    if (id === member.id || (other.doubt === 0 && !other.barren)) continue
    const gave = other.barren ? unheld : single
    if ([...gave].some((piece) => Bitfield.has(other.held, piece)))
      draft.put(id, draft.recount({ ...other, doubt: 0, barren: false }))
  }
}

/** Leases of pieces that have come are done. */
export const keep = (draft: LeaseDraft, member: Member): void => {
  const { average, mostLeased, trustStep } = draft.pace
  for (const [piece, since] of member.leased) {
    if (!Bitfield.has(member.held, piece)) continue
    draft.release(member, piece)
    // Whoever nobody gets anything from may say what it likes.
    if (member.barren) continue
    draft.table.keptCount++
    member.strikes = 0
    member.hasKept = true
    member.trust = Math.min(mostLeased, member.trust + trustStep)
    const took = Math.max(0, draft.now - since)
    member.took = member.took === undefined ? took : member.took + (took - member.took) / average
  }
}

/** Whether pieces of others reach the member: it says so by holding one that it had no lease for. */
export const reach = (draft: LeaseDraft, member: Member, isReached: boolean): void => {
  const lacks = () => draft.haveSources || Gaps.exceeds(draft.table.claimed, member.held.bytes)
  if (isReached || !lacks()) {
    member.stuckSince = undefined
    if (isReached) member.isolated = false
    return
  }
  member.stuckSince ??= draft.now
  if (draft.now - member.stuckSince >= draft.pace.isolatedAfter) member.isolated = true
}

/** The lease goes to another. Whoever loses several in a row loses all, and gets none for a while. */
export const outdo = (draft: LeaseDraft, id: MemberId, slow: Holder, piece: number): void => {
  const { block, strikes: most } = draft.pace
  const strikes = slow.strikes + 1
  const isOut = strikes >= most
  const leased = new Map(isOut ? [] : slow.leased)
  leased.delete(piece)
  for (const lost of slow.leased.keys()) if (!leased.has(lost)) draft.free(lost)
  draft.put(id, { ...slow, leased, strikes, blockedUntil: isOut ? draft.now + block : slow.blockedUntil })
}

/** Milliseconds after which a lease has taken far too long: longer than others took, and than the line needs for all of them. */
export const patience = (draft: LeaseDraft): number => {
  const { hedgeFactor, hedgeLeast, hedgeUnknown } = draft.pace
  const { took } = draft.table.usual
  if (took === undefined) return hedgeUnknown
  // Where next to nothing comes that is no reason to wait for ever.
  return Math.max(hedgeLeast, hedgeFactor * took, Math.min(hedgeUnknown, hedgeFactor * LeaseWindow.drain(draft)))
}

/** One far slower than the others should not be what the end waits for. */
export const isTooSlow = ({ pace, table }: LeaseDraft, member: Member, free: number): boolean => {
  const { members, rate } = table.usual
  return member.rate > 0 && members > 1 && free <= members && member.rate * pace.tooSlow < rate
}

export const starve = ({ table }: LeaseDraft, id: MemberId): void => {
  if (table.starved.length < 2 && !table.starved.includes(id)) table.starved = [...table.starved, id]
}

/** From time to time: what is usual among the members, and whom others wait for in vain. */
export const review = (draft: LeaseDraft): void => {
  LeaseWindow.measure(draft)
  const known = [...HashMap.values(draft.table.members)].filter(({ barren, hasKept }) => hasKept && !barren)
  const rates = known.map(({ rate }) => rate).filter((rate) => rate > 0)
  const tooks = known.flatMap(({ took }) => (took === undefined ? [] : [took]))
  // Of two in the middle the one that keeps peace: nobody is too slow, and nothing takes too long.
  draft.table.usual = {
    took: sorted(tooks)[tooks.length >> 1],
    rate: sorted(rates)[(rates.length - 1) >> 1] ?? 0,
    members: rates.length
  }
  doubt(draft)
}

const sorted = (numbers: ReadonlyArray<number>) => numbers.toSorted((a, b) => a - b)

const doubt = (draft: LeaseDraft): void => {
  const { pace, table } = draft
  const { starved } = table
  const waited = Math.min(draft.now - table.sweptAt, 2 * pace.sweep)
  table.sourcesDoubt = starved.length > 0 && table.sources > 0 ? table.sourcesDoubt + waited : 0
  if (table.sourcesDoubt >= pace.barrenAfter) table.sourcesBarren = true
  table.sources = 0
  table.starved = []
  const alone = starved.length > 0 ? heldByOne(table.holders) : undefined
  for (const [id, member] of table.members) {
    const isWaitedFor = alone !== undefined && starved.some((other) => other !== id)
    const isSuspect = isWaitedFor && member.counted && Gaps.meets(member.held.bytes, alone)
    const next = isSuspect ? member.doubt + waited : 0
    if (next === member.doubt) continue
    draft.put(id, draft.recount({ ...member, doubt: next, barren: member.barren || next >= pace.barrenAfter }))
  }
}

const heldByOne = (holders: Uint16Array): Uint8Array => {
  const bytes = new Uint8Array((holders.length + 7) >> 3)
  for (let piece = 0; piece < holders.length; piece++) if (holders[piece] === 1) Gaps.set(bytes, piece)
  return bytes
}
