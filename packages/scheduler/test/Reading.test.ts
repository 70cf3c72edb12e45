import { assert, describe, it } from "@effect/vitest"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { ReadRun } from "../src/Event.ts"
import * as Leases from "../src/Leases.ts"
import * as Plan from "../src/Plan.ts"
import { cancelsOf, fetchesOf, peerOf, pieceSize, Story } from "./Story.ts"

const run = (first: number, count = 4, waits = true): ReadRun => ({ first, count, waits })
const read = (story: Story, ...runs: ReadonlyArray<ReadRun>) => story.tell({ _tag: "Reading", runs })
const some = (pieces: number, ...wanted: ReadonlyArray<number>) =>
  Bitfield.fromPieces(pieces, wanted as ReadonlyArray<PieceIndex>)

describe("a plan that wants some pieces", () => {
  it("asks for these and no others, and ends with the last of them", () => {
    const story = new Story(20, { wanted: some(20, 3, 4, 9) })
    story.join("o", "Origin", "all")
    story.deliver("o", 3)
    story.deliver("o", 4)
    assert.strictEqual(story.plan.outcome, "Running")
    const commands = story.deliver("o", 9)
    assert.strictEqual(commands.at(-1)?._tag, "Finished")
    assert.deepStrictEqual(story.owed("o"), [])
    assert.deepStrictEqual(fetchesOf(story.wait(60_000)), [])
  })

  it("goes on when more is wanted, with the sources that came and went meanwhile, and ends again", () => {
    const story = new Story(20, { wanted: some(20, 3) })
    story.join("o", "Origin", "all")
    story.deliver("o", 3)
    story.join("p", "Lan", [7], { peer: peerOf(1) })
    story.tell({ _tag: "SourceLeft", source: "o" })
    const commands = story.tell({ _tag: "Want", runs: [{ first: 7, count: 1 }] })
    assert.deepStrictEqual(
      fetchesOf(commands).map(({ run: { first }, source }) => [source, first]),
      [["p", 7]]
    )
    assert.deepStrictEqual(story.deliver("p", 7).at(-1), { _tag: "Finished" })
    assert.strictEqual(story.tell({ _tag: "Want", runs: [{ first: 8, count: 1 }] }).at(-1)?._tag, "Exhausted")
  })

  it("wants nothing twice, nothing that is no piece, and nothing that is held", () => {
    const story = new Story(5, { wanted: some(5, 0) })
    story.join("o", "Origin", "all")
    story.deliver("o", 0)
    assert.deepStrictEqual(
      story.tell({
        _tag: "Want",
        runs: [
          { first: -3, count: 4 },
          { first: 5, count: 9 },
          { first: 0.5, count: 1 }
        ]
      }),
      []
    )
    assert.strictEqual(story.plan.outcome, "Finished")
  })

  it("keeps what comes by in the stream of a whole file, and leaves the stream behind the last piece that it wants", () => {
    const story = new Story(6, { wanted: some(6, 2) })
    story.join("o", "Origin", "all")
    const [owed] = story.owed("o")
    if (owed === undefined) return assert.fail("the origin is asked")
    story.tell({ _tag: "RangesIgnored", source: "o", run: owed })
    for (const piece of [0, 1]) story.deliver("o", piece)
    assert.strictEqual(story.plan.heldCount, 2)
    story.deliver("o", 2)
    assert.strictEqual(story.plan.outcome, "Finished")
    assert.deepStrictEqual(story.owed("o"), [])
  })

  it("names what it wants to the service, which else would lease it what it does not want", () => {
    const story = new Story(20, { wanted: some(20, 3, 9), awaitsLeases: true })
    story.join("o", "Origin", "all")
    const need = Leases.need(story.plan)
    assert.deepStrictEqual(need.keep, [
      { first: 3 as PieceIndex, count: 1 },
      { first: 9 as PieceIndex, count: 1 }
    ])
    assert.deepStrictEqual([need.most, need.claimed], [0, 2])
  })
})

describe("what somebody reads", () => {
  it("comes before the rarest, in order, turn by turn for each reader", () => {
    const story = new Story(40)
    read(story, run(30), run(20))
    story.join("p", "Lan", "all" as never, { held: Bitfield.full(40), peer: peerOf(1) })
    const asked = () => story.owed("p").map(({ first }) => Number(first))
    assert.deepStrictEqual(asked(), [30, 20])
    story.deliver("p", 30)
    story.deliver("p", 20)
    assert.deepStrictEqual(asked().slice(0, 2), [31, 21])
  })

  it("is wanted by that alone", () => {
    const story = new Story(40, { wanted: some(40) })
    story.join("o", "Origin", "all")
    assert.deepStrictEqual(fetchesOf(story.commands), [])
    assert.deepStrictEqual(
      fetchesOf(read(story, run(30, 2))).map(({ run: { first } }) => Number(first)),
      [30, 31]
    )
    assert.strictEqual(story.plan.neededCount, 2)
  })

  it("is asked of the origin beside what is under way there, one piece, when a reader waits for it", () => {
    const story = new Story(100)
    story.join("o", "Origin", "all")
    assert.strictEqual(story.owed("o").length, 2)
    assert.deepStrictEqual(fetchesOf(read(story, run(90, 4, false))), [])
    const [fetch, ...others] = fetchesOf(read(story, run(90)))
    assert.deepStrictEqual(fetch?.run, { first: 90 as PieceIndex, count: 1 })
    assert.deepStrictEqual(others, [])
    assert.deepStrictEqual(fetchesOf(read(story, run(90), run(50))), [], "and no more than one")
  })

  it("does not wait behind a long queue of a peer: what lies deep in it is taken back", () => {
    const story = new Story(100, { settings: { fewestInFlight: 2 } })
    story.join("p", "Lan", "all" as never, { held: Bitfield.full(100), peer: peerOf(1) })
    // A piece in 25 ms: the queue grows to its full depth.
    for (let n = 0; n < 20; n++) {
      story.now += 25
      story.deliver("p", story.owed("p")[0]?.first ?? 0)
    }
    const before = story.owed("p").length
    assert.isAbove(before, 25)
    const free = Array.from({ length: 100 }, (_, piece) => piece).filter((piece) =>
      Bitfield.has(story.plan.wanted, piece as PieceIndex)
    )
    const piece = free.at(-1) ?? 0
    const commands = read(story, run(piece, 1))
    assert.isAbove(cancelsOf(commands).filter(({ reason }) => reason === "Overtaken").length, 5)
    const place = story.owed("p").findIndex(({ first }) => first === piece)
    assert.isAtLeast(place, 1)
    assert.isBelow(place, before - 5)
    assert.isAtLeast(place * 25, 400, "half a second's worth stays, so that the line has work")
  })

  it("is left to a peer that would be done with it in less than half the time", () => {
    const story = new Story(400)
    for (const [name, rate] of [
      ["fast", 20],
      ["slow", 1]
    ] as const) {
      story.join(name, "Lan", "all" as never, { held: Bitfield.full(400), peer: peerOf(rate) })
      for (let n = 0; n < 3; n++) {
        story.now += 1000 / rate
        story.deliver(name, story.owed(name)[0]?.first ?? 0)
      }
    }
    const free = Array.from({ length: 400 }, (_, piece) => piece as PieceIndex).filter((piece) =>
      Bitfield.has(story.plan.wanted, piece)
    )
    const [first] = fetchesOf(read(story, run(free[0] ?? 0, 1)))
    assert.deepInclude(first, { source: "fast", reason: "Reading" })
    // Nobody waits for this one yet, so it takes its turn; the slow one has room first, and leaves it.
    read(story, run(free[1] ?? 0, 1, false))
    const fromSlow = fetchesOf(story.deliver("slow", story.owed("slow")[0]?.first ?? 0), "slow")
    assert.isNotEmpty(fromSlow)
    for (const { run: asked } of fromSlow) assert.notStrictEqual(asked.first, free[1])
  })
})

/** A service has leased this client the first two pieces. */
const leased = () => {
  const story = new Story(100, { awaitsLeases: true })
  story.join("o", "Origin", "all")
  story.join("p", "Lan", [], { peer: peerOf(1) })
  story.tell({ _tag: "Leased", runs: [{ first: 0, count: 2 }], asked: [] })
  return story
}

describe("a piece that a reader waits for and that is others' to fetch", () => {
  it("is named to the service at once, before what is leased in any case", () => {
    const story = leased()
    read(story, run(70, 2))
    assert.deepInclude(Leases.need(story.plan).keep, { first: 70 as PieceIndex, count: 1 })
    assert.isAtLeast(Leases.need(story.plan).claimed, 1)
    story.tell({
      _tag: "Leased",
      runs: [
        { first: 0, count: 2 },
        { first: 70, count: 1 }
      ],
      asked: []
    })
    assert.include(
      story.owed("o").map(({ first }) => Number(first)),
      70
    )
  })

  it("is not asked of the origin before a request of its own would have taken as long, and then alone", () => {
    const story = leased()
    read(story, run(70))
    assert.deepStrictEqual(fetchesOf(story.wait(1900)), [])
    const fetches = fetchesOf(story.wait(200))
    assert.deepStrictEqual(fetches, [
      { _tag: "Fetch", source: "o", run: { first: 70 as PieceIndex, count: 1 }, reason: "ReaderWaits" }
    ])
    // The service says that somebody else has it leased.
    assert.deepStrictEqual(
      cancelsOf(story.tell({ _tag: "Leased", runs: [], asked: [{ first: 70, count: 1 }] })).map(
        ({ run: { first } }) => first
      ),
      []
    )
  })

  it("is not waited for anew by a reader that had to wait and goes on, until several came in another way", () => {
    const story = leased()
    const waits = (piece: number) => {
      read(story, run(piece, 4, false))
      return fetchesOf(read(story, run(piece))).map(({ reason, run: { first } }) => [reason, Number(first)])
    }
    waits(70)
    story.wait(2100)
    for (const piece of [71, 72]) {
      story.deliver("o", piece - 1)
      assert.deepStrictEqual(waits(piece), [["ReaderWaits", piece]])
    }
    story.deliver("o", 72)
    for (const piece of [73, 74, 75, 76]) {
      story.tell({ _tag: "PeerHas", source: "p", piece: piece as PieceIndex })
      story.deliver("p", piece)
    }
    assert.deepStrictEqual(waits(77), [])
  })

  it("is waited for by a reader that begins elsewhere", () => {
    const story = leased()
    read(story, run(70))
    story.wait(2100)
    story.deliver("o", 70)
    assert.deepStrictEqual(fetchesOf(read(story, run(20))), [])
  })

  it("is waited for longer where a piece takes the origin longer", () => {
    const story = leased()
    story.now += 10_000
    story.deliver("o", 0)
    read(story, run(70))
    assert.deepStrictEqual(fetchesOf(story.wait(5000, { o: 1.5 * pieceSize })), [])
    assert.isNotEmpty(fetchesOf(story.wait(40_000, { o: 6 * pieceSize })))
  })

  it("is taken from a peer that is far slower than the origin, and from no other", () => {
    for (const rate of [0.05, 1]) {
      const story = new Story(100, { awaitsLeases: true })
      story.join("o", "Origin", "all")
      story.tell({ _tag: "Leased", runs: [{ first: 0, count: 9 }], asked: [] })
      story.now += 1000
      story.deliver("o", 0)
      story.join("p", "Lan", [70], { peer: peerOf(1) })
      read(story, run(70))
      assert.deepStrictEqual(
        story.owed("p").map(({ first }) => Number(first)),
        [70]
      )
      const fetches = [1, 2, 3, 4].flatMap((n) =>
        fetchesOf(story.wait(1000, { p: n * rate * pieceSize, o: (n + 1) * pieceSize }))
      )
      assert.strictEqual(
        fetches.some(({ reason, run: { first } }) => reason === "ReaderWaits" && first === 70),
        rate < 0.1
      )
    }
  })

  it("is asked of somebody else when the peer that owes it is silent", () => {
    const story = new Story(10)
    for (const name of ["p", "q"]) story.join(name, "Lan", [7], { peer: peerOf(name === "p" ? 1 : 2) })
    read(story, run(7, 1))
    const owner = ["p", "q"].find((name) => story.owed(name).length > 0)
    assert.deepStrictEqual(cancelsOf(story.wait(1900)), [])
    const commands = story.wait(200)
    assert.deepInclude(cancelsOf(commands)[0], { source: owner ?? "", reason: "Stalled" })
    assert.notStrictEqual(fetchesOf(commands)[0]?.source, owner)
    assert.isNotEmpty(fetchesOf(commands))
  })

  it("is not asked of an origin that is held back", () => {
    const story = leased()
    story.tell({ _tag: "OriginHeld" })
    read(story, run(70))
    assert.deepStrictEqual(fetchesOf(story.wait(9000, { o: 1 })), [])
  })

  it("without a service, when it is in another's share", () => {
    const story = new Story(100)
    for (const n of [1, 2, 3]) story.join(`p${n}`, "Lan", [], { peer: peerOf(n) })
    story.join("o", "Origin", "all")
    const others = Array.from({ length: 100 }, (_, piece) => piece).filter(
      (piece) => Plan.fetchers(story.plan, piece as PieceIndex) === 0
    )
    // Three of four pieces are in the shares of others.
    const asked = others.slice(0, 12).map((piece) => {
      const fresh = new Story(100)
      fresh.plan = story.plan
      fresh.now = story.now
      return fetchesOf(read(fresh, run(piece, 1))).some(({ source }) => source === "o")
    })
    assert.include(asked, true)
    assert.include(asked, false)
  })
})
