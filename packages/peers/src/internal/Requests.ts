/**
 * What a session asked its peer for. A block of a piece under way is Unasked, Asked or Received (which it is from the
 * moment its data begins). An answer is accepted once for each time that its block was asked for, also after the
 * request was taken back or forgotten: requests, cancels and chokes may cross on the way.
 */
import type { PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import type { PieceBuffer } from "@piecework/hashing/BufferPool"
import type { SourceError } from "@piecework/sources/PieceSource"
import type { Block } from "@piecework/wire/Message"
import { Deferred } from "effect"

/** A piece under way. */
export interface Arrival {
  readonly piece: PieceIndex
  /** Bytes in the piece. */
  readonly length: number
  /** From the moment that the first of its bytes come. */
  buffer: PieceBuffer | undefined
  /** Succeeds once all bytes are in the buffer, with it. */
  readonly done: Deferred.Deferred<PieceBuffer, SourceError>
  /** State of each block. */
  readonly blocks: Uint8Array
  /** Blocks that were not asked for yet. */
  unasked: number
  /** Bytes in the buffer. */
  received: number
}

/** Taken-back requests whose answers may still come; beyond it the oldest are forgotten. */
const maxStale = 4096

const unasked = 0
const asked = 1
const received = 2

export class Requests {
  private readonly arrivals = new Map<PieceIndex, Arrival>()
  /** How many answers to requests that do not count any more may still come, by `keyOf`. */
  private readonly stale = new Map<number, number>()
  private readonly layout: PieceLayout
  private readonly blockSize: number
  private readonly maxAsked: number
  private askedCount = 0

  /** `blockSize` in bytes; `maxAsked` in blocks. */
  constructor(layout: PieceLayout, blockSize: number, maxAsked: number) {
    this.layout = layout
    this.blockSize = blockSize
    this.maxAsked = maxAsked
  }

  /** Pieces under way. */
  get size(): number {
    return this.arrivals.size
  }

  has(piece: PieceIndex): boolean {
    return this.arrivals.has(piece)
  }

  /** Puts a piece behind those under way, among which it must not be yet. */
  add(piece: PieceIndex): Arrival {
    const length = this.layout.length(piece)
    const blocks = new Uint8Array(Math.ceil(length / this.blockSize))
    const arrival: Arrival = {
      piece,
      length,
      buffer: undefined,
      done: Deferred.makeUnsafe(),
      blocks,
      unasked: blocks.length,
      received: 0
    }
    this.arrivals.set(piece, arrival)
    return arrival
  }

  /** The next block to ask for, now asked; `undefined` when there is none or enough were asked. */
  ask(): Block | undefined {
    if (this.askedCount >= this.maxAsked) return undefined
    for (const arrival of this.arrivals.values()) {
      if (arrival.unasked === 0) continue
      const index = arrival.blocks.indexOf(unasked)
      arrival.blocks[index] = asked
      arrival.unasked--
      this.askedCount++
      return this.blockOf(arrival.piece, index)
    }
    return undefined
  }

  /**
   * A block's data begins. Answers the piece that it belongs to, "Stale" when nobody waits for it any more, or
   * `undefined` when it was not asked for.
   */
  begin(block: Block): Arrival | "Stale" | undefined {
    const index = block.offset / this.blockSize
    if (!Number.isInteger(index) || block.length !== this.blockOf(block.piece, index).length) return undefined
    const arrival = this.arrivals.get(block.piece)
    const state = arrival?.blocks[index]
    if (arrival !== undefined && state === asked) {
      arrival.blocks[index] = received
      this.askedCount--
      return arrival
    }
    const stale = this.forgive(keyOf(block.piece, index))
    if (arrival !== undefined && stale && state === unasked) {
      arrival.blocks[index] = received
      arrival.unasked--
      return arrival
    }
    return stale ? "Stale" : undefined
  }

  /** A block's data is in the buffer; answers whether the piece is complete, which ends it here. */
  finish(arrival: Arrival, block: Block): boolean {
    arrival.received += block.length
    if (arrival.received < arrival.length) return false
    this.arrivals.delete(arrival.piece)
    return true
  }

  /** Nobody waits for the piece any more; answers the requests to take back. */
  remove(arrival: Arrival): ReadonlyArray<Block> {
    if (this.arrivals.get(arrival.piece) !== arrival) return []
    this.arrivals.delete(arrival.piece)
    return this.forget(arrival)
  }

  /** The peer forgot our requests: all have to be made again. */
  forgetAll(): void {
    for (const arrival of this.arrivals.values()) arrival.unasked += this.forget(arrival).length
  }

  /** The pieces under way, in the order in which they were added. */
  underWay(): ReadonlyArray<Arrival> {
    return [...this.arrivals.values()]
  }

  /** Turns asked blocks into unasked ones whose answers may still come. */
  private forget(arrival: Arrival): ReadonlyArray<Block> {
    const forgotten: Array<Block> = []
    for (let index = 0; index < arrival.blocks.length; index++) {
      if (arrival.blocks[index] !== asked) continue
      arrival.blocks[index] = unasked
      this.askedCount--
      forgotten.push(this.blockOf(arrival.piece, index))
      const key = keyOf(arrival.piece, index)
      const times = this.stale.get(key) ?? 0
      this.stale.delete(key)
      this.stale.set(key, times + 1)
    }
    for (const key of this.stale.keys()) {
      if (this.stale.size <= maxStale) break
      this.stale.delete(key)
    }
    return forgotten
  }

  /** Whether an answer to a forgotten request could come; it can once less from now on. */
  private forgive(key: number): boolean {
    const times = this.stale.get(key)
    if (times === undefined) return false
    if (times === 1) this.stale.delete(key)
    else this.stale.set(key, times - 1)
    return true
  }

  /** Past the end of the piece or the content the length is less than 1. */
  private blockOf(piece: PieceIndex, index: number): Block {
    const offset = index * this.blockSize
    return { piece, offset, length: Math.min(this.blockSize, this.layout.length(piece) - offset) }
  }
}

/** Blocks in a piece are far fewer than this, and pieces fewer than 2^22, so the sum is exact. */
const blocksPerPiece = 65_536

const keyOf = (piece: PieceIndex, index: number): number => piece * blocksPerPiece + index
