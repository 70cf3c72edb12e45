/**
 * A stream from a server under a limit. A short answer is paid for before it is asked for, and read as it comes. Of a long one its reader
 * pays for what it takes, with one exception: the first bytes come without being read, since the system's own buffer takes
 * them in. So they are paid for before the answer is asked for, and its last bytes, which have come by then, are free.
 */
import type { Priority } from "@piecework/policy/Facts"
import type { ByteStream, Valve } from "@piecework/transport/ByteStream"
import { Effect } from "effect"
import { beside, type Lane, type Waiter } from "../Lane.ts"
import type { Flow, Gate } from "../Shaper.ts"
import { SendGate } from "./SendGate.ts"

/**
 * Bytes that the system takes in before anybody reads, when little is read: what Linux offers a sender at first. It grows with
 * what the reader takes in a round trip, so under a limit it stays about there. Source: net.ipv4.tcp_rmem, measured.
 */
export const systemBuffer = 65_536

/** The head of an answer comes beside the bytes that were asked for, and is read at once: twice as much as usual ones. */
const head = 2 * beside

/** Bytes that are read at a time while nothing was asked for: enough to see the end of the stream, or a stray answer. */
const idleRoom = 512
/** More than these and it is no stray answer. */
const idleMost = 4096

/** No answer begins sooner than this part of the shortest time of at least so many. */
const surely = 0.9
const fewWays = 4

export class ShapedFlow implements Flow, Valve, Waiter {
  readonly stream: ByteStream
  /** Whether the other side is beyond the site, so that its bytes say something about the line. */
  readonly isFar: boolean
  /** What the stream had counted when it came here. */
  readonly since: { readonly received: number; readonly sent: number }
  readonly gate: Gate
  /** Answers come one after the other, and `ask` pays for them. */
  readonly purse = undefined
  private of: Priority
  private readonly lanes: { readonly [P in Priority]: Lane }
  private readonly sending: SendGate
  private readonly begins: (flow: ShapedFlow) => void
  private readonly ends: (flow: ShapedFlow) => void
  private granted = 0
  /** Of the answer, in this order: bytes that are read at once, that are paid for as they are read, and that are free again. */
  private first = 0
  private toPay = 0
  private free = 0
  private idle = 0
  /** Bytes that were asked for and paid, and have not come. */
  private awaited = 0
  private isShort = false
  /** When an answer that has not begun was asked for. */
  private askedAt: number | undefined
  /** The shortest time that an answer took to begin, in ms, and of how many. */
  private shortest = Infinity
  private ways = 0
  private isRegulated = false

  constructor(options: {
    readonly stream: ByteStream
    readonly isFar: boolean
    readonly priority: Priority
    readonly lanes: { readonly [P in Priority]: Lane }
    readonly up: Lane
    readonly begins: (flow: ShapedFlow) => void
    readonly ends: (flow: ShapedFlow) => void
  }) {
    this.stream = options.stream
    this.isFar = options.isFar
    const { received, sent } = options.stream.counters
    this.since = { received, sent }
    this.of = options.priority
    this.lanes = options.lanes
    this.sending = new SendGate(options.up)
    this.gate = this.sending
    this.begins = options.begins
    this.ends = options.ends
  }

  get priority(): Priority {
    return this.of
  }

  private get lane(): Lane {
    return this.lanes[this.of]
  }

  // The stream asks.

  readonly room = (): number => {
    if (this.first > 0) return this.first
    if (this.toPay <= 0) return this.free > 0 ? this.free : idleRoom
    if (this.granted > 0) return this.granted
    const got = this.lane.take(this)
    if (got !== Infinity) this.granted += got
    return got
  }

  readonly next = (): number => this.lane.turnBytes

  readonly came = (bytes: number): void => {
    this.begun()
    const over = this.count(bytes)
    // Its head was longer than usual, or it is not the answer that was asked for.
    if (this.toPay <= 0 && over > 0) this.lane.spend(over)
    if (this.first > 0) this.first -= bytes
    else if (this.toPay > 0) this.pay(bytes)
    else if (this.free > 0) this.free -= bytes
    else {
      this.idle += bytes
      if (this.idle > idleMost) this.toPay = Infinity
    }
  }

  private begun(): void {
    if (this.askedAt === undefined) return
    const way = this.lane.now() - this.askedAt
    this.askedAt = undefined
    this.lane.begun(way)
    this.shortest = Math.min(this.shortest, way)
    this.ways++
  }

  /** Counts bytes that were waited for as come; answers how many were not. */
  private count(bytes: number): number {
    const paid = Math.min(bytes, this.awaited)
    // Of a long one the system takes them in as it begins, whenever they are read.
    const now = this.isShort || paid === 0 ? paid : this.awaited
    this.awaited -= now
    this.lane.arrived(now)
    return this.isShort ? bytes - paid : 0
  }

  private pay(bytes: number): void {
    this.toPay -= bytes
    this.granted -= bytes
    if (this.granted < 0) {
      this.lane.spend(-this.granted)
      this.granted = 0
    }
  }

  readonly least = (turn: number): number => turn

  readonly go = (bytes: number): void => {
    this.granted += bytes
    if (this.isRegulated) this.stream.regulate(this)
  }

  // The room that reads asks.

  readonly ask = (priority: Priority, bytes: number): Effect.Effect<void> =>
    Effect.suspend(() => {
      // The answer before was read to its end: what was paid beyond it, for a longer head, does not come.
      this.lane.spare(this.awaited)
      this.awaited = 0
      this.askedAt = undefined
      this.become(priority)
      this.begins(this)
      if (!this.lane.isLimited) {
        // In case a limit begins while it comes.
        this.first = 0
        this.toPay = bytes + head
        this.free = 0
        return Effect.void
      }
      // A short one is paid for as a whole; of a long one, what comes before anybody reads.
      this.isShort = bytes <= this.lane.longest
      const lump = this.isShort ? bytes : systemBuffer
      this.first = head
      this.idle = 0
      this.toPay = bytes - lump
      this.free = lump + head
      const price = lump + beside
      return Effect.callback<void>((resume) => {
        const { lane } = this
        const waiter: Waiter = {
          asks: true,
          ahead: () => (this.ways < fewWays ? 0 : this.shortest * surely),
          least: () => price,
          most: () => price,
          go: (got) => {
            if (got < price) lane.owe(price - got)
            if (lane.isLimited) {
              this.awaited = price
              this.askedAt = lane.now()
            }
            resume(Effect.void)
          }
        }
        const got = lane.take(waiter)
        if (got > 0) return waiter.go(got)
        return Effect.sync(() => lane.leave(waiter))
      })
    })

  readonly answered = (bytes: number): void => {
    const asked = this.toPay + this.free - head
    // Of an answer that nobody knew the length of, or one that is another than was asked for.
    if (!this.lane.isLimited || !(bytes < asked)) return
    const lump = this.free - head
    if (bytes < lump) this.giveBack(lump - bytes)
    this.toPay = Math.max(0, bytes - lump)
    this.free = Math.min(bytes, lump) + head
  }

  /** Bytes of an answer that were paid for and do not come. */
  private giveBack(bytes: number): void {
    if (!this.isShort) return this.lane.spend(-bytes)
    const less = Math.min(bytes, this.awaited)
    this.awaited -= less
    this.lane.spare(less)
  }

  readonly isHeldBack = (): boolean => this.lane.isWaiting(this)

  readonly close = (): void => {
    this.lane.leave(this)
    // What was under way may have crossed the line.
    this.lane.arrived(this.awaited)
    this.awaited = 0
    this.sending.close()
    if (this.isRegulated) this.stream.regulate(undefined)
    this.isRegulated = false
    this.ends(this)
  }

  // The shaper says.

  /** Its lane has got a limit, or lost it. */
  review(): void {
    const { isLimited } = this.lane
    if (isLimited === this.isRegulated) return
    this.isRegulated = isLimited
    this.granted = 0
    this.awaited = 0
    if (isLimited) {
      if (this.toPay > 0) this.lane.spend(Math.min(this.toPay, systemBuffer))
      this.stream.regulate(this)
    } else this.stream.regulate(undefined)
  }

  private become(priority: Priority): void {
    if (priority !== this.of) {
      this.lane.leave(this)
      this.of = priority
    }
    this.review()
  }
}
