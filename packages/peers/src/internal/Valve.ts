/**
 * Lets answers out no faster than they may go to a peer beyond the site: background traffic there yields to whatever else uses the
 * line. An answer leaves in parts where there is no room for all of it, and nothing else of ours can come between them. Of a peer
 * that gives no receipts its requests tell what it has.
 */
import { RequestClock } from "@piecework/shaping/RequestClock"
import { Yielding } from "@piecework/shaping/Yielding"
import { Codec } from "@piecework/wire"
import type { Receipt } from "@piecework/wire/Extension"
import { Effect } from "effect"
import { Wake } from "./Wake.ts"

/** Least time between two parts, in milliseconds: a timer costs as much as sending does. */
const leastWait = 4

export class Valve {
  private readonly yielding: Yielding
  private readonly now: () => number
  /** Called when it opens a while later. */
  private readonly shut = new Wake()
  private shutFor = 0
  private readonly requests = new RequestClock()
  /** Bytes of the stream that the peer has by its last request. */
  private guessed: number | undefined
  private answer: Uint8Array | undefined
  /** Bytes of the answer that have left. */
  private gone = 0
  /** Bytes of the part that were not handed to the system yet, and whether the answer ends with it. */
  private leaving = 0
  private isLast = false
  /** Whether it opens with the peer's next receipt and not before. */
  private isFull = false

  /** `begin`: bytes of the stream that left before; `now` in milliseconds of a clock that is never set back. */
  constructor(begin: number, now: () => number) {
    this.now = now
    this.yielding = new Yielding(begin, now())
  }

  /** Calls `opened` when a part can leave that had to wait for a while, forever. */
  run(opened: () => void): Effect.Effect<never> {
    const wait = Effect.suspend(() => Effect.sleep(this.shutFor))
    const open = Effect.sync(() => {
      this.shut.reset()
      opened()
    })
    return Effect.forever(this.shut.wait.pipe(Effect.andThen(wait), Effect.andThen(open)))
  }

  /** Whether it waits for the peer to say that something came. */
  get awaitsPeer(): boolean {
    return this.isFull
  }

  /** Whether an answer has left in part. */
  get isHalfway(): boolean {
    return this.answer !== undefined
  }

  /** The peer has asked, and so many requests wait. */
  asked(waiting: number): void {
    // Of requests that come together the last tells most, so what they tell waits for the next part.
    if (!this.yielding.isHeard) this.guessed = this.requests.ask(waiting + (this.isHalfway ? 1 : 0)) ?? this.guessed
  }

  /** Whether an answer may begin. */
  mayBegin(): boolean {
    return this.room(Codec.maxBlockLength, false) > 0
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
    const room = this.room(left, pressed)
    if (room === 0) return undefined
    this.gone += room
    this.leaving = room
    this.isLast = room === left
    if (this.isLast) this.answer = undefined
    const bytes = answer.subarray(gone, gone + room)
    const header = Math.max(0, Math.min(room, Codec.pieceHeaderLength - gone))
    return { bytes, content: room - header }
  }

  /** So many bytes of the stream are handed to the system now, of answers and of all else. */
  left(bytes: number): void {
    this.yielding.handOver(bytes, this.now())
    this.leaving -= bytes
    if (!this.isLast || this.leaving > 0) return
    this.isLast = false
    if (!this.yielding.isHeard) this.requests.answer(this.yielding.total)
  }

  /** The peer says what has come. Answers whether that was news. */
  receipt(receipt: Receipt): boolean {
    const isNews = this.yielding.take(receipt, this.now())
    // Whether it is full the next part finds out; there may be none, when the peer has taken its requests back.
    if (isNews) this.isFull = false
    return isNews
  }

  private room(wanted: number, pressed: boolean): number {
    const now = this.now()
    if (this.guessed !== undefined) this.yielding.take({ received: this.guessed }, now)
    this.guessed = undefined
    const allowed = this.yielding.allowance(wanted, now, pressed)
    if ("bytes" in allowed) {
      this.isFull = false
      return allowed.bytes
    }
    this.isFull = allowed.wait === "Receipt"
    if (allowed.wait === "Receipt") return 0
    this.shutFor = Math.max(leastWait, allowed.wait)
    this.shut.call()
    return 0
  }
}
