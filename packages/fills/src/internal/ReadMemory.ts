/**
 * Memory of readers that take bytes from the drives: each has one chunk of its own, as large as wanted while few read. Many get
 * smaller ones, so that all together stay within the limit; past it each new reader costs the smallest chunk.
 */

/** Bytes of the smallest chunk: under this a read costs more for its calls than for its bytes. */
export const smallestChunk = 16_384

export class ReadMemory {
  private readers = 0
  private taken = 0
  private readonly limit: number

  constructor(limit: number) {
    this.limit = limit
  }

  /** A reader that has no chunk yet. `wanted`: bytes that it takes at a time at most. */
  join(wanted: number): ReaderMemory {
    this.readers++
    let chunk: Uint8Array | undefined
    return {
      chunk: () => {
        const length = Math.min(wanted, Math.max(smallestChunk, 2 ** Math.floor(Math.log2(this.limit / this.readers))))
        const free = this.limit - this.taken
        const now = chunk?.length ?? 0
        // A chunk is changed only where that makes a difference.
        if (chunk !== undefined && now <= length && (now * 2 > length || length - now > free)) return chunk
        chunk = new Uint8Array(length - now <= free ? length : Math.min(wanted, smallestChunk))
        this.taken += chunk.length - now
        return chunk
      },
      leave: () => {
        this.readers--
        this.taken -= chunk?.length ?? 0
        chunk = undefined
      }
    }
  }

  /** Bytes in use. */
  get used(): number {
    return this.taken
  }
}

export interface ReaderMemory {
  /** The reader's chunk: what it held before is gone. */
  readonly chunk: () => Uint8Array
  readonly leave: () => void
}
