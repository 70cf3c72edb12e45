/**
 * Bytes of the last so many milliseconds, to the slot: what keeps the sum over any such span under a ceiling, however the
 * bytes came. It knows no clock: times come in, and one that was before the last counts as the last.
 */

export class SlidingWindow {
  /** Of the last `span` ms and a slot more, so that no span of that length holds more than the sum. */
  private readonly slots: Float64Array
  private readonly slotMillis: number
  private sum = 0
  /** The slot that `now` was in last, counted from time 0. */
  private last = -Infinity

  constructor(spanMillis: number, slotMillis: number) {
    this.slotMillis = slotMillis
    this.slots = new Float64Array(Math.ceil(spanMillis / slotMillis) + 1)
  }

  add(bytes: number, now: number): void {
    this.advance(now)
    const slot = this.slotOf(this.last)
    this.slots[slot] = (this.slots[slot] ?? 0) + bytes
    this.sum += bytes
  }

  total(now: number): number {
    this.advance(now)
    return this.sum
  }

  /** Milliseconds until the sum is at most so much, if nothing is added. */
  waitFor(most: number, now: number): number {
    this.advance(now)
    let sum = this.sum
    const { length } = this.slots
    for (let age = length - 1; age >= 0 && sum > most; age--) {
      sum -= this.slots[this.slotOf(this.last - age)] ?? 0
      // It has left when the slot after the newest that may be in one span with it begins.
      if (sum <= most) return Math.max(1, (this.last - age + length) * this.slotMillis - now)
    }
    return 0
  }

  private advance(now: number): void {
    const to = Math.floor(now / this.slotMillis)
    if (to <= this.last) return
    if (to - this.last >= this.slots.length) {
      this.slots.fill(0)
      this.sum = 0
    } else {
      for (let at = this.last + 1; at <= to; at++) {
        const slot = this.slotOf(at)
        this.sum -= this.slots[slot] ?? 0
        this.slots[slot] = 0
      }
    }
    this.last = to
  }

  private slotOf(at: number): number {
    const { length } = this.slots
    return ((at % length) + length) % length
  }
}
