/**
 * One direction of a stream in memory: what is sent arrives after the latency, at the pace of the lines on the way, and
 * waits while the reader's read-ahead is full. Plain code but for the courier, a fiber that sleeps until the next
 * arrival and only lives while something is under way.
 */
import { Effect } from "effect"
import type { Later, PlainStream, TransportError } from "../ByteStream.ts"
import type { Inbox } from "./Inbox.ts"

/** Bytes that may be under way or wait for a reader before a writer has to wait: the two kernels' buffers. */
const window = 262_144

/** Bytes that go over a line at a time, so that streams which share it take turns. */
const segment = 65_536

/** A line with the time at which it is free again, in epoch milliseconds. */
export interface SharedLine {
  readonly bytesPerSecond: number
  freeAt: number
}

interface Parcel {
  readonly content: Uint8Array | "end" | "reset"
  /** Epoch milliseconds. */
  readonly arrives: number
}

const lengthOf = (content: Parcel["content"]): number => (typeof content === "string" ? 0 : content.length)

export interface Route {
  /** Milliseconds. */
  readonly latency: number
  readonly lines: ReadonlyArray<SharedLine>
  readonly now: () => number
  /** Whether nothing gets through. */
  readonly isCut: () => boolean
  readonly fork: (courier: Effect.Effect<void>) => void
}

export class MemoryPipe {
  /** Bytes the writer handed over. */
  sent = 0
  private readonly route: Route
  private readonly inbox: Inbox
  private readonly onReset: () => void
  private readonly parcels: Array<Parcel> = []
  private underWay = 0
  private held = false
  private hasCourier = false
  private isEnded = false
  private gone = false
  /** Why nothing can be written any more. */
  private shut: TransportError | undefined
  private waiting: { readonly proceed: () => void; readonly fail: (error: TransportError) => void } | undefined

  /** `onReset` is told when a reset arrives, or bytes do where nobody reads any more. */
  constructor(route: Route, inbox: Inbox, onReset: () => void) {
    this.route = route
    this.inbox = inbox
    this.onReset = onReset
  }

  readonly write: PlainStream["write"] = (parts, later) => {
    if (this.waiting !== undefined) throw new Error("a stream has one writer at a time")
    let now: true | TransportError | undefined
    let answer: Later<true> = (result) => {
      now = result
    }
    let next = 0
    let offset = 0
    const proceed = () => {
      this.waiting = undefined
      for (let bytes = parts[next]; bytes !== undefined; bytes = parts[next]) {
        if (this.shut !== undefined) return answer(this.shut)
        if (this.underWay >= window) {
          this.waiting = { proceed, fail: (error) => answer(error) }
          return
        }
        // The writer may use its memory again, so this is a copy.
        const part = bytes.slice(offset, offset + segment)
        offset += part.length
        if (offset === bytes.length) {
          next++
          offset = 0
        }
        this.sent += part.length
        if (part.length > 0) this.send(part)
      }
      answer(true)
    }
    proceed()
    answer = later
    return now
  }

  /** Sends the end, behind all that is under way; later writes fail with `error`. */
  end(error: TransportError, content: "end" | "reset" = "end"): void {
    if (this.isEnded && content === "end") return
    this.isEnded = true
    this.refuse(error)
    this.send(content)
  }

  /** Nothing goes through any more, and writes fail with `error`. */
  break(error: TransportError): void {
    this.parcels.length = 0
    this.underWay = 0
    this.refuse(error)
  }

  /** The reader is gone: the next bytes that arrive are lost. */
  abandon(): void {
    this.gone = true
    this.deliver()
  }

  /** Whether bytes have arrived that the reader did not take. */
  isUnread(): boolean {
    return this.inbox.unread() > 0 || (this.held && this.underWay > 0)
  }

  /** The reader wants more. */
  want(): void {
    this.held = false
    this.deliver()
  }

  /** Delivers what has arrived, and sends the courier for the rest. */
  deliver(): void {
    let parcel: Parcel | undefined
    while ((parcel = this.parcels[0]) !== undefined && this.isOpen() && parcel.arrives <= this.route.now()) {
      this.parcels.shift()
      const { content } = parcel
      this.underWay -= lengthOf(content)
      if (content === "end") this.inbox.end()
      else if (content === "reset" || this.gone) this.onReset()
      else this.held = !this.inbox.accept(content)
    }
    if (this.waiting !== undefined && this.underWay < window) this.waiting.proceed()
    if (this.parcels.length > 0 && this.isOpen()) this.dispatch()
  }

  private refuse(error: TransportError): void {
    this.shut ??= error
    const waiting = this.waiting
    this.waiting = undefined
    waiting?.fail(error)
  }

  private isOpen(): boolean {
    return (this.gone || !this.held) && !this.route.isCut()
  }

  private send(content: Parcel["content"]): void {
    const now = this.route.now()
    let arrives = now
    for (const line of this.route.lines) {
      line.freeAt = Math.max(arrives, line.freeAt) + (lengthOf(content) * 1000) / line.bytesPerSecond
      arrives = line.freeAt
    }
    this.underWay += lengthOf(content)
    // Timers have whole milliseconds.
    this.parcels.push({ content, arrives: Math.ceil(arrives + this.route.latency) })
    this.deliver()
  }

  private dispatch(): void {
    if (this.hasCourier) return
    this.hasCourier = true
    const next = Effect.suspend(() => {
      const head = this.parcels[0]
      if (head === undefined || !this.isOpen()) return Effect.succeed(false)
      return Effect.as(Effect.sleep(Math.max(0, head.arrives - this.route.now())), true)
    })
    const courier = Effect.gen({ self: this }, function* () {
      while (yield* next) this.deliver()
      this.hasCourier = false
    })
    this.route.fork(courier)
  }
}
