import { assert, describe, it } from "@effect/vitest"
import { Marks, mostRuns, reasons } from "@piecework/ledger/Marks"

describe("the marks of pieces", () => {
  it("say which source brought each, and why it was asked", () => {
    const marks = new Marks(10, 1024)
    marks.found(2, 0)
    marks.asked(0, 1, 6, "Leased")
    for (const piece of [1, 2, 3]) marks.held(0, piece)
    marks.asked(1, 4, 1, "Steal")
    marks.held(1, 4)
    // Asked of the one, brought by the other.
    marks.held(1, 5)
    const { grain, runs, sums } = marks.snapshot()
    assert.strictEqual(grain, 1)
    const named = runs.map(([source, reason, count]) => [source, source < 0 ? "" : reasons[reason], count])
    assert.deepStrictEqual(named, [
      [2, "Found", 1],
      [0, "Leased", 3],
      [1, "Steal", 1],
      [1, "Before", 1],
      [-1, "", 4]
    ])
    assert.deepStrictEqual(sums[0], { source: 0, reason: "Leased", pieces: 3 })
  })

  it("are not changed by who is asked for a piece that is there", () => {
    const marks = new Marks(1, 1024)
    marks.asked(3, 0, 1, "Rarest")
    marks.held(3, 0)
    marks.asked(4, 0, 1, "Endgame")
    assert.deepStrictEqual(marks.snapshot().sums, [{ source: 3, reason: "Rarest", pieces: 1 }])
  })

  it("of a large content stand for several pieces each, and the sums stay exact", () => {
    const count = 100_000
    const marks = new Marks(count, 1024)
    for (let piece = 0; piece < count; piece++) {
      marks.asked(piece % 2, piece, 1, "Rarest")
      marks.held(piece % 2, piece)
    }
    const { grain, runs, sums } = marks.snapshot()
    assert.isAtMost(runs.length, mostRuns)
    assert.isAbove(grain, 1)
    assert.deepStrictEqual(
      sums.map(({ pieces }) => pieces),
      [count / 2, count / 2]
    )
  })

  it("ask no piece that the content does not have", () => {
    const marks = new Marks(3, 1024)
    marks.asked(0, 2, 50, "OnlySource")
    marks.held(0, 70)
    assert.deepStrictEqual(marks.snapshot().runs, [[-1, 0, 3]])
  })
})
