import { assert, describe, it } from "@effect/vitest"
import type { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import type { SwarmState } from "../src/SwarmState.ts"
import { here, idOf, joining, numbersOf, peersOf, rules, server, swarmOf, there, type Told } from "./Joining.ts"

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)
const group = { scope: "Group", groupId: "g" } as const
const internet = { scope: "Internet" } as const

/** Whom the last of the joins is handed. */
const handed = (others: ReadonlyArray<JoinRequest | readonly [JoinRequest, string]>, asker: JoinRequest, from = here) =>
  swarmOf(others).join(asker, from, 1)

describe("A handout", () => {
  it("has the others, never the asker", () => {
    const all = [1, 2, 3].map((n) => joining(n))
    assert.sameMembers([...numbersOf(handed(all, joining(2)))], [1, 3])
  })

  it("has as many as are wanted and says how many there are", () => {
    const all = upTo(40).map((n) => joining(n))
    const joined = handed(all, joining(5, { peersWanted: 7 }))
    assert.strictEqual(new Set(numbersOf(joined)).size, 7)
    assert.strictEqual(joined.candidates, 39)
    assert.deepStrictEqual(numbersOf(handed(all, joining(5, { peersWanted: 0 }))), [])
  })

  it("has no more than the service allows", () => {
    const state = swarmOf(
      upTo(40).map((n) => joining(n)),
      { rules: rules({ handoutLimit: 9 }) }
    )
    assert.strictEqual(numbersOf(state.join(joining(5), here, 1)).length, 9)
  })

  it("gives the address on the private network to neighbours and the external one to strangers", () => {
    const near = peersOf(handed([joining(2)], joining(1)))[0]
    assert.strictEqual(near?.address.toString(), "192.168.0.2:7680")
    const far = peersOf(handed([[joining(2, internet), there]], joining(1, internet)))[0]
    assert.deepStrictEqual([far?.address.toString(), far?.kind], ["198.51.100.1:7680", "Internet"])
    const member = peersOf(handed([[joining(2, group), there]], joining(1, group)))[0]
    assert.deepStrictEqual([member?.address.toString(), member?.kind], ["192.168.0.2:7680", "Group"])
  })

  it("puts the neighbours first, then those of the group or from the Internet", () => {
    for (const [scope, kind] of [[internet, "Internet"] as const, [group, "Group"] as const]) {
      const far = [1, 4, 7].map((n) => [joining(n, scope), there] as const)
      const all = [...far, joining(3, scope), joining(6, scope)]
      assert.deepStrictEqual(
        peersOf(handed(all, joining(0, scope))).map((peer) => peer.kind),
        ["Lan", "Lan", kind, kind, kind]
      )
      assert.sameMembers(numbersOf(handed(all, joining(0, { ...scope, peersWanted: 3 }))).slice(0, 2), [3, 6])
    }
  })

  it("keeps a tenth for members elsewhere where the site alone has enough", () => {
    const all = [
      ...upTo(200).map((n) => joining(n, group)),
      ...upTo(200).map((n) => [joining(1000 + n, group), there] as const)
    ]
    const kinds = peersOf(handed(all, joining(0, { ...group, peersWanted: 50 }))).map(({ kind }) => kind)
    assert.strictEqual(kinds.filter((kind) => kind === "Lan").length, 45)
    assert.strictEqual(kinds.filter((kind) => kind === "Group").length, 5)
    const alone = upTo(200).map((n) => joining(n, group))
    const near = peersOf(handed(alone, joining(0, { ...group, peersWanted: 50 }))).map(({ kind }) => kind)
    assert.deepStrictEqual([near.length, near.filter((kind) => kind === "Lan").length], [50, 50])
  })

  it("has those that only take last, even behind strangers that give", () => {
    const takers = upTo(20).map((n) => joining(n, { ...internet, restrictedUpload: true }))
    const givers = upTo(20).map((n) => [joining(100 + n, internet), there] as const)
    const few = numbersOf(handed([...takers, ...givers], joining(200, { ...internet, peersWanted: 20 })))
    assert.isTrue(few.every((n) => n >= 100))
    const all = numbersOf(handed([...takers, ...givers], joining(200, { ...internet, peersWanted: 25 })))
    assert.strictEqual(all.filter((n) => n < 100).length, 5)
  })

  it("is the same for the same joins, another for another seed and at another turn", () => {
    const all = upTo(60).map((n) => joining(n))
    const drawn = (seed: number, turns: number) => {
      const state = swarmOf(all, { seed })
      for (let n = 0; n < turns; n++) state.join(joining(0), here, 0)
      return numbersOf(state.join(joining(0, { peersWanted: 10 }), here, 1))
    }
    assert.deepStrictEqual(drawn(1, 0), drawn(1, 0))
    assert.notDeepEqual(drawn(1, 0), drawn(2, 0))
    assert.notDeepEqual(drawn(1, 0), drawn(1, 1))
  })

  it("does not look at all of a large swarm, and says about how many match", () => {
    const state = swarmOf(upTo(6000).map((n) => joining(n)))
    const joined = state.join(joining(1, { peersWanted: 50 }), here, 1)
    assert.strictEqual(numbersOf(joined).length, 50)
    assert.strictEqual(joined.candidates, 5999)
  })
})

/** What is told, and from where. */
type One = readonly [Told, string?]
const pairs: ReadonlyArray<readonly [string, One, One, string | undefined]> = [
  ["two of one site in LAN mode are neighbours", [{}], [{}], "Lan"],
  ["two of different sites in LAN mode are not matched", [{}], [{}, there], undefined],
  ["two of one group at different sites are of a group", [group], [group, there], "Group"],
  ["two of one group at one site are neighbours", [group], [group], "Lan"],
  ["two of different groups at one site are not matched", [group], [{ ...group, groupId: "h" }], undefined],
  ["one of a group has nothing to do with one of none", [group], [{}], undefined],
  ["nor with one that takes peers from anywhere", [group], [internet], undefined],
  ["two in Group mode without a group are not matched", [{ scope: "Group" }], [{ scope: "Group" }], undefined],
  ["two in Internet mode are matched across sites", [internet], [internet, there], "Internet"],
  ["one in Internet mode and one in LAN mode are neighbours", [internet], [{}], "Lan"],
  ["one in Internet mode does not reach one in LAN mode elsewhere", [internet], [{}, there], undefined],
  ["a server and a PC are never matched", [server], [{}], undefined],
  ["two servers are", [server], [server], "Lan"],
  ["one that keeps to its subnet does not get one of another", [{ restriction: "Subnet" }], [elsewhere()], undefined],
  ["nor is it given to one of another", [elsewhere()], [{ restriction: "Subnet" }], undefined],
  ["it gets one of its own", [{ restriction: "Subnet" }], [{}], "Lan"],
  ["and one of its own gets it", [{}], [{ restriction: "Subnet" }], "Lan"],
  ["two that keep to one subnet are matched", [{ restriction: "Subnet" }], [{ restriction: "Subnet" }], "Lan"],
  [
    "two that keep to a subnet are matched in it alone",
    [{ restriction: "Subnet" }],
    [{ ...elsewhere(), restriction: "Subnet" }],
    undefined
  ],
  ["two sources have nothing for each other", [{ left: 0 }], [{ left: 0 }], undefined],
  ["a source and a download do", [{ left: 0 }], [{}], "Lan"],
  [
    "two that may not upload have nothing for each other",
    [{ restrictedUpload: true }],
    [{ restrictedUpload: true }],
    undefined
  ],
  [
    "a source has nothing from one that may not upload but something for it",
    [{ left: 0 }],
    [{ restrictedUpload: true }],
    "Lan"
  ],
  ["a source that may not upload is of no use", [{}], [{ left: 0, restrictedUpload: true }], undefined],
  [
    "a device that is reachable from its own machine only is not for others",
    [{ reportedIp: "127.0.0.1" }, "127.0.0.1"],
    [{}, "127.0.0.1"],
    undefined
  ]
]

function elsewhere(): Told {
  return { reportedIp: "192.168.77.7" }
}

describe("Of two members,", () => {
  for (const [what, [one, from = here], [other, otherFrom = here], kind] of pairs) {
    it(`${what}`, () => {
      const joined = handed([[joining(2, other), otherFrom]], joining(1, one), from)
      assert.strictEqual(peersOf(joined)[0]?.kind, kind)
    })
  }
})

const others = (state: SwarmState, at = 1, from = here, told?: Told) =>
  numbersOf(state.join(joining(9, told), from, at))

describe("A member", () => {
  it("that joins again is listed once, with its newer word", () => {
    const state = swarmOf([joining(1), joining(1, { port: 7681 })])
    assert.strictEqual(state.count, 1)
    assert.strictEqual(peersOf(state.join(joining(2), here, 1))[0]?.address.port, 7681)
  })

  it("that says the same in the same words is where it was, and what changes is what it says now", () => {
    const told: ReadonlyArray<Told> = [
      { subnetMask: "255.255.255.0" },
      { subnetMask: "255.255.0.0" },
      { left: 0 },
      { restrictedUpload: true },
      { restriction: "Subnet" },
      { port: 80 },
      { reportedIp: "192.168.0.99" },
      { reportedIp: "8.8.8.8" }
    ]
    for (const first of told) {
      for (const second of told) {
        const twice = swarmOf([joining(1, first), joining(1, second)])
        const once = swarmOf([joining(1, second)])
        for (const asker of [joining(2), joining(2, { restriction: "Subnet" }), joining(2, { left: 0 })]) {
          assert.deepStrictEqual(peersOf(twice.join(asker, here, 1)), peersOf(once.join(asker, here, 1)))
        }
      }
    }
  })

  it("that has moved to another site is no neighbour any more", () => {
    const state = swarmOf([joining(1), [joining(1), there]])
    assert.strictEqual(state.count, 1)
    assert.deepStrictEqual(others(state), [])
    assert.deepStrictEqual(others(state, 1, there), [1])
  })

  it("that leaves is gone at once, and twice changes nothing", () => {
    const state = swarmOf([joining(1), joining(2)])
    assert.isTrue(state.leave(idOf(1), here))
    assert.isFalse(state.leave(idOf(1), here))
    assert.deepStrictEqual(others(state), [2])
    assert.isUndefined(state.find(idOf(1)))
  })

  it("cannot be taken out from elsewhere", () => {
    const state = swarmOf([joining(1)])
    assert.isFalse(state.leave(idOf(1), there))
    assert.deepStrictEqual(others(state), [1])
  })

  it("that is silent is not handed out, and is forgotten as others join", () => {
    const state = swarmOf([joining(1), joining(2)])
    // Downloads of a minute ago that had hardly any candidates: 15 seconds and at most twice 3.
    assert.deepStrictEqual(others(state, 15_000).toSorted(), [1, 2])
    assert.deepStrictEqual(others(state, 25_000), [])
    assert.strictEqual(state.count, 1)
  })

  it("that nobody is handed is forgotten all the same", () => {
    const state = swarmOf(upTo(100).map((n) => [joining(n, { left: 0, restrictedUpload: true }), there] as const))
    for (let n = 0; n < 60; n++) state.join(joining(200), here, 1_000_000)
    assert.strictEqual(state.count, 1)
  })

  it("that comes back after it was silent is there, with its peers", () => {
    const state = swarmOf([joining(1)])
    state.join(joining(2), here, 100_000)
    assert.deepStrictEqual(numbersOf(state.join(joining(1), here, 100_001)), [2])
    assert.strictEqual(state.count, 2)
  })

  it("past the limit gets a handout but is not kept, while those who are in may renew", () => {
    const census = { most: 3, count: 1 }
    for (const full of [rules({ maxMembers: 2 }), rules({ census })]) {
      const state = swarmOf([joining(1), joining(2)], { rules: full })
      assert.sameMembers([...numbersOf(state.join(joining(3), here, 0))], [1, 2])
      assert.strictEqual(state.count, 2)
      state.join(joining(1, { port: 9 }), here, 0)
      assert.include(
        peersOf(state.join(joining(4), here, 0)).map(({ address }) => address.port),
        9
      )
    }
    assert.strictEqual(census.count, 3)
  })

  it("that is gone makes room in a swarm that is full", () => {
    const state = swarmOf(
      upTo(50).map((n) => joining(n)),
      { rules: rules({ maxMembers: 50 }) }
    )
    state.join(joining(100), here, 600_000)
    assert.isDefined(state.find(idOf(100)))
  })
})
