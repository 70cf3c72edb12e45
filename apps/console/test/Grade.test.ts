import { assert, describe, it } from "@effect/vitest"
import * as Grade from "../src/view/Grade.ts"

const of = (percent: number) => Grade.ofWindow(percent, { BytesFetched: 1 })

describe("Savings", () => {
  it("are an error under 10 percent, a warning up to 60, and good beyond", () => {
    assert.deepStrictEqual([0, 9.99, 10, 60, 60.01].map(of), ["Error", "Error", "Warning", "Warning", "Good"])
  })

  it("of nothing are no error", () => {
    assert.strictEqual(Grade.ofWindow(0, { BytesFetched: 0 }), "None")
    assert.strictEqual(Grade.ofWindow(70, { BytesFetched: 0 }), "Good")
  })

  it("of another time are told beside those that are shown, in the points that one reads", () => {
    assert.strictEqual(Grade.beside(60.32, 60.29, 28), "As much as in 28 days.")
    assert.strictEqual(Grade.beside(60.6, 59.6, 28), "1 point more than in 28 days.")
    assert.strictEqual(Grade.beside(40, 72.4, 7), "32.4 points less than in 7 days.")
  })

  it("are what did not come from the origin", () => {
    assert.strictEqual(Grade.savedPercent({ BytesFromPeers: 50, BytesFromCache: 25, BytesFetched: 100 }), 75)
  })
})
