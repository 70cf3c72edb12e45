import { assert, describe, it } from "@effect/vitest"
import { cancelsOf, fetchesOf, pieceSize, Story } from "./Story.ts"

describe("a source that fails", () => {
  it("is left alone for a second, then two, four, … up to thirty", () => {
    const story = new Story(4)
    story.join("origin", "Origin", "all")
    story.fail("origin")
    const waits: Array<number> = []
    for (let n = 0; n < 7; n++) {
      while (story.owed("origin").length > 0) story.fail("origin")
      let waited = 0
      while (fetchesOf(story.wait(500)).length === 0) waited += 500
      waits.push(waited + 500)
    }
    assert.deepStrictEqual(waits, [2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })

  it("is asked for one piece at a time until it delivers", () => {
    const story = new Story(30)
    story.join("a", "Lan", "all")
    story.fail("a")
    story.fail("a")
    story.wait(2000)
    assert.strictEqual(story.owed("a").length, 1)
    story.deliver("a", story.owed("a")[0]?.first ?? -1)
    assert.isAtLeast(story.owed("a").length, 2)
  })

  it("hands its work to others at once", () => {
    const story = new Story(2)
    story.join("a", "Lan", "all")
    story.join("b", "Lan", "all")
    assert.deepStrictEqual(
      fetchesOf(story.fail("a")).map((one) => one.source),
      ["b"]
    )
  })

  it("for good is never asked again", () => {
    const story = new Story(4)
    story.join("origin", "Origin", "all")
    assert.deepStrictEqual(
      cancelsOf(story.fail("origin", true, "Forbidden")).map((one) => one.reason),
      ["Useless"]
    )
    assert.deepStrictEqual(fetchesOf(story.wait(100_000)), [])
  })

  it("is left alone for as long as it asks, also when something of it still comes", () => {
    const story = new Story(4)
    story.join("origin", "Origin", "all")
    const [first, second] = story.owed("origin")
    const failed = {
      _tag: "FetchFailed",
      source: "origin",
      fatal: false,
      reason: "Refused",
      retryAfter: 90_000
    } as const
    assert.isDefined(first)
    assert.isDefined(second)
    if (first === undefined || second === undefined) return
    story.tell({ ...failed, run: first })
    story.deliver("origin", second.first)
    let waited = 0
    while (fetchesOf(story.wait(500)).length === 0 && waited < 200_000) waited += 500
    assert.strictEqual(waited + 500, 90_000)
  })

  it("and has delivered nothing does not keep what another origin could have: each gets one request", () => {
    const story = new Story(8)
    story.join("origin", "Origin", "all")
    story.join("mirror", "Origin", "all")
    story.fail("origin", true, "NotFound")
    story.deliver("mirror", story.owed("mirror")[0]?.first ?? -1)
    assert.isAtLeast(story.owed("mirror").length, 2)
  })

  it("is not believed twice: the failure of a fetch that was taken back changes nothing", () => {
    const story = new Story(4)
    story.join("a", "Lan", "all")
    const run = story.owed("a")[0]!
    story.tell({ _tag: "Choked", source: "a" })
    story.tell({ _tag: "FetchFailed", source: "a", run, fatal: true, reason: "Closed" })
    assert.isAbove(fetchesOf(story.tell({ _tag: "Unchoked", source: "a" })).length, 0)
  })
})

describe("a source that stalls", () => {
  it("loses its work after ten seconds without a byte", () => {
    const story = new Story(2)
    story.join("a", "Lan", "all")
    assert.deepStrictEqual(cancelsOf(story.wait(9_999)), [])
    assert.deepStrictEqual(
      cancelsOf(story.wait(1)).map((one) => one.reason),
      ["Stalled", "Stalled"]
    )
  })

  it("that is a cache server has a minute: it brings what the whole site asked for, in turn", () => {
    const story = new Story(2)
    story.join("cache", "CacheServer", "all")
    assert.deepStrictEqual(cancelsOf(story.wait(59_999)), [])
    assert.include(
      cancelsOf(story.wait(1)).map((one) => one.reason),
      "Stalled"
    )
  })

  it("has not stalled while bytes come, however slowly", () => {
    const story = new Story(2)
    story.join("a", "Lan", "all")
    for (let n = 1; n <= 10; n++) assert.deepStrictEqual(cancelsOf(story.wait(9_000, { a: n })), [])
  })

  it("has not stalled while a limit of ours holds it back, unless it is a peer of the site", () => {
    for (const [kind, cancelled] of [
      ["Internet", 0],
      ["Lan", 2]
    ] as const) {
      const story = new Story(2)
      story.join("a", kind, "all")
      story.now += 60_000
      const tick = { _tag: "Tick", received: new Map([["a", 0]]), held: new Set(["a"]) } as const
      assert.strictEqual(cancelsOf(story.tell(tick)).length, cancelled)
    }
  })

  it("has stalled while a limit of ours holds back others", () => {
    const story = new Story(2)
    story.join("a", "Internet", "all")
    story.now += 60_000
    const tick = { _tag: "Tick", received: new Map([["a", 0]]), held: new Set(["b"]) } as const
    assert.strictEqual(cancelsOf(story.tell(tick)).length, 2)
  })

  it("does not hold the origin back any more", () => {
    const story = new Story(4)
    story.join("near", "Lan", "all")
    story.join("origin", "Origin", "all")
    story.wait(5000)
    assert.deepStrictEqual(story.owed("origin"), [])
    story.wait(5000)
    assert.deepStrictEqual(story.owed("near"), [])
    assert.strictEqual(story.owed("origin").length, 2)
  })
})

describe("how much is under way", () => {
  it("follows the rate: two and a half seconds' worth, never under two pieces or over 32", () => {
    for (const [ms, pieces] of [
      [5000, 2],
      [500, 5],
      [100, 25],
      [10, 32]
    ] as const) {
      const story = new Story(200)
      story.join("a", "Lan", "all")
      story.now += ms
      story.receive("a", story.owed("a")[0]?.first ?? -1)
      assert.strictEqual(story.owed("a").length, pieces, `${ms} ms a piece`)
    }
  })

  it("shrinks when the bytes come slower", () => {
    const story = new Story(200)
    story.join("a", "Lan", "all")
    story.now += 100
    story.receive("a", story.owed("a")[0]?.first ?? -1)
    let bytes = pieceSize
    for (let n = 0; n < 20; n++) story.wait(500, { a: (bytes += pieceSize / 10) })
    assert.approximately(story.plan.sources.get("a")?.rate ?? 0, pieceSize / 5000, 50)
  })
})
