import * as Hash from "../src/internal/Hash.ts"

/** Random numbers that a seed repeats. */
export class Dice {
  #n: number
  constructor(seed: number) {
    this.#n = Hash.mix(seed)
  }
  /** A whole number from 0 to just below `n`. */
  below(n: number): number {
    this.#n = Hash.mix(this.#n + 0x9e3779b9)
    return this.#n % n
  }
  chance(percent: number): boolean {
    return this.below(100) < percent
  }
  pick<A>(all: ReadonlyArray<A>): A | undefined {
    return all[this.below(Math.max(1, all.length))]
  }
}
