/** A table of leases while one ask changes it. What it was made from stays as it was: each array is copied before its first change. */
import * as Bitfield from "@piecework/domain/Bitfield"
import { HashMap, Option } from "effect"
import * as Gaps from "../Gaps.ts"
import type { LeasePace } from "../LeasePace.ts"
import type { Holder, LeaseTable, MemberId } from "../LeaseTable.ts"

type Writable<A> = { -readonly [K in keyof A]: A[K] }

/** The asker at work. */
export type Member = Omit<Writable<Holder>, "leased"> & { readonly id: MemberId; readonly leased: Map<number, number> }

export class LeaseDraft {
  readonly table: Writable<LeaseTable>
  readonly pace: LeasePace
  readonly now: number
  #ownsCounts = false
  #ownsLeased = false

  constructor(before: LeaseTable, pace: LeasePace, now: number) {
    this.table = { ...before }
    this.pace = pace
    this.now = now
  }

  find(id: MemberId): Holder | undefined {
    return Option.getOrUndefined(HashMap.get(this.table.members, id))
  }

  put(id: MemberId, holder: Holder): void {
    this.table.members = HashMap.set(this.table.members, id, holder)
  }

  remove(id: MemberId, holder: Holder): void {
    if (holder.counted) this.count(holder.held.bytes, -1)
    for (const piece of holder.leased.keys()) this.free(piece)
    this.table.members = HashMap.remove(this.table.members, id)
  }

  /** One holder of each of the pieces more or less. */
  count(pieces: Uint8Array, sign: 1 | -1): void {
    if (!Gaps.any(pieces)) return
    if (!this.#ownsCounts) {
      this.table.holders = this.table.holders.slice()
      this.table.claimed = this.table.claimed.slice()
      this.#ownsCounts = true
    }
    const { claimed, holders } = this.table
    Gaps.forEach(pieces, (piece) => {
      const count = (holders[piece] ?? 0) + sign
      holders[piece] = count
      if (count === 0) Gaps.clear(claimed, piece)
      else if (count === sign) Gaps.set(claimed, piece)
    })
  }

  /** The member, counted from now on or not. */
  recount<M extends Pick<Holder, "barren" | "counted" | "gives" | "held" | "isolated">>(member: M): M {
    const counted = member.gives && !member.barren && !member.isolated
    if (counted !== member.counted) this.count(member.held.bytes, counted ? 1 : -1)
    return counted === member.counted ? member : { ...member, counted }
  }

  /** Whether the member may have the piece leased. */
  isFree(member: Member, piece: number): boolean {
    if (piece >= this.table.pieceCount || Gaps.has(this.table.leased, piece) || Bitfield.has(member.held, piece))
      return false
    return member.isolated || (!this.haveSources && (this.table.holders[piece] ?? 0) === 0)
  }

  /** Somebody who does not ask gives every piece. */
  get haveSources(): boolean {
    return this.table.sources > 0 && !this.table.sourcesBarren
  }

  lease(member: Member, piece: number): void {
    this.#own()
    member.leased.set(piece, this.now)
    Gaps.set(this.table.leased, piece)
  }

  release(member: Member, piece: number): void {
    member.leased.delete(piece)
    this.free(piece)
  }

  free(piece: number): void {
    this.#own()
    Gaps.clear(this.table.leased, piece)
  }

  #own(): void {
    if (!this.#ownsLeased) this.table.leased = this.table.leased.slice()
    this.#ownsLeased = true
  }
}
