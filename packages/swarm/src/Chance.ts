/**
 * Chance that can be had again: Mulberry32, a generator with 32 bits of state. Good enough to spread peers, and no secret:
 * who could foresee a handout would learn nothing that a join does not tell it.
 */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  /** An integer in [0, `bound`). */
  below(bound: number): number {
    return Math.floor(this.next() * bound)
  }
}
