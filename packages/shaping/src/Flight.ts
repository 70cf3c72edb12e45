/**
 * What of a stream was handed to the system and is not known to be received. Each part is remembered with when it was handed
 * over, so that one number from the receiver, how much has come, tells how long its last byte took. Bounded: a peer that says
 * nothing makes it no longer than `mostParts`.
 */

/** Parts that are told apart; beyond it the newest takes in what follows, and seems older than it is. */
export const mostParts = 1024

export class Flight {
  /** Bytes of the stream that were handed over, from its first. */
  private end: number
  private received: number
  private readonly parts: Array<{ end: number; readonly at: number }> = []

  /** `begin`: bytes of the stream that were handed over before. */
  constructor(begin: number) {
    this.end = begin
    this.received = begin
  }

  /** Bytes. */
  get inFlight(): number {
    return this.end - this.received
  }

  /** Bytes of the stream that were handed over. */
  get total(): number {
    return this.end
  }

  /** So many more bytes, at this moment. */
  handOver(bytes: number, now: number): void {
    this.end += bytes
    const last = this.parts.at(-1)
    if (last !== undefined && (last.at === now || this.parts.length >= mostParts)) last.end = this.end
    else this.parts.push({ end: this.end, at: now })
  }

  /**
   * The receiver has the first `total` bytes of the stream: how many that are more than before, and when the last of them was
   * handed over. `undefined` for what is no news, or cannot be.
   */
  take(total: number): { readonly received: number; readonly handedAt: number } | undefined {
    if (total <= this.received || total > this.end) return undefined
    const index = this.parts.findIndex(({ end }) => end >= total)
    const part = this.parts[index]
    if (part === undefined) return undefined
    this.parts.splice(0, part.end === total ? index + 1 : index)
    const received = total - this.received
    this.received = total
    return { received, handedAt: part.at }
  }
}
