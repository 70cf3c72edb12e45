/** Files for tests: bytes that differ everywhere, and what is known of them. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import * as PieceLayout from "@piecework/domain/PieceLayout"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { ObjectFacts } from "../../src/ObjectFacts.ts"

export const pieceSize = PieceLayout.standardPieceSize

export const urlOf = (name: string): ContentUrl => `http://origin.test/${name}` as ContentUrl

export const factsOf = (name: string, size: number, more: Partial<ObjectFacts> = {}): ObjectFacts => ({
  url: urlOf(name),
  size,
  headers: new Map([
    ["etag", '"one"'],
    ["content-type", "application/octet-stream"]
  ]),
  confirmedAt: 1000,
  freshUntil: 2000,
  ...more
})

/** The piece's bytes, other ones for another seed; never 0, so that a piece which is not there cannot pass for one that is. */
export const bytesOf = (size: number, piece: number, seed = 1): Uint8Array => {
  const bytes = new Uint8Array(PieceLayout.standard(size).length(piece as PieceIndex))
  let word = seed * 2_654_435_761 + piece * 97
  for (let i = 0; i < bytes.length; i++) {
    // xorshift32: Marsaglia, Xorshift RNGs, 2003.
    word ^= word << 13
    word ^= word >>> 17
    word ^= word << 5
    bytes[i] = word | 1
  }
  return bytes
}

/** Headers that tell of which seed the bytes are. */
export const etagOf = (seed: number): ReadonlyMap<string, string> => new Map([["etag", `"${seed}"`]])

export const seedOf = ({ headers }: ObjectFacts): number => Number((headers.get("etag") ?? "").replaceAll('"', ""))
