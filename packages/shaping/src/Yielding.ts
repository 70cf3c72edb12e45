/**
 * How much more of a stream may be handed to the system now, so that it yields to others on the way. Bytes under way are kept
 * within the window of `Ledbat`; how long they wait is found out from the receiver's receipts. Plain code without a clock of
 * its own: times are milliseconds of one that is never set back.
 *
 * How long bytes wait is the lesser of two figures. One way: the receiver's time less ours, over the least that this ever was;
 * what waits on the way back does not count, but clocks of which one is faster look like a queue. Round trip: on our clock
 * alone, but with what waits on the way back. A queue on our way is in both.
 *
 * Of a receiver that gives no receipts nothing is known but what its requests tell (`RequestClock`), in lumps and late. Then the
 * round trip alone counts, the window only says at which pace bytes leave, and it goes less far down.
 */
import * as DelayHistory from "./DelayHistory.ts"
import { Flight } from "./Flight.ts"
import * as Ledbat from "./Ledbat.ts"

/** What the receiver says: see `Receipt` of the wire. Of one that says nothing, `received` alone is guessed. */
export interface Receipt {
  /** Bytes of the stream that have come since it began. */
  readonly received: number
  /** When the last of them came, by its clock: microseconds modulo 2³². */
  readonly at?: number
  /** Microseconds from then until it said so; 0 where it does not say. */
  readonly held?: number
}

/** Less than this is not worth a write of its own, unless the window is smaller than four of them. */
const worthWriting = 16_384

/**
 * A window leaves spread over its round trip, a little faster than it comes back, and not as the bursts in which receipts come:
 * others would wait behind each burst, and flows would take their own bursts for the queue of somebody else.
 */
const pace = 1.25

/** What may leave in one burst, in milliseconds of that pace: timers come late. */
const burst = 8

/** Milliseconds that a receiver waits with its receipt at most, unless it has something else under way. */
const usualHold = 20

/** Round trip that is assumed until one is known, in milliseconds. */
const firstRoundTrip = 50

/**
 * Least window towards a receiver that gives no receipts: what is taken for a queue there may be its disk. At 180 ms, the queue
 * that a foreground flow fills, it is 1.5 Mbit/s.
 */
const leastUnheard = 32_768
const shortestUnheard = 100

/** The last request may have come for another reason than that something was received, when nothing did for so long. */
const longestGuess = 1000

export class Yielding {
  private readonly flight: Flight
  private ledbat: Ledbat.Ledbat
  private oneWay = DelayHistory.empty
  private roundTrips = DelayHistory.empty
  /** One way as first measured: microseconds modulo 2³². */
  private origin: number | undefined
  /** From handing over to hearing, on the average of some; as soon as there is one. */
  private roundTrip: number | undefined
  /** Bytes that may leave now as far as the pace goes, and when that was true. */
  private tokens = Ledbat.initialWindow
  private pacedAt: number

  /** `begin`: bytes of the stream that were handed over before. */
  constructor(begin: number, now: number) {
    this.flight = new Flight(begin)
    this.ledbat = Ledbat.initial(now)
    this.pacedAt = now
  }

  /** Whether the receiver has ever said anything. */
  get isHeard(): boolean {
    return this.origin !== undefined
  }

  /** Bytes that were handed over and are not known to be received. */
  get inFlight(): number {
    return this.flight.inFlight
  }

  /** Bytes of the stream that were handed over. */
  get total(): number {
    return this.flight.total
  }

  get window(): number {
    return this.ledbat.window
  }

  /** So many bytes of the stream were handed over. */
  handOver(bytes: number, now: number): void {
    this.flight.handOver(bytes, now)
    this.refill(now)
    this.tokens -= bytes
  }

  /**
   * How many of `wanted` bytes may be handed over now; where that is none, milliseconds to wait, or until the next receipt.
   * `pressed`: what is wanted cannot wait for a receipt, so only the pace counts.
   */
  allowance(
    wanted: number,
    now: number,
    pressed = false
  ): { readonly bytes: number } | { readonly wait: number | "Receipt" } {
    const { inFlight } = this.flight
    // The last few bytes may never be told of.
    if (inFlight < Ledbat.segment) this.ledbat = Ledbat.resume(this.ledbat, now, this.roundTrip ?? 0)
    const { window } = this.ledbat
    // The last bytes of what is wanted may be few; else a write a segment would cost more than it brings.
    const worth = Math.min(wanted, worthWriting, window / 4)
    const room = pressed || !this.isHeard ? wanted : Math.floor(Math.min(wanted, window - inFlight))
    if (room < worth) return { wait: "Receipt" }
    this.refill(now)
    const bytes = Math.floor(Math.min(room, this.tokens))
    return bytes >= worth ? { bytes } : { wait: Math.max(1, Math.ceil((worth - this.tokens) / this.rate)) }
  }

  /** Bytes a millisecond. */
  private get rate(): number {
    const { window } = this.ledbat
    const roundTrip = Math.max(1, this.roundTrip ?? firstRoundTrip)
    if (this.isHeard) return (pace * window) / roundTrip
    return Math.max(window / roundTrip, leastUnheard / Math.max(shortestUnheard, roundTrip))
  }

  private refill(now: number): void {
    const most = Math.max(Math.min(worthWriting, this.ledbat.window), this.rate * burst)
    this.tokens = Math.min(most, this.tokens + this.rate * (now - this.pacedAt))
    this.pacedAt = now
  }

  /** The receiver said what has come. Answers whether that was news: what makes no sense is ignored. */
  take(receipt: Receipt, now: number): boolean {
    const { inFlight } = this.flight
    const news = this.flight.take(receipt.received)
    if (news === undefined) return false
    const { handedAt, received } = news
    if (receipt.at === undefined) {
      if (this.isHeard || now - handedAt > longestGuess) return true
    } else {
      const difference = receipt.at - Math.round(handedAt * 1000)
      this.origin ??= difference
      // Modulo 2³², as a number with a sign: differences of up to 35 minutes.
      this.oneWay = DelayHistory.add(this.oneWay, now, ((difference - this.origin) | 0) / 1000)
    }
    const held = (receipt.held ?? 0) / 1000
    const way = Math.max(0, now - handedAt - held)
    this.roundTrips = DelayHistory.add(this.roundTrips, now, way)
    const roundTrip = way + Math.min(held, usualHold)
    // What is guessed comes in lumps, of which the first bytes have come long before.
    if (!this.isHeard) this.roundTrip = DelayHistory.current(this.roundTrips) ?? way
    else this.roundTrip = this.roundTrip === undefined ? roundTrip : this.roundTrip + (roundTrip - this.roundTrip) / 8
    this.ledbat = Ledbat.hear(this.ledbat, {
      now,
      received,
      inFlight,
      queueing: this.isHeard
        ? Math.min(DelayHistory.queueing(this.oneWay), DelayHistory.queueing(this.roundTrips))
        : DelayHistory.queueing(this.roundTrips),
      roundTrip: this.isHeard ? roundTrip : this.roundTrip
    })
    return true
  }
}
