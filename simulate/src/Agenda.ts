/**
 * What is going to happen, in the order in which it will: by time, and at the same time in the order in which it was
 * planned. A binary heap, so planning and taking cost the logarithm of what is planned.
 */

interface Plan {
  /** Milliseconds. */
  readonly at: number
  readonly turn: number
  readonly run: () => void
}

export class Agenda {
  readonly #heap: Array<Plan> = []
  #turns = 0
  #now = 0

  /** Virtual milliseconds since the start. */
  get now(): number {
    return this.#now
  }

  /** Plans `run` for `delay` milliseconds from now; at least 0. */
  after(delay: number, run: () => void): void {
    const plan: Plan = { at: this.#now + Math.max(0, delay), turn: this.#turns++, run }
    const heap = this.#heap
    let place = heap.length
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || isBefore(parent, plan)) break
      heap[place] = parent
      place = above
    }
    heap[place] = plan
  }

  /** Lets the next thing happen; whether there was one. */
  step(): boolean {
    const next = this.#take()
    if (next === undefined) return false
    this.#now = next.at
    next.run()
    return true
  }

  #take(): Plan | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      let child = heap[below]
      if (child === undefined) break
      const right = heap[below + 1]
      if (right !== undefined && isBefore(right, child)) {
        child = right
        below++
      }
      if (isBefore(last, child)) break
      heap[place] = child
      place = below
    }
    heap[place] = last
    return first
  }
}

const isBefore = (a: Plan, b: Plan): boolean => a.at < b.at || (a.at === b.at && a.turn < b.turn)
