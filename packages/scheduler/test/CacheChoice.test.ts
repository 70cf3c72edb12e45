import { assert, describe, it } from "@effect/vitest"
import * as Leases from "../src/Leases.ts"
import { defaults } from "../src/Settings.ts"
import { peerOf, pieceSize, Story } from "./Story.ts"

/** The pieces that the source owes. */
const owes = (story: Story, source: string): ReadonlyArray<number> =>
  story.owed(source).flatMap(({ count, first }) => Array.from({ length: count }, (_, n) => first + n))

const neighbour = (n: number) => ({ peer: peerOf(n), host: `10.0.0.${n}` })

/** What one of four neighbours asks the cache server for. */
const shareOf = (self: number) => {
  const story = new Story(64, { self: peerOf(self) })
  for (const other of [1, 2, 3, 4]) if (other !== self) story.join(`p${other}`, "Lan", [], neighbour(other))
  story.join("cache", "CacheServer", "all")
  return owes(story, "cache")
}

describe("a cache server", () => {
  it("is asked for anything where there are no neighbours, and the origin for nothing then", () => {
    const story = new Story(8)
    story.join("cache", "CacheServer", "all")
    story.join("origin", "Origin", "all")
    assert.lengthOf(owes(story, "cache"), defaults.runsInFlight)
    assert.lengthOf(owes(story, "origin"), 0)
  })

  it("asks the service for no lease while it is there, and for some once it has gone", () => {
    const story = new Story(8, { awaitsLeases: true })
    story.join("cache", "CacheServer", "all")
    story.join("origin", "Origin", "all")
    assert.strictEqual(Leases.need(story.plan).most, 0)
    story.tell({ _tag: "SourceLeft", source: "cache" })
    assert.isAbove(Leases.need(story.plan).most, 0)
  })

  it("is not asked for what a neighbour holds that answers", () => {
    const story = new Story(8)
    // It has enough under way from there.
    story.join("near", "Lan", [0, 1, 2, 3, 4, 5], neighbour(1))
    story.join("cache", "CacheServer", "all")
    for (const piece of owes(story, "cache")) assert.include([6, 7], piece)
  })

  it("is asked for that when the neighbour has not answered for a while", () => {
    const story = new Story(8)
    story.join("near", "Lan", "all", { ...neighbour(1), choked: true })
    story.join("cache", "CacheServer", "all")
    assert.lengthOf(owes(story, "cache"), 0)
    story.wait(defaults.readPatience)
    assert.isAbove(owes(story, "cache").length, 0)
  })

  it("is asked for that when the neighbours are slower than it", () => {
    const story = new Story(64)
    const near = Array.from({ length: 60 }, (_, n) => n)
    story.join("near", "Lan", near, neighbour(1))
    story.join("cache", "CacheServer", "all")
    // What nobody else has.
    const lacking = owes(story, "cache")
    for (const piece of lacking) assert.isAtLeast(piece, 60)
    let received = 0
    for (let n = 0; n < 6; n++) {
      story.wait(500, { near: 0, cache: received })
      for (const piece of owes(story, "cache").slice(0, 1)) {
        story.deliver("cache", piece)
        received += pieceSize
      }
    }
    assert.isTrue(owes(story, "cache").some((piece) => piece < 60))
  })

  it("is asked by each of several neighbours for its own share first", () => {
    const asked = [1, 2, 3, 4].flatMap(shareOf)
    assert.isAtLeast(asked.length, 4)
    assert.lengthOf(new Set(asked), asked.length)
  })
})
