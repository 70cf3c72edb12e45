import { assert, describe, it } from "@effect/vitest"
import { NodeId } from "@piecework/cloud/CacheNode"
import * as Figures from "../src/Figures.ts"
import { healthOf, patience } from "../src/Health.ts"
import { figures } from "./support/heartbeats.ts"

const nodeId = NodeId.make("0123456789abcdef")
const span = { at: 60_000, grain: "Minute", nodeId, hostName: "cache-1" } as const

describe("A row of figures", () => {
  it("says bits a second over its minute, and what part came from the cache", () => {
    assert.deepStrictEqual(Figures.rowOf(span, Figures.sumsOf(figures(1))), {
      at: 60_000,
      nodeId,
      hostName: "cache-1",
      hits: 30,
      misses: 10,
      hitRatio: 75,
      egressbps: 533_333,
      hitsbps: 400_000,
      missesbps: 133_333,
      inboundbps: 133_333,
      maxEgressbps: 1_600_000,
      maxInboundbps: 400_000
    })
  })

  it("says nothing in percent of nothing", () => {
    assert.strictEqual(Figures.rowOf(span, Figures.none).hitRatio, 0)
  })

  it("believes no node that it had more from its cache than it sent", () => {
    const sums = Figures.sumsOf(figures(1, { bytesFromCache: 9_000_000 }))
    assert.strictEqual(Figures.rowOf(span, sums).missesbps, 0)
  })

  it("of a minute that is told again is the later one: the difference added is what it became", () => {
    const [before, after] = [Figures.sumsOf(figures(1)), Figures.sumsOf(figures(1, { hits: 7, bytesOut: 1 }))]
    const { maxIn: _, maxOut: __, ...sums } = Figures.add(before, Figures.difference(after, before))
    const { maxIn: ___, maxOut: ____, ...expected } = after
    assert.deepStrictEqual(sums, expected)
  })
})

describe("A node's health", () => {
  for (const [name, last, expected] of [
    ["is not known before its first heartbeat", undefined, "NeverSeen"],
    ["is good for 24 hours after one", { seenAt: 0, state: "Serving" }, "Healthy"],
    ["is good while it starts", { seenAt: patience, state: "Starting" }, "Healthy"],
    ["is bad a moment after that", { seenAt: -1, state: "Serving" }, "Silent"],
    ["is bad at once when it says so", { seenAt: patience, state: "Failed" }, "Failed"]
  ] as const) {
    it(`${name}`, () => {
      assert.strictEqual(healthOf(last, patience), expected)
    })
  }
})
