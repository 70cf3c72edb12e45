import { assert, describe, it } from "@effect/vitest"
import * as Bitfield from "@piecework/domain/Bitfield"
import { PieceLayout } from "@piecework/domain/PieceLayout"
import { Result } from "effect"
import * as ByteRanges from "../src/ByteRanges.ts"

const reasonOf = (ranges: ReadonlyArray<ByteRanges.ByteRange>, size = 1000) => {
  const resolved = ByteRanges.resolve(ranges, size)
  return Result.isFailure(resolved) ? resolved.failure.reason : resolved.success
}

describe("parts of a content", () => {
  it("are places in it, in the order in which they were asked for", () => {
    assert.deepStrictEqual(reasonOf([{ offset: 900 }, { offset: 0, length: 1 }, { offset: 1, length: 899 }]), [
      { start: 900, end: 1000 },
      { start: 0, end: 1 },
      { start: 1, end: 900 }
    ])
    assert.deepStrictEqual(reasonOf([{ offset: 5 }], Infinity), [{ start: 5, end: Infinity }])
  })

  for (const [what, ranges, reason] of [
    ["begin behind the end", [{ offset: 1000 }], "OutOfFile"],
    ["end behind the end", [{ offset: 999, length: 2 }], "OutOfFile"],
    ["have no bytes", [{ offset: 9, length: 0 }], "Invalid"],
    ["have less than no bytes", [{ offset: 9, length: -3 }], "Invalid"],
    ["begin before the beginning", [{ offset: -1, length: 3 }], "Invalid"],
    ["are no whole numbers", [{ offset: 1.5, length: 3 }], "Invalid"],
    ["are no numbers", [{ offset: Number.NaN }], "Invalid"],
    ["are too large to be counted", [{ offset: Number.MAX_SAFE_INTEGER, length: 5 }], "Invalid"],
    [
      "are the same twice",
      [
        { offset: 1, length: 1 },
        { offset: 1, length: 1 }
      ],
      "Overlapping"
    ],
    [
      "overlap by a byte",
      [
        { offset: 10, length: 5 },
        { offset: 1, length: 10 }
      ],
      "Overlapping"
    ],
    ["go on after one to the end", [{ offset: 10 }, { offset: 900, length: 10 }], "Overlapping"]
  ] as const) {
    it(`are refused when they ${what}`, () => {
      assert.strictEqual(reasonOf(ranges), reason)
    })
  }

  it("are refused when they are more than anybody needs", () => {
    const many = Array.from({ length: ByteRanges.mostRanges + 1 }, (_, n) => ({ offset: 2 * n, length: 1 }))
    assert.strictEqual(reasonOf(many, 1e6), "Invalid")
    assert.notStrictEqual(reasonOf(many.slice(1), 1e6), "Invalid")
  })

  it("lie in pieces, and share bytes with each", () => {
    const layout = new PieceLayout({ contentSize: 1000, pieceSize: 100 })
    const part = ByteRanges.partOf(
      [
        { start: 950, end: 1000 },
        { start: 99, end: 201 }
      ],
      layout
    )
    assert.deepStrictEqual([...Bitfield.pieces(part.pieces)].map(Number), [0, 1, 2, 9])
    assert.deepStrictEqual([part.bytes, part.pieceBytes], [152, 400])
    assert.deepStrictEqual(
      [0, 1, 2, 3, 9].map((piece) => ByteRanges.bytesOfPiece(part.spans, layout, piece)),
      [1, 100, 1, 0, 50]
    )
  })
})
