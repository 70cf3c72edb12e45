import { assert, describe, it } from "@effect/vitest"
import * as Statistics from "../src/Statistics.ts"

describe("Statistics", () => {
  it("takes the middle of an odd number of runs, and the mean of the middle two of an even one", () => {
    assert.deepStrictEqual(Statistics.spread([3, 1, 20]), { median: 3, min: 1, max: 20 })
    assert.deepStrictEqual(Statistics.spread([4, 1, 2, 30]), { median: 3, min: 1, max: 30 })
    assert.deepStrictEqual(Statistics.spread([7]), { median: 7, min: 7, max: 7 })
  })

  it("sorts numbers as numbers, and leaves the runs in their order", () => {
    const runs = [10, 9, 100]
    assert.strictEqual(Statistics.spread(runs)?.median, 10)
    assert.deepStrictEqual(runs, [10, 9, 100])
  })

  it("makes nothing of nothing", () => {
    assert.isUndefined(Statistics.spread([]))
  })
})
