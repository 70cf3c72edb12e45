/** Pieces in memory. */
import type { Digest } from "@piecework/domain/Digest"
import type { PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import { hash } from "node:crypto"

export const sha256 = (bytes: Uint8Array): Digest => {
  const digest: Uint8Array = new Uint8Array(hash("sha256", bytes, "buffer"))
  return digest as Digest
}

/** The whole content of its pieces; a piece that is missing is zeros. */
export const joined = (pieces: ReadonlyMap<PieceIndex, Uint8Array>, layout: PieceLayout): Uint8Array => {
  const whole = new Uint8Array(layout.contentSize)
  for (const [piece, bytes] of pieces) whole.set(bytes, layout.span(piece).offset)
  return whole
}
