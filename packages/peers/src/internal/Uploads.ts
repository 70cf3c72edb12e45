/** The peer's requests that wait, and the memory that answers are made in. */
import type { PieceLayout } from "@piecework/domain/PieceLayout"
import { Codec } from "@piecework/wire"
import type { Block } from "@piecework/wire/Message"
import type { Violation } from "../PeerError.ts"

/** The memory grows in steps of so many bytes. */
const step = 65_536

export class Uploads {
  private readonly layout: PieceLayout
  private readonly maxWaiting: number
  private waiting: Array<Block> = []
  private buffer = new Uint8Array(0)

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

  next(): Block | undefined {
    return this.waiting.shift()
  }

  /** A frame for the block with its header written; valid until the next call. */
  frame(block: Block): Uint8Array {
    const length = Codec.pieceHeaderLength + block.length
    if (this.buffer.length < length) this.buffer = new Uint8Array(Math.ceil(length / step) * step)
    const frame = this.buffer.subarray(0, length)
    Codec.writePieceHeader(frame, block)
    return frame
  }

  private find(block: Block): number {
    return this.waiting.findIndex(
      ({ length, offset, piece }) => piece === block.piece && offset === block.offset && length === block.length
    )
  }
}
