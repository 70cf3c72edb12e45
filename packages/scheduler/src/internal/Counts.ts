/** A number for each piece, in chunks, so that a change copies only the chunk that it falls into. */

const bits = 10
/** Pieces in a chunk: 4 KiB to copy, and a thousand chunks for the largest content. */
const size = 1 << bits
export const chunkMask = size - 1

export type Counts = ReadonlyArray<Uint32Array>

export const make = (pieceCount: number): Counts =>
  Array.from({ length: Math.ceil(pieceCount / size) }, () => new Uint32Array(size))

export const get = (self: Counts, piece: number): number => self[piece >> bits]?.[piece & chunkMask] ?? 0

/** The counts around a piece, to read several of near pieces at `piece & chunkMask`. A byte of a bitfield lies in one chunk. */
export const chunkOf = (self: Counts, piece: number): Uint32Array => self[piece >> bits] ?? none

const none = new Uint32Array(0)

/** Counts that one event may change: each chunk is copied before its first change. */
export class Writer {
  #counts: Counts
  #chunks: Array<Uint32Array> | undefined
  readonly #own = new Set<number>()

  constructor(counts: Counts) {
    this.#counts = counts
  }

  get counts(): Counts {
    return this.#counts
  }

  /** Never goes under 0. */
  add(piece: number, amount: number): void {
    this.#chunks ??= [...this.#counts]
    this.#counts = this.#chunks
    const index = piece >> bits
    let chunk = this.#chunks[index]
    if (chunk === undefined) return
    if (!this.#own.has(index)) {
      chunk = chunk.slice()
      this.#chunks[index] = chunk
      this.#own.add(index)
    }
    const at = piece & chunkMask
    chunk[at] = Math.max(0, (chunk[at] ?? 0) + amount)
  }
}
