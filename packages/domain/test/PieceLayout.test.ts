import { assert, describe, it } from "@effect/vitest"
import { PieceLayout } from "@piecework/domain"
import { Effect, Option, Schema } from "effect"

const layout = (contentSize: number, pieceSize = 1000) => new PieceLayout.PieceLayout({ contentSize, pieceSize })
const piece = (of: PieceLayout.PieceLayout, n: number) => Option.getOrThrow(of.index(n))

describe("PieceLayout", () => {
  it("gives the last piece what remains", () => {
    const three = layout(2500)
    assert.strictEqual(three.pieceCount, 3)
    assert.deepStrictEqual(three.span(piece(three, 2)), { offset: 2000, length: 500 })
  })

  it("does not add an empty piece when the size is a multiple", () => {
    assert.strictEqual(layout(3000).pieceCount, 3)
    assert.strictEqual(layout(3000).length(piece(layout(3000), 2)), 1000)
  })

  it("cuts an empty file into no pieces", () => {
    assert.strictEqual(layout(0).pieceCount, 0)
    assert.isTrue(Option.isNone(layout(0).index(0)))
  })

  it("counts 71 pieces in a file of 73,473,792 bytes, as Microsoft's sample does", () => {
    assert.strictEqual(PieceLayout.standard(73_473_792).pieceCount, 71)
  })

  it("refuses indices that are past the end, negative or fractions", () => {
    for (const n of [3, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      assert.isTrue(Option.isNone(layout(2500).index(n)))
  })

  it.effect.prop(
    "covers every byte of the file exactly once",
    {
      contentSize: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5000 })),
      pieceSize: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 700 }))
    },
    ({ contentSize, pieceSize }) =>
      Effect.sync(() => {
        let next = 0
        const cut = layout(contentSize, pieceSize)
        for (const index of cut.indices()) {
          const span = cut.span(index)
          assert.strictEqual(span.offset, next)
          assert.isAtLeast(span.length, 1)
          next += span.length
        }
        assert.strictEqual(next, contentSize)
      })
  )
})
