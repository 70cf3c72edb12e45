/**
 * What a session asked its peer for. A block of a piece under way is Unasked, Asked or Received (which it is from the
 * moment its data begins); under a limit of rate blocks are shorter than else, so this is kept by units. An answer is accepted once for each time that its block was asked for, also after the
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
  /** State of each unit. */
  readonly units: Uint8Array
  /** Units that were not asked for yet. */
  unasked: number
  /** Bytes in the buffer. */
  received: number
}

/** Taken-back requests whose answers may still come; beyond it the oldest are forgotten. */
const maxStale = 4096

/** States of a unit; between the first two: a block of so many units was asked for, which begins here. */
const unasked = 0
/** It belongs to a block that was asked for and begins before it. */
const inside = 254
const received = 255

export class Requests {
  private readonly arrivals = new Map<PieceIndex, Arrival>()
  /** How many answers to requests that do not count any more may still come, by `keyOf`. */
  private readonly stale = new Map<string, number>()
  private readonly layout: PieceLayout
  private readonly blockSize: number
  private readonly maxAsked: number
  private readonly unit: number
  private askedCount = 0

  /**
   * `blockSize` in bytes; `maxAsked` in blocks. `unit`: what blocks are multiples of when they have to be shorter, of which there are
   * at most 253 in a block; default none is shorter.
   */
  constructor(layout: PieceLayout, blockSize: number, maxAsked: number, unit = blockSize) {
    this.layout = layout
    this.blockSize = blockSize
    this.maxAsked = maxAsked
    this.unit = unit
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
    const units = new Uint8Array(Math.ceil(length / this.unit))
    const arrival: Arrival = {
      piece,
      length,
      buffer: undefined,
      done: Deferred.makeUnsafe(),
      units,
      unasked: units.length,
      received: 0
    }
    this.arrivals.set(piece, arrival)
    return arrival
  }

  /** The next block to ask for, of so many bytes at most or one unit; `undefined` when there is none or enough were asked. */
  next(most = Infinity): Block | undefined {
    if (this.askedCount >= this.maxAsked) return undefined
    for (const { piece, unasked: left, units } of this.arrivals.values()) {
      if (left === 0) continue
      const from = units.indexOf(unasked)
      const fitting = from + Math.max(1, Math.floor(Math.min(most, this.blockSize) / this.unit))
      let to = from + 1
      while (to < fitting && units[to] === unasked) to++
      return this.blockOf(piece, from, to - from)
    }
    return undefined
  }

  /** The block that `next` answered is asked for. */
  ask({ length, offset, piece }: Block): void {
    const arrival = this.arrivals.get(piece)
    if (arrival === undefined) return
    const from = offset / this.unit
    const count = Math.ceil(length / this.unit)
    arrival.units.fill(inside, from, from + count)
    arrival.units[from] = count
    arrival.unasked -= count
    this.askedCount++
  }

  /**
   * A block's data begins. Answers the piece that it belongs to, "Stale" when nobody waits for it any more, or
   * `undefined` when it was not asked for.
   */
  begin(block: Block): Arrival | "Stale" | undefined {
    const from = block.offset / this.unit
    if (!Number.isInteger(from) || block.length < 1) return undefined
    const arrival = this.arrivals.get(block.piece)
    const count = arrival?.units[from] ?? unasked
    if (arrival !== undefined && isAsked(count) && block.length === this.blockOf(block.piece, from, count).length) {
      arrival.units.fill(received, from, from + count)
      this.askedCount--
      return arrival
    }
    if (!this.forgive(keyOf(block))) return undefined
    return arrival !== undefined && this.takeOver(arrival, from, Math.ceil(block.length / this.unit))
      ? arrival
      : "Stale"
  }

  /** The answer to a forgotten request brings these units; whether they are of use. They may have been asked for again, in other blocks. */
  private takeOver(arrival: Arrival, from: number, count: number): boolean {
    const { units } = arrival
    const to = from + count
    if (units[from] === inside || units[to] === inside || units.subarray(from, to).includes(received)) return false
    for (let index = from; index < to; index++) {
      const state = units[index] ?? unasked
      if (state === unasked) arrival.unasked--
      else if (isAsked(state)) this.expect(this.blockOf(arrival.piece, index, state))
    }
    units.fill(received, from, to)
    return true
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

  /** All requests have to be made again; answers them. */
  forgetAll(): ReadonlyArray<Block> {
    return [...this.arrivals.values()].flatMap((arrival) => this.forget(arrival))
  }

  /** The pieces under way, in the order in which they were added. */
  underWay(): ReadonlyArray<Arrival> {
    return [...this.arrivals.values()]
  }

  /** Turns asked blocks into unasked ones whose answers may still come. */
  private forget(arrival: Arrival): ReadonlyArray<Block> {
    const { units } = arrival
    const forgotten: Array<Block> = []
    for (let index = 0; index < units.length; index++) {
      const count = units[index] ?? unasked
      if (!isAsked(count)) continue
      const block = this.blockOf(arrival.piece, index, count)
      units.fill(unasked, index, index + count)
      arrival.unasked += count
      forgotten.push(block)
      this.expect(block)
    }
    for (const key of this.stale.keys()) {
      if (this.stale.size <= maxStale) break
      this.stale.delete(key)
    }
    return forgotten
  }

  /** The request does not count any more, and its answer may still come. */
  private expect(block: Block): void {
    this.askedCount--
    const key = keyOf(block)
    const times = this.stale.get(key) ?? 0
    this.stale.delete(key)
    this.stale.set(key, times + 1)
  }

  /** Whether an answer to a forgotten request could come; it can once less from now on. */
  private forgive(key: string): boolean {
    const times = this.stale.get(key)
    if (times === undefined) return false
    if (times === 1) this.stale.delete(key)
    else this.stale.set(key, times - 1)
    return true
  }

  private blockOf(piece: PieceIndex, from: number, count: number): Block {
    const offset = from * this.unit
    return { piece, offset, length: Math.min(count * this.unit, this.layout.length(piece) - offset) }
  }
}

const isAsked = (state: number): boolean => state !== unasked && state < inside

const keyOf = ({ length, offset, piece }: Block): string => `${piece}/${offset}/${length}`
