/**
 * One file on a drive while it is open: its pieces, each with the SHA-256 that it had when it came. A piece is handed out only once
 * this process hashed it, when it came or at its first reading; one that changed since is missing again.
 */
import type { Bitfield } from "@piecework/domain/Bitfield"
import type { PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import type { Effect } from "effect"
import type { ObjectError, PieceMissing } from "./ObjectError.ts"
import type { ObjectFacts } from "./ObjectFacts.ts"

export interface StoredObject {
  readonly facts: () => ObjectFacts
  /** Cut the standard way. */
  readonly layout: PieceLayout
  readonly held: () => Bitfield
  /**
   * Keeps the first bytes of `bytes`, as many as the piece is long. Not interrupted half way: `bytes` are free again once it is done.
   * Putting a piece again changes nothing.
   */
  readonly put: (piece: PieceIndex, bytes: Uint8Array) => Effect.Effect<void, ObjectError>
  /** Fills `target` with the piece's bytes from `offset`. Not interrupted half way. */
  readonly read: (
    piece: PieceIndex,
    offset: number,
    target: Uint8Array
  ) => Effect.Effect<void, PieceMissing | ObjectError>
  /** Its server said again that this is the file; size and validators stay, the rest may be new. */
  readonly confirm: (facts: ObjectFacts) => Effect.Effect<void, ObjectError>
}
