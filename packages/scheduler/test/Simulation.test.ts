import { assert, describe, it } from "@effect/vitest"
import { type Client, type Outcome, simulate } from "./Simulation.ts"

const pieceSize = 1_048_576
/** Bytes a ms: 80 Mbit/s for the whole site. */
const originRate = 10_000
const seeds = [1, 2, 3]
const sizes = [60, 100]

/** Milliseconds in which the line carries one copy. */
const oneCopy = (pieces: number, rate = originRate) => (pieces * pieceSize) / rate
const eight = (client: (i: number) => Client = () => ({})) => Array.from({ length: 8 }, (_, i) => client(i))
const only = (i: number, client: Client) => eight((n) => (n === i ? client : {}))
const last = (outcome: Outcome, except?: number) => Math.max(...outcome.finished.filter((_, i) => i !== except))

/** The outcome of every content and seed with these clients. */
function* scenes(clientsFor: (pieces: number) => ReadonlyArray<Client>, meet?: number) {
  for (const pieces of sizes) {
    for (const seed of seeds) {
      const clients = clientsFor(pieces)
      const outcome = simulate({ pieces, seed, originRate, clients, ...(meet === undefined ? {} : { meet }) })
      yield { pieces, outcome, name: `${pieces} pieces, seed ${seed}` }
    }
  }
}

describe("eight clients behind one thin line", () => {
  it("share one copy and end together when they start at once", () => {
    for (const { outcome, pieces, name } of scenes(() => eight())) {
      assert.isAtMost(outcome.originCopies, 1.1, name)
      assert.isAtMost(last(outcome), 1.12 * oneCopy(pieces), name)
    }
  })

  it("share one copy too when they meet only after a second", () => {
    for (const { outcome, pieces, name } of scenes(() => eight(), 1000)) {
      assert.isAtMost(outcome.originCopies, 1.1, name)
      assert.isAtMost(last(outcome), 1.12 * oneCopy(pieces), name)
    }
  })

  it("do not wait for one whose own line is slow", () => {
    const line = 2000
    for (const { outcome, pieces, name } of scenes(() => only(3, { line }))) {
      assert.isAtMost(outcome.originCopies, 1.15, name)
      assert.isAtMost(last(outcome), 1.25 * oneCopy(pieces, line), name)
      assert.isAtMost(last(outcome, 3), 2 * oneCopy(pieces), name)
    }
  })

  it("do not wait for one that gets next to nothing from the origin", () => {
    for (const { outcome, pieces, name } of scenes(() => only(3, { fromOrigin: 150 }))) {
      assert.isAtMost(outcome.originCopies, 1.15, name)
      assert.isAtMost(last(outcome), 1.25 * oneCopy(pieces), name)
    }
  })

  it("let one in that comes late", () => {
    for (const { outcome, pieces, name } of scenes((n) => only(3, { start: oneCopy(n) / 2 }))) {
      assert.isAtMost(outcome.originCopies, 1.15, name)
      assert.isAtMost(last(outcome), 1.25 * oneCopy(pieces), name)
    }
  })

  it("take over from one that leaves half-way", () => {
    for (const { outcome, pieces, name } of scenes((n) => only(3, { leaves: oneCopy(n) / 2 }))) {
      assert.isAtMost(outcome.originCopies, 1.15, name)
      assert.isAtMost(last(outcome, 3), 1.25 * oneCopy(pieces), name)
    }
  })

  it("leave the origin alone when one comes that finds everything near", () => {
    const pieces = 60
    const outcome = simulate({ pieces, seed: 1, originRate, clients: only(3, { start: 2 * oneCopy(pieces) }) })
    const late = outcome.commands[3]?.filter((one) => one._tag === "Fetch" && one.source === "origin") ?? []
    // What it asks for before it meets anybody, and not a piece more.
    assert.isAtMost(late.length, 2)
    assert.isAtMost(last(outcome), 2.2 * oneCopy(pieces))
  })

  it("go the same way with the same seed", () => {
    const scene = { pieces: 60, seed: 9, originRate, clients: eight() }
    assert.deepStrictEqual(simulate(scene), simulate(scene))
  })
})

it("takes the time of the line when alone", () => {
  const outcome = simulate({ pieces: 60, seed: 1, originRate, clients: [{}] })
  assert.approximately(outcome.originCopies, 1, 0.001)
  assert.isAtMost(last(outcome), 1.03 * oneCopy(60))
})
