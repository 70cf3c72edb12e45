/** Partial files in memory: complete, and gone with the process. */
import * as Digest from "@piecework/domain/Digest"
import { Effect, Option } from "effect"
import { MemoryFiles } from "../MemoryFiles.ts"
import type { PartialKey } from "../PartialFile.ts"
import { briefSlot } from "./briefSlot.ts"
import { sha256 } from "./bytes.ts"
import type { Shelf, Slot } from "./Shelf.ts"

interface Kept {
  readonly data: Grown
  readonly digests: Grown
}

export const make: Effect.Effect<Shelf, never, MemoryFiles> = Effect.map(MemoryFiles, (files): Shelf => {
  /** What lies there for the next to open its key. */
  const left = new Map<PartialKey, Kept>()

  const take = (key: PartialKey) =>
    Effect.sync(() => {
      const kept = left.get(key) ?? { data: new Grown(), digests: new Grown() }
      left.delete(key)
      return kept
    })

  const leave = (key: PartialKey, kept: Kept) =>
    Effect.sync(() => {
      if (kept.digests.bytes.length > 0 && !left.has(key)) left.set(key, kept)
    })

  return {
    brief: () => briefSlot((bytes, path, overwrite) => files.put(path, bytes.slice(), { overwrite })),
    open: (key) =>
      Effect.map(
        Effect.acquireRelease(take(key), (kept) => leave(key, kept)),
        (kept): Slot => {
          const clear = () => {
            kept.data.cut(0)
            kept.digests.cut(0)
          }
          return {
            size: kept.data.bytes.length,
            digests: kept.digests.bytes.slice(),
            write: (piece, bytes, position) =>
              Effect.sync(() => {
                kept.data.write(bytes, position)
                const digest = sha256(bytes)
                kept.digests.write(digest, piece * Digest.length)
                return digest
              }),
            digestAt: (position, length) =>
              Effect.sync(() => {
                const bytes = kept.data.bytes.subarray(position, position + length)
                return bytes.length === length ? Option.some(sha256(bytes)) : Option.none()
              }),
            cut: (size, pieces) =>
              Effect.sync(() => {
                kept.data.cut(size)
                kept.digests.cut(pieces * Digest.length)
              }),
            place: (size, path, overwrite) =>
              Effect.map(files.put(path, kept.data.bytes.slice(0, size), { overwrite }), clear),
            remove: Effect.sync(clear)
          }
        }
      )
  }
})

/** Bytes that grow, with zeros in what was skipped. */
class Grown {
  #memory = new Uint8Array(0)
  #length = 0

  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length)
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length
    if (end > this.#memory.length) {
      const memory = new Uint8Array(Math.max(end, this.#memory.length * 2))
      memory.set(this.bytes)
      this.#memory = memory
    }
    this.#memory.set(bytes, position)
    this.#length = Math.max(this.#length, end)
  }

  /** Keeps the first `length` bytes. */
  cut(length: number): void {
    this.#memory = this.#memory.slice(0, Math.min(length, this.#length))
    this.#length = this.#memory.length
  }
}
