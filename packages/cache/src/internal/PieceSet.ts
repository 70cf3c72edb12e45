/** A set of pieces that changes, and gives a bitfield that does not. */
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"

export class PieceSet {
  readonly #pieceCount: number
  readonly #bytes: Uint8Array
  #size = 0
  /** The bitfield of now, until the set changes. */
  #snapshot: Bitfield.Bitfield | undefined

  constructor(pieceCount: number) {
    this.#pieceCount = pieceCount
    this.#bytes = new Uint8Array(Bitfield.byteLength(pieceCount))
  }

  /** The pieces whose byte is 1; any other value, and a byte that is missing, is no claim. */
  static fromRecord(pieceCount: number, record: Uint8Array): PieceSet {
    const self = new PieceSet(pieceCount)
    for (let piece = 0; piece < pieceCount; piece++) if (record[piece] === 1) self.add(piece as PieceIndex)
    return self
  }

  get size(): number {
    return this.#size
  }

  get bitfield(): Bitfield.Bitfield {
    this.#snapshot ??= { pieceCount: this.#pieceCount, bytes: this.#bytes.slice() }
    return this.#snapshot
  }

  has(piece: PieceIndex): boolean {
    return ((this.#bytes[piece >> 3] ?? 0) & (0x80 >> (piece & 7))) !== 0
  }

  add(piece: PieceIndex): void {
    if (this.has(piece)) return
    this.#bytes[piece >> 3] = (this.#bytes[piece >> 3] ?? 0) | (0x80 >> (piece & 7))
    this.#size++
    this.#snapshot = undefined
  }

  clear(): void {
    this.#bytes.fill(0)
    this.#size = 0
    this.#snapshot = undefined
  }

  delete(piece: PieceIndex): void {
    if (!this.has(piece)) return
    this.#bytes[piece >> 3] = (this.#bytes[piece >> 3] ?? 0) & ~(0x80 >> (piece & 7))
    this.#size--
    this.#snapshot = undefined
  }
}
