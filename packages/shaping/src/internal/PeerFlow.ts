/**
 * A stream from a peer under a limit: what is asked of the peer is paid for before, and read as it comes, so that nothing waits in
 * the system's buffer and the peer sees how long its bytes really take. How much may be asked for and not have come follows
 * what the peer brings: what a silent one owes takes room under the ceiling that others could use. What nobody asked for is
 * paid as it comes, and read slowly when it is more than a few messages.
 */
import type { Priority } from "@piecework/policy/Facts"
import type { ByteStream, Valve } from "@piecework/transport/ByteStream"
import { Effect } from "effect"
import type { Lane, Waiter } from "../Lane.ts"
import type { Flow, Gate, Purse } from "../Shaper.ts"
import { SendGate } from "./SendGate.ts"

/**
 * So many answers fit under the ceiling, which are equally long for all peers that answer soon: turns of all are worth the same then.
 * One of fewer bytes than `shortestAnswer` would be headers for a good part, so of a thin limit there are fewer, but not fewer than `fewest`.
 */
const answers = 64
const shortestAnswer = 1024
const fewest = 4
/**
 * A peer whose answers take longer than `late`, beside their way, gets to bring half as much at a time, and twice as much again after one that
 * took less than `soon`: so what slow ones owe leaves others their room. It begins with little, since some never answer.
 */
const late = 500
const soon = 250
const firstShare = 1 / 8
const leastShare = 1 / 64

/**
 * A peer may owe one answer, and so many times what it brings in the time that an answer takes to begin and `spareMillis`: twice, so
 * that it can show that it is faster; and that time, so that it always has something to do. A longer way than `longest` is a queue.
 */
const gain = 2
const spareMillis = 100
/** What a peer brings is an average over so many milliseconds. */
const averaged = 1000
const longest = 600

/** No answer begins sooner than this part of the shortest time of at least so many … */
const surely = 0.9
const fewWays = 4
/** … and not later than so many milliseconds, whatever a peer makes us believe. */
const surelyMost = 400

/**
 * Bytes of short messages that are read at once, such as what is announced, and receipts: so many at most, and more of them the more
 * content comes.
 */
const aside = 4096
const asidePart = 1 / 16

export class PeerFlow implements Flow, Purse, Valve, Waiter {
  readonly stream: ByteStream
  /** Whether the other side is beyond the site, so that its bytes say something about the line. */
  readonly isFar: boolean
  /** What the stream had counted when it came here. */
  readonly since: { readonly received: number; readonly sent: number }
  readonly priority: Priority
  readonly gate: Gate
  readonly purse: Purse = this
  private readonly sending: SendGate
  private readonly lane: Lane
  private readonly ends: (flow: PeerFlow) => void
  private isLimited = false
  /** Bytes that were asked for and paid, and have not come; and bytes that nobody asked for and that are read at once. */
  private awaited = 0
  private aside = aside
  /** Bytes beside those that the lane lets be read. */
  private granted = 0
  /** Bytes that are paid for and were not asked for yet, and how many it takes to ask. */
  private paid = 0
  private price = 0
  /** The shortest time that an answer took to begin, in ms, and of how many. */
  private shortest = Infinity
  private ways = 0
  /** How much of an answer of the usual length this peer is asked for at a time. */
  private share = firstShare
  /** Bytes that came, of which the older ones count less; at a time. */
  private lately = 0
  private latelyAt = 0
  private opened: () => void = () => {}
  private limited: () => void = () => {}

  constructor(options: {
    readonly stream: ByteStream
    readonly isFar: boolean
    readonly priority: Priority
    readonly lane: Lane
    readonly up: Lane
    readonly ends: (flow: PeerFlow) => void
  }) {
    this.stream = options.stream
    this.isFar = options.isFar
    const { received, sent } = options.stream.counters
    this.since = { received, sent }
    this.priority = options.priority
    this.lane = options.lane
    this.sending = new SendGate(options.up)
    this.gate = this.sending
    this.ends = options.ends
  }

  // Who asks the peer asks.

  readonly listen: Purse["listen"] = ({ limited, opened }) => {
    this.opened = opened
    this.limited = limited
  }

  readonly now = (): number => this.lane.now()

  readonly most = (): number => {
    if (!this.isLimited) return Infinity
    const window = (gain * this.rate() * (this.way + spareMillis)) / 1000
    const { most } = this.lane
    const full = Math.max(Math.min(shortestAnswer, most / fewest), most / answers)
    const size = Math.floor(Math.max(full * this.share, Math.min(full, shortestAnswer / 2)))
    return this.awaited === 0 || this.awaited + size <= window ? size : 0
  }

  readonly pay = (bytes: number): boolean => {
    if (!this.isLimited) return true
    this.price = bytes - this.paid
    if (this.price > 0) {
      const got = this.lane.take(this.asking)
      if (got === 0) return false
      this.paid += got
    }
    // More than the lane ever gives at a time.
    if (this.paid < bytes) this.lane.owe(bytes - this.paid)
    this.paid = Math.max(0, this.paid - bytes)
    this.awaited += bytes
    this.aside = Math.min(aside, this.aside + bytes * asidePart)
    if (this.isHeldBack()) {
      this.lane.leave(this)
      this.stream.regulate(this)
    }
    return true
  }

  readonly rest = (): void => {
    this.lane.leave(this.asking)
    if (this.paid === 0) return
    const { paid } = this
    this.paid = 0
    this.lane.spare(paid)
  }

  readonly begun = (millis: number): void => {
    this.shortest = Math.min(this.shortest, millis)
    this.ways++
  }

  readonly ended = (millis: number): void => {
    const took = millis - this.way
    if (took > late) this.share = Math.max(leastShare, this.share / 2)
    else if (took < soon) this.share = Math.min(1, this.share * 2)
  }

  /** How long an answer takes to begin, at least, in ms. */
  private get way(): number {
    return this.ways === 0 ? 0 : Math.min(longest, this.shortest)
  }

  readonly giveBack = (bytes: number): void => {
    const less = Math.min(bytes, this.awaited)
    this.awaited -= less
    this.lane.spare(less)
  }

  private readonly asking: Waiter = {
    asks: true,
    ahead: () => (this.ways < fewWays ? 0 : Math.min(surelyMost, this.shortest * surely)),
    least: () => this.price,
    most: (turn) => Math.max(this.price, turn),
    go: (bytes) => {
      this.paid += bytes
      this.opened()
    }
  }

  /** Bytes a second. */
  private rate(): number {
    const now = this.lane.now()
    this.lately *= Math.exp((this.latelyAt - now) / averaged)
    this.latelyAt = now
    return (this.lately * 1000) / averaged
  }

  // The stream asks.

  readonly room = (): number => {
    const free = this.awaited + this.aside
    if (free >= 1) return Math.floor(free)
    if (this.granted <= 0) {
      const got = this.lane.take(this)
      if (got === Infinity) return got
      this.granted += got
    }
    return this.granted
  }

  readonly next = (): number => this.lane.turnBytes

  readonly came = (bytes: number): void => {
    this.rate()
    this.lately += bytes
    const known = Math.min(bytes, this.awaited)
    this.awaited -= known
    this.lane.arrived(known)
    const paid = Math.min(bytes - known, Math.max(0, this.granted))
    this.granted -= paid
    const beside = bytes - known - paid
    this.aside = Math.max(0, this.aside - beside)
    this.lane.spend(beside)
  }

  readonly least = (turn: number): number => turn

  readonly go = (bytes: number): void => {
    this.granted += bytes
    if (this.isLimited) this.stream.regulate(this)
  }

  // The room that reads asks.

  /** Each thing that is asked of a peer is paid for by itself. */
  readonly ask = (): Effect.Effect<void> => Effect.void

  readonly answered = (): void => {}

  readonly isHeldBack = (): boolean => this.lane.isWaiting(this)

  readonly isWaiting = (): boolean => this.lane.isWaiting(this.asking) && this.awaited === 0

  readonly close = (): void => {
    this.lane.leave(this)
    this.rest()
    // What was under way may have crossed the line.
    this.lane.arrived(this.awaited)
    this.awaited = 0
    this.sending.close()
    if (this.isLimited) this.stream.regulate(undefined)
    this.isLimited = false
    this.ends(this)
  }

  // The shaper says.

  /** Its lane has got a limit, or lost it. */
  review(): void {
    const { isLimited } = this.lane
    if (isLimited === this.isLimited) return
    this.isLimited = isLimited
    this.granted = 0
    this.awaited = 0
    this.paid = 0
    this.aside = aside
    this.latelyAt = this.lane.now()
    this.lately = 0
    if (isLimited) {
      this.stream.regulate(this)
      this.limited()
    } else {
      this.stream.regulate(undefined)
      this.opened()
    }
  }
}
