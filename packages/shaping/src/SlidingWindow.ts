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

  /** What of it will still be in one span with what is added `ahead` ms from now. */
  total(now: number, ahead = 0): number {
    this.advance(now)
    let sum = this.sum
    const { length } = this.slots
    for (let age = length - 1; age >= length - this.slotsOf(ahead); age--) {
      sum -= this.slots[this.slotOf(this.last - age)] ?? 0
    }
    return sum
  }

  /** Milliseconds until `total` is at most so much, if nothing is added. */
  waitFor(most: number, now: number, ahead = 0): number {
    let sum = this.total(now, ahead)
    const { length } = this.slots
    const leaving = length - this.slotsOf(ahead)
    for (let age = leaving - 1; age >= 0 && sum > most; age--) {
      sum -= this.slots[this.slotOf(this.last - age)] ?? 0
      // It has left when the slot after the newest that may be in one span with it begins.
      if (sum <= most) return Math.max(1, (this.last - age + leaving) * this.slotMillis - now)
    }
    return 0
  }

  /** Whole slots, of which there is one more than in the span. */
  private slotsOf(millis: number): number {
    return Math.min(this.slots.length - 1, Math.floor(millis / this.slotMillis))
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
