import { assert, describe, it } from "@effect/vitest"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import * as Leases from "../src/Leases.ts"
import { defaults } from "../src/Settings.ts"
import { cancelsOf, fetchesOf, peerOf, pieceSize, Story } from "./Story.ts"

type Run = readonly [first: number, count: number]
const runs = (all: ReadonlyArray<Run>) => all.map(([first, count]) => ({ first, count }))
/** The service's word: these are leased, of those that had been asked for. */
const lease = (story: Story, leased: ReadonlyArray<Run>, asked: ReadonlyArray<Run> = []) =>
  story.tell({ _tag: "Leased", runs: runs(leased), asked: runs(asked) })
const asked = (story: Story) =>
  story.owed("origin").flatMap(({ first, count }) => Array.from({ length: count }, (_, n) => first + n))
const keep = (story: Story) => Leases.need(story.plan).keep.map(({ first, count }) => [first, count])

/** A client that has the origin, and leases of these. */
const leasing = (pieces: number, leased: ReadonlyArray<Run>) => {
  const story = new Story(pieces, { awaitsLeases: true })
  story.join("origin", "Origin", "all")
  lease(story, leased)
  return story
}

describe("The origin", () => {
  it("is not asked for anything until the service has answered, and then for what is leased", () => {
    const story = new Story(20, { awaitsLeases: true })
    assert.deepStrictEqual(fetchesOf(story.join("origin", "Origin", "all")), [])
    assert.deepStrictEqual(fetchesOf(story.wait(1_000)), [])
    assert.isTrue(Leases.areAwaited(story.plan))
    const fetches = fetchesOf(lease(story, [[7, 2]]))
    assert.deepStrictEqual(
      fetches.map(({ run, reason }) => [run.first, run.count, reason]),
      [
        [7, 1, "OnlySource"],
        [8, 1, "OnlySource"]
      ]
    )
    assert.isFalse(Leases.areAwaited(story.plan))
  })

  it("is asked as without a service when that does not answer, or does not answer any more", () => {
    const story = new Story(20, { awaitsLeases: true })
    story.join("origin", "Origin", "all")
    assert.strictEqual(fetchesOf(story.tell({ _tag: "LeasesOff" })).length, 2)
    const later = leasing(20, [[7, 1]])
    assert.deepStrictEqual(asked(later), [7])
    assert.strictEqual(fetchesOf(later.tell({ _tag: "LeasesOff" })).length, 1)
  })

  it("is asked for nothing else when what was leased has come", () => {
    const story = leasing(20, [[7, 2]])
    for (const piece of [7, 8]) assert.deepStrictEqual(fetchesOf(story.deliver("origin", piece)), [])
    assert.deepStrictEqual(fetchesOf(lease(story, [])), [])
  })

  it("is not asked for what a neighbour holds, though it is leased", () => {
    const story = new Story(20, { awaitsLeases: true })
    story.join("near", "Lan", [7], { choked: true })
    story.join("origin", "Origin", "all")
    lease(story, [[7, 2]])
    assert.deepStrictEqual(asked(story), [8])
    assert.deepStrictEqual(keep(story), [[8, 1]])
  })

  it("sends what it was asked for when the word comes that it is leased", () => {
    const story = leasing(20, [[3, 2]])
    assert.deepStrictEqual(cancelsOf(lease(story, [[3, 4]], [[3, 2]])), [])
  })

  for (const [what, leased, told, elapsed, isCancelled] of [
    ["that others have, begun a moment ago, is taken back", [], [[3, 1]], 0, true],
    ["that others have, begun long ago, goes on", [], [[3, 1]], defaults.leaseYoung, false],
    ["of which the service was not told goes on", [], [], 0, false],
    ["that is leased goes on", [[3, 1]], [[3, 1]], 0, false]
  ] as const)
    it(`a request ${what}`, () => {
      const story = leasing(20, [[3, 1]])
      story.now += elapsed
      const cancels = cancelsOf(lease(story, leased, told))
      assert.deepStrictEqual(
        cancels.map(({ reason, run }) => [reason, run.first]),
        isCancelled ? [["Unleased", 3]] : []
      )
    })

  it("a request of which a part is leased goes on", () => {
    const story = leasing(20, [[0, 20]])
    story.now += 100
    story.deliver("origin", story.owed("origin")[0]?.first ?? 0)
    const run = story.owed("origin").find(({ count }) => count > 1) ?? assert.fail("no long request")
    story.now += 1
    assert.deepStrictEqual(
      cancelsOf(lease(story, [[run.first + run.count - 1, 1]], [[0, 20]])).filter((one) => one.run === run),
      []
    )
  })

  it("is left to itself by runs that make no sense", () => {
    const story = leasing(8, [])
    lease(story, [
      [-3, 2],
      [Number.NaN, 5],
      [0.5, 1],
      [8, 300_000],
      [2, -1],
      [1e15, 1e15]
    ])
    assert.deepStrictEqual(asked(story), [])
    lease(story, [[7, 1e9]])
    assert.deepStrictEqual(asked(story), [7])
  })
})

describe("A client without leases", () => {
  const steps = defaults.leasePatience / 1_000
  const quiet = () => {
    const story = leasing(20, [])
    for (let n = 0; n < steps - 1; n++) assert.deepStrictEqual(fetchesOf(story.wait(1_000)), [])
    return story
  }

  it("goes ahead by itself after twenty seconds without a sign, for a minute", () => {
    const story = quiet()
    // Found at one Tick, acted on at the next at the latest.
    assert.isAbove([...fetchesOf(story.wait(1_000)), ...fetchesOf(story.wait(1_000))].length, 0)
    assert.isFalse(Leases.areFollowed(story.plan))
    story.now += defaults.leasePause
    story.wait(0)
    assert.isTrue(Leases.areFollowed(story.plan))
  })

  it("waits on while new pieces come into the site", () => {
    const story = new Story(40, { awaitsLeases: true })
    story.join("near", "Lan", [], { choked: true, peer: peerOf(1) })
    story.join("origin", "Origin", "all")
    lease(story, [])
    for (let n = 0; n < 2 * steps; n++) {
      if (n % 10 === 0) story.tell({ _tag: "PeerHas", source: "near", piece: n as PieceIndex })
      assert.deepStrictEqual(fetchesOf(story.wait(1_000)), [])
    }
    const fetches = Array.from({ length: steps }, () => fetchesOf(story.wait(1_000), "origin").length)
    assert.isAbove(Math.max(...fetches), 0)
  })

  it("does not wait for peers elsewhere, whatever they get", () => {
    const story = new Story(40, { awaitsLeases: true })
    story.join("far", "Group", [], { choked: true, peer: peerOf(1) })
    story.join("origin", "Origin", "all")
    lease(story, [])
    for (let n = 0; n <= steps; n++) {
      story.tell({ _tag: "PeerHas", source: "far", piece: n as PieceIndex })
      story.wait(1_000)
    }
    assert.isFalse(Leases.areFollowed(story.plan))
  })

  it("waits on while something comes to it", () => {
    const story = leasing(20, [[0, 1]])
    for (let n = 0; n < 100; n++) {
      story.wait(1_000, { origin: n * 1_000 })
      assert.isTrue(Leases.areFollowed(story.plan))
    }
  })

  it("does not go ahead because the origin was held back for long", () => {
    const story = leasing(20, [])
    story.tell({ _tag: "OriginHeld" })
    for (let n = 0; n < 3 * steps; n++) story.wait(1_000)
    story.tell({ _tag: "OriginAllowed" })
    assert.deepStrictEqual(fetchesOf(story.wait(1_000)), [])
    assert.isTrue(Leases.areFollowed(story.plan))
  })

  it("does not go ahead when it has everything", () => {
    const story = leasing(1, [[0, 1]])
    story.receive("origin", 0)
    for (let n = 0; n < 2 * steps; n++) story.wait(1_000)
    assert.isTrue(Leases.areFollowed(story.plan))
  })

  it("is waiting, and one that has something under way or a source in trouble is not", () => {
    assert.isTrue(Leases.isWaiting(leasing(4, []).plan))
    assert.isFalse(Leases.isWaiting(leasing(4, [[0, 1]]).plan))
    assert.isFalse(Leases.isWaiting(new Story(4).plan))
    const failing = leasing(4, [[0, 1]])
    failing.fail("origin")
    assert.isFalse(Leases.isWaiting(failing.plan))
  })
})

describe("What the service is told", () => {
  it("is all that is under way, verified or leased and still to be asked for", () => {
    const story = leasing(20, [
      [3, 4],
      [10, 1]
    ])
    assert.deepStrictEqual(keep(story), [
      [3, 4],
      [10, 1]
    ])
    // Its bytes are here, its hash is not checked.
    story.receive("origin", 3)
    assert.deepStrictEqual(keep(story)[0], [3, 4])
    story.tell({ _tag: "PieceHeld", source: "origin", piece: 3 as PieceIndex })
    assert.deepStrictEqual(keep(story)[0], [4, 3])
  })

  it("is not what comes from neighbours", () => {
    const story = leasing(20, [[3, 1]])
    story.join("near", "Lan", [5])
    assert.deepStrictEqual(story.owed("near"), [{ first: 5 as PieceIndex, count: 1 }])
    story.receive("near", 5)
    assert.deepStrictEqual(keep(story), [[3, 1]])
  })

  it("is what comes from peers elsewhere, as from the origin", () => {
    const story = new Story(20, { awaitsLeases: true })
    story.join("far", "Group", [5, 6])
    lease(story, [[5, 1]])
    assert.deepStrictEqual(story.owed("far"), [{ first: 5 as PieceIndex, count: 1 }])
    assert.deepStrictEqual(keep(story), [[5, 1]])
  })

  it("has no more runs than a message", () => {
    const story = leasing(
      2_000,
      Array.from({ length: 1_000 }, (_, n) => [2 * n, 1] as const)
    )
    assert.strictEqual(keep(story).length, defaults.mostLeased)
  })

  it("is that two more are wanted while the rate is not known, and none while enough is ahead", () => {
    assert.strictEqual(Leases.need(leasing(20, []).plan).most, 2)
    assert.strictEqual(Leases.need(leasing(20, [[0, 1]]).plan).most, 1)
    assert.strictEqual(Leases.need(leasing(20, [[0, 2]]).plan).most, 0)
  })

  it("is no more than what is missing, and neighbours do not hold", () => {
    const story = new Story(3, { awaitsLeases: true })
    story.join("near", "Lan", [0, 1], { choked: true })
    story.join("origin", "Origin", "all")
    lease(story, [])
    assert.strictEqual(Leases.need(story.plan).most, 1)
  })

  it("is not what is leased already and not asked for yet", () => {
    const story = new Story(1, { awaitsLeases: true })
    story.join("origin", "Origin", "all")
    story.tell({ _tag: "OriginHeld" })
    lease(story, [[0, 1]])
    assert.deepStrictEqual(asked(story), [])
    assert.strictEqual(Leases.need(story.plan).most, 0)
  })

  it("is that nothing is wanted nor kept while the origin is held back, but for what is under way and from peers elsewhere", () => {
    const story = leasing(20, [[3, 4]])
    assert.deepStrictEqual(asked(story), [3, 4])
    story.tell({ _tag: "OriginHeld" })
    assert.deepStrictEqual(keep(story), [[3, 2]])
    assert.strictEqual(Leases.need(story.plan).most, 0)
    for (const piece of [3, 4]) story.deliver("origin", piece)
    assert.deepStrictEqual([keep(story), Leases.need(story.plan).most], [[], 0])
    assert.isTrue(Leases.isResting(story.plan))
    lease(story, [])
    story.join("far", "Internet", [9])
    assert.isAbove(Leases.need(story.plan).most, 0)
    assert.isFalse(Leases.isResting(story.plan))
    story.tell({ _tag: "SourceLeft", source: "far" })
    story.tell({ _tag: "OriginAllowed" })
    assert.isFalse(Leases.isResting(story.plan))
    assert.isAbove(Leases.need(story.plan).most, 0)
  })

  it("is nothing wanted where nothing comes over the line", () => {
    const story = new Story(20, { awaitsLeases: true })
    story.join("near", "Lan", [0])
    story.join("cache", "CacheServer", "all")
    assert.strictEqual(Leases.need(story.plan).most, 0)
  })

  it("is two runs' worth wanted, and the rate, once that is known, and one piece while the origin fails", () => {
    const story = leasing(200, [[0, 2]])
    story.now += 250
    story.deliver("origin", 0)
    story.now += 250
    story.deliver("origin", 1)
    const need = Leases.need(story.plan)
    const perSecond = need.originRate / pieceSize
    assert.isTrue(perSecond > 3 && perSecond < 5, String(perSecond))
    assert.strictEqual(need.most, 2 * Math.min(16, Math.floor(2 * perSecond)))
    lease(story, [[2, 1]])
    story.fail("origin")
    assert.strictEqual(Leases.need(story.plan).most, 0)
    lease(story, [])
    assert.strictEqual(Leases.need(story.plan).most, 1)
  })

  it("is that no more are wanted while more than half of that is ahead", () => {
    const story = leasing(200, [[0, 2]])
    for (const piece of [0, 1]) {
      story.now += 250
      story.deliver("origin", piece)
    }
    const half = Leases.need(story.plan).most / 2
    lease(story, [[2, half]])
    assert.strictEqual(Leases.need(story.plan).most, half)
    lease(story, [[2, half + 1]])
    assert.strictEqual(Leases.need(story.plan).most, 0)
  })
})

it("more may be needed when time passes or something comes over the line, and only then", () => {
  const story = leasing(4, [])
  story.join("near", "Lan", [0])
  story.join("far", "Internet", [0])
  story.join("cache", "CacheServer", "all")
  for (const [event, is] of [
    [{ _tag: "Tick" }, true],
    [{ _tag: "Leased" }, false],
    [{ _tag: "OriginAllowed" }, true],
    [{ _tag: "PieceHeld", source: "origin" }, true],
    [{ _tag: "PieceHeld", source: "far" }, true],
    [{ _tag: "PieceHeld", source: "near" }, false],
    [{ _tag: "PieceHeld", source: "cache" }, false],
    [{ _tag: "PieceHeld", source: "nobody" }, false]
  ] as const)
    assert.strictEqual(Leases.concerns(story.plan, event), is, JSON.stringify(event))
})
