/**
 * The pieces that this process believes, because it hashed them. All beliefs end when the data changed behind our back
 * (its generation grew), and each by itself after some time.
 */
import type { Bitfield } from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { PieceSet } from "./PieceSet.ts"

/**
 * Milliseconds for which a piece is believed. Rot on the disk, and writing through a mapping of the file, need not show
 * in the file's times; hashing a piece anew every ten minutes while it is asked for costs next to nothing.
 */
export const believedFor = 10 * 60_000

export class Beliefs {
  readonly #pieces: PieceSet
  /** Epoch seconds for each piece; means nothing while the piece is not believed. */
  readonly #hashedAt: Uint32Array
  readonly #generationOf: () => number
  #generation: number
  #wereShaken = false

  constructor(pieceCount: number, generationOf: () => number) {
    this.#pieces = new PieceSet(pieceCount)
    this.#hashedAt = new Uint32Array(pieceCount)
    this.#generationOf = generationOf
    this.#generation = generationOf()
  }

  /** Whether a belief ever ended though nothing was found wrong: then pieces may be good that are not believed. */
  get wereShaken(): boolean {
    this.#current()
    return this.#wereShaken
  }

  get size(): number {
    return this.#current().size
  }

  get bitfield(): Bitfield {
    return this.#current().bitfield
  }

  has(piece: PieceIndex): boolean {
    return this.#current().has(piece)
  }

  /** Believes a piece that was hashed under that generation, `now` in epoch milliseconds; not if it is over. */
  add(piece: PieceIndex, generation: number, now: number): void {
    const pieces = this.#current()
    if (generation !== this.#generation) return
    pieces.add(piece)
    this.#hashedAt[piece] = Math.floor(now / 1000)
  }

  delete(piece: PieceIndex): void {
    this.#current().delete(piece)
  }

  /** Whether it is believed, and was hashed not too long ago. */
  isFresh(piece: PieceIndex, now: number): boolean {
    const age = now - (this.#hashedAt[piece] ?? 0) * 1000
    // Negative once the clock was set back.
    return this.has(piece) && age >= 0 && age < believedFor
  }

  /** Ends the belief in this piece when it is too old. */
  endOld(piece: PieceIndex, now: number): void {
    if (!this.has(piece) || this.isFresh(piece, now)) return
    this.#wereShaken = true
    this.#pieces.delete(piece)
  }

  #current(): PieceSet {
    const generation = this.#generationOf()
    if (generation !== this.#generation) {
      this.#generation = generation
      this.#wereShaken = true
      this.#pieces.clear()
    }
    return this.#pieces
  }
}
