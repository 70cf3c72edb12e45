import { assert, describe, it } from "@effect/vitest"
import { byteMarks, marks } from "../src/parts/charts/Scale.ts"

describe("The marks of an axis", () => {
  it("begin at nothing, and end where everything has room", () => {
    for (const most of [1, 7, 999, 1024, 123_456, 2.5e9, 9e15]) {
      for (const of of [marks(most), byteMarks(most)]) {
        assert.strictEqual(of[0], 0)
        assert.isAtLeast(of.at(-1) ?? 0, most)
        assert.isAtMost(of.length, 7)
      }
    }
  })

  it("of bytes are whole numbers of one unit", () => {
    assert.deepStrictEqual(byteMarks(90 * 1024 ** 3), [0, 50 * 1024 ** 3, 100 * 1024 ** 3])
    assert.deepStrictEqual(byteMarks(0), [0, 1])
  })
})
