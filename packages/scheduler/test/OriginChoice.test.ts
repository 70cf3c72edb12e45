import { assert, describe, it } from "@effect/vitest"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import * as Shares from "../src/Shares.ts"
import { cancelsOf, fetchesOf, peerOf, pieceSize, self, Story } from "./Story.ts"

const neighbours = [1, 2, 3]
/** A client with three neighbours that fetch too. */
const company = (pieces: number) => {
  const story = new Story(pieces)
  for (const n of neighbours) story.join(`peer-${n}`, "Lan", [], { peer: peerOf(n), host: `host-${n}` })
  return story
}
const sharesOf = (pieces: number) =>
  Shares.make(
    pieces,
    self,
    neighbours.map((n) => peerOf(n))
  )

/** Answers the origin's requests, one after the other, until it is asked nothing more; what it was asked for. */
const drain = (story: Story, pieces: number, elapsed = 1000) => {
  const asked: Array<number> = []
  for (let run = story.owed("origin")[0]; run !== undefined && asked.length <= pieces; run = story.owed("origin")[0]) {
    story.now += elapsed
    for (let piece: number = run.first; piece < run.first + run.count; piece++) {
      story.deliver("origin", piece)
      asked.push(piece)
    }
  }
  return asked
}

describe("the origin", () => {
  it("is asked for one piece at a time, twice, until its rate is known, and then for two seconds' worth", () => {
    const story = new Story(200)
    assert.deepStrictEqual(
      fetchesOf(story.join("origin", "Origin", "all")).map((one) => one.run.count),
      [1, 1]
    )
    story.now += 200
    story.receive("origin", story.owed("origin")[0]?.first ?? 0)
    assert.strictEqual(story.owed("origin").at(-1)?.count, 10)
  })

  it("is never asked for more than 16 pieces in a request or two requests at a time", () => {
    const story = new Story(2000)
    story.join("origin", "Origin", "all")
    for (let n = 0; n < 50; n++) {
      story.now += 1
      const [run] = story.owed("origin")
      story.deliver("origin", run?.first ?? 0)
      assert.isAtMost(story.owed("origin").length, 2)
      for (const one of story.owed("origin")) assert.isAtMost(one.count, 16)
    }
    assert.isTrue(story.owed("origin").some((run) => run.count === 16))
  })

  it("is asked for the own share first, from its front", () => {
    const story = company(60)
    const shares = sharesOf(60)
    const own = [...shares.order].filter((group) => shares.rank[group] === 0)
    const first = fetchesOf(story.join("origin", "Origin", "all"))
    assert.deepStrictEqual(
      first.map((one) => [one.run.first, one.reason]),
      own.slice(0, 2).map((piece) => [piece, "OwnShare"])
    )
  })

  it("is asked for no piece that a neighbour holds", () => {
    const story = company(60)
    const near = Array.from({ length: 30 }, (_, i) => i * 2)
    story.join("seed", "Lan", near, { choked: true })
    story.join("origin", "Origin", "all")
    assert.isTrue(drain(story, 60, 1).every((piece) => piece % 2 === 1))
  })

  it("is asked for others' shares from the back, and not for what their owners may be at", () => {
    const story = company(60)
    const shares = sharesOf(60)
    story.join("origin", "Origin", "all")
    const asked = drain(story, 60, 1)
    const others = asked.filter((piece) => Shares.rankOf(shares, piece) !== 0)
    const own = asked.filter((piece) => Shares.rankOf(shares, piece) === 0)
    assert.deepStrictEqual(own.length, [...shares.rank].filter((rank) => rank === 0).length)
    assert.isAbove(others.length, 0)
    for (const piece of others) assert.strictEqual(Shares.rankOf(shares, piece), 1)
    const front = neighbours.flatMap((_, owner) =>
      [...shares.order].filter((group) => Shares.ownerOf(shares, group) === owner).slice(0, 3)
    )
    for (const piece of others) assert.notInclude(front, piece)
  })

  it("is asked for all of an owner's share once that shows nothing for long", () => {
    const story = company(20)
    story.join("origin", "Origin", "all")
    const asked = new Set(drain(story, 20))
    assert.isBelow(asked.size, 20)
    for (let n = 0; n < 60 && story.plan.outcome !== "Finished"; n++) {
      story.wait(1000)
      for (const piece of drain(story, 20)) asked.add(piece)
    }
    assert.strictEqual(asked.size, 20)
  })

  it("is not asked for what owners that go on come to next", () => {
    const story = company(40)
    const shares = sharesOf(40)
    story.join("origin", "Origin", "all")
    const near = new Set<number>()
    const restOf = (owner: number) =>
      [...shares.order].filter((piece) => Shares.ownerOf(shares, piece) === owner && !near.has(piece))
    // Each second the origin gives this client one piece, and each neighbour the next of its share.
    for (let n = 0; n < 12; n++) {
      story.wait(1000)
      for (const run of story.owed("origin")) {
        const owner = Shares.ownerOf(shares, Shares.groupOf(shares, run.first))
        if (owner >= 0) assert.notInclude(restOf(owner).slice(0, 3), run.first)
      }
      const [run] = story.owed("origin")
      if (run !== undefined) story.deliver("origin", run.first)
      for (const [owner, id] of neighbours.entries()) {
        const [piece] = restOf(owner)
        if (piece === undefined) continue
        near.add(piece)
        story.tell({ _tag: "PeerHas", source: `peer-${id}`, piece: piece as PieceIndex })
      }
    }
    assert.isAbove(near.size, 20)
  })

  it("is asked for what only failing neighbours hold", () => {
    const story = new Story(4)
    story.join("seed", "Lan", "all")
    assert.deepStrictEqual(fetchesOf(story.join("origin", "Origin", "all")), [])
    story.fail("seed")
    const reasons = fetchesOf(story.fail("seed"), "origin").map((one) => one.reason)
    assert.deepStrictEqual([...new Set(reasons)], [])
    assert.isAbove(story.owed("origin").length, 0)
  })

  it("is asked for what neighbours hold that have choked for ten seconds, and not before", () => {
    const story = new Story(4)
    story.join("origin", "Origin", [])
    story.join("seed", "Lan", "all", { choked: true })
    story.join("origin", "Origin", "all")
    assert.deepStrictEqual(story.owed("origin"), [])
    assert.deepStrictEqual(fetchesOf(story.wait(9_999)), [])
    const fetches = fetchesOf(story.wait(1))
    assert.deepStrictEqual(
      fetches.map((one) => one.source),
      ["origin", "origin"]
    )
    assert.strictEqual(fetches[0]?.reason, "OnlySource")
  })

  it("is not asked while it is held back, and what is under way goes on", () => {
    const story = new Story(10)
    story.join("origin", "Origin", "all")
    assert.deepStrictEqual(cancelsOf(story.tell({ _tag: "OriginHeld" })), [])
    assert.deepStrictEqual(fetchesOf(story.deliver("origin", story.owed("origin")[0]?.first ?? 0)), [])
    assert.deepStrictEqual(fetchesOf(story.wait(5_000)).length, 0)
    assert.isAbove(fetchesOf(story.tell({ _tag: "OriginAllowed" })).length, 0)
  })

  it("does not count peers of other sites among those that share it", () => {
    const story = new Story(60)
    story.join("far", "Internet", [], { peer: peerOf(1) })
    story.join("origin", "Origin", "all")
    const asked = drain(story, 60)
    assert.strictEqual(asked.length, 60)
  })
})

it("a request gets shorter as the share runs out", () => {
  const story = company(400)
  story.join("origin", "Origin", "all")
  for (let n = 0; n < 3; n++) {
    story.now += 50
    for (const run of story.owed("origin").slice(0, 1)) {
      for (let piece: number = run.first; piece < run.first + run.count; piece++) story.deliver("origin", piece)
    }
  }
  assert.isAbove(story.plan.sources.get("origin")?.rate ?? 0, (2 * pieceSize) / 1000)
  const counts = drain(story, 400).length
  assert.isAbove(counts, 80)
})
