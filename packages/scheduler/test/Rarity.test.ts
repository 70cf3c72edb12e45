import { assert, describe, it } from "@effect/vitest"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import * as Rarity from "../src/Rarity.ts"
import { fetchesOf, Story } from "./Story.ts"

const firstOf = (story: Story, source: string) => story.owed(source).map((run) => Number(run.first))

describe("a neighbour", () => {
  it("is asked for what the fewest neighbours hold", () => {
    const story = new Story(6)
    for (const [i, held] of [
      [0, 1, 2, 3],
      [0, 1, 2],
      [0, 1]
    ].entries()) {
      story.join(`choking-${i}`, "Lan", held, { choked: true })
    }
    story.join("a", "Lan", [0, 2, 3])
    assert.deepStrictEqual(firstOf(story, "a"), [3, 2])
    assert.deepStrictEqual(
      fetchesOf(story.commands).map((one) => one.reason),
      ["OnlySource", "OnlySource"]
    )
  })

  it("in the site counts more than any number elsewhere", () => {
    const story = new Story(2, { settings: { fewestInFlight: 1 } })
    for (let i = 0; i < 20; i++) story.join(`far-${i}`, "Internet", [0], { choked: true })
    story.join("near", "Lan", [1], { choked: true })
    story.join("a", "Internet", "all")
    assert.deepStrictEqual(firstOf(story, "a"), [0])
  })

  it("that announces a wanted piece and has room is asked for it at once", () => {
    const story = new Story(4)
    story.join("a", "Lan", [])
    const commands = story.tell({ _tag: "PeerHas", source: "a", piece: 2 as PieceIndex })
    assert.deepStrictEqual(commands, [
      { _tag: "Fetch", source: "a", run: { first: 2 as PieceIndex, count: 1 }, reason: "Rarest" }
    ])
  })

  it("is asked for what another left undone", () => {
    const story = new Story(2)
    story.join("a", "Lan", [0, 1])
    story.join("b", "Lan", [0, 1])
    assert.deepStrictEqual(story.owed("b"), [])
    story.tell({ _tag: "SourceLeft", source: "a" })
    assert.deepStrictEqual(firstOf(story, "b").toSorted(), [0, 1])
  })
})

describe("equals", () => {
  it("come in another order for each seed", () => {
    const orders = Array.from({ length: 10 }, (_, seed) => {
      const story = new Story(100, { seed })
      story.join("a", "Lan", "all")
      return firstOf(story, "a").join()
    })
    assert.isAbove(new Set(orders).size, 8)
  })

  it("are all looked at when there are no more than the bound, and a bounded number when there are", () => {
    const few = new Story(64, { settings: { candidates: 64 } })
    few.join("far", "Internet", [...Array(63).keys()], { choked: true })
    assert.strictEqual(Rarity.rarest(few.plan, few.plan.wanted), 63)
    const many = new Story(64, { settings: { candidates: 8 } })
    assert.isDefined(Rarity.rarest(many.plan, many.plan.wanted))
  })
})

it("a cache server is asked for adjacent pieces in one request once its rate is known", () => {
  const story = new Story(40)
  story.join("cache", "CacheServer", "all")
  const [one, other] = story.owed("cache")
  assert.deepStrictEqual([one?.count, other?.count], [1, 1])
  story.now += 100
  story.deliver("cache", one?.first ?? 0)
  assert.isAbove(story.owed("cache").at(-1)?.count ?? 0, 1)
})
