/**
 * Who of one site asks the origin for what. A piece is free when no live member holds it and nobody has it leased; a
 * member gets runs of free pieces, and keeps them while it says so with each ask. Values only: time comes in as an argument.
 *
 * Whoever lies can cost a site time, not bytes and never the end: a member has few leases until it has shown that it keeps
 * them, a lease that takes far longer than the site's others goes to the next who has nothing else to do, a member that
 * lost several so loses all and gets none for a while (`Granting`), and pieces that others wait for in vain count as
 * missing (`Judging`).
 */
import type * as Bitfield from "@piecework/domain/Bitfield"
import type { Run } from "@piecework/cloud/LeaseRpc"
import { HashMap } from "effect"
import * as Gaps from "./Gaps.ts"
import * as Granting from "./Granting.ts"
import { LeaseDraft, type Member } from "./internal/LeaseDraft.ts"
import * as Judging from "./Judging.ts"
import { type LeasePace, pauses } from "./LeasePace.ts"
import type { Holder, LeaseTable, MemberId } from "./LeaseTable.ts"

export interface Ask {
  readonly id: MemberId
  readonly held: Bitfield.Bitfield
  readonly keep: ReadonlyArray<Run>
  readonly most: number
  /** Bytes a second; 0 while unknown. */
  readonly rate: number
  readonly seq: number
  /** Members that hold everything without asking for leases. */
  readonly sources: number
  /** The asker may upload. */
  readonly gives: boolean
}

export interface Answer {
  /** All leases of the asker, in order. */
  readonly runs: ReadonlyArray<Run>
  /** Milliseconds until the next ask. */
  readonly again: number
}

export const ask = (before: LeaseTable, request: Ask, now: number, pace: LeasePace): readonly [Answer, LeaseTable] => {
  const draft = new LeaseDraft(expire(before, now, pace), pace, now)
  const known = draft.find(request.id)
  settle(draft, known === undefined && request.seq > 0)
  draft.table.sources = Math.max(draft.table.sources, request.sources)
  const member = renewed(draft, request, known)
  const got = known === undefined ? nothing : Gaps.minus(member.held.bytes, known.held.bytes)
  const unleased = got.slice()
  for (const piece of member.leased.keys()) Gaps.clear(unleased, piece)
  Judging.witness(draft, member, unleased)
  if (member.counted) {
    draft.count(got, 1)
    if (known !== undefined) draft.count(Gaps.minus(known.held.bytes, member.held.bytes), -1)
  }
  Judging.keep(draft, member)
  Judging.reach(draft, member, Gaps.any(unleased))
  member.counted = draft.recount(member).counted
  claim(draft, member, request.keep)
  const starved = Granting.grant(draft, member, request.most)
  const { id, ...holder } = member
  draft.put(id, holder)
  const again = pauses(pace, HashMap.size(draft.table.members))
  return [{ runs: Gaps.runsOf(member.leased.keys()), again: starved ? again.starved : again.renew }, draft.table]
}

/** Without the member. */
export const leave = (before: LeaseTable, id: MemberId, now: number, pace: LeasePace): LeaseTable => {
  const draft = new LeaseDraft(before, pace, now)
  const member = draft.find(id)
  if (member === undefined) return before
  draft.remove(id, member)
  return draft.table
}

/** Without those that have been silent too long; looks at most once a second. */
export const expire = (before: LeaseTable, now: number, pace: LeasePace): LeaseTable => {
  if (now - before.sweptAt < pace.sweep) return before
  const draft = new LeaseDraft(before, pace, now)
  for (const [id, member] of before.members) if (member.expiresAt <= now) draft.remove(id, member)
  Judging.review(draft)
  draft.table.sweptAt = now
  return draft.table
}

/** A member that is in a young table for the first time, though it had leases before: the service forgot, and all come back. */
const settle = (draft: LeaseDraft, isBack: boolean): void => {
  const { now, pace, table } = draft
  if (HashMap.isEmpty(table.members)) {
    table.madeAt = now
    table.settledAt = now
  }
  if (isBack && now - table.madeAt < pace.settle) table.settledAt = table.madeAt + pace.settle
}

const renewed = (draft: LeaseDraft, request: Ask, known: Holder | undefined): Member => {
  const { now, pace, table } = draft
  const { renew } = pauses(pace, HashMap.size(table.members) + 1)
  return {
    ...(known ?? { ...unknown, trust: request.seq > 0 ? pace.trustKnown : pace.trustFirst }),
    id: request.id,
    held: request.held,
    leased: new Map(known?.leased),
    rate: request.rate,
    gives: request.gives,
    askedAt: now,
    expiresAt: now + 3 * renew + pace.grace
  }
}

/** What the member goes on with stays leased to it, the rest is given back; what it has begun by itself it gets if it is free. */
const claim = (draft: LeaseDraft, member: Member, runs: Ask["keep"]): void => {
  const keep = new Set<number>()
  for (const { first, count } of runs) {
    const end = Math.min(first + count, draft.table.pieceCount)
    for (let piece = first; piece < end && keep.size < draft.pace.mostLeased; piece++) keep.add(piece)
  }
  for (const piece of member.leased.keys()) if (!keep.has(piece)) draft.release(member, piece)
  const most = Granting.capacity(draft, member)
  for (const piece of keep) {
    if (member.leased.size >= most) break
    if (draft.isFree(member, piece)) draft.lease(member, piece)
  }
}

const nothing = new Uint8Array(0)

const unknown = {
  cursor: Infinity,
  counted: false,
  hasKept: false,
  took: undefined,
  strikes: 0,
  blockedUntil: 0,
  doubt: 0,
  barren: false,
  stuckSince: undefined,
  isolated: false
} as const satisfies Partial<Holder>
