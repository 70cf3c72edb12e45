/**
 * One content in the cache while it is open. What its record claims to hold is a hint; a piece is believed, which means
 * served and handed out, only after this process hashed it: when it arrived (`put`), in `verifyHeld`, or at its first `read`.
 * A belief ends when somebody else changes the file, which `read` looks for once a second, and after ten minutes: the next
 * read hashes the piece anew, and one that is wrong is forgotten.
 *
 * A piece past the end of the content, or a span past the end of its piece, is a bug of the caller and dies.
 */
import type { Bitfield } from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { PieceMismatch } from "@piecework/hashing/PieceHasher"
import type { Phf } from "@piecework/hashing/Phf"
import type { Effect } from "effect"
import type { CacheError, ExportError, NotHeld } from "./CacheError.ts"

export interface ExportOptions {
  /** Puts the content in the place of a file of that name. Default: fails with `Exists`. A folder is never replaced. */
  readonly overwrite?: boolean | undefined
  /**
   * Lets the destination and the cache share one file where the file system can (else copies). Saves the space of a
   * copy; whoever changes the file in place then spoils the cache's pieces, which is noticed within a second and
   * before another export. The cache itself never writes to a file it has shared.
   */
  readonly link?: boolean | undefined
}

export interface StoredContent {
  readonly phf: Phf
  /** Pieces verified by this process, or claimed by the record of an earlier one. */
  readonly held: () => Bitfield
  /** Pieces verified by this process, as far as it still believes them. */
  readonly verified: () => Bitfield
  /**
   * Hashes every claimed piece that is not verified (any more), several at a time, and forgets the wrong ones. Answers what is
   * verified after it. What was found before an interruption stays found.
   */
  readonly verifyHeld: Effect.Effect<Bitfield, CacheError>
  /**
   * Verifies the first bytes of `bytes`, as many as the piece is long, and keeps them. Putting a piece again changes
   * nothing, but bad bytes are told even then. Not interrupted half way: `bytes` are free again once it is done.
   */
  readonly put: (piece: PieceIndex, bytes: Uint8Array) => Effect.Effect<void, PieceMismatch | CacheError>
  /** Fills `target` with the piece's bytes from `offset`. Not interrupted half way: nobody writes to `target` later. */
  readonly read: (piece: PieceIndex, offset: number, target: Uint8Array) => Effect.Effect<void, NotHeld | CacheError>
  /** Whether the cache still has it: it may have been deleted while it is open, and begun anew by somebody else. */
  readonly isThere: Effect.Effect<boolean, CacheError>
  /**
   * The complete content appears at `path`, whole or not at all; `Incomplete` unless every piece was verified, and found
   * right again when somebody else changed the file since. It is brought there under a temporary name in the same
   * folder (`.NAME.RANDOM.part`), which is gone after success, failure and interruption. It is not forced to the
   * disk: after a power cut within seconds the system may have lost it, like any file just written.
   */
  readonly export: (path: string, options?: ExportOptions) => Effect.Effect<void, ExportError>
}
