import { assert, describe, it } from "@effect/vitest"
import type { LiveMember } from "@piecework/swarm/LiveView"
import * as Ring from "../src/pages/swarms/Ring.ts"

const member = (peerId: string, over: Partial<LiveMember> = {}): LiveMember =>
  ({ peerId, site: "203.0.113.1", fedBy: [], ...over }) as LiveMember

const rate = (over: object) => ({
  origin: 0,
  cacheServer: 0,
  peers: 0,
  lan: 0,
  linkLocal: 0,
  group: 0,
  internet: 0,
  ...over
})

describe("The picture of a swarm", () => {
  it("has a line for each that gives, and none to who is not there", () => {
    const { edges } = Ring.of([
      member("aa", { rate: rate({ origin: 100 }) }),
      member("bb", {
        fedBy: [
          { peerId: "aa", bytes: 5, rate: 50 },
          { peerId: "gone", bytes: 5, rate: 50 }
        ] as never
      }),
      member("cc", { site: "203.0.113.9", fedBy: [{ peerId: "bb", bytes: 9, rate: 0 }] as never })
    ])
    assert.deepStrictEqual(
      edges.map(({ from, kind, to }) => [from, to, kind]),
      [
        ["origin", "aa", "Origin"],
        ["aa", "bb", "Near"],
        ["bb", "cc", "Far"]
      ]
    )
    assert.isAbove(edges[0]?.width ?? 0, edges[1]?.width ?? 9)
  })

  it("puts members of a site side by side, and everybody somewhere else", () => {
    const { arcs, nodes } = Ring.of(["1", "2", "1", "2", "1"].map((site, n) => member(`m${n}`, { site })))
    assert.deepStrictEqual(
      nodes.map(({ member: { site } }) => site),
      ["1", "1", "1", "2", "2"]
    )
    assert.strictEqual(new Set(nodes.map(({ x, y }) => `${x.toFixed()} ${y.toFixed()}`)).size, 5)
    assert.deepStrictEqual(
      arcs.map(({ members }) => members),
      [3, 2]
    )
  })

  it("has no middle where nothing comes from there, and both places where both give", () => {
    assert.isUndefined(Ring.of([member("aa")]).origin)
    const both = Ring.of([member("aa", { rate: rate({ origin: 1, cacheServer: 1 }) })])
    assert.notDeepEqual(both.origin, both.cacheServer)
    assert.deepStrictEqual(Ring.of([]).nodes, [])
  })
})
