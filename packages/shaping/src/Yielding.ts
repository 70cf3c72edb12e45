/**
 * How much more of a stream may be handed to the system now, so that it yields to others on the way. Bytes under way are kept
 * within the window of `Ledbat`; how long they wait is found out from the receiver's receipts. Plain code without a clock of
 * its own: times are milliseconds of one that is never set back.
 *
 * How long bytes wait is the lesser of two figures. One way: the receiver's time less ours, over the least that this ever was;
 * what waits on the way back does not count, but clocks of which one is faster look like a queue. Round trip: on our clock
 * alone, but with what waits on the way back. A queue on our way is in both.
 */
import * as DelayHistory from "./DelayHistory.ts"
import { Flight } from "./Flight.ts"
import * as Ledbat from "./Ledbat.ts"

/** What the receiver says: see `Receipt` of the wire. */
export interface Receipt {
  /** Bytes of the stream that have come since it began. */
  readonly received: number
  /** When the last of them came, by its clock: microseconds modulo 2³². */
  readonly at: number
  /** Microseconds from then until it said so. */
  readonly held: number
}

/** Less than this is not worth a write of its own, unless the window is smaller than four of them. */
const worthWriting = 16_384

export class Yielding {
  private readonly flight: Flight
  private ledbat: Ledbat.Ledbat
  private oneWay = DelayHistory.empty
  private roundTrips = DelayHistory.empty
  /** One way as first measured: microseconds modulo 2³². */
  private origin: number | undefined
  /** From handing over to hearing, on the average of some; the first guess is a long way. */
  private roundTrip = 100

  /** `begin`: bytes of the stream that were handed over before. */
  constructor(begin: number, now: number) {
    this.flight = new Flight(begin)
    this.ledbat = Ledbat.initial(now)
  }

  /** Whether the receiver has ever said anything. */
  get isHeard(): boolean {
    return this.origin !== undefined
  }

  /** Bytes that were handed over and are not known to be received. */
  get inFlight(): number {
    return this.flight.inFlight
  }

  get window(): number {
    return this.ledbat.window
  }

  /** So many bytes of the stream were handed over. */
  handOver(bytes: number, now: number): void {
    this.flight.handOver(bytes, now)
  }

  /** How many of `wanted` bytes may be handed over now; 0 until the next receipt. */
  allowance(wanted: number, now: number): number {
    const { inFlight } = this.flight
    if (inFlight === 0) this.ledbat = Ledbat.resume(this.ledbat, now, this.roundTrip)
    const { window } = this.ledbat
    const room = Math.floor(Math.min(wanted, window - inFlight))
    // The last bytes of what is wanted may be few; else a write a segment would cost more than it brings.
    return room >= Math.min(wanted, worthWriting, window / 4) ? room : 0
  }

  /** The receiver said what has come. Answers whether that was news: what makes no sense is ignored. */
  take(receipt: Receipt, now: number): boolean {
    const { inFlight } = this.flight
    const news = this.flight.take(receipt.received)
    if (news === undefined) return false
    const { handedAt, received } = news
    const difference = receipt.at - Math.round(handedAt * 1000)
    this.origin ??= difference
    // Modulo 2³², as a number with a sign: differences of up to 35 minutes.
    this.oneWay = DelayHistory.add(this.oneWay, now, ((difference - this.origin) | 0) / 1000)
    const roundTrip = now - handedAt
    this.roundTrips = DelayHistory.add(this.roundTrips, now, Math.max(0, roundTrip - receipt.held / 1000))
    this.roundTrip += (roundTrip - this.roundTrip) / 8
    this.ledbat = Ledbat.hear(this.ledbat, {
      now,
      received,
      inFlight,
      queueing: Math.min(DelayHistory.queueing(this.oneWay), DelayHistory.queueing(this.roundTrips)),
      roundTrip
    })
    return true
  }
}
