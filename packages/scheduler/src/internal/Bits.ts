/** Bits in bytes, most significant first as in a bitfield, changed in place. Only for bytes that the caller has made. */
import type { Bitfield } from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"

export const has = (bytes: Uint8Array, bit: number): boolean => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0

export const set = (bytes: Uint8Array, bit: number): void => {
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
}

export const clear = (bytes: Uint8Array, bit: number): void => {
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) & ~(0x80 >> (bit & 7))
}

/** Whether the two have a bit in common. */
export const meets = (a: Bitfield, b: Bitfield): boolean => {
  for (let i = 0; i < a.bytes.length; i++) if (((a.bytes[i] ?? 0) & (b.bytes[i] ?? 0)) !== 0) return true
  return false
}

/** The pieces of the one that are not in the other; both of one content. */
export const minus = (from: Bitfield, other: Bitfield): Bitfield => ({
  pieceCount: from.pieceCount,
  bytes: from.bytes.map((byte, i) => byte & ~(other.bytes[i] ?? 0))
})

/** The pieces that are in any of them. */
export const union = (pieceCount: number, all: Iterable<Bitfield>): Bitfield => {
  const bytes = new Uint8Array((pieceCount + 7) >> 3)
  for (const one of all) for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] ?? 0) | (one.bytes[i] ?? 0)
  return { pieceCount, bytes }
}

/** Calls `visit` with each bit set, in order. */
export const forEach = (bytes: Uint8Array, visit: (bit: PieceIndex) => void): void => {
  for (let i = 0; i < bytes.length; i++) {
    for (let byte = bytes[i] ?? 0; byte !== 0;) {
      const bit = Math.clz32(byte) - 24
      visit((i * 8 + bit) as PieceIndex)
      byte &= ~(0x80 >> bit)
    }
  }
}
