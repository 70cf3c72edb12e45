/**
 * Memory for answers on their way to clients: buffers that are used again, no more bytes of them than may be. Few readers get large
 * ones, many get small ones; each has a small one of its own, so nobody waits for the memory that somebody slow sits on.
 */

/** Bytes of the smallest and the largest buffer; powers of two between them. */
export const smallest = 16_384
export const largest = 1_048_576

/** Free buffers that are kept, in bytes. */
const mostKept = 16_777_216

export interface BuffersOptions {
  /** Most bytes in use, those of all readers' own included. */
  readonly maxBytes: number
  /** Most readers. */
  readonly maxReaders: number
}

export class Buffers {
  readonly #free = new Map<number, Array<Buffer>>()
  /** Bytes beyond the readers' own that may be in use. */
  readonly #shared: number
  #sharedUsed = 0
  #ownUsed = 0
  #kept = 0
  #readers = 0

  constructor({ maxBytes, maxReaders }: BuffersOptions) {
    this.#shared = Math.max(0, maxBytes - maxReaders * smallest)
  }

  /** Bytes in use. */
  get used(): number {
    return this.#sharedUsed + this.#ownUsed
  }

  get readers(): number {
    return this.#readers
  }

  join(): Share {
    this.#readers++
    return new Share(this)
  }

  /** @internal */
  leave(): void {
    this.#readers--
  }

  /** Room for a buffer of up to `wanted` bytes, counted from now on; 0: there is none beyond what is one's own. @internal */
  reserve(wanted: number): number {
    // Each has two on the way.
    const fair = this.#shared / (2 * Math.max(1, this.#readers))
    const room = Math.min(wanted <= largest ? ceiling(wanted) : largest, floor(fair))
    if (room < smallest || this.#sharedUsed + room > this.#shared) return 0
    this.#sharedUsed += room
    return room
  }

  /** @internal */
  unreserve(size: number): void {
    this.#sharedUsed -= size
  }

  /** @internal */
  own(isUsed: boolean): void {
    this.#ownUsed += isUsed ? smallest : -smallest
  }

  /** @internal */
  take(size: number): Buffer {
    const found = this.#free.get(size)?.pop()
    if (found === undefined) return Buffer.allocUnsafeSlow(size)
    this.#kept -= size
    return found
  }

  /** @internal */
  keep(buffer: Buffer): void {
    if (this.#kept + buffer.length > mostKept) return
    const same = this.#free.get(buffer.length)
    if (same === undefined) this.#free.set(buffer.length, [buffer])
    else same.push(buffer)
    this.#kept += buffer.length
  }
}

/** Memory that is counted until it is free. */
export interface Room {
  /** Bytes. */
  readonly size: number
  readonly free: () => void
}

/** A buffer that a reader has. */
export interface Held {
  readonly buffer: Buffer
  /** Once nobody looks at it any more; `isLost`: somebody still may, so it is not used again. */
  readonly free: (isLost?: boolean) => void
}

/** One reader's part of the memory, until it leaves. */
export class Share {
  readonly #buffers: Buffers
  readonly #rooms = new Set<Room>()
  #isOwnFree = true

  constructor(buffers: Buffers) {
    this.#buffers = buffers
  }

  /** A buffer for up to `wanted` bytes, maybe of fewer; `undefined` while there is none: one of those that were taken has to come back. */
  take(wanted: number): Held | undefined {
    const room = this.lease(wanted)
    if (room === undefined) return undefined
    const buffer = this.#buffers.take(room.size)
    return {
      buffer,
      free: (isLost = false) => {
        if (!this.#rooms.has(room)) return
        room.free()
        if (!isLost) this.#buffers.keep(buffer)
      }
    }
  }

  /** The same, of memory that is somebody else's: it is counted here. */
  lease(wanted: number): Room | undefined {
    const size = this.#buffers.reserve(wanted)
    const isOwn = size === 0
    if (isOwn && !this.#isOwnFree) return undefined
    if (isOwn) this.#isOwnFree = false
    if (isOwn) this.#buffers.own(true)
    const room: Room = {
      size: isOwn ? smallest : size,
      free: () => {
        if (!this.#rooms.delete(room)) return
        if (!isOwn) return this.#buffers.unreserve(size)
        this.#isOwnFree = true
        this.#buffers.own(false)
      }
    }
    this.#rooms.add(room)
    return room
  }

  /** What was not given back is not used again. */
  leave(): void {
    for (const room of this.#rooms) room.free()
    this.#buffers.leave()
  }
}

/** The power of two at or below; 0 below the smallest. */
const floor = (bytes: number): number => {
  if (bytes < smallest) return 0
  let size = smallest
  while (size * 2 <= bytes && size < largest) size *= 2
  return size
}

/** The power of two at or above. */
const ceiling = (bytes: number): number => {
  let size = smallest
  while (size < bytes) size *= 2
  return size
}
