/**
 * Lets answers out no faster than they may go to a peer beyond the site: background traffic there yields to whatever else uses the
 * line. An answer leaves in parts where there is no room for all of it, and nothing else of ours can come between them. A peer
 * that gives no receipts gets its answers whole, as does one whose user waits for them.
 */
import { Yielding } from "@piecework/shaping/Yielding"
import { Codec } from "@piecework/wire"
import type { Receipt } from "@piecework/wire/Extension"

/** Least time between two parts, in milliseconds: a timer costs as much as sending does. */
const leastWait = 4

export class Valve {
  private readonly yielding: Yielding
  private readonly now: () => number
  private readonly wait: (millis: number) => void
  private foreground = false
  private answer: Uint8Array | undefined
  /** Bytes of the answer that have left. */
  private gone = 0
  /** Whether it opens with the peer's next receipt and not before. */
  private isFull = false

  /**
   * `begin`: bytes of the stream that left before; `now` in milliseconds of a clock that is never set back; `wait` is called when
   * the next part can leave in so many milliseconds.
   */
  constructor(options: {
    readonly begin: number
    readonly now: () => number
    readonly wait: (millis: number) => void
  }) {
    this.now = options.now
    this.wait = options.wait
    this.yielding = new Yielding(options.begin, this.now())
  }

  /** Whether it waits for the peer to say that something came. */
  get awaitsPeer(): boolean {
    return this.isFull
  }

  /** Whether an answer has left in part. */
  get isHalfway(): boolean {
    return this.answer !== undefined
  }

  private get isOpen(): boolean {
    return this.foreground || !this.yielding.isHeard
  }

  /** Whether an answer may begin. */
  mayBegin(): boolean {
    return this.isOpen || this.room(Codec.maxBlockLength, false) > 0
  }

  /** An answer leaves from now on. */
  begin(answer: Uint8Array): void {
    this.answer = answer
    this.gone = 0
  }

  /**
   * What of the answer may leave now, and how many bytes of content are in it. `pressed`: something else has to be said, and
   * waits for the end of the answer; then the pace counts and not the window, or both sides might wait for each other.
   */
  part(pressed: boolean): { readonly bytes: Uint8Array; readonly content: number } | undefined {
    const { answer, gone } = this
    if (answer === undefined) return undefined
    const left = answer.length - gone
    const room = this.isOpen ? left : this.room(left, pressed)
    if (room === 0) return undefined
    this.gone += room
    if (room === left) this.answer = undefined
    const bytes = answer.subarray(gone, gone + room)
    const header = Math.max(0, Math.min(room, Codec.pieceHeaderLength - gone))
    return { bytes, content: room - header }
  }

  /** So many bytes of the stream are handed to the system now, of answers and of all else. */
  left(bytes: number): void {
    this.yielding.handOver(bytes, this.now())
  }

  /** The peer says what has come. Answers whether that was news. */
  receipt(receipt: Receipt): boolean {
    this.foreground = receipt.foreground
    return this.yielding.take(receipt, this.now())
  }

  private room(wanted: number, pressed: boolean): number {
    const allowed = this.yielding.allowance(wanted, this.now(), pressed)
    if ("bytes" in allowed) {
      this.isFull = false
      return allowed.bytes
    }
    this.isFull = allowed.wait === "Receipt"
    if (allowed.wait !== "Receipt") this.wait(Math.max(leastWait, allowed.wait))
    return 0
  }
}
