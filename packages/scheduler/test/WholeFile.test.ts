import { assert, describe, it } from "@effect/vitest"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import * as Plan from "../src/Plan.ts"
import * as Shares from "../src/Shares.ts"
import { cancelsOf, fetchesOf, peerOf, self, Story } from "./Story.ts"

/** An origin that turned out to know no ranges. */
const streaming = (pieces: number) => {
  const story = new Story(pieces)
  story.join("origin", "Origin", "all")
  story.tell({ _tag: "RangesIgnored", source: "origin", run: story.owed("origin")[0]! })
  return story
}
const whole = (pieces: number) => ({ first: 0 as PieceIndex, count: pieces })

describe("a source that sends whole files only", () => {
  it("is asked for the whole file, once, and its other requests are taken back", () => {
    const story = streaming(20)
    assert.deepStrictEqual(
      cancelsOf(story.commands).map((one) => one.reason),
      ["Useless"]
    )
    assert.deepStrictEqual(fetchesOf(story.commands), [
      { _tag: "Fetch", source: "origin", run: whole(20), reason: "WholeFile" }
    ])
    assert.deepStrictEqual(fetchesOf(story.wait(1000)), [])
  })

  it("owes the next few pieces, always", () => {
    const story = streaming(40)
    const owes = () =>
      Array.from({ length: 40 }, (_, piece) => piece).filter(
        (piece) => Plan.fetchers(story.plan, piece as PieceIndex) > 0
      )
    assert.deepStrictEqual(owes(), [0, 1])
    story.now += 5000
    story.receive("origin", 0)
    assert.deepStrictEqual(owes(), [1, 2])
    story.now += 100
    for (const piece of [1, 2, 3]) story.receive("origin", piece)
    assert.strictEqual(owes()[0], 4)
  })

  it("brings everything in order", () => {
    const story = streaming(5)
    for (let piece = 0; piece < 5; piece++) story.deliver("origin", piece)
    assert.deepStrictEqual(story.commands.at(-1), { _tag: "Finished" })
  })

  it("leaves what lies further ahead to neighbours, and what they owe is not fetched twice", () => {
    const story = streaming(40)
    story.join("near", "Lan", "all")
    for (const run of story.owed("near")) assert.isAtLeast(run.first, 2)
    const [run] = story.owed("near")
    // The stream comes by it first.
    for (let piece = 0; piece <= (run?.first ?? 0); piece++) {
      const cancelled = cancelsOf(story.receive("origin", piece)).filter((one) => one.source === "near")
      assert.strictEqual(cancelled.length, story.commands.some((one) => one._tag === "Cancel") ? 1 : 0)
    }
    assert.notDeepInclude(story.owed("near"), run)
  })

  it("is stopped when nothing that is missing lies ahead", () => {
    const story = streaming(6)
    story.join("near", "Lan", [2, 3, 4, 5])
    for (let n = 0; n < 4; n++) story.deliver("near", story.owed("near")[0]?.first ?? -1)
    assert.strictEqual(story.plan.heldCount, 4)
    story.receive("origin", 0)
    const commands = story.receive("origin", 1)
    assert.deepStrictEqual(cancelsOf(commands), [
      { _tag: "Cancel", source: "origin", run: whole(6), reason: "Useless" }
    ])
  })

  it("begins again when a piece that it has passed was bad", () => {
    const story = streaming(3)
    story.spoil("origin", 0)
    for (const piece of [1, 2]) story.deliver("origin", piece)
    assert.deepStrictEqual(fetchesOf(story.commands).concat(fetchesOf(story.wait(250))).length, 0)
    assert.deepStrictEqual(story.owed("origin"), [whole(3)])
  })

  it("streams to one of the neighbours, and the others take it from there", () => {
    const ids = [self, peerOf(1), peerOf(2), peerOf(3)]
    const shares = Shares.make(20, self, ids.slice(1))
    const story = new Story(20)
    for (const [n, peer] of ids.slice(1).entries()) story.join(`near-${n}`, "Lan", [], { peer })
    story.join("origin", "Origin", "all")
    const run = story.owed("origin")[0]!
    const fetches = fetchesOf(story.tell({ _tag: "RangesIgnored", source: "origin", run }))
    assert.strictEqual(fetches.length, shares.rank[0] === 0 ? 1 : 0)
  })
})
