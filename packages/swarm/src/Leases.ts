/**
 * Who of one site asks the origin for what. A piece is free when no live member holds it and nobody has it leased; a
 * member gets runs of free pieces, and keeps them while it says so with each ask. Values only: time comes in as an argument.
 *
 * Invariants: a piece is leased to one member at most, and to none that holds it; `holders` counts the members that do.
 *
 * Whoever lies can cost a site time, not bytes and never the end: a member has few leases until it has shown that it keeps
 * them, a lease that takes far longer than the site's others goes to the next who has nothing else to do, a member that
 * lost several so loses all and gets none for a while, and one that others' pieces never reach (`isolated`) may fetch those
 * itself.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PeerId } from "@piecework/domain/Peer"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { Run } from "@piecework/cloud/LeaseRpc"
import { HashMap, Option } from "effect"
import * as Gaps from "./Gaps.ts"
import { type LeasePace, pauses } from "./LeasePace.ts"

export interface Holder {
  /** The address that its asks come from. */
  readonly externalIp: string
  readonly held: Bitfield.Bitfield
  /** By piece: when it was leased, in epoch milliseconds. */
  readonly leased: ReadonlyMap<number, number>
  /** Bytes a second from the origin; 0 while unknown. */
  readonly rate: number
  /** The piece after its last run: there it goes on, if it can. */
  readonly cursor: number
  readonly askedAt: number
  /** When it counts as gone, in epoch milliseconds. */
  readonly expiresAt: number
  /** How many of its leases it is believed to keep, going by those it has kept. */
  readonly trust: number
  /** It kept one since it came: what it says of itself may be true. */
  readonly hasKept: boolean
  /** Leases in a row that others had to take over. */
  readonly strikes: number
  /** It gets no leases before. */
  readonly blockedUntil: number
  /** Since when others hold pieces that do not reach it. */
  readonly stuckSince: number | undefined
  /** Pieces of others do not reach it. */
  readonly isolated: boolean
}

export interface Leases {
  readonly pieceCount: number
  /** Bytes in a piece. */
  readonly pieceSize: number
  readonly members: HashMap.HashMap<PeerId, Holder>
  /** By piece: how many members hold it. */
  readonly holders: Uint16Array
  /** All leases: one bit a piece. */
  readonly leased: Uint8Array
  /** Nothing new is leased before, in epoch milliseconds: first everybody says what it has. */
  readonly settledAt: number
  /** Milliseconds from a lease to the piece, as a moving average; `undefined` until there was one. */
  readonly typical: number | undefined
  /** As of `sweptAt`: bytes a second of all members together that know their rate and have kept a lease, and how many. */
  readonly rates: { readonly sum: number; readonly count: number }
  readonly sweptAt: number
}

export interface Ask {
  readonly id: PeerId
  readonly externalIp: string
  readonly held: Bitfield.Bitfield
  readonly keep: ReadonlyArray<Run>
  readonly most: number
  /** Bytes a second; 0 while unknown. */
  readonly rate: number
  readonly seq: number
  /** Members that hold everything without asking for leases. */
  readonly sources: number
}

export interface Answer {
  /** All leases of the asker, in order. */
  readonly runs: ReadonlyArray<Run>
  /** Milliseconds until the next ask. */
  readonly again: number
}

export const make = (pieceCount: number, pieceSize: number): Leases => ({
  pieceCount,
  pieceSize,
  members: HashMap.empty(),
  holders: new Uint16Array(pieceCount),
  leased: new Uint8Array(Bitfield.byteLength(pieceCount)),
  settledAt: 0,
  typical: undefined,
  rates: { sum: 0, count: 0 },
  sweptAt: 0
})

export const ask = (before: Leases, request: Ask, now: number, pace: LeasePace): readonly [Answer, Leases] => {
  const swept = expire(before, now, pace)
  const known = Option.getOrUndefined(HashMap.get(swept.members, request.id))
  // Members that had leases before have them still: a service that forgot waits until all have said so.
  const settledAt =
    HashMap.isEmpty(swept.members) && request.seq > 0
      ? now + pace.settle
      : HashMap.isEmpty(swept.members)
        ? 0
        : swept.settledAt
  const table = new Draft({ ...swept, settledAt }, pace, now)
  const member = table.update(request, known)
  const starved = table.grant(request, member)
  const next = table.done(request.id)
  const again = pauses(pace, HashMap.size(next.members))
  const runs = Gaps.runsOf(member.leased.keys())
  return [{ runs, again: starved ? again.starved : again.renew }, next]
}

/** Without the member. Only from where it asked may it be taken out. */
export const leave = (before: Leases, id: PeerId, externalIp: string): Leases =>
  Option.match(HashMap.get(before.members, id), {
    onNone: () => before,
    onSome: (member) => (member.externalIp === externalIp ? without(before, [[id, member]]) : before)
  })

/** Without those that have been silent too long; looks at most once a second. */
export const expire = (before: Leases, now: number, pace: LeasePace): Leases => {
  if (now - before.sweptAt < pace.sweep) return before
  const gone: Array<readonly [PeerId, Holder]> = []
  let sum = 0
  let count = 0
  for (const entry of before.members) {
    if (entry[1].expiresAt <= now) gone.push(entry)
    else if (entry[1].rate > 0 && entry[1].hasKept) {
      sum += entry[1].rate
      count++
    }
  }
  return { ...without(before, gone), rates: { sum, count }, sweptAt: now }
}

const without = (before: Leases, gone: ReadonlyArray<readonly [PeerId, Holder]>): Leases => {
  if (gone.length === 0) return before
  const holders = before.holders.slice()
  const leased = before.leased.slice()
  let { members } = before
  for (const [id, member] of gone) {
    Gaps.forEach(member.held.bytes, (piece) => void (holders[piece] = Math.max(0, (holders[piece] ?? 0) - 1)))
    for (const piece of member.leased.keys()) Gaps.clear(leased, piece)
    members = HashMap.remove(members, id)
  }
  return { ...before, holders, leased, members }
}

type Writable<A> = { -readonly [K in keyof A]: A[K] }
type Member = Omit<Writable<Holder>, "leased"> & { readonly leased: Map<number, number> }

/** One ask at work on a copy. */
class Draft {
  readonly #pace: LeasePace
  readonly #now: number
  readonly #next: Writable<Leases>
  #member: Member | undefined

  constructor(before: Leases, pace: LeasePace, now: number) {
    this.#pace = pace
    this.#now = now
    this.#next = { ...before, holders: before.holders.slice(), leased: before.leased.slice() }
  }

  done(id: PeerId): Leases {
    const member = this.#member
    return member === undefined ? this.#next : { ...this.#next, members: HashMap.set(this.#next.members, id, member) }
  }

  /** What the asker holds and goes on with. */
  update(request: Ask, known: Holder | undefined): Member {
    const { renew } = pauses(this.#pace, HashMap.size(this.#next.members) + 1)
    const member: Member = {
      ...(known ?? { ...unknown, trust: request.seq > 0 ? this.#pace.trustKnown : this.#pace.trustFirst }),
      externalIp: request.externalIp,
      held: request.held,
      leased: new Map(known?.leased),
      rate: request.rate,
      askedAt: this.#now,
      expiresAt: this.#now + 3 * renew + this.#pace.grace
    }
    this.#member = member
    this.#hold(member, known?.held)
    const keep = new Set<number>()
    for (const { first, count } of request.keep) {
      const end = Math.min(first + count, this.#next.pieceCount)
      for (let piece = first; piece < end && keep.size < this.#pace.mostLeased; piece++) keep.add(piece)
    }
    for (const piece of member.leased.keys()) if (!keep.has(piece)) this.#release(member, piece)
    for (const piece of keep) {
      if (member.leased.size >= this.#capacity(member)) break
      if (this.#isFree(member, piece, request.sources)) this.#lease(member, piece)
    }
    this.#judge(member, request)
    return member
  }

  /** New leases for the asker; whether it wanted some and there were none for it. */
  grant(request: Ask, member: Member): boolean {
    if (request.most === 0) return false
    const settling = this.#now < this.#next.settledAt
    if (settling || this.#now < member.blockedUntil) return true
    const wanted = Math.min(request.most, this.#capacity(member) - member.leased.size)
    if (wanted <= 0) return true
    const had = member.leased.size
    this.#grantFree(request, member, wanted)
    if (member.leased.size === 0) this.#hedge(request, member)
    return member.leased.size === had
  }

  #grantFree(request: Ask, member: Member, wanted: number): void {
    const isFree = (piece: number) => this.#isFree(member, piece, request.sources)
    const { free, longest } = Gaps.survey(this.#next.pieceCount, isFree)
    if (free === 0 || this.#isTooSlow(member, free)) return
    const askers = HashMap.size(this.#next.members) + (HashMap.has(this.#next.members, request.id) ? 0 : 1)
    // Never more than half of what would be everybody's part, so that all end together.
    let left = Math.min(wanted, askers === 1 ? free : Math.max(1, Math.ceil(free / (2 * askers))))
    let gap: Gaps.Gap | undefined = longest
    while (left > 0 && gap !== undefined) {
      const start = isFree(member.cursor) ? member.cursor : this.#startIn(gap)
      const run = Math.min(left, this.#runLength(member))
      let piece = start
      for (; piece < start + run && piece < this.#next.pieceCount && isFree(piece); piece++) this.#lease(member, piece)
      left -= piece - start
      member.cursor = piece
      if (left > 0 && !isFree(piece)) gap = Gaps.survey(this.#next.pieceCount, isFree).longest
    }
  }

  /** Somebody goes on into the gap from before it, so a newcomer begins in its middle. */
  #startIn({ first, count }: Gaps.Gap): number {
    const isTaken = first > 0 && Gaps.has(this.#next.leased, first - 1)
    return isTaken ? first + (count >> 1) : first
  }

  /** Takes over the lease that has taken the longest, if that is far too long and nobody of the site could give the piece. */
  #hedge(request: Ask, member: Member): void {
    const { hedgeFactor, hedgeLeast, hedgeUnknown } = this.#pace
    const { typical } = this.#next
    const patience = typical === undefined ? hedgeUnknown : Math.max(hedgeLeast, hedgeFactor * typical)
    let oldest = this.#now - patience
    let found: readonly [PeerId, Holder, number] | undefined
    for (const [id, other] of this.#next.members) {
      if (id === request.id) continue
      for (const [piece, since] of other.leased) {
        if (since > oldest || Bitfield.has(member.held, piece)) continue
        if (!member.isolated && (request.sources > 0 || (this.#next.holders[piece] ?? 0) > 0)) continue
        oldest = since
        found = [id, other, piece]
      }
    }
    if (found === undefined) return
    const [id, slow, piece] = found
    const strikes = slow.strikes + 1
    const isOut = strikes >= this.#pace.strikes
    const leased = new Map(isOut ? [] : slow.leased)
    leased.delete(piece)
    for (const lost of slow.leased.keys()) if (!leased.has(lost)) Gaps.clear(this.#next.leased, lost)
    const blockedUntil = isOut ? this.#now + this.#pace.block : slow.blockedUntil
    this.#next.members = HashMap.set(this.#next.members, id, { ...slow, leased, strikes, blockedUntil })
    this.#lease(member, piece)
  }

  /** The new bitfield in place of the old one; leases of what has come are done. */
  #hold(member: Member, old: Bitfield.Bitfield | undefined): void {
    const { holders } = this.#next
    const now = member.held.bytes
    for (let i = 0; i < now.length; i++) {
      const was = old?.bytes[i] ?? 0
      for (let changed = (now[i] ?? 0) ^ was; changed !== 0;) {
        const bit = Math.clz32(changed) - 24
        changed &= ~(0x80 >> bit)
        const piece = i * 8 + bit
        holders[piece] = Math.max(0, (holders[piece] ?? 0) + ((was & (0x80 >> bit)) === 0 ? 1 : -1))
      }
    }
    for (const [piece, since] of member.leased) {
      if (!Bitfield.has(member.held, piece)) continue
      this.#release(member, piece)
      member.strikes = 0
      member.hasKept = true
      member.trust = Math.min(this.#pace.mostLeased, member.trust + this.#pace.trustStep)
      const took = this.#now - since
      const { typical } = this.#next
      this.#next.typical = typical === undefined ? took : typical + (took - typical) / this.#pace.average
    }
  }

  /** Whether pieces of others reach the member: it says so by holding one that it had no lease for. */
  #judge(member: Member, request: Ask): void {
    const before = Option.getOrUndefined(HashMap.get(this.#next.members, request.id))
    const reached = before !== undefined && gained(before, member.held)
    const lacks = request.sources > 0 || Gaps.some(this.#next.pieceCount, (piece) => this.#isElsewhere(member, piece))
    if (reached || !lacks) {
      member.stuckSince = undefined
      if (reached) member.isolated = false
      return
    }
    member.stuckSince ??= this.#now
    if (this.#now - member.stuckSince >= this.#pace.isolatedAfter) member.isolated = true
  }

  #isElsewhere(member: Member, piece: number): boolean {
    return (this.#next.holders[piece] ?? 0) > 0 && !Bitfield.has(member.held, piece)
  }

  #isFree(member: Member, piece: number, sources: number): boolean {
    if (piece >= this.#next.pieceCount || Gaps.has(this.#next.leased, piece)) return false
    if (member.isolated) return !Bitfield.has(member.held, piece)
    return sources === 0 && (this.#next.holders[piece] ?? 0) === 0
  }

  /** One far slower than the others should not be what the end waits for. */
  #isTooSlow(member: Member, free: number): boolean {
    const { sum, count } = this.#next.rates
    return member.rate > 0 && count > 1 && free <= count && member.rate * this.#pace.tooSlow < sum / count
  }

  #runLength(member: Member): number {
    return Math.min(this.#pace.longestRun, Math.max(1, this.#piecesIn(member, this.#pace.runTime)))
  }

  /** How many pieces the member may have leased. */
  #capacity(member: Member): number {
    if (this.#now < member.blockedUntil) return 0
    return Math.min(member.trust, Math.max(2, 2 * this.#piecesIn(member, this.#pace.runTime)))
  }

  #piecesIn(member: Member, millis: number): number {
    return Math.floor((member.rate * millis) / 1000 / this.#next.pieceSize)
  }

  #lease(member: Member, piece: number): void {
    member.leased.set(piece, this.#now)
    Gaps.set(this.#next.leased, piece)
  }

  #release(member: Member, piece: number): void {
    member.leased.delete(piece)
    Gaps.clear(this.#next.leased, piece)
  }
}

const gained = (before: Holder, held: Bitfield.Bitfield): boolean => {
  for (let i = 0; i < held.bytes.length; i++) {
    for (let fresh = (held.bytes[i] ?? 0) & ~(before.held.bytes[i] ?? 0); fresh !== 0;) {
      const bit = Math.clz32(fresh) - 24
      if (!before.leased.has((i * 8 + bit) as PieceIndex)) return true
      fresh &= ~(0x80 >> bit)
    }
  }
  return false
}

const unknown = {
  cursor: Infinity,
  hasKept: false,
  strikes: 0,
  blockedUntil: 0,
  stuckSince: undefined,
  isolated: false
} as const satisfies Partial<Holder>
