/**
 * Which pieces somebody holds: one bit a piece, the most significant bit of the first byte being piece 0. Values are
 * never changed in place, so whoever was given one may keep it. Source: spec.md §6, message 5.
 */
import type { PieceIndex } from "./PieceLayout.ts"

export interface Bitfield {
  /** Pieces of the content. */
  readonly pieceCount: number
  /** `ceil(pieceCount / 8)` bytes; the bits past the last piece are 0. */
  readonly bytes: Uint8Array
}

export const byteLength = (pieceCount: number): number => Math.ceil(pieceCount / 8)

export const empty = (pieceCount: number): Bitfield => ({ pieceCount, bytes: new Uint8Array(byteLength(pieceCount)) })

export const full = (pieceCount: number): Bitfield => {
  const bytes = new Uint8Array(byteLength(pieceCount)).fill(0xff)
  if (pieceCount % 8 !== 0) bytes[bytes.length - 1] = (0xff << (8 - (pieceCount % 8))) & 0xff
  return { pieceCount, bytes }
}

/** Bytes from outside as a bitfield; `undefined` when their number is wrong or a bit past the last piece is set. */
export const fromBytes = (pieceCount: number, bytes: Uint8Array): Bitfield | undefined => {
  if (bytes.length !== byteLength(pieceCount)) return undefined
  const spare = bytes.length * 8 - pieceCount
  if (spare > 0 && ((bytes[bytes.length - 1] ?? 0) & ((1 << spare) - 1)) !== 0) return undefined
  return { pieceCount, bytes: bytes.slice() }
}

export const fromPieces = (pieceCount: number, held: Iterable<PieceIndex>): Bitfield => {
  const bytes = new Uint8Array(byteLength(pieceCount))
  for (const piece of held) bytes[piece >> 3] = (bytes[piece >> 3] ?? 0) | (0x80 >> (piece & 7))
  return { pieceCount, bytes }
}

export const has = (self: Bitfield, piece: number): boolean =>
  piece < self.pieceCount && ((self.bytes[piece >> 3] ?? 0) & (0x80 >> (piece & 7))) !== 0

/** The same with one piece more. */
export const add = (self: Bitfield, piece: PieceIndex): Bitfield => {
  if (piece >= self.pieceCount || has(self, piece)) return self
  const bytes = self.bytes.slice()
  bytes[piece >> 3] = (bytes[piece >> 3] ?? 0) | (0x80 >> (piece & 7))
  return { pieceCount: self.pieceCount, bytes }
}

/** How many pieces are held. */
export const count = (self: Bitfield): number => {
  let n = 0
  for (let byte of self.bytes) for (; byte !== 0; byte &= byte - 1) n++
  return n
}

export const isFull = (self: Bitfield): boolean => count(self) === self.pieceCount

/** The pieces held, in order. */
export function* pieces(self: Bitfield): Generator<PieceIndex> {
  for (let piece = 0; piece < self.pieceCount; piece++) if (has(self, piece)) yield piece as PieceIndex
}

/** Pieces that the later one has and the earlier has not, in order. */
export function* added(earlier: Bitfield, later: Bitfield): Generator<PieceIndex> {
  for (const [at, byte] of later.bytes.entries()) {
    const more = byte & ~(earlier.bytes[at] ?? 0)
    if (more === 0) continue
    for (let bit = 0; bit < 8; bit++) {
      if ((more & (0x80 >> bit)) !== 0) yield (at * 8 + bit) as PieceIndex
    }
  }
}
