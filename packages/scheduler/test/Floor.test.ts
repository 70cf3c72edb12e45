import { assert, describe, it } from "@effect/vitest"
import * as Floor from "../src/Floor.ts"
import { defaults } from "../src/Settings.ts"
import { cancelsOf, fetchesOf, pieceSize, Story } from "./Story.ts"

/** A client whose only peer holds everything, has two pieces under way and gives `perSecond` pieces a second. */
const slow = (options: { readonly leases?: boolean; readonly perSecond?: number } = {}) => {
  const { leases = false, perSecond = 0.5 } = options
  const story = new Story(100, { awaitsLeases: leases })
  story.join("near", "Lan", "all")
  story.join("origin", "Origin", "all")
  if (leases) story.tell({ _tag: "Leased", runs: [], asked: [] })
  let came = 0
  let fromOrigin = 0
  /** Half a second in which the peer gives its pieces and the origin everything that is asked of it. */
  const half = () => {
    const reasons: Array<string> = []
    came += perSecond * 0.5 * pieceSize
    const before = Math.floor((came - perSecond * 0.5 * pieceSize) / pieceSize)
    for (const { run, reason } of fetchesOf(story.wait(500, { near: came, origin: fromOrigin }), "origin")) {
      reasons.push(...Array.from({ length: run.count }, () => reason))
    }
    for (let n = before; n < Math.floor(came / pieceSize); n++) {
      const first = story.owed("near")[0]
      if (first !== undefined) story.deliver("near", first.first)
    }
    story.now += 1
    for (let run = story.owed("origin")[0]; run !== undefined; run = story.owed("origin")[0]) {
      fromOrigin += run.count * pieceSize
      for (let n = 0; n < run.count; n++) story.deliver("origin", run.first + n)
    }
    return reasons
  }
  return {
    story,
    /** Why the origin was asked for each piece, over so many seconds. */
    seconds: (n: number) => Array.from({ length: 2 * n }, half).flat()
  }
}

for (const leases of [false, true]) {
  describe(`A download whose peers are too slow, ${leases ? "with" : "without"} leases`, () => {
    it("leaves to them what they hold when nobody said how fast it has to be", () => {
      const { seconds } = slow({ leases })
      assert.deepStrictEqual(seconds(20), [])
    })

    it("takes what is lacking from the origin, and hardly more", () => {
      const { story, seconds } = slow({ leases })
      story.tell({ _tag: "Floor", rate: 2 * pieceSize })
      seconds(10)
      const taken = seconds(20)
      assert.deepStrictEqual([...new Set(taken)], ["BelowFloor"])
      // Two pieces a second are to come, and half a piece does from the peer.
      assert.isAtLeast(taken.length, 24)
      assert.isAtMost(taken.length, 36)
    })

    it("takes nothing from the origin when they reach it", () => {
      const { story, seconds } = slow({ leases, perSecond: 4 })
      story.tell({ _tag: "Floor", rate: 2 * pieceSize })
      assert.deepStrictEqual(seconds(15), [])
    })

    it("stops when nobody asks for the rate any more", () => {
      const { story, seconds } = slow({ leases })
      story.tell({ _tag: "Floor", rate: 2 * pieceSize })
      assert.isAbove(seconds(10).length, 0)
      story.tell({ _tag: "Floor", rate: undefined })
      assert.deepStrictEqual(seconds(10), [])
    })
  })
}

describe("The rate that a download has to have", () => {
  it("is looked at only once the sources had time to show theirs, and again when the origin is opened", () => {
    const story = new Story(100, { awaitsLeases: true })
    story.join("near", "Lan", "all")
    story.join("origin", "Origin", "all")
    story.tell({ _tag: "Leased", runs: [], asked: [] })
    story.tell({ _tag: "Floor", rate: 2 * pieceSize })
    story.tell({ _tag: "OriginHeld" })
    assert.strictEqual(Floor.lacking(story.plan), 0)
    assert.deepStrictEqual(fetchesOf(story.wait(60_000), "origin"), [])
    story.tell({ _tag: "OriginAllowed" })
    assert.deepStrictEqual(fetchesOf(story.wait(defaults.floorAfter - 1), "origin"), [])
    assert.isAbove(fetchesOf(story.wait(1), "origin").length, 0)
  })

  it("lets what makes up for slow peers go on, though it is leased to others", () => {
    const story = new Story(100, { awaitsLeases: true })
    story.join("near", "Lan", "all")
    story.join("origin", "Origin", "all")
    story.tell({ _tag: "Leased", runs: [], asked: [] })
    story.tell({ _tag: "Floor", rate: 2 * pieceSize })
    const run = fetchesOf(story.wait(defaults.floorAfter), "origin")[0]?.run ?? assert.fail("not asked")
    assert.deepStrictEqual(cancelsOf(story.tell({ _tag: "Leased", runs: [], asked: [run] })), [])
  })

  for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    it(`is none when it is ${rate}`, () => {
      const story = new Story(4)
      story.tell({ _tag: "Floor", rate })
      assert.isUndefined(story.plan.floor)
    })
})
