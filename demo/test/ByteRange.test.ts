import { assert, describe, it } from "@effect/vitest"
import * as ByteRange from "../src/ByteRange.ts"

describe("ByteRange", () => {
  const cases: ReadonlyArray<readonly [string | undefined, ReturnType<typeof ByteRange.parse>]> = [
    [undefined, "Whole"],
    ["bytes=0-0", { start: 0, end: 0 }],
    ["bytes=10-", { start: 10, end: 99 }],
    ["bytes=90-200", { start: 90, end: 99 }],
    ["bytes=-5", { start: 95, end: 99 }],
    ["bytes=-500", { start: 0, end: 99 }],
    ["bytes=100-", "Unsatisfiable"],
    ["bytes=-0", "Unsatisfiable"],
    ["bytes=5-4", "Whole"],
    ["bytes=0-1,5-6", "Whole"],
    ["lines=0-1", "Whole"],
    ["bytes=-", "Whole"],
    ["bytes=99999999999999999999-", "Whole"]
  ]
  for (const [header, expected] of cases) {
    it(`reads ${header ?? "no header"} of 100 bytes`, () => {
      assert.deepStrictEqual(ByteRange.parse(header, 100), expected)
    })
  }

  it("finds no byte in an empty file", () => {
    assert.strictEqual(ByteRange.parse("bytes=-1", 0), "Unsatisfiable")
    assert.strictEqual(ByteRange.parse("bytes=0-", 0), "Unsatisfiable")
  })
})
