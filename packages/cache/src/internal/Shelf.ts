/** What partial files need of where they lie. There are two: a disk and memory. */
import type { Digest } from "@piecework/domain/Digest"
import type { Effect, Option, Scope } from "effect"
import type { CacheError, ExportError } from "../CacheError.ts"
import type { PartialKey } from "../PartialFile.ts"

export interface Shelf {
  /**
   * A slot for the key that nobody else has, with what an earlier holder left if nobody took that before. What is in it
   * when the scope closes is left for a later holder.
   */
  readonly open: (key: PartialKey) => Effect.Effect<Slot, CacheError, Scope.Scope>
  /** A slot in memory for a file of which nothing is to be left: it costs no call to the system before the file is placed. */
  readonly brief: () => Slot
}

/** One partial file, open. Nothing here but `place` is interrupted half way. */
export interface Slot {
  /** Bytes of data that were left. */
  readonly size: number
  /** The digests that were left, 32 bytes a piece, zeros where none was recorded. */
  readonly digests: Uint8Array
  /** Writes the bytes there, then records their digest as that of the piece, and answers it. */
  readonly write: (piece: number, bytes: Uint8Array, position: number) => Effect.Effect<Digest, CacheError>
  /** Hashes what lies there; `None` when that much is not there or cannot be read. */
  readonly digestAt: (position: number, length: number) => Effect.Effect<Option.Option<Digest>, CacheError>
  /** Keeps the first bytes and the digests of the first pieces. */
  readonly cut: (size: number, pieces: number) => Effect.Effect<void, CacheError>
  /** The first `size` bytes appear at `path`, and the slot is emptied for good. */
  readonly place: (size: number, path: string, overwrite: boolean) => Effect.Effect<void, ExportError>
  /** Empties the slot for good. */
  readonly remove: Effect.Effect<void, CacheError>
}
