import { assert, describe, it } from "@effect/vitest"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { cancelsOf, Story } from "./Story.ts"

/** An origin that has a run of several pieces under way, and that run. */
const running = () => {
  const story = new Story(40)
  story.join("origin", "Origin", "all")
  story.now += 100
  story.deliver("origin", story.owed("origin")[0]?.first ?? -1)
  const run = story.owed("origin").find((one) => one.count > 2)!
  return { story, run }
}

describe("a piece that is verified", () => {
  it("is announced once", () => {
    const story = new Story(3)
    story.join("a", "Lan", [1])
    assert.deepInclude(story.deliver("a", 1), { _tag: "Announce", piece: 1 as PieceIndex })
    assert.deepStrictEqual(story.tell({ _tag: "PieceHeld", source: "a", piece: 1 as PieceIndex }), [])
  })

  it("is believed whoever sent it, and then owed by nobody", () => {
    const story = new Story(3)
    story.join("a", "Lan", [1])
    const commands = story.tell({ _tag: "PieceHeld", source: "long gone", piece: 1 as PieceIndex })
    assert.deepStrictEqual(
      cancelsOf(commands).map((one) => [one.source, one.reason]),
      [["a", "Duplicate"]]
    )
    assert.deepInclude(commands, { _tag: "Announce", piece: 1 as PieceIndex })
    assert.strictEqual(story.plan.heldCount, 1)
  })
})

describe("a run of which others brought a part", () => {
  it("goes on for the rest, and is taken back when only that part is left to come", () => {
    const { story, run } = running()
    const last = (run.first + run.count - 1) as PieceIndex
    assert.deepStrictEqual(cancelsOf(story.tell({ _tag: "PieceHeld", source: "other", piece: last })), [])
    for (let piece: number = run.first; piece < last - 1; piece++) {
      assert.deepStrictEqual(cancelsOf(story.deliver("origin", piece)), [])
    }
    assert.deepStrictEqual(cancelsOf(story.receive("origin", last - 1)), [
      { _tag: "Cancel", source: "origin", run, reason: "Duplicate" }
    ])
  })

  it("ends by itself with its last piece", () => {
    const { story, run } = running()
    story.tell({ _tag: "PieceHeld", source: "other", piece: run.first })
    for (let piece = run.first + 1; piece < run.first + run.count; piece++) {
      assert.deepStrictEqual(cancelsOf(story.deliver("origin", piece)), [])
    }
    assert.notDeepInclude(story.owed("origin"), run)
  })
})

it("a piece that comes after its fetch was taken back is not taken for owed", () => {
  const story = new Story(3)
  story.join("a", "Lan", [1])
  story.tell({ _tag: "Choked", source: "a" })
  assert.deepStrictEqual(story.receive("a", 1), [])
  assert.strictEqual(story.plan.verifying.size, 0)
})
