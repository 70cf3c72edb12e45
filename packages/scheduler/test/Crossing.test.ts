import { assert, describe, it } from "@effect/vitest"
import * as Crossing from "../src/Crossing.ts"
import { defaults } from "../src/Settings.ts"
import { Story } from "./Story.ts"

const far = ["Group", "Internet"] as const
const may = (story: Story, source: string, piece: number) =>
  Crossing.mayAsk(story.plan, story.plan.sources.get(source) ?? assert.fail(source), piece)
const lease = (story: Story, first: number) => story.tell({ _tag: "Leased", runs: [{ first, count: 1 }], asked: [] })

for (const kind of far)
  describe(`a peer of kind ${kind}`, () => {
    it("gives anything where there is no service and no neighbour", () => {
      const story = new Story(4)
      story.join("far", kind, "all")
      assert.strictEqual(story.owed("far").length, 2)
    })

    it("gives nothing that a neighbour holds, as long as that answers", () => {
      const story = new Story(4)
      story.join("near", "Lan", [0], { choked: true })
      story.join("far", kind, [0, 1])
      assert.deepStrictEqual([may(story, "far", 0), may(story, "far", 1)], [false, true])
      story.wait(defaults.stallAfter)
      assert.isTrue(may(story, "far", 0))
    })

    it("gives nothing that a neighbour holds, if one of several answers", () => {
      const story = new Story(4)
      story.join("silent", "Lan", [0], { choked: true })
      story.wait(defaults.stallAfter)
      story.join("near", "LinkLocal", [0], { choked: true })
      story.join("far", kind, [0])
      assert.isFalse(may(story, "far", 0))
    })

    it("gives nothing that the cache server holds", () => {
      const story = new Story(4)
      story.join("cache", "CacheServer", "all", { choked: true })
      story.join("far", kind, "all")
      assert.isFalse(may(story, "far", 0))
    })

    it("gives what another peer elsewhere holds, too", () => {
      const story = new Story(4)
      story.join("other", "Internet", [0], { choked: true })
      story.join("far", kind, [0])
      assert.isTrue(may(story, "far", 0))
    })

    it("gives what a neighbour holds that does not answer, also if a peer elsewhere does", () => {
      const story = new Story(4)
      story.join("silent", "Lan", [0], { choked: true })
      story.wait(defaults.stallAfter)
      story.join("other", kind, [0], { choked: true })
      story.join("far", kind, [0])
      assert.isTrue(may(story, "far", 0))
    })

    it("gives only what is leased, while there are leases", () => {
      const story = new Story(4, { awaitsLeases: true })
      assert.deepStrictEqual(story.join("far", kind, "all"), [])
      lease(story, 2)
      assert.deepStrictEqual(
        story.owed("far").map(({ first }) => first as number),
        [2]
      )
      story.tell({ _tag: "LeasesOff" })
      assert.strictEqual(story.owed("far").length, 2)
    })
  })

it("neighbours are asked for anything, whatever is leased", () => {
  const story = new Story(4, { awaitsLeases: true })
  story.join("near", "Lan", [0, 1])
  lease(story, 3)
  assert.deepStrictEqual([may(story, "near", 0), may(story, "near", 1)], [true, true])
  assert.strictEqual(story.owed("near").length, 2)
})
