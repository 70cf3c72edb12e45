import { assert, describe, it } from "@effect/vitest"
import { fetchesOf, peerOf, Story } from "./Story.ts"

/** The source spoils what it is asked for, so many times; what that led to in the end. */
const spoil = (story: Story, source: string, times: number) => {
  for (let n = 0; n < times; n++) story.spoil(source, story.owed(source)[0]?.first ?? -1)
  return story.commands
}
const bansOf = (story: Story) => story.commands.filter((one) => one._tag === "Ban")
const threeHours = 3 * 60 * 60 * 1000

describe("a peer that sends bad pieces", () => {
  it("is banned for three hours at the third, and its host with it", () => {
    const story = new Story(20)
    story.join("bad", "Lan", "all", { peer: peerOf(1), host: "10.0.0.1" })
    spoil(story, "bad", 2)
    assert.deepStrictEqual(bansOf(story), [])
    spoil(story, "bad", 1)
    assert.deepStrictEqual(bansOf(story), [
      { _tag: "Ban", peer: peerOf(1), host: "10.0.0.1", until: story.now + threeHours }
    ])
    assert.deepStrictEqual(story.owed("bad"), [])
  })

  it("is not asked for the same piece again, and another is", () => {
    const story = new Story(1)
    story.join("bad", "Lan", "all", { peer: peerOf(1) })
    story.join("good", "Lan", "all", { peer: peerOf(2) })
    assert.deepStrictEqual(
      fetchesOf(story.spoil("bad", 0)).map((one) => one.source),
      ["good"]
    )
  })

  it("does not drag down its host when another device there was honest", () => {
    const story = new Story(20)
    story.join("good", "Lan", [0], { peer: peerOf(2), host: "10.0.0.1" })
    story.deliver("good", 0)
    story.join("bad", "Lan", "all", { peer: peerOf(1), host: "10.0.0.1" })
    spoil(story, "bad", 3)
    assert.deepStrictEqual(
      bansOf(story).map((one) => one.host),
      [undefined]
    )
  })

  it("drags down its host when only itself was honest there before", () => {
    const story = new Story(20)
    story.join("bad", "Lan", "all", { peer: peerOf(1), host: "10.0.0.1" })
    story.deliver("bad", story.owed("bad")[0]?.first ?? -1)
    spoil(story, "bad", 3)
    assert.deepStrictEqual(
      bansOf(story).map((one) => one.host),
      ["10.0.0.1"]
    )
  })

  it("takes with it the others of its device and of its banned host", () => {
    const story = new Story(40)
    story.join("bad", "Lan", "all", { peer: peerOf(1), host: "10.0.0.1" })
    story.join("twin", "Lan", "all", { peer: peerOf(1, 7), host: "10.0.0.2" })
    story.join("housemate", "Lan", "all", { peer: peerOf(3), host: "10.0.0.1" })
    story.join("other", "Lan", "all", { peer: peerOf(4), host: "10.0.0.3" })
    const commands = spoil(story, "bad", 3)
    const cancelled = commands.filter((one) => one._tag === "Cancel")
    assert.deepStrictEqual([...new Set(cancelled.map((one) => one.source))], ["bad", "twin", "housemate"])
    assert.deepStrictEqual([...new Set(cancelled.map((one) => one.reason))], ["Banned"])
    assert.deepStrictEqual(story.owed("twin"), [])
    assert.isAbove(story.owed("other").length, 0)
  })

  it("keeps its strikes when it leaves and joins under another name", () => {
    const story = new Story(20)
    story.join("bad", "Lan", "all", { peer: peerOf(1) })
    spoil(story, "bad", 2)
    story.tell({ _tag: "SourceLeft", source: "bad" })
    story.join("again", "Lan", "all", { peer: peerOf(1, 9) })
    spoil(story, "again", 1)
    assert.strictEqual(bansOf(story).length, 1)
    story.tell({ _tag: "SourceLeft", source: "again" })
    assert.deepStrictEqual(fetchesOf(story.join("third", "Lan", "all", { peer: peerOf(1, 10) })), [])
  })

  it("is banned also when it left before the third was checked", () => {
    const story = new Story(20)
    story.join("bad", "Lan", "all", { peer: peerOf(1) })
    spoil(story, "bad", 2)
    const piece = story.owed("bad")[0]?.first ?? -1
    story.receive("bad", piece)
    story.tell({ _tag: "SourceLeft", source: "bad" })
    story.tell({ _tag: "PieceBad", source: "bad", piece: piece as never })
    assert.deepStrictEqual(
      bansOf(story).map((one) => one.peer),
      [peerOf(1)]
    )
  })
})

describe("an origin that sends bad pieces", () => {
  it("is asked again, and is out at the third", () => {
    const story = new Story(1)
    story.join("origin", "Origin", "all")
    assert.deepStrictEqual(
      fetchesOf(spoil(story, "origin", 1)).map((one) => one.source),
      ["origin"]
    )
    assert.deepStrictEqual(spoil(story, "origin", 2), [
      { _tag: "Exhausted", missing: 1, failures: [{ source: "origin", reason: "BadPieces" }] }
    ])
  })
})

it("a piece that we could not keep is nobody's strike and is fetched again", () => {
  const story = new Story(1)
  story.join("a", "Lan", "all", { peer: peerOf(1) })
  for (let n = 0; n < 5; n++) {
    story.receive("a", 0)
    const commands = story.tell({ _tag: "PieceLost", source: "a", piece: 0 as never })
    assert.deepStrictEqual(
      fetchesOf(commands).map((one) => one.source),
      ["a"]
    )
  }
})
