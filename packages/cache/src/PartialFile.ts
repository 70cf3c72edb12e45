/**
 * A file that arrives in order and whose hashes nobody told (Simple mode). What arrived survives the process that
 * fetched it: each piece is hashed when it is written, and its digest recorded after it, so that a later process
 * believes only what still hashes to that.
 *
 * Two who open one key at the same time each get a place of their own; only the first finds what an earlier one left.
 * A piece or a size that contradicts the others is a bug of the caller and dies.
 */
import type { ContentId } from "@piecework/domain/Content"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import type { Phf } from "@piecework/hashing/Phf"
import { Context, Effect, Layer, Schema, type Scope } from "effect"
import { CacheConfig } from "./CacheConfig.ts"
import type { CacheError, ExportError } from "./CacheError.ts"
import * as DiskShelf from "./internal/DiskShelf.ts"
import { makePartials } from "./internal/makePartials.ts"
import * as MemoryShelf from "./internal/MemoryShelf.ts"
import { MemoryFiles } from "./MemoryFiles.ts"

/**
 * Names what is fetched: 64 lower-case hex digits, such as a hash over the URL and its validator. Bytes kept under one
 * key are taken for the same file.
 */
export const PartialKey = Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/)).pipe(Schema.brand("PartialKey"))
export type PartialKey = typeof PartialKey.Type

/**
 * Bytes up to which a file whose size is known waits in memory until it is whole, and nothing of it survives the process: to
 * fetch it again takes a moment, and a place on the disk some thirty calls to the system.
 */
export const brief = 262_144

export interface PartialFile {
  readonly key: PartialKey
  /** Bytes in each piece but the last. */
  readonly pieceSize: number
  /**
   * Hashes what an earlier process left, keeps the good leading pieces of full length and cuts off the rest. Answers
   * their number: go on with byte `number * pieceSize`. Call it once, before the first `append`; without it what
   * was left is not used.
   */
  readonly resume: Effect.Effect<number, CacheError>
  /**
   * Writes the first `length` bytes as this piece and records their digest. Several may be under way at a time. Not
   * interrupted half way: `bytes` are free again once it is done.
   */
  readonly append: (piece: PieceIndex, bytes: Uint8Array, length: number) => Effect.Effect<void, CacheError>
  /**
   * The file appears at `path`, whole or not at all, moved where both lie on one file system and else copied. Answers
   * its PHF, made of the digests. The place is gone afterwards; on failure it stays, and another path may be tried.
   * `Mismatch` when the bytes are not the `expected` content, and
   * `Incomplete` unless all pieces of a file of `size` bytes were appended, and `Failed` when they are more than a PHF
   * holds: 1.4 million, so files past 1.4 TiB want larger pieces than the standard ones.
   */
  readonly finish: (options: {
    /** Bytes of the whole file. */
    readonly size: number
    readonly path: string
    readonly overwrite?: boolean | undefined
    /** What the bytes have to be; default anything. */
    readonly expected?: ContentId | undefined
  }) => Effect.Effect<Phf, ExportError>
  /** Gives up what was kept. */
  readonly discard: Effect.Effect<void, CacheError>
}

export class PartialFiles extends Context.Service<
  PartialFiles,
  {
    /**
     * Opens the place for a key, made when missing.
     * What is there when the scope closes is kept for a later `resume`, unless the file is `brief`. Pieces have 1 KiB to 16 MiB.
     */
    readonly open: (options: {
      readonly key: PartialKey
      readonly pieceSize: number
      /** Bytes of the whole file, where that is known. */
      readonly size?: number | undefined
    }) => Effect.Effect<PartialFile, CacheError, Scope.Scope>
  }
>()("@piecework/cache/PartialFiles") {
  /** On disk, in `<directory>/simple/`. */
  static readonly layer: Layer.Layer<PartialFiles, never, CacheConfig | PieceHasher> = Layer.effect(
    PartialFiles,
    Effect.map(DiskShelf.make, makePartials)
  )

  /** In memory, with a folder in memory for what is finished. */
  static readonly layerMemory: Layer.Layer<PartialFiles | MemoryFiles> = Layer.effect(
    PartialFiles,
    Effect.map(MemoryShelf.make, makePartials)
  ).pipe(Layer.provideMerge(MemoryFiles.layer))
}
