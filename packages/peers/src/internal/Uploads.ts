/**
 * The peer's requests that wait, and the memory that answers are made in. Blocks that lie one behind the other in a piece
 * are read in one go. They stay where they were read, and a block's header is written in front of it when its turn comes:
 * over the end of the block before, which has been sent by then. So a frame is one stretch of memory, without a copy.
 */
import type { PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import { Codec } from "@piecework/wire"
import type { Block } from "@piecework/wire/Message"
import type { Violation } from "../PeerError.ts"

/** The memory grows in steps of so many bytes. */
const step = 65_536

/** Bytes read in one go, unless a single block is longer: a call to the system costs little beside so much. */
const readMost = 524_288

export class Uploads {
  private readonly layout: PieceLayout
  private readonly maxWaiting: number
  private waiting: Array<Block> = []
  /** Room for a header, then what was read. */
  private buffer = new Uint8Array(0)
  /** Of the piece, what lies in the buffer; `from` moves on with what is sent. */
  private read = { piece: -1, start: 0, from: 0, to: 0 }

  constructor(layout: PieceLayout, maxWaiting: number) {
    this.layout = layout
    this.maxWaiting = maxWaiting
  }

  /** How a request breaks the rules, whether or not it is going to be answered. */
  check({ length, offset, piece }: Block): Violation | undefined {
    const inside = piece < this.layout.pieceCount && length > 0 && offset + length <= this.layout.length(piece)
    return inside && length <= Codec.maxBlockLength ? undefined : "BadMessage"
  }

  /** A request that waits already is no second one: the peer cannot know whether we forgot the first. */
  add(block: Block): Violation | undefined {
    if (this.find(block) >= 0) return undefined
    if (this.waiting.length >= this.maxWaiting) return "TooManyRequests"
    this.waiting.push(block)
    return undefined
  }

  cancel(block: Block): void {
    const index = this.find(block)
    if (index >= 0) this.waiting.splice(index, 1)
  }

  clear(): void {
    this.waiting = []
  }

  /** Requests that wait. */
  get size(): number {
    return this.waiting.length
  }

  /** The answer to the oldest request, valid until the next call; "Unread" when it has to be read, `undefined` for none. */
  next(): { readonly frame: Uint8Array; readonly block: Block } | "Unread" | undefined {
    const [block] = this.waiting
    if (block === undefined) return undefined
    const { from, piece, start, to } = this.read
    const end = block.offset + block.length
    if (block.piece !== piece || block.offset < from || end > to) return "Unread"
    this.waiting.shift()
    this.read.from = end
    const at = block.offset - start
    const frame = this.buffer.subarray(at, at + Codec.pieceHeaderLength + block.length)
    Codec.writePieceHeader(frame, block)
    return { frame, block }
  }

  /** What to read next, and where to; once that is there, `done` is to be called. `undefined` when nobody waits. */
  toRead():
    | { readonly piece: PieceIndex; readonly offset: number; readonly into: Uint8Array; readonly done: () => void }
    | undefined {
    const [first, ...others] = this.waiting
    if (first === undefined) return undefined
    const { offset: start, piece } = first
    let to = start + first.length
    for (const { length, offset, piece: of } of others) {
      if (of !== piece || offset !== to || to + length - start > readMost) break
      to += length
    }
    this.read = { piece: -1, start: 0, from: 0, to: 0 }
    const length = Codec.pieceHeaderLength + to - start
    if (this.buffer.length < length) this.buffer = new Uint8Array(Math.ceil(length / step) * step)
    const done = () => {
      this.read = { piece, start, from: start, to }
    }
    return { piece, offset: start, into: this.buffer.subarray(Codec.pieceHeaderLength, length), done }
  }

  private find(block: Block): number {
    return this.waiting.findIndex(
      ({ length, offset, piece }) => piece === block.piece && offset === block.offset && length === block.length
    )
  }
}
