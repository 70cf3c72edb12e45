/**
 * A line with a queue that several senders share, in virtual time: each step of a millisecond the line carries what it can, in
 * the order in which it came, drops what the queue has no room for, and tells the senders a while later what came through.
 */
import { RequestClock } from "../src/RequestClock.ts"
import { Yielding } from "../src/Yielding.ts"

export const segment = 1448

/** A flow as the line sees it. Times are milliseconds. */
export interface Flow {
  /** Bytes that it hands to the line now. */
  readonly send: (now: number) => number
  /** `bytes` have come through at `now`; the line tells the receiver. */
  readonly arrive: (bytes: number, now: number) => void
  /** So many bytes found no room in the queue. */
  readonly drop: (bytes: number, now: number) => void
  /** Bytes that have come through so far. */
  readonly delivered: () => number
}

export interface LineOptions {
  /** Bits a second. */
  readonly rate: number
  /** Bytes that may wait. */
  readonly queue: number
  /** Milliseconds there and back without queues; may change on the way. */
  readonly roundTrip: (now: number) => number
}

interface Waiting {
  readonly flow: Flow
  bytes: number
}

export class Line {
  now = 0
  queued = 0
  private readonly options: LineOptions
  private readonly waiting: Array<Waiting> = []
  private readonly flows: Array<Flow> = []
  private credit = 0
  private readonly events: Array<{ readonly at: number; readonly run: () => void }> = []

  constructor(options: LineOptions) {
    this.options = options
  }

  add(flow: Flow): void {
    this.flows.push(flow)
  }

  remove(flow: Flow): void {
    this.flows.splice(this.flows.indexOf(flow), 1)
  }

  /** Milliseconds that the last byte in the queue waits. */
  get delay(): number {
    return (this.queued * 8000) / this.options.rate
  }

  /** Half the round trip from now. */
  later(run: () => void): void {
    this.events.push({ at: this.now + this.options.roundTrip(this.now) / 2, run })
  }

  at(at: number, run: () => void): void {
    this.events.push({ at, run })
  }

  run(until: number, each: () => void = () => {}): void {
    for (; this.now < until; this.now++) {
      for (let i = 0; i < this.events.length; i++) {
        const event = this.events[i]
        if (event === undefined || event.at > this.now) continue
        this.events.splice(i--, 1)
        event.run()
      }
      for (const flow of this.flows) {
        const bytes = flow.send(this.now)
        const room = Math.min(bytes, this.options.queue - this.queued)
        if (room > 0) {
          this.queued += room
          this.waiting.push({ flow, bytes: room })
        }
        if (bytes > room) flow.drop(bytes - room, this.now)
      }
      this.carry()
      each()
    }
  }

  private carry(): void {
    this.credit = Math.min(this.credit + this.options.rate / 8000, this.queued)
    for (let head = this.waiting[0]; head !== undefined && this.credit >= 1; head = this.waiting[0]) {
      const bytes = Math.min(head.bytes, Math.floor(this.credit))
      this.credit -= bytes
      this.queued -= bytes
      head.bytes -= bytes
      if (head.bytes === 0) this.waiting.shift()
      const { flow } = head
      this.later(() => flow.arrive(bytes, this.now))
    }
  }
}

/** How often a receiver says what came: milliseconds. */
const receiptEvery = 10

/** One that yields. `skew`: how much faster the receiver's clock is, as a share; `jitter`: milliseconds added to what it says. */
export const yielding = (
  line: Line,
  options: { readonly skew?: number; readonly offset?: number; readonly jitter?: () => number } = {}
): Flow & { readonly control: Yielding } => {
  const { jitter = () => 0, offset = 1_234_567, skew = 0 } = options
  const control = new Yielding(0, line.now)
  let delivered = 0
  let receiptDue = false
  let lastAt = 0
  let lost = 0
  return {
    control,
    delivered: () => delivered,
    send: (now) => {
      // TCP sends what was lost again, sooner or later, in place of something new.
      const again = Math.min(lost, segment)
      lost -= again
      const allowed = control.allowance(Number.MAX_SAFE_INTEGER, now)
      const bytes = "bytes" in allowed ? allowed.bytes : 0
      if (bytes > 0) control.handOver(bytes, now)
      return bytes + again
    },
    drop: (bytes) => {
      lost += bytes
    },
    arrive: (bytes, now) => {
      delivered += bytes
      lastAt = now
      if (receiptDue) return
      receiptDue = true
      line.at(now + receiptEvery, () => {
        receiptDue = false
        const at = Math.round(((lastAt + jitter()) * (1 + skew) + offset) * 1000) % 2 ** 32
        const receipt = { received: delivered, at, held: (line.now - lastAt) * 1000 }
        line.later(() => control.take(receipt, line.now))
      })
    }
  }
}

/** One that yields to a receiver that gives no receipts, keeps so many blocks of 64 KiB open, and asks in lumps of `lump`. */
export const unheard = (line: Line, { lump = 1, open = 32 } = {}): Flow & { readonly control: Yielding } => {
  const control = new Yielding(0, line.now)
  const clock = new RequestClock()
  const block = 65_536
  let waiting = open
  for (let n = 1; n <= open; n++) clock.ask(n)
  let delivered = 0
  let asked = 0
  let gone = 0
  let lost = 0
  return {
    control,
    delivered: () => delivered,
    send: (now) => {
      const again = Math.min(lost, segment)
      lost -= again
      const allowed = waiting > 0 ? control.allowance(block - gone, now) : { wait: "Receipt" as const }
      const bytes = "bytes" in allowed ? allowed.bytes : 0
      if (bytes > 0) control.handOver(bytes, now)
      gone += bytes
      if (gone === block) {
        gone = 0
        waiting--
        clock.answer(control.total)
      }
      return bytes + again
    },
    drop: (bytes) => {
      lost += bytes
    },
    arrive: (bytes) => {
      delivered += bytes
      const due = Math.floor(delivered / (block * lump)) * lump - asked
      if (due <= 0) return
      asked += due
      line.later(() => {
        let received: number | undefined
        for (let n = 0; n < due; n++) received = clock.ask(++waiting) ?? received
        // Of requests that come together the last tells most.
        if (received !== undefined) control.take({ received }, line.now)
      })
    }
  }
}

/** TCP as most know it: one segment more each round trip, half of it after a loss; it knows nothing of delays. */
export const lossBased = (line: Line): Flow => {
  let window = 10 * segment
  let threshold = Number.POSITIVE_INFINITY
  let inFlight = 0
  let delivered = 0
  let deafUntil = 0
  return {
    delivered: () => delivered,
    send: () => {
      const bytes = Math.max(0, Math.floor((window - inFlight) / segment) * segment)
      inFlight += bytes
      return bytes
    },
    drop: (bytes, now) => {
      inFlight -= bytes
      if (now < deafUntil) return
      deafUntil = now + 20 + line.delay
      window = Math.max(2 * segment, window / 2)
      threshold = window
    },
    arrive: (bytes) => {
      delivered += bytes
      line.later(() => {
        inFlight -= bytes
        window += window < threshold ? bytes : (segment * bytes) / window
      })
    }
  }
}

/** Sends at a rate, whatever comes of it: bits a second. */
export const steady = (rate: number): Flow => {
  let delivered = 0
  let owed = 0
  return {
    delivered: () => delivered,
    send: () => {
      owed += rate / 8000
      const bytes = Math.floor(owed / segment) * segment
      owed -= bytes
      return bytes
    },
    drop: () => {},
    arrive: (bytes) => {
      delivered += bytes
    }
  }
}

/** What a flow got of the line from one moment to another, 0 to 1. */
export const shareOf = (line: Line, flow: Flow, rate: number, millis: number, each?: () => void): number => {
  const before = flow.delivered()
  line.run(line.now + millis, each)
  return ((flow.delivered() - before) * 8000) / rate / millis
}
