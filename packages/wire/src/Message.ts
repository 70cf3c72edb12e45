/** The messages that peers send each other after the handshake. Source: spec.md §6. */
import type { PieceIndex } from "@piecework/domain/PieceLayout"

/** A part of a piece: what one request asks for and one answer brings. */
export interface Block {
  readonly piece: PieceIndex
  /** Bytes from the start of the piece. */
  readonly offset: number
  /** Bytes. */
  readonly length: number
}

export type Message =
  /** Says only that the sender is still there. */
  | { readonly _tag: "KeepAlive" }
  /** The sender answers no requests from now on and has forgotten those it did not answer. */
  | { readonly _tag: "Choke" }
  | { readonly _tag: "Unchoke" }
  /** The sender would ask for pieces if it were let. */
  | { readonly _tag: "Interested" }
  | { readonly _tag: "NotInterested" }
  | { readonly _tag: "Have"; readonly piece: PieceIndex }
  /** The pieces the sender holds, most significant bit first; not yet compared with the number of pieces. */
  | { readonly _tag: "Bitfield"; readonly bytes: Uint8Array }
  | ({ readonly _tag: "Request" } & Block)
  /** The header of an answer: `length` bytes of the piece follow it. */
  | ({ readonly _tag: "Piece" } & Block)
  /** Takes a request back; its answer may be under way already. */
  | ({ readonly _tag: "Cancel" } & Block)
  /** Data that older clients ignore, of `length` bytes. */
  | { readonly _tag: "Extension"; readonly length: number }
  /** A message of a kind that this protocol does not have, with `length` bytes of payload; to be skipped. */
  | { readonly _tag: "Unknown"; readonly id: number; readonly length: number }

/** The byte that says of which kind a message is; a keep-alive has none. */
export const ids = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  notInterested: 3,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  extension: 20
} as const
