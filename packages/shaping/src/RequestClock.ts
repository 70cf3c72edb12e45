/**
 * What a peer has received that gives no receipts, as far as its requests tell: it keeps so many of them open, and asks for
 * another block when one has come. So of the answers that have left, at most as many are still on their way as it has open less
 * those that wait here. How many it keeps open is the most that ever waited here at once; a peer that raises that as it goes is
 * believed to have received a little more than it has.
 */

export class RequestClock {
  /** Requests that the peer keeps open. */
  private open = 0
  /** Answers that have left. */
  private answered = 0
  /** Answers that are known to be received. */
  private received = 0
  /** Where in the stream each answer ends that has left and is not known to be received, oldest first. */
  private readonly ends: Array<number> = []

  /** An answer has left; its last byte is the stream's `end`th. */
  answer(end: number): void {
    this.answered++
    this.ends.push(end)
  }

  /**
   * The peer has asked, and so many requests wait with this one, an answer that has left in part among them: how many bytes of the
   * stream it has received by now, or `undefined` when that is no news.
   */
  ask(waiting: number): number | undefined {
    // Nothing waited: it has begun anew, or keeps so few open that all answers have left.
    this.open = waiting <= 1 ? waiting : Math.max(this.open, waiting)
    const received = this.answered - (this.open - waiting)
    if (received <= this.received) return undefined
    const known = this.ends.splice(0, received - this.received)
    this.received = received
    return known.at(-1)
  }
}
