/**
 * Members in an order that is shuffled as they are drawn, so that each is drawn once before any is drawn again: whoever
 * draws `k` of `n` gets `k` at random, and after `n / k` draws everybody was given away equally often. A draw, and putting a
 * member in or taking it out, take the same time in a bag of any size. Source: Fisher and Yates's shuffle, done in steps.
 *
 * Invariant: members before `#turn` were drawn in this round, the `#drawn` last of them since `begin`; a member of the bag
 * knows its position in it.
 */
import type { Chance } from "./Chance.ts"
import type { Member } from "./Member.ts"

/** Where a member keeps its position: it is in one bag of those near to it, and in one of those farther away. */
export type Slot = "near" | "far"

export class Bag {
  readonly #isNear: boolean
  readonly #members: Array<Member> = []
  #turn = 0
  #drawn = 0

  constructor(slot: Slot) {
    this.#isNear = slot === "near"
  }

  get size(): number {
    return this.#members.length
  }

  /** Members that can still be drawn before one comes twice. */
  get left(): number {
    return this.#members.length - this.#drawn
  }

  /** What is drawn from now on comes once. */
  begin(): void {
    this.#drawn = 0
  }

  draw(chance: Chance): Member | undefined {
    const { length } = this.#members
    if (this.#drawn >= length) return undefined
    if (this.#turn === length) this.#nextRound()
    this.#swap(this.#turn, this.#turn + chance.below(length - this.#turn))
    this.#drawn++
    return this.#members[this.#turn++]
  }

  /** The newcomer has its turn in this round. */
  put(member: Member): void {
    this.#members.push(member)
    this.#place(member, this.#members.length - 1)
  }

  take(member: Member): void {
    let hole = this.#isNear ? member.nearAt : member.farAt
    if (hole < this.#turn) {
      // The last of those that had their turn fills it, and leaves a hole behind the round.
      this.#turn--
      this.#move(this.#turn, hole)
      hole = this.#turn
      this.#drawn = Math.min(this.#drawn, this.#turn)
    }
    this.#move(this.#members.length - 1, hole)
    this.#members.pop()
    this.#place(member, -1)
  }

  [Symbol.iterator](): Iterator<Member> {
    return this.#members[Symbol.iterator]()
  }

  /** Those that were drawn since `begin` have had their turn in the new round, too. */
  #nextRound(): void {
    const { length } = this.#members
    const others = Math.min(this.#drawn, length - this.#drawn)
    for (let n = 0; n < others; n++) this.#swap(n, length - 1 - n)
    this.#turn = this.#drawn
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#members[a], this.#members[b]]
    if (first === undefined || second === undefined || a === b) return
    this.#members[a] = second
    this.#members[b] = first
    this.#place(second, a)
    this.#place(first, b)
  }

  #move(from: number, to: number): void {
    const member = this.#members[from]
    if (member === undefined || from === to) return
    this.#members[to] = member
    this.#place(member, to)
  }

  #place(member: Member, at: number): void {
    if (this.#isNear) member.nearAt = at
    else member.farAt = at
  }
}
