import { assert, describe, it } from "@effect/vitest"
import * as Shares from "../src/Shares.ts"
import { peerOf } from "./Story.ts"

const ids = Array.from({ length: 8 }, (_, i) => peerOf(i + 1))
/** How each client sees it. */
const views = (pieces: number, all = ids) =>
  all.map((self) =>
    Shares.make(
      pieces,
      self,
      all.filter((other) => other !== self)
    )
  )

/** Which of the others owns the group; `undefined` when it is the client's own. */
const ownerIn = (shares: Shares.Shares, group: number) => shares.members[Shares.ownerOf(shares, group)]

const ownedBy = (shares: Shares.Shares, owner: string | undefined) =>
  [...shares.order].filter((group) => ownerIn(shares, group) === owner)

describe("shares", () => {
  it("give every group exactly one owner, whoever looks", () => {
    const all = views(500)
    for (let group = 0; group < 500; group++) {
      assert.deepStrictEqual(all.map((shares) => Shares.rankOf(shares, group)).toSorted(), [0, 1, 2, 3, 4, 5, 6, 7])
    }
  })

  it("name the same owner to all", () => {
    const all = views(500)
    for (let group = 0; group < 500; group++) {
      const owners = all.map((shares, i) => {
        const owner = Shares.ownerOf(shares, group)
        return owner < 0 ? ids[i] : shares.members[owner]
      })
      assert.strictEqual(new Set(owners).size, 1)
    }
  })

  it("are of about the same size", () => {
    for (const shares of views(500)) {
      const own = shares.rank.filter((rank) => rank === 0).length
      assert.isAtLeast(own, 35)
      assert.isAtMost(own, 95)
    }
  })

  it("change only by what the one that leaves had", () => {
    const before = Shares.make(500, ids[0]!, ids.slice(1))
    const after = Shares.make(500, ids[0]!, ids.slice(1, -1))
    const moved = [...Array(500).keys()].filter((group) => ownerIn(before, group) !== ownerIn(after, group))
    assert.isAbove(moved.length, 0)
    assert.deepStrictEqual(
      moved.filter((group) => ownerIn(before, group) !== ids[7]),
      []
    )
  })

  it("put those in line that come before this client, the heaviest first", () => {
    const [mine, ...others] = views(300)
    for (let group = 0; group < 300; group++) {
      const line = [...mine!.line.subarray(group * Shares.lineLength, (group + 1) * Shares.lineLength)]
      const there = line.filter((member) => member >= 0)
      assert.strictEqual(there.length, Math.min(Shares.lineLength, Shares.rankOf(mine!, group)))
      // Each knows its own place; the line of this client must agree with all of them.
      assert.deepStrictEqual(
        there.map((member) => Shares.rankOf(others[member]!, group)),
        [...there.keys()]
      )
    }
  })

  it("order the groups of one owner the same for all, so that helpers can come from the back", () => {
    const [a, b] = views(300)
    assert.deepStrictEqual(ownedBy(a!, ids[3]), ownedBy(b!, ids[3]))
    assert.strictEqual(new Set(a!.order).size, 300)
  })

  it("keep what was begun alone: the first groups stay one's own in company", () => {
    const kept = ids.map((self) => {
      const [first] = Shares.make(100, self, []).order
      const shares = Shares.make(
        100,
        self,
        ids.filter((other) => other !== self)
      )
      return Shares.rankOf(shares, first ?? 0) === 0
    })
    assert.isAtLeast(kept.filter(Boolean).length, 6)
  })

  it("have groups that grow with the content", () => {
    assert.deepStrictEqual(
      [0, 1, 512, 513, 8192, 65_536, 4_194_304].map(Shares.groupSizeOf),
      [1, 1, 1, 2, 16, 16, 1024]
    )
  })
})
