/** Contents for tests: bytes that differ everywhere, and their PHF. */
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { PieceLayout } from "@piecework/domain/PieceLayout"
import * as Phf from "@piecework/hashing/Phf"
import { createHash } from "node:crypto"

export interface TestContent {
  readonly bytes: Uint8Array
  readonly phf: Phf.Phf
  readonly pieces: ReadonlyArray<PieceIndex>
  /** The piece's bytes. */
  readonly piece: (n: number) => Uint8Array
}

export const pieceSize = 4096

/** `seed` gives other bytes of the same size. */
export const contentOf = (
  size: number,
  options: { readonly seed?: number; readonly pieceSize?: number } = {}
): TestContent => {
  const layout = new PieceLayout({ contentSize: size, pieceSize: options.pieceSize ?? pieceSize })
  const bytes = new Uint8Array(size)
  let word = (options.seed ?? 1) * 2_654_435_761
  for (let i = 0; i < size; i++) {
    // xorshift32: Marsaglia, Xorshift RNGs, 2003.
    word ^= word << 13
    word ^= word >>> 17
    word ^= word << 5
    // Never 0, so that a piece which is not there cannot pass for one that is.
    bytes[i] = word | 1
  }
  const pieces = [...layout.indices()]
  const piece = (n: number) => bytes.subarray(n * layout.pieceSize, Math.min(size, (n + 1) * layout.pieceSize))
  const digests = new Uint8Array(pieces.length * 32)
  for (const n of pieces) digests.set(createHash("sha256").update(piece(n)).digest(), n * 32)
  return { bytes, pieces, piece, phf: Phf.make({ contentSize: size, pieceSize: layout.pieceSize, digests }) }
}

/** Two pieces and a short third. */
export const small = contentOf(2 * pieceSize + 100)
