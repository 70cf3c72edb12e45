import { assert, describe, it } from "@effect/vitest"
import { cancelsOf, fetchesOf, pieceSize, Story } from "./Story.ts"

/** A source that has shown its rate: it delivers one piece in so many milliseconds. */
const measured = (
  story: Story,
  source: string,
  kind: "Lan" | "Origin",
  held: ReadonlyArray<number> | "all",
  ms: number
) => {
  story.join(source, kind, held)
  story.now += ms
  story.deliver(source, story.owed(source)[0]?.first ?? -1)
}
const firstOf = (story: Story, source: string) => story.owed(source).map((run) => Number(run.first))

describe("a source that is ten times faster", () => {
  it("takes over, before new work, what the slower one owes", () => {
    const story = new Story(400, { settings: { mostInFlight: 2 } })
    measured(story, "slow", "Lan", "all", 4000)
    const [old, young] = firstOf(story, "slow")
    story.join("fast", "Lan", "all")
    story.now += 10
    const first = story.deliver("fast", story.owed("fast")[0]?.first ?? -1)
    assert.deepStrictEqual(
      cancelsOf(first).map((one) => Number(one.run.first)),
      [old],
      "the other one has its time first"
    )
    assert.deepStrictEqual(fetchesOf(first)[0], { ...fetchesOf(first)[0]!, source: "fast", reason: "Steal" })
    const next = () => {
      story.now += 10
      return story.deliver("fast", story.owed("fast")[0]?.first ?? -1)
    }
    while (story.now < 1_004_490) assert.deepStrictEqual(cancelsOf(next()), [])
    const second = next()
    assert.deepStrictEqual(
      cancelsOf(second).map((one) => [Number(one.run.first), one.reason]),
      [[young, "Stolen"]]
    )
  })

  it("takes nothing over while it usually takes as long itself", () => {
    const story = new Story(40)
    measured(story, "slow", "Lan", "all", 4000)
    story.join("fast", "Lan", "all")
    story.now += 3000
    for (const { first } of story.owed("fast")) story.deliver("fast", first)
    assert.deepStrictEqual(cancelsOf(story.wait(3000, { slow: pieceSize, fast: 400 * pieceSize })), [])
  })

  it("takes nothing that it does not hold", () => {
    const story = new Story(4)
    measured(story, "slow", "Lan", "all", 4000)
    measured(
      story,
      "fast",
      "Lan",
      [0, 1, 2, 3].filter((piece) => !firstOf(story, "slow").includes(piece)),
      10
    )
    assert.deepStrictEqual(
      cancelsOf(story.wait(20_000, { slow: 2 * pieceSize })).filter((one) => one.reason === "Stolen"),
      []
    )
  })

  it("saves the origin what it can: a neighbour takes over a piece that it has announced", () => {
    const story = new Story(10)
    measured(story, "origin", "Origin", "all", 4000)
    measured(
      story,
      "near",
      "Lan",
      [...Array(10).keys()].filter((piece) => !firstOf(story, "origin").includes(piece)),
      10
    )
    const [piece] = firstOf(story, "origin")
    story.now += 1000
    const commands = story.tell({ _tag: "PeerHas", source: "near", piece: piece as never })
    assert.deepStrictEqual(
      cancelsOf(commands).map((one) => [one.source, one.reason]),
      [["origin", "Stolen"]]
    )
  })
})

describe("the origin", () => {
  it("takes nothing over while there is new work", () => {
    const story = new Story(40)
    measured(story, "origin", "Origin", "all", 10)
    measured(story, "slow", "Lan", "all", 20_000)
    const commands = story.wait(9_000, { slow: pieceSize + 10 })
    assert.deepStrictEqual(
      fetchesOf(commands, "origin").filter((one) => one.reason === "Steal"),
      []
    )
  })
})

describe("the endgame", () => {
  it("asks a second source for the piece that has been under way the longest, after half a second", () => {
    const story = new Story(2)
    story.join("a", "Lan", "all")
    story.join("b", "Lan", "all")
    assert.deepStrictEqual(fetchesOf(story.wait(499)), [])
    const fetches = fetchesOf(story.wait(1))
    assert.deepStrictEqual(
      fetches.map((one) => [one.source, one.reason]),
      [
        ["b", "Endgame"],
        ["b", "Endgame"]
      ]
    )
    assert.deepStrictEqual(fetchesOf(story.wait(5000)), [], "but no third one, and none twice")
  })

  it("takes the other fetch back when the first is answered", () => {
    const story = new Story(1)
    story.join("a", "Lan", "all")
    story.join("b", "Lan", "all")
    story.wait(500)
    const commands = story.receive("b", 0)
    assert.deepStrictEqual(cancelsOf(commands), [
      { _tag: "Cancel", source: "a", run: { first: 0, count: 1 }, reason: "Duplicate" }
    ] as never)
  })

  it("does not begin while more than three pieces, or one in a hundred, are left", () => {
    const story = new Story(4, { settings: { fewestInFlight: 8 } })
    story.join("a", "Lan", "all")
    story.join("b", "Lan", "all")
    assert.deepStrictEqual(fetchesOf(story.wait(5000)), [])
  })

  it("asks the origin only when it should have been far quicker", () => {
    const story = new Story(3)
    measured(story, "origin", "Origin", "all", 1000)
    for (const run of story.owed("origin")) story.deliver("origin", run.first)
    assert.strictEqual(story.plan.outcome, "Finished")
    const other = new Story(1)
    other.join("near", "Lan", "all")
    other.join("origin", "Origin", "all")
    assert.deepStrictEqual(other.owed("origin"), [])
    assert.deepStrictEqual(
      fetchesOf(other.wait(500)).map((one) => one.source),
      ["origin"]
    )
  })
})
