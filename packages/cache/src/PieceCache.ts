/**
 * Verified pieces at rest. A content has the folder `<directory>/<contentId>/` with three files:
 *
 * - `phf`, the bytes of its pieces hash file;
 * - `data`, the content itself, sparse, as long as the whole from the start;
 * - `held`, the record: one byte a piece, 1 once the piece is written, 0 before.
 *
 * A piece's byte in the record is written after its data, and what the record claims is believed only after this
 * process hashed the piece. Hence a kill, a power cut, bit rot and two processes on one folder are all safe without
 * locks or syncing: two writers write the same verified bytes, and no byte of the record belongs to two pieces. What is
 * damaged costs the pieces it concerns, and never gives a wrong byte. A link is not followed inside the cache.
 *
 * A content is removed by giving its folder another name and deleting that, so it is there whole or not at all. Beside these files
 * lie those of `CacheKeeper`, if any.
 *
 * A file that changes while its content is open is noticed by its times and length: after a second at most nothing
 * in it is believed until it is hashed anew, piece by piece as they are asked for.
 */
import type { ContentId } from "@piecework/domain/Content"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import type { Phf } from "@piecework/hashing/Phf"
import { Context, Effect, Layer, type Option, type Scope } from "effect"
import type { CacheError } from "./CacheError.ts"
import { CacheConfig } from "./CacheConfig.ts"
import * as DiskVault from "./internal/DiskVault.ts"
import * as MemoryVault from "./internal/MemoryVault.ts"
import { makeCache } from "./internal/makeCache.ts"
import { MemoryFiles } from "./MemoryFiles.ts"
import type { StoredContent } from "./StoredContent.ts"

/** What the record says of a content, without a look at its pieces. */
export interface CachedContent {
  readonly contentId: ContentId
  /** Bytes. */
  readonly contentSize: number
  /** Bytes in the pieces that are claimed. */
  readonly heldBytes: number
  readonly heldPieces: number
  readonly pieceCount: number
  /** Every piece is claimed. */
  readonly complete: boolean
}

/** Something in the cache's folder that is no content that can be used. The cache leaves it alone. */
export interface ForeignEntry {
  /** Its name in the cache's folder. */
  readonly name: string
  /**
   * NotAContent: a name the cache does not give. NotAFolder: a file or a link. DamagedPhf: its PHF is missing or wrong;
   * opening the content mends that. Unreadable: the system refuses to read what is in it.
   */
  readonly reason: "NotAContent" | "NotAFolder" | "DamagedPhf" | "Unreadable"
}

export class PieceCache extends Context.Service<
  PieceCache,
  {
    /**
     * Opens the place of a content, made when missing. Everybody in this process who opens the same content shares it;
     * it is closed with the last.
     */
    readonly open: (phf: Phf) => Effect.Effect<StoredContent, CacheError, Scope.Scope>
    /** The contents by their records, without hashing their pieces. What cannot be used is left out: see `foreign`. */
    readonly list: Effect.Effect<ReadonlyArray<CachedContent>, CacheError>
    /** What lies in the cache's folder beside its contents, for a person to look at. */
    readonly foreign: Effect.Effect<ReadonlyArray<ForeignEntry>, CacheError>
    /** The stored PHF, verified against the id; a damaged one counts as none. */
    readonly load: (id: ContentId) => Effect.Effect<Option.Option<Phf>, CacheError>
    /** Forgets a content and deletes its folder. Fails with the code EBUSY while the content is open in this process. */
    readonly remove: (id: ContentId) => Effect.Effect<void, CacheError>
    /**
     * The same, though it may be open: who has it open goes on with what is gone for everybody else, and the space is free when
     * they end. Whoever opens it next begins anew.
     */
    readonly drop: (id: ContentId) => Effect.Effect<void, CacheError>
    /** Deletes what an interrupted removal left. */
    readonly tidy: Effect.Effect<void, CacheError>
  }
>()("@piecework/cache/PieceCache") {
  /** On disk. */
  static readonly layer: Layer.Layer<PieceCache, never, CacheConfig | PieceHasher> = Layer.effect(
    PieceCache,
    Effect.flatMap(DiskVault.make, makeCache)
  )

  /** In memory, with a folder in memory for what is exported. */
  static readonly layerMemory: Layer.Layer<PieceCache | MemoryFiles> = Layer.effect(
    PieceCache,
    Effect.flatMap(MemoryVault.make, makeCache)
  ).pipe(Layer.provideMerge(MemoryFiles.layer))
}
