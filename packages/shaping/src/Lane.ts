/**
 * All that shares one limit, and takes turns at it. Two rules hold together: a token bucket, which spreads the bytes, and a
 * ceiling for any two seconds, which makes the limit hold whatever happened before: what a timer that was late lets through
 * afterwards, and what a sender had under way. Under the ceiling are the bytes that came in the last two seconds and all that
 * were asked for and have not come: these may come at any time and all at once, since servers are kept waiting too. A window that
 * ends after the last asking holds no more than there was under the ceiling then, so no order of the answers, and no delay,
 * brings one above it. What leaves the window before an answer can begin to come, by the shortest way that was seen, makes room for it
 * already. Plain code; times and timers come from outside.
 */
import { SlidingWindow } from "./SlidingWindow.ts"
import * as TokenBucket from "./TokenBucket.ts"

/** The span over which no limit is ever exceeded, in ms. */
export const span = 2000
const slotMillis = 5

/**
 * Of the limit, what is aimed at: the rest is for what is counted here a moment before or after it crosses the wire.
 */
const aim = 0.975
const ceiling = 0.995
/**
 * … and of it, what is let through bit by bit: the system's own buffers take in more, or let out more, than is told here at the
 * moment. They vary by 64 to 96 KiB, about 2 % of what 2 MB/s bring in the span.
 */
const loose = 0.975

/** A late timer's time is made up for as far as this, in ms: a busy machine, and the ceiling, hold back for half a second at times. */
const burstMillis = 1000
/** … and what nobody waited for, or what the ceiling held back, is saved as far as this beside one turn, in ms. */
const savedMillis = 250

/**
 * A turn brings about so much time's worth of bytes, in ms: Linux lets its buffer grow to twice what a reader takes at a time or
 * in a round trip, and what lies there came faster than the limit. Turns are so far apart at least, also to make up for lost time.
 */
const turnMillis = 5
const apartMillis = 4
/** … and not less than a packet, so that thin limits do not cut everything into crumbs. */
const leastTurn = 1448

/** A limit that falls below this part of what it was is another one. */
const drift = 0.9

/**
 * Answers that are paid for as a whole are so short that this many fit into the span. One that is coming takes room under the
 * ceiling twice, so long ones cost some of the rate; short ones take a larger part of their time for the way. So they are longer,
 * down to so few of them, where an answer takes more than a third of its time to begin.
 */
const lumps = { most: 24, fewest: 4, ways: 3 }
/** Answers over which the time that they take to begin is averaged, more or less. */
const waySamples = 8
/** Unless that would be less than this: then fewer and longer ones. */
const leastLump = 16_384
/** Bytes that an answer has beside those that were asked for: a usual head. They count as well. */
export const beside = 512

/** Somebody who wants to go on. */
export interface Waiter {
  /** Bytes without which a turn is of no use. */
  readonly least: (turn: number) => number
  /** Bytes that it takes at most, not less than `least`; default as many as a turn has. */
  readonly most?: (turn: number) => number
  /** What it takes is asked for then, and counts as come when `arrived` says so; else it comes at once. */
  readonly asks?: boolean
  /** What it asks for does not begin to come before so many milliseconds are over; default 0. */
  readonly ahead?: () => number
  /** It has a turn with so many bytes, which count as used; 0 when there is no limit any more. */
  readonly go: (bytes: number) => void
}

export interface Timing {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number
  /** Runs once, later. */
  readonly after: (millis: number, run: () => void) => void
}

export class Lane {
  /** When somebody had to wait last. */
  heldAt = -Infinity
  private rate: number | undefined
  private readonly timing: Timing
  private readonly waiting = new Set<Waiter>()
  private bucket: TokenBucket.TokenBucket | undefined
  private window = new SlidingWindow(span, slotMillis)
  /** Bytes that may come in the span, those included that were asked for and have not come; infinite without a limit. */
  most = Infinity
  /** Bytes that were asked for and have not come. */
  private awaited = 0
  /** How long answers take to begin, on the average of some, in ms. */
  private way = 0
  /** When it looks again who may go on. */
  private looksAt = Infinity
  private turnAt = -Infinity

  constructor(timing: Timing) {
    this.timing = timing
  }

  now(): number {
    return this.timing.now()
  }

  get isLimited(): boolean {
    return this.bucket !== undefined
  }

  /** Bytes of a turn, at least 1. */
  get turnBytes(): number {
    return this.bucket === undefined ? leastTurn : turnOf(this.bucket)
  }

  /**
   * Bytes that one answer may have, so that it can come at any pace once it was asked for and the limit still holds; infinite
   * without a limit.
   */
  get lump(): number {
    const fitting = Math.floor(span / (lumps.ways * Math.max(1, this.way)))
    return this.lumpOf(Math.min(lumps.most, Math.max(lumps.fewest, fitting)))
  }

  /** Bytes of the longest answer that is paid for as a whole: what `lump` was a moment ago is still right. */
  get longest(): number {
    return this.lumpOf(lumps.fewest)
  }

  private lumpOf(wanted: number): number {
    if (this.most === Infinity) return Infinity
    const count = Math.min(wanted, Math.max(1, Math.floor(this.most / leastLump)))
    return Math.max(1, Math.floor(this.most / count) - beside)
  }

  /** Limits to so many bytes a second, or no more. Who waits goes on as the new limit lets them. */
  setRate(rate: number | undefined): void {
    if (rate === this.rate) return
    const now = this.timing.now()
    // What came before was right by the limit of before; one that only drifts, as shares of a line do, is the same limit.
    if (this.rate === undefined || (rate ?? 0) < this.rate * drift) this.window = new SlidingWindow(span, slotMillis)
    this.rate = rate
    if (rate === undefined) {
      this.bucket = undefined
      this.most = Infinity
      this.awaited = 0
      for (const waiter of this.waiting) {
        this.waiting.delete(waiter)
        waiter.go(0)
      }
      return
    }
    const aimed = rate * aim
    this.most = (rate * ceiling * span) / 1000
    const burst = Math.max(leastTurn, (aimed * burstMillis) / 1000, this.longest + beside)
    this.bucket =
      this.bucket === undefined
        ? TokenBucket.make({ rate: aimed, burst, now, level: this.lump + beside })
        : TokenBucket.withRate(this.bucket, aimed, burst, now)
    this.turn()
  }

  /** Bytes for a turn at once, if nobody waits and there are any; else 0, and the waiter has its turn later. Infinite without a limit. */
  take(waiter: Waiter): number {
    if (this.bucket === undefined) return Infinity
    if (this.waiting.has(waiter)) return 0
    if (this.waiting.size === 0) this.idled(this.bucket, waiter)
    const { available, turn } = this.state(this.bucket, waiter)
    const least = this.leastOf(waiter, turn)
    if (this.waiting.size === 0 && available >= least && this.timing.now() - this.turnAt >= apartMillis) {
      this.turnAt = this.timing.now()
      const bytes = Math.max(least, Math.min(available, waiter.most?.(turn) ?? turn))
      this.serve(waiter, bytes)
      return bytes
    }
    this.heldAt = this.timing.now()
    this.waiting.add(waiter)
    this.wake()
    return 0
  }

  leave(waiter: Waiter): void {
    this.waiting.delete(waiter)
  }

  isWaiting(waiter: Waiter): boolean {
    return this.waiting.has(waiter)
  }

  /** So many bytes come whether there is room or not; they are owed. */
  spend(bytes: number): void {
    if (this.bucket === undefined) return
    const now = this.timing.now()
    this.bucket = TokenBucket.take(this.bucket, bytes, now)
    this.window.add(bytes, now)
  }

  /** So many bytes are asked for beside those of a turn. */
  owe(bytes: number): void {
    if (this.bucket === undefined) return
    this.bucket = TokenBucket.take(this.bucket, bytes, this.timing.now())
    this.awaited += bytes
  }

  /** An answer has begun to come so many milliseconds after it was asked for. */
  begun(millis: number): void {
    this.way += (Math.min(millis, span) - this.way) / waySamples
  }

  /** So many bytes that were asked for have come. */
  arrived(bytes: number): void {
    if (this.bucket === undefined) return
    const known = Math.min(bytes, this.awaited)
    this.awaited -= known
    this.window.add(known, this.timing.now())
  }

  /** So many bytes that were asked for will never come. */
  spare(bytes: number): void {
    const known = Math.min(bytes, this.awaited)
    if (this.bucket === undefined || known <= 0) return
    this.awaited -= known
    this.bucket = TokenBucket.take(this.bucket, -known, this.timing.now())
    this.turn()
  }

  private mostOf(waiter: Waiter): number {
    return waiter.asks === true ? this.most : this.most * loose
  }

  /** Nobody has waited since the last turn. What that saved, beyond a little, the ceiling would stop in the middle. */
  private idled(bucket: TokenBucket.TokenBucket, waiter: Waiter): void {
    const now = this.timing.now()
    if (now - this.turnAt < savedMillis) return
    this.bucket = TokenBucket.withMost(bucket, this.savedOf(bucket, waiter), now)
  }

  private savedOf(bucket: TokenBucket.TokenBucket, waiter: Waiter): number {
    return this.leastOf(waiter, turnOf(bucket)) + (bucket.rate * savedMillis) / 1000
  }

  private state(
    bucket: TokenBucket.TokenBucket,
    waiter: Waiter
  ): { readonly available: number; readonly turn: number } {
    const now = this.timing.now()
    const turn = turnOf(bucket)
    const room = Math.floor(this.mostOf(waiter) - this.awaited - this.window.total(now, waiter.ahead?.()))
    // What the ceiling holds back came before its time. Were it saved up it would come in a rush again two seconds later, for ever.
    const filled = TokenBucket.withMost(bucket, Math.max(0, room) + this.savedOf(bucket, waiter), now)
    this.bucket = filled
    const available = Math.min(TokenBucket.available(filled, now), room)
    return { available, turn }
  }

  private serve(waiter: Waiter, bytes: number): void {
    if (waiter.asks === true) this.owe(bytes)
    else this.spend(bytes)
  }

  /** More than ever is there at once nobody can wait for. */
  private leastOf(waiter: Waiter, turn: number): number {
    return Math.max(1, Math.min(waiter.least(turn), this.bucket?.burst ?? Infinity, this.mostOf(waiter)))
  }

  /** Lets those who wait go, in the order in which they came, as far as there is room. */
  private turn(): void {
    this.turnAt = this.timing.now()
    // Twice as much as usual makes up for lost time.
    let left = this.bucket === undefined ? 0 : 2 * turnOf(this.bucket)
    while (this.bucket !== undefined && left > 0) {
      const [first] = this.waiting
      if (first === undefined) break
      const { available, turn } = this.state(this.bucket, first)
      const least = this.leastOf(first, turn)
      if (available < least) break
      const bytes = Math.max(least, Math.min(available, first.most?.(turn) ?? turn))
      left -= bytes
      this.waiting.delete(first)
      this.serve(first, bytes)
      first.go(bytes)
    }
    if (this.waiting.size > 0) this.heldAt = this.timing.now()
    this.wake()
  }

  private wake(): void {
    const [first] = this.waiting
    if (this.bucket === undefined || first === undefined) return
    const now = this.timing.now()
    const turn = turnOf(this.bucket)
    const least = this.leastOf(first, turn)
    const room = this.mostOf(first) - this.awaited - least
    const millis = Math.max(
      TokenBucket.waitFor(this.bucket, Math.max(turn, least), now),
      // What has not come yet is in the way for as long as the span from then on.
      room < 0 ? span : this.window.waitFor(room, now, first.ahead?.())
    )
    const wait = Math.max(1, Math.ceil(Math.max(millis, this.turnAt + apartMillis - now)))
    const at = now + wait
    if (at >= this.looksAt) return
    this.looksAt = at
    this.timing.after(wait, () => {
      // Another, sooner one took its place.
      if (this.looksAt !== at) return
      this.looksAt = Infinity
      this.turn()
    })
  }
}

const turnOf = ({ rate }: TokenBucket.TokenBucket): number =>
  Math.max(leastTurn, Math.floor((rate * turnMillis) / 1000))
