/**
 * The bytes of a file as an answer needs them: what lies here is read straight into the answer's own memory, what does not is
 * waited for, and when its bytes come from elsewhere from now on, the reader goes on there at the same byte.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex, PieceLayout, Span } from "@piecework/domain/PieceLayout"
import { type Effect, Schema, type Stream } from "effect"

/** The rest of a file cannot be had. */
export class BodyError extends Schema.TaggedError<BodyError>()("BodyError", {
  /** Halted: its operator wants nobody to have it at present. Broken: an answer that has begun cannot go on. */
  reason: Schema.Literals(["Halted", "Broken"]),
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

/** Its bytes come from elsewhere from now on. */
export class Moved extends Schema.TaggedError<Moved>()("Moved", {}) {
  override get message(): string {
    return "The file comes from elsewhere now."
  }
}

/** Pieces on a drive. */
export interface Shelf {
  readonly layout: PieceLayout
  readonly held: () => Bitfield.Bitfield
  /** Fills `target` with the piece's bytes from `offset`; false where they are not there any more. */
  readonly read: (piece: PieceIndex, offset: number, target: Uint8Array) => Effect.Effect<boolean>
}

export interface Body {
  readonly shelf: Shelf | undefined
  /** Bytes at a time that its stream is best read with. */
  readonly chunk: number
  /** Bytes in order while they arrive, up to `chunk` at a time; each chunk is valid until the next is pulled. */
  readonly stream: (part: Span, chunk: number) => Stream.Stream<Uint8Array, BodyError | Moved>
  /** Where it goes on after `Moved`. */
  readonly next: Effect.Effect<Body, BodyError>
}

/** Pieces in a row that have to lie here before a reader leaves the stream for them. */
const worthwhile = 4

/** What is to be read next from `at`, and how far. */
export type Stretch = { readonly from: "Shelf" | "Stream"; readonly end: number }

/** Pure: which way is best for the bytes from `at` to `end`. */
export const stretch = (layout: PieceLayout, held: Bitfield.Bitfield, at: number, end: number): Stretch => {
  const { pieceSize } = layout
  const last = Math.floor((end - 1) / pieceSize)
  const first = Math.floor(at / pieceSize)
  const run = (piece: number, most: number): number => {
    let n = 0
    while (n < most && piece + n <= last && Bitfield.has(held, piece + n)) n++
    return n
  }
  if (Bitfield.has(held, first)) return { from: "Shelf", end: Math.min(end, (first + 1) * pieceSize) }
  for (let piece = first + 1; piece <= last; piece++) {
    if (!Bitfield.has(held, piece)) continue
    const n = run(piece, worthwhile)
    if (n === worthwhile) return { from: "Stream", end: piece * pieceSize }
    piece += n
  }
  return { from: "Stream", end }
}

/** Whether every byte of the part lies here. */
export const isHere = ({ held, layout }: Shelf, { length, offset }: Span): boolean => {
  const bits = held()
  const last = Math.floor((offset + length - 1) / layout.pieceSize)
  for (let piece = Math.floor(offset / layout.pieceSize); piece <= last; piece++) {
    if (!Bitfield.has(bits, piece)) return false
  }
  return true
}
