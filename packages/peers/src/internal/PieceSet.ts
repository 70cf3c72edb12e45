/** A set of pieces that changes in place: a session's view of what each side holds. */
import { Bitfield } from "@piecework/domain"
import type { PieceIndex } from "@piecework/domain/PieceLayout"

export class PieceSet {
  readonly pieceCount: number
  readonly bytes: Uint8Array
  /** How many pieces are in the set. */
  size: number
  private snapshot: Bitfield.Bitfield | undefined

  constructor(from: Bitfield.Bitfield) {
    this.pieceCount = from.pieceCount
    this.bytes = from.bytes.slice()
    this.size = Bitfield.count(from)
    this.snapshot = from
  }

  has(piece: number): boolean {
    return piece < this.pieceCount && ((this.bytes[piece >> 3] ?? 0) & (0x80 >> (piece & 7))) !== 0
  }

  /** Whether the piece was not in the set before. */
  add(piece: PieceIndex): boolean {
    if (piece >= this.pieceCount || this.has(piece)) return false
    this.bytes[piece >> 3] = (this.bytes[piece >> 3] ?? 0) | (0x80 >> (piece & 7))
    this.size++
    this.snapshot = undefined
    return true
  }

  /** The pieces of `other` that are not in this set. */
  missingOf(other: { readonly bytes: Uint8Array }): Bitfield.Bitfield {
    const bytes = new Uint8Array(this.bytes.length)
    for (let i = 0; i < bytes.length; i++) bytes[i] = (other.bytes[i] ?? 0) & ~(this.bytes[i] ?? 0)
    return { pieceCount: this.pieceCount, bytes }
  }

  /** The set as a value; copied only after a change. */
  toBitfield(): Bitfield.Bitfield {
    this.snapshot ??= { pieceCount: this.pieceCount, bytes: this.bytes.slice() }
    return this.snapshot
  }
}
