/**
 * One direction of a line or of a device's plug: carries one chunk after the other at its rate. Those who have something to
 * send take turns, a chunk each, which is how TCP streams share a link, in steps of a chunk instead of a packet.
 *
 * A chunk costs one event for each port that it passes, whoever else waits there: O(log n) in what is planned. (Rates that
 * are fair over all links at once would have to be worked out anew for every stream whenever one begins or ends.)
 */
import type { Agenda } from "./Agenda.ts"

/** Bytes on their way. */
export interface Chunk {
  readonly bytes: number
  /** Called once the port has carried all of it. */
  readonly passed: () => void
}

/** Who wants to send through the port. */
export interface Sender {
  /** The next chunk; `undefined` when there is none any more. */
  readonly take: () => Chunk | undefined
  /** Whether it waits for another turn, asked after each chunk that it gave. */
  readonly isWaiting: () => boolean
}

export class Port {
  readonly #agenda: Agenda
  /** Bytes a millisecond. */
  readonly #rate: number
  readonly #queue: Array<Sender | Chunk> = []
  #head = 0
  #current: Chunk | undefined
  #carried = 0
  #carriedAt = 0

  constructor(agenda: Agenda, rate: number) {
    this.#agenda = agenda
    this.#rate = rate
  }

  /** Bytes so far. */
  get carried(): number {
    return this.#carried
  }

  /** When the last byte passed, in milliseconds; 0 before the first. */
  get carriedAt(): number {
    return this.#carriedAt
  }

  /** Puts it at the end of the queue, in which it must not be. */
  enqueue(next: Sender | Chunk): void {
    this.#queue.push(next)
    if (this.#current === undefined) this.#begin()
  }

  #begin(): void {
    for (let next = this.#shift(); next !== undefined; next = this.#shift()) {
      const chunk = "take" in next ? next.take() : next
      if (chunk === undefined) continue
      if ("take" in next && next.isWaiting()) this.#queue.push(next)
      this.#current = chunk
      this.#agenda.after(chunk.bytes / this.#rate, this.#done)
      return
    }
  }

  readonly #done = (): void => {
    const chunk = this.#current
    if (chunk === undefined) return
    this.#current = undefined
    this.#carried += chunk.bytes
    this.#carriedAt = this.#agenda.now
    this.#begin()
    chunk.passed()
  }

  #shift(): Sender | Chunk | undefined {
    const first = this.#queue[this.#head]
    if (first === undefined) return undefined
    this.#head++
    if (this.#head * 2 > this.#queue.length && this.#head > 32) {
      this.#queue.splice(0, this.#head)
      this.#head = 0
    }
    return first
  }
}
