import { assert, describe, it } from "@effect/vitest"
import * as Runs from "../src/Runs.ts"
import { Tally } from "../src/Tally.ts"

const run = (first: number, count: number) => ({ first, count })

describe("New pieces among runs", () => {
  it("are those that were in none of the runs before, wherever these begin and end", () => {
    assert.strictEqual(Runs.newIn([run(0, 5)], []), 5)
    assert.strictEqual(Runs.newIn([run(0, 5)], [run(0, 5)]), 0)
    assert.strictEqual(Runs.newIn([run(10, 4), run(0, 3)], [run(2, 9)]), 2 + 3)
    assert.strictEqual(Runs.newIn([run(0, 10)], [run(8, 5), run(2, 1), run(4, 2)]), 10 - 2 - 1 - 2)
    assert.strictEqual(Runs.newIn([], [run(0, 5)]), 0)
  })
})

describe("A tally", () => {
  it("counts handouts by their size, each in its bucket and all above", () => {
    const tally = new Tally()
    for (const peers of [0, 0, 1, 7, 50, 255]) tally.handedOut(peers)
    const { buckets, count, max, sum } = tally.handouts()
    assert.deepStrictEqual([count, sum, max], [6, 313, 255])
    const upTo = new Map(buckets)
    assert.deepStrictEqual(
      [0, 1, 5, 10, 40, 50, 100, 255].map((size) => upTo.get(size)),
      [2, 3, 3, 4, 4, 5, 5, 6]
    )
  })

  it("counts the pieces that were leased", () => {
    const tally = new Tally()
    for (const pieces of [2, 0, 5]) tally.leased(pieces)
    assert.strictEqual(tally.leasedPieces, 7)
  })
})
