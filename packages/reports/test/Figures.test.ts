import { assert, describe, it } from "@effect/vitest"
import * as Figures from "../src/Figures.ts"
import { completed } from "./support/events.ts"

const of = (fields: Parameters<typeof completed>[0]) => Figures.of(completed(fields))

describe("savings", () => {
  const table: ReadonlyArray<readonly [what: string, figures: Partial<Figures.Figures>, percent: number, how: string]> =
    [
      ["nothing fetched", {}, 0, "None"],
      ["what was held before", { local_cache: 500 }, 0, "None"],
      ["all from the origin", { cdn: 100 }, 0, "Error"],
      ["just under ten percent", { cdn: 9001, lan: 999 }, 9.99, "Error"],
      ["ten percent", { cdn: 90, internet: 10 }, 10, "Warning"],
      ["sixty percent", { cdn: 40, cache: 30, group_peers: 30 }, 60, "Warning"],
      ["more than sixty", { cdn: 39, cache: 61 }, 61, "Good"],
      ["all from every kind of peer", { lan: 1, link_local: 1, group_peers: 1, internet: 1 }, 100, "Good"],
      ["waste, which is in the fetched bytes already", { cdn: 50, lan: 50, wasted: 90 }, 50, "Warning"]
    ]
  for (const [what, some, percent, how] of table) {
    it(`of ${what} are ${percent} %, ${how}`, () => {
      const figures = { ...Figures.none, ...some }
      assert.strictEqual(Figures.savedPercent(figures), percent)
      assert.strictEqual(Figures.efficiency(figures), how)
    })
  }

  it("are never over 100 percent, whatever the sums", () => {
    const figures = { ...Figures.none, lan: Figures.most, internet: Figures.most }
    assert.strictEqual(Figures.savedPercent(figures), 100)
  })
})

describe("a transfer", () => {
  const peers = ["eligible", "peers_success", "no_peers", "cannot_connect", "peers_unknown"] as const
  const table: ReadonlyArray<
    readonly [what: string, fields: Parameters<typeof completed>[0], counted: ReadonlyArray<string>]
  > = [
    ["over plain HTTP is not eligible", { downloadMode: 0, numPeers: 0 }, []],
    ["in Simple mode is not eligible", { downloadMode: 99 }, []],
    ["with bytes from peers is a success", { bytesFromIntPeers: 1, numPeers: 3 }, ["eligible", "peers_success"]],
    ["whose service named nobody had no peers", { numPeers: 0 }, ["eligible", "no_peers"]],
    ["that reached none of those named could not connect", { numPeers: 2 }, ["eligible", "cannot_connect"]],
    [
      "that connected and got nothing is unknown",
      { numPeers: 2, lanConnectionCount: 1 },
      ["eligible", "peers_unknown"]
    ],
    ["that was not told is unknown", { downloadMode: 3 }, ["eligible", "peers_unknown"]]
  ]
  for (const [what, fields, counted] of table) {
    it(`${what}`, () => {
      const figures = of(fields)
      assert.deepStrictEqual(
        peers.filter((name) => figures[name] === 1),
        counted
      )
      assert.strictEqual(figures.transfers, 1)
    })
  }
})

describe("a sum", () => {
  it("stays at what a number can count", () => {
    const much = { ...Figures.none, cdn: Figures.most - 1 }
    assert.strictEqual(Figures.add(much, { ...Figures.none, cdn: 5 }).cdn, Figures.most)
  })
})
