/**
 * When a stream is read again, so that many frames come with one look.
 *
 * The system wakes a program for every frame that a line brings: seven thousand times a second at 100 Mbit/s, and waking is
 * what costs, not the bytes. Who waits for a mebibyte need not hear of each 1,448 bytes of it, so reading rests until about
 * as much has come as the receive buffer of a new socket has, at the stream's own rate; network cards do the same with their interrupts
 * (and call it coalescing, or moderation). A stream whose rate is not known yet is not kept waiting, nor one that is fast.
 */

/** Longest rest, in milliseconds: what a request or a cancellation behind the bytes may come late. */
export const longestRest = 10

/**
 * Bytes that may come during a rest: Linux' receive buffer of a new socket (`tcp_rmem`, tcp(7)). Only half of that is window, but a
 * stream whose rate is known has grown past it: the window is made twice what a reader takes in a round trip.
 */
export const mostBytes = 131_072

/** A rate is told from no less than this, in milliseconds: the first bytes of a burst come as fast as the machine is. */
const shortestLook = 5

/** A lower rate is believed by this part of the difference with each look. */
const fall = 4

/** After so many milliseconds without a byte of bulk nothing is known of the rate any more: a stream that slow wakes nobody often. */
const forgetAfter = 50

/** Who waits for fewer bytes than this waits for an answer, and not for bulk. */
const leastBulk = 16_384

/** The rate of one stream, and how long its reading may rest. Times are in milliseconds, on any clock that does not go back. */
export class Coalescing {
  /** Bytes a millisecond; 0 while unknown. */
  private rate = 0
  /** When the look began, and the bytes since then; no look while nobody waits for much. */
  private since: number | undefined
  private bytes = 0
  private cameAt = Number.NEGATIVE_INFINITY

  /** Whole milliseconds to rest behind `bytes` that came at `now`, while so many more are `lacking`; 0 is not to rest. */
  rest(bytes: number, lacking: number, now: number): number {
    if (lacking < leastBulk) {
      // The time until somebody waits again is the reader's, and not the line's.
      this.since = undefined
      return 0
    }
    this.came(bytes, now)
    return this.rate === 0 ? 0 : Math.floor(Math.min(longestRest, Math.min(lacking, mostBytes) / this.rate))
  }

  private came(bytes: number, now: number): void {
    if (now - this.cameAt > forgetAfter) {
      this.rate = 0
      this.since = undefined
    }
    this.cameAt = now
    if (this.since === undefined) {
      this.since = now
      this.bytes = 0
      return
    }
    this.bytes += bytes
    const elapsed = now - this.since
    if (elapsed < shortestLook) return
    const seen = this.bytes / elapsed
    // A process that got no processor for a moment takes a fast line for a slow one, so the rate falls slowly.
    this.rate = seen > this.rate ? seen : this.rate + (seen - this.rate) / fall
    this.since = now
    this.bytes = 0
  }
}

interface Resting {
  readonly until: number
  readonly wake: () => void
}

/** Who is due within so many milliseconds of another's end is woken with it. */
const together = longestRest / 2

/** One timer for all who rest: they fall into step, so a process with thirty streams wakes no more often than with one. */
export class Rests {
  private resting: Array<Resting> = []
  private timer: NodeJS.Timeout | undefined
  private next = Number.POSITIVE_INFINITY

  /** Calls `wake` in about so many milliseconds, never at once. */
  add(millis: number, wake: () => void): void {
    const now = performance.now()
    const until = now + millis
    this.resting.push({ until, wake })
    if (until < this.next - together) this.arm(now, until)
  }

  private arm(now: number, until: number): void {
    clearTimeout(this.timer)
    this.next = until
    this.timer = setTimeout(this.end, Math.max(1, until - now))
  }

  private readonly end = (): void => {
    const now = performance.now()
    const due = this.resting
    this.resting = due.filter(({ until }) => until > now + together)
    this.next = Number.POSITIVE_INFINITY
    this.timer = undefined
    const first = this.resting.reduce((least, { until }) => Math.min(least, until), Number.POSITIVE_INFINITY)
    if (first < Number.POSITIVE_INFINITY) this.arm(now, first)
    for (const { until, wake } of due) if (until <= now + together) wake()
  }
}
