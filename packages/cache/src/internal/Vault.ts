/** What the cache needs of where its contents lie. There are two: a disk and memory. What to believe is not decided here. */
import type { ContentId } from "@piecework/domain/Content"
import type { Digest } from "@piecework/domain/Digest"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { PieceMismatch } from "@piecework/hashing/PieceHasher"
import type { Phf } from "@piecework/hashing/Phf"
import type { Effect, Option, Scope } from "effect"
import type { CacheError, ExportError } from "../CacheError.ts"
import type { ExportOptions } from "../StoredContent.ts"

export interface Vault {
  /** The place of a content, made when missing; closed with the scope, after what is under way in it. */
  readonly open: (phf: Phf) => Effect.Effect<Place, CacheError, Scope.Scope>
  /** Everything that lies in the vault. */
  readonly entries: Effect.Effect<ReadonlyArray<Entry>, CacheError>
  readonly load: (id: ContentId) => Effect.Effect<Option.Option<Phf>, CacheError>
  /** The record of a content: one byte a piece, 1 when it is claimed. As long as the record happens to be. */
  readonly record: (phf: Phf) => Effect.Effect<Uint8Array, CacheError>
  /** Deletes a content. Who has it open goes on with its files, which have no name any more. */
  readonly remove: (id: ContentId) => Effect.Effect<void, CacheError>
  /** Deletes what is left of contents whose removal was interrupted. */
  readonly tidy: Effect.Effect<void, CacheError>
}

export interface Entry {
  readonly name: string
  readonly isFolder: boolean
}

/** One content, open. Nothing here is interrupted half way. */
export interface Place {
  /** The record as it was found, one byte a piece. */
  readonly claims: Uint8Array
  /**
   * Hashes exactly these bytes and writes them where the piece belongs, unless they are not the piece; then records it, if
   * it is told to.
   */
  readonly write: (
    piece: PieceIndex,
    bytes: Uint8Array,
    record: boolean
  ) => Effect.Effect<void, PieceMismatch | CacheError>
  /** Hashes exactly these bytes. */
  readonly digest: (bytes: Uint8Array) => Effect.Effect<Digest, CacheError>
  /** Hashes what lies where the piece belongs; `None` when that much is not there or cannot be read. */
  readonly digestAt: (piece: PieceIndex) => Effect.Effect<Option.Option<Digest>, CacheError>
  readonly record: (piece: PieceIndex, held: boolean) => Effect.Effect<void, CacheError>
  /** Grows when the data changed other than by `write`: what was hashed before is not to be believed. */
  readonly generation: () => number
  /** Notices such changes; costs next to nothing, and is a second late at most. */
  readonly look: Effect.Effect<void, CacheError>
  /** Notices all such changes by now. */
  readonly lookNow: Effect.Effect<void, CacheError>
  /** Whether what is open is still what lies in the vault. */
  readonly isThere: Effect.Effect<boolean, CacheError>
  /** Whether `look` would do anything, `now` in epoch milliseconds. */
  readonly isLookDue: (now: number) => boolean
  /** The same as `read` without an effect; nobody writes to `target` after the one call of `end`. */
  readonly readPlain: (piece: PieceIndex, offset: number, target: Uint8Array, end: (isRead: boolean) => void) => void
  /** Fills `target`; false when there is not that much. */
  readonly read: (piece: PieceIndex, offset: number, target: Uint8Array) => Effect.Effect<boolean, CacheError>
  readonly export: (path: string, options: ExportOptions) => Effect.Effect<void, ExportError>
}
