import { assert, describe, it } from "@effect/vitest"
import * as Bitfield from "@piecework/domain/Bitfield"
import { PeerId } from "@piecework/domain/Peer"
import { PieceLayout } from "@piecework/domain/PieceLayout"
import { decide } from "../src/Decide.ts"
import * as Plan from "../src/Plan.ts"
import { Dice } from "./Dice.ts"
import { World } from "./World.ts"

describe("whatever happens", () => {
  const reasons = new Set<string>()
  const outcomes = new Map<string, number>()

  for (let seed = 1; seed <= 150; seed++) {
    it(`a piece is wanted, under way or held, and the run ends: seed ${seed}`, () => {
      const world = new World(seed)
      const steps = new Dice(seed).below(400)
      for (let n = 0; n < steps; n++) world.step()
      const outcome = world.settle()
      assert.include(["Finished", "Exhausted"], outcome)
      assert.strictEqual(world.finished, outcome === "Finished" ? 1 : 0)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      for (const reason of world.reasons) reasons.add(reason)
    })
  }

  it("went through every rule and both ends", () => {
    const all = [
      "OnlySource",
      "Rarest",
      "Leased",
      "OwnShare",
      "OthersShare",
      "HoldersSilent",
      "BelowFloor",
      "Steal",
      "Endgame",
      "WholeFile"
    ]
    const cancels = ["Stolen", "Duplicate", "Stalled", "Choked", "Banned", "Useless", "Unleased"]
    assert.deepStrictEqual(
      [...all, ...cancels].filter((reason) => !reasons.has(reason)),
      []
    )
    assert.isAbove(outcomes.get("Finished") ?? 0, 100)
    assert.isAbove(outcomes.get("Exhausted") ?? 0, 2)
  })
})

describe("a plan that wants some pieces, and readers that come and go", () => {
  const reasons = new Set<string>()
  let again = 0

  for (let seed = 1; seed <= 40; seed++) {
    it(`comes to an end with all that was wanted: seed ${seed}`, () => {
      const world = new World(seed, "Parts")
      const steps = new Dice(seed).below(400)
      for (let n = 0; n < steps; n++) world.step()
      const outcome = world.settle()
      // Without any source it waits for one.
      assert.include(["Finished", "Exhausted", ...(world.plan.sources.size === 0 ? ["Waiting"] : [])], outcome)
      if (world.finished > 1) again++
      for (const reason of world.reasons) reasons.add(reason)
    })
  }

  it("went through every rule for readers, and on after an end", () => {
    assert.deepStrictEqual(
      ["Reading", "ReaderWaits", "Overtaken", "Rarest", "Leased", "WholeFile", "Endgame"].filter(
        (reason) => !reasons.has(reason)
      ),
      []
    )
    assert.isAbove(again, 5)
  })
})

describe("a plan that wants all of it and has no reader", () => {
  it("decides as one that was never told of either", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const [plain, told] = [new World(seed), new World(seed, "Nothing")]
      for (let n = 0; n < 200; n++) {
        plain.step()
        told.step()
      }
      assert.deepStrictEqual(told.commands, plain.commands, `seed ${seed}`)
    }
  })
})

const self = PeerId.make("a".repeat(40))
const plan = (pieces: number, held = Bitfield.empty(pieces)) =>
  Plan.make({ layout: new PieceLayout({ contentSize: pieces * 1024, pieceSize: 1024 }), held, self, seed: 1 })

describe("the end", () => {
  it("is said at the first event when everything was held from the start", () => {
    const [commands, next] = decide(plan(3, Bitfield.full(3)), { _tag: "Tick", received: new Map(), now: 1 })
    assert.deepStrictEqual(commands, [{ _tag: "Finished" }])
    assert.deepStrictEqual(decide(next, { _tag: "Tick", received: new Map(), now: 2 }), [[], next])
  })

  it("comes at once for a content without pieces", () => {
    assert.isTrue(Plan.isFinished(plan(0)))
    assert.deepStrictEqual(decide(plan(0), { _tag: "OriginHeld", now: 1 })[0], [{ _tag: "Finished" }])
  })

  it("is not taken for exhaustion before the first source joins", () => {
    const [commands, next] = decide(plan(3), { _tag: "Tick", received: new Map(), now: 1 })
    assert.deepStrictEqual(commands, [])
    assert.strictEqual(next.outcome, "Waiting")
  })

  it("says what is missing and who was given up when nobody is left", () => {
    const [[fetch], joined] = decide(plan(2), {
      _tag: "SourceJoined",
      source: "o",
      kind: "Origin",
      held: "all",
      now: 1
    })
    if (fetch?._tag !== "Fetch") return assert.fail("the origin is asked")
    const [commands] = decide(joined, {
      _tag: "FetchFailed",
      source: "o",
      run: fetch.run,
      fatal: true,
      reason: "NotFound",
      now: 2
    })
    assert.deepStrictEqual(commands.at(-1), {
      _tag: "Exhausted",
      missing: 2,
      failures: [{ source: "o", reason: "NotFound" }]
    })
  })

  it("goes on when a source joins after exhaustion, and can be exhausted again", () => {
    const [first, left] = decide(
      decide(plan(1), { _tag: "SourceJoined", source: "o", kind: "Origin", held: "all", now: 1 })[1],
      { _tag: "SourceLeft", source: "o", now: 2 }
    )
    assert.deepStrictEqual(
      first.map(({ _tag }) => _tag),
      ["Exhausted"]
    )
    const [second, again] = decide(left, { _tag: "SourceJoined", source: "p", kind: "Lan", held: "all", now: 3 })
    assert.deepStrictEqual(
      second.map(({ _tag }) => _tag),
      ["Fetch"]
    )
    assert.deepStrictEqual(
      decide(again, { _tag: "SourceLeft", source: "p", now: 4 })[0].map(({ _tag }) => _tag),
      ["Exhausted"]
    )
  })
})
