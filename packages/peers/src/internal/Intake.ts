/**
 * The pieces that a session is getting: what it asked for, the block that comes now, and the buffers they go to. A piece has
 * a buffer from its first byte on; the session reads no further while there is none.
 */
import type { PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import type { BufferPool, PieceBuffer } from "@piecework/hashing/BufferPool"
import type { SourceError } from "@piecework/sources/PieceSource"
import type { Purse } from "@piecework/shaping/Shaper"
import { Codec } from "@piecework/wire"
import type { Block } from "@piecework/wire/Message"
import { Deferred, Effect } from "effect"
import { ByteCounts } from "./ByteCounts.ts"
import { type Arrival, Requests } from "./Requests.ts"
import { Wake } from "./Wake.ts"

export interface IntakeOptions {
  readonly layout: PieceLayout
  readonly pool: BufferPool["Service"]
  /** Bytes in a request. */
  readonly blockSize: number
  /** Of which a request is a multiple where it has to ask for less; default that is nowhere. */
  readonly unit?: number | undefined
  /** Most requests at a time. */
  readonly maxRequests: number
  /** What requests are paid from; default they cost nothing. */
  readonly purse?: Purse | undefined
  /** All bytes that come in, live. */
  readonly stream: { readonly received: number }
  /** There may be something to ask for or to take back. */
  readonly changed: () => void
}

export class Intake {
  readonly counts: ByteCounts
  private readonly options: IntakeOptions
  private readonly requests: Requests
  private readonly cancels: Array<Block> = []
  /** The piece whose block is coming now, and that block. */
  private filling: Arrival | undefined
  private block: Block | undefined
  /** Nobody waits for `filling` any more: its buffer goes back when the block is complete. */
  private abandoned = false
  /** A request whose answer is timed, and when it was made. */
  private timed: { readonly block: Block; readonly at: number } | undefined
  /** Nothing is asked for until `look`. */
  private isHalted = false
  /** Called when a block waits for memory. */
  private readonly hungry = new Wake()

  constructor(options: IntakeOptions) {
    this.options = options
    this.counts = new ByteCounts(options.stream)
    this.requests = new Requests(options.layout, options.blockSize, options.maxRequests, options.unit)
    options.purse?.listen({ opened: options.changed, limited: () => this.halt() })
  }

  /** Pieces under way. */
  get size(): number {
    return this.requests.size
  }

  /** Whether a block is coming that nobody waits for, into a buffer that others could use. */
  get isAbandoned(): boolean {
    return this.abandoned && this.filling?.buffer !== undefined
  }

  /** Waits for a piece, which must not be under way. When interrupted, its requests are taken back. */
  piece(piece: PieceIndex): Effect.Effect<PieceBuffer, SourceError> {
    return Effect.suspend(() => {
      if (this.requests.has(piece)) throw new Error(`piece ${piece} is under way in this session already`)
      const arrival = this.requests.add(piece)
      this.options.changed()
      return Effect.onError(Deferred.await(arrival.done), () => Effect.sync(() => this.abandon(arrival)))
    })
  }

  /** The next block to ask for, which is paid; `undefined` when enough were asked, or until a limit lets more be asked for. */
  ask(): Block | undefined {
    const { purse } = this.options
    const most = purse?.most() ?? Infinity
    if (most === Infinity) this.isHalted = false
    const block = most > 0 && !this.isHalted ? this.requests.next(most) : undefined
    if (block === undefined) purse?.rest()
    else if (purse === undefined || most === Infinity) this.requests.ask(block)
    else if (!purse.pay(priceOf(block))) return undefined
    else {
      this.requests.ask(block)
      this.timed ??= { block, at: purse.now() }
    }
    return block
  }

  /** A limit begins. What was asked for before is taken back: it would come whatever the limit says. */
  private halt(): void {
    const blocks = this.requests.forgetAll()
    this.isHalted = blocks.length > 0
    this.timed = undefined
    this.cancels.push(...blocks)
    this.options.changed()
  }

  /** Time has passed; `isBehind`: bytes of the peer wait to be read. Answers whether there may be something to ask for again. */
  look(isBehind: boolean): boolean {
    if (!this.isHalted || isBehind) return false
    this.isHalted = false
    return true
  }

  /** The requests to take back, once. */
  takeCancels(): ReadonlyArray<Block> {
    return this.cancels.splice(0)
  }

  /** The peer forgot our requests: all have to be made again. */
  forgetAll(): void {
    this.spare(this.requests.forgetAll())
    this.options.purse?.rest()
  }

  /** Blocks that were asked for are not expected any more. */
  private spare(blocks: ReadonlyArray<Block>): void {
    const { purse } = this.options
    this.timed = undefined
    if (purse !== undefined && blocks.length > 0) purse.giveBack(blocks.reduce((sum, block) => sum + priceOf(block), 0))
  }

  /** A block's data comes: where it goes. As `Receiver.block`. */
  begin(block: Block): Uint8Array | "Skip" | "Wait" | undefined {
    const arrival = this.requests.begin(block)
    if (arrival === undefined) return undefined
    if (this.timed !== undefined) this.time("begun", block, this.timed)
    this.counts.beginBlock(block.length)
    if (arrival === "Stale") return "Skip"
    this.filling = arrival
    this.block = block
    arrival.buffer ??= this.options.pool.acquireUnsafe()
    if (arrival.buffer !== undefined) return placeOf(block, arrival.buffer)
    this.hungry.call()
    return "Wait"
  }

  private time(what: "begun" | "ended", { offset, piece }: Block, timed: NonNullable<Intake["timed"]>): void {
    if (timed.block.piece !== piece || timed.block.offset !== offset) return
    const { purse } = this.options
    purse?.[what](purse.now() - timed.at)
    if (what === "ended") this.timed = undefined
  }

  /** Gets memory for the blocks that wait for it, and tells where each goes. Forever. */
  feed(place: (room: Uint8Array | "Skip") => void): Effect.Effect<never> {
    const feedOne = Effect.uninterruptibleMask((restore) =>
      Effect.map(restore(Effect.andThen(this.hungry.wait, this.options.pool.acquire)), (buffer) => {
        this.hungry.reset()
        place(this.give(buffer))
      })
    )
    return Effect.forever(feedOne)
  }

  private give(buffer: PieceBuffer): Uint8Array | "Skip" {
    const { block, filling } = this
    if (filling !== undefined && block !== undefined && !this.abandoned) {
      return placeOf(block, (filling.buffer = buffer))
    }
    buffer.release()
    this.filling = undefined
    this.abandoned = false
    return "Skip"
  }

  /** The data of the block is complete. */
  end(block: Block): void {
    this.counts.endBlock()
    if (this.timed !== undefined) this.time("ended", block, this.timed)
    const arrival = this.filling
    if (arrival === undefined) {
      this.counts.wasted += block.length
      return
    }
    this.filling = undefined
    const complete = this.requests.finish(arrival, block)
    this.options.changed()
    if (this.abandoned) {
      this.abandoned = false
      this.discard(arrival)
    } else if (complete && arrival.buffer !== undefined) {
      const whole = Effect.succeed(arrival.buffer)
      // Not at once: whoever waits would go on inside this step of the reader.
      queueMicrotask(() => Deferred.doneUnsafe(arrival.done, whole))
    }
  }

  /** Nothing comes any more. Those who wait are told by what is answered. */
  close(): (failure: Effect.Effect<never, SourceError>) => void {
    const arrival = this.filling
    this.counts.breakOff()
    this.filling = undefined
    if (arrival !== undefined && this.abandoned) this.discard(arrival)
    return (failure) => {
      for (const waiting of this.requests.underWay()) Deferred.doneUnsafe(waiting.done, failure)
    }
  }

  /** Nobody waits for the piece any more. */
  private abandon(arrival: Arrival): void {
    const blocks = this.requests.remove(arrival)
    this.spare(blocks)
    this.cancels.push(...blocks)
    this.options.changed()
    if (this.filling === arrival) this.abandoned = true
    else this.discard(arrival)
  }

  private discard(arrival: Arrival): void {
    this.counts.wasted += arrival.received
    arrival.buffer?.release()
  }
}

/** Bytes that the answer has on the stream. */
const priceOf = ({ length }: Block): number => length + Codec.pieceHeaderLength

/** Where the block lies in its piece. */
const placeOf = ({ length, offset }: Block, buffer: PieceBuffer): Uint8Array =>
  buffer.bytes.subarray(offset, offset + length)
