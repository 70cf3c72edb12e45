/**
 * How many devices there are, of lists that are too long to be kept and too far apart to be put together: the 1,024 smallest of the numbers
 * that their ids are. With fewer devices than that it is exact; beyond, the largest of the kept numbers says how densely they lie, and so how
 * many there are, within some 3 %. Two sketches make one of all that is in either. Whoever chooses its id can make the figure wrong, and nothing
 * else. Source: Z. Bar-Yossef et al., "Counting distinct elements in a data stream" (2002), the k minimum values.
 */
import type { PeerId } from "@piecework/domain/Peer"

export const size = 1024

/** Digits of an id that are looked at: what they make is a number exactly. */
const digits = 12
const end = 16 ** digits

/** A device by the first digits of its peer ids. */
export const numberOf = (id: PeerId): number => Number.parseInt(id.slice(0, digits), 16)

/** The smallest so far, each once. */
export class Sketch {
  #kept = new Set<number>()
  /** Nothing from here on gets in. */
  #bound = end

  add(n: number): void {
    if (n >= this.#bound) return
    this.#kept.add(n)
    if (this.#kept.size >= 2 * size) this.#cut()
  }

  /** Rising, at most `size`. */
  get numbers(): ReadonlyArray<number> {
    this.#cut()
    return [...this.#kept]
  }

  get count(): number {
    const { length, [length - 1]: largest = 0 } = this.numbers
    return length < size ? length : Math.round((length - 1) / (largest / end))
  }

  #cut(): void {
    const smallest = [...this.#kept].toSorted((a, b) => a - b).slice(0, size)
    this.#kept = new Set(smallest)
    if (smallest.length === size) this.#bound = smallest[size - 1] ?? end
  }
}
