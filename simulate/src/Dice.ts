/** Chance by a seed: the same seed gives the same throws. Mulberry32, with 32 bits of state. */

export class Dice {
  #state: number

  /** Two numbers, so that each part of a scene can have dice of its own: `new Dice(seed, site)`. */
  constructor(seed: number, part = 0) {
    this.#state = (seed ^ Math.imul(part + 1, 0x9e37_79b1)) >>> 0
    // Seeds that are near each other would begin alike.
    for (let i = 0; i < 4; i++) this.next()
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  /** A whole number from 0 to `n - 1`. */
  below(n: number): number {
    return Math.floor(this.next() * n)
  }
}
