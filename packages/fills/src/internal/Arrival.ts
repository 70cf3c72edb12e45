/**
 * One piece while it is in memory: it arrives in a buffer of the pool, from which all its readers take it. The buffer is given back
 * once the piece is no longer offered and nobody looks at it.
 */
import type { PieceBuffer } from "@piecework/hashing/BufferPool"

/** How many buffers are looked at by readers although their pieces are complete: theirs are slow. */
export interface Lending {
  late: number
}

export class Arrival {
  readonly piece: number
  /** Bytes of the piece. */
  readonly length: number
  /** Bytes that are here. */
  filled = 0
  /** Complete, and not on a drive: it may be let go of at any time. */
  isLoose = false
  private readonly buffer: PieceBuffer
  private readonly lending: Lending
  private looking = 0
  private isOffered = true

  constructor(piece: number, length: number, buffer: PieceBuffer, lending: Lending) {
    this.piece = piece
    this.length = length
    this.buffer = buffer
    this.lending = lending
  }

  get bytes(): Uint8Array {
    return this.buffer.bytes
  }

  get isComplete(): boolean {
    return this.filled === this.length
  }

  get isLookedAt(): boolean {
    return this.looking > 0
  }

  /** More bytes are here. */
  grow(bytes: number): void {
    this.filled += bytes
    if (this.isComplete && this.looking > 0) this.lending.late++
  }

  /** Somebody looks at its bytes, until the answer is called, once. */
  look(): () => void {
    if (this.looking++ === 0 && this.isComplete) this.lending.late++
    return () => {
      this.looking--
      if (this.looking === 0 && this.isComplete) this.lending.late--
      this.giveBack()
    }
  }

  /** Nobody new gets to see it. */
  withdraw(): void {
    this.isOffered = false
    this.giveBack()
  }

  private giveBack(): void {
    if (!this.isOffered && this.looking === 0) this.buffer.release()
  }
}
