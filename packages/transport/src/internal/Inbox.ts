/**
 * The receiving half of a stream: where the next bytes land, and what a reader gets of them. Plain code, called from
 * the callbacks of a socket.
 *
 * A large fill that is under way lends its target to whoever writes the bytes, once nothing older is held; all else
 * lands in blocks of 64 KiB, of which the last is the landing. Invariants: the memory that `nextBuffer` gave last is
 * not touched, moved or used again before `landed` says that something is there, or `nextBuffer` gave another; and
 * the bytes of the blocks are older than those in the target of a fill that is pending.
 */
import type { Later, PlainStream, TransportError, Valve } from "../ByteStream.ts"

/** Bytes that are read ahead of the reader. */
export const readAhead = 65_536

/** Fills that still miss this much get the bytes straight from the kernel; under it a copy is cheaper than a call. */
const directAbove = 16_384

/** When the landing block has no more room than this, and nobody reads, reading stops. */
const littleRoom = 4096

interface Block {
  readonly bytes: Uint8Array
  start: number
  end: number
}

interface Fill {
  readonly target: Uint8Array
  readonly atLeast: number
  filled: number
  /** Changes once: within the call that began the fill its answer is what the call answers. */
  answer: Later<number>
}

export class Inbox {
  /** Bytes that landed so far. */
  received = 0
  private readonly blocks: Array<Block> = []
  private spare: Block | undefined
  private pending: Fill | undefined
  /** Whether the memory given last belongs to the pending fill. */
  private lent = false
  private ended = false
  private failure: TransportError | undefined
  private valve: Valve | undefined
  private arrived: ((received: number) => void) | undefined
  private readonly owner: {
    /** Let bytes come: a reader waits, or there is room again. */
    readonly want: () => void
    /** The memory given last must not be written to any more: `nextBuffer` has other. */
    readonly recall: () => void
  }

  constructor(owner: Inbox["owner"]) {
    this.owner = owner
  }

  readonly fill: PlainStream["fill"] = (target, atLeast, later) => {
    if (this.pending !== undefined) throw new Error("a stream has one reader at a time")
    let now: number | TransportError | undefined
    const fill: Fill = {
      target,
      atLeast: Math.max(1, Math.min(atLeast, target.length)),
      filled: 0,
      answer: (result) => {
        now = result
      }
    }
    this.pending = fill
    this.serve()
    if (this.pending === fill && this.mayRead()) this.owner.want()
    fill.answer = later
    return now
  }

  readonly onArrival: PlainStream["onArrival"] = (listener) => {
    this.arrived = listener
  }

  /** The reader gave up: its memory is its own again, and what was in it waits for the next fill. */
  readonly forget: PlainStream["forget"] = (later) => {
    const fill = this.pending
    if (fill?.answer !== later) return
    this.pending = undefined
    const wasLent = this.lent
    this.lent = false
    if (fill.filled > 0) {
      const bytes = fill.target.slice(0, fill.filled)
      this.blocks.unshift({ bytes, start: 0, end: bytes.length })
    }
    if (wasLent) this.owner.recall()
  }

  /** As `ByteStream.regulate`. */
  regulate(valve: Valve | undefined): void {
    if (valve !== this.valve) {
      this.valve = valve
      this.owner.recall()
    }
    if (this.mayRead() && !this.isFull()) this.owner.want()
  }

  /** Memory for the next bytes, at least one. */
  nextBuffer(): Uint8Array {
    const room = this.landing()
    const { valve } = this
    return valve === undefined
      ? room
      : room.subarray(0, Math.max(1, Math.min(room.length, valve.room() || valve.next())))
  }

  private landing(): Uint8Array {
    const fill = this.pending
    if (fill !== undefined && fill.target.length - fill.filled >= directAbove && !this.holds()) {
      this.lent = true
      return fill.target.subarray(fill.filled)
    }
    this.lent = false
    let last = this.blocks.at(-1)
    if (last !== undefined && last.start === last.end) last.start = last.end = 0
    if (last === undefined || last.end === last.bytes.length) {
      last = this.spare ?? { bytes: new Uint8Array(readAhead), start: 0, end: 0 }
      this.spare = undefined
      this.blocks.push(last)
    }
    return last.bytes.subarray(last.end)
  }

  /** So many bytes are in the memory given last. False when no more should come until `want`. */
  landed(length: number): boolean {
    this.received += length
    this.arrived?.(this.received)
    const last = this.blocks.at(-1)
    if (this.lent && this.pending !== undefined) this.pending.filled += length
    else if (last !== undefined) last.end += length
    this.lent = false
    this.valve?.came(length)
    this.serve()
    return !this.isFull() && this.mayRead()
  }

  /** Takes bytes over that came in other memory. False as for `landed`. */
  accept(bytes: Uint8Array): boolean {
    this.received += bytes.length
    this.arrived?.(this.received)
    this.blocks.push({ bytes, start: 0, end: bytes.length })
    this.valve?.came(bytes.length)
    this.serve()
    return !this.isFull() && this.mayRead()
  }

  /** Bytes that a reader still waits for before it goes on, where nobody minds that they are read a little later; else 0. */
  lacking(): number {
    const fill = this.pending
    return fill === undefined || this.valve !== undefined || this.arrived !== undefined ? 0 : fill.atLeast - fill.filled
  }

  /** Bytes that came and no reader took. */
  unread(): number {
    return this.blocks.reduce((sum, block) => sum + block.end - block.start, 0)
  }

  /** Nothing comes any more. */
  end(): void {
    this.ended = true
    this.serve()
  }

  /** The stream is broken: what is held can still be read, then reading fails. */
  fail(error: TransportError): void {
    // Who has read to the end has read all there was.
    if (!this.ended) this.failure ??= error
    this.serve()
  }

  /** Breaks the stream and lets go of what is held. */
  close(error: TransportError): void {
    this.blocks.length = 0
    this.ended = false
    this.fail(error)
  }

  private mayRead(): boolean {
    return this.valve === undefined || this.valve.room() > 0
  }

  private holds(): boolean {
    return this.blocks.some((block) => block.end > block.start)
  }

  private isFull(): boolean {
    if (this.pending !== undefined || this.blocks.length === 0) return false
    const last = this.blocks.at(-1)
    return this.holds() && (this.blocks.length > 1 || last === undefined || last.bytes.length - last.end < littleRoom)
  }

  /** Gives the pending fill what is held, and answers it when that is enough or nothing more can come. */
  private serve(): void {
    const fill = this.pending
    if (fill === undefined) return
    let block: Block | undefined
    while (fill.filled < fill.target.length && (block = this.blocks[0]) !== undefined) {
      const length = Math.min(block.end - block.start, fill.target.length - fill.filled)
      if (length > 0) fill.target.set(block.bytes.subarray(block.start, block.start + length), fill.filled)
      fill.filled += length
      block.start += length
      if (block.start < block.end) break
      // The last block may be the landing, so it stays.
      if (this.blocks.length === 1 && block.bytes.length === readAhead) break
      this.blocks.shift()
      if (block.bytes.length === readAhead) this.spare = { bytes: block.bytes, start: 0, end: 0 }
    }
    if (fill.target.length === 0 || fill.filled >= fill.atLeast) this.answer(fill, fill.filled)
    else if (this.failure !== undefined) this.answer(fill, this.failure)
    else if (this.ended) this.answer(fill, fill.filled)
  }

  private answer(fill: Fill, result: number | TransportError): void {
    this.pending = undefined
    // The reader goes on inside this call, so its next fill is here before the next memory is asked for.
    fill.answer(result)
  }
}
