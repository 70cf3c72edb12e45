import { assert, describe, it } from "@effect/vitest"
import { Peer } from "@piecework/domain"
import { Option } from "effect"
import type { Member } from "../src/Member.ts"
import { placeOf } from "../src/Place.ts"
import * as SwarmState from "../src/SwarmState.ts"

const idOf = (n: number) => Peer.idOf(Peer.DeviceId.make("b".repeat(32)), n)

/** A member behind the NAT of `site`; what is not said is that of a PC in LAN mode that has begun to download. */
const member = (n: number, overrides?: Partial<Member> & { readonly site?: string }): Member => {
  const { site = "203.0.113.1", ...rest } = overrides ?? {}
  return {
    id: idOf(n),
    place: placeOf(site, { reportedIp: `192.168.${n >> 8}.${n & 0xff}` }, "OneSite"),
    externalIp: site,
    port: 7680,
    scope: "Lan",
    groupId: undefined,
    sameSubnetOnly: false,
    profileClass: 0x300,
    isComplete: false,
    restrictedUpload: false,
    joinedAt: 0,
    expiresAt: 60_000,
    ...rest
  }
}

const swarmOf = (members: ReadonlyArray<Member>, seed = 1) =>
  members.reduce((state, one) => SwarmState.join(state, one, 0, 1000), SwarmState.make(seed))

const numbers = (peers: ReadonlyArray<Peer.Peer>) => peers.map(({ id }) => Number.parseInt(id.slice(32), 16))
const handed = (asker: Member, others: ReadonlyArray<Member>, wanted = 50) =>
  SwarmState.handout(swarmOf(others), asker, wanted, 1).peers

describe("A handout", () => {
  it("has the others, never the asker", () => {
    const all = [1, 2, 3].map((n) => member(n))
    assert.sameMembers(numbers(handed(member(2), all)), [1, 3])
  })

  it("has as many as are wanted and says how many there are", () => {
    const state = swarmOf(Array.from({ length: 40 }, (_, n) => member(n)))
    const { candidates, peers } = SwarmState.handout(state, member(5), 7, 1)
    assert.strictEqual(peers.length, 7)
    assert.strictEqual(new Set(numbers(peers)).size, 7)
    assert.strictEqual(candidates, 39)
    assert.deepStrictEqual(SwarmState.handout(state, member(5), 0, 1).peers, [])
  })

  it("gives the address on the private network to neighbours and the external one to strangers", () => {
    const near = handed(member(1), [member(2)])[0]
    assert.strictEqual(near?.address.toString(), "192.168.0.2:7680")
    const far = handed(member(1, { scope: "Internet" }), [member(2, { scope: "Internet", site: "198.51.100.1" })])[0]
    assert.deepStrictEqual([far?.address.toString(), far?.kind], ["198.51.100.1:7680", "Internet"])
  })

  it("puts the neighbours first, then the group, then the Internet", () => {
    const asker = member(0, { scope: "Internet", groupId: "g" })
    const internet = (n: number) => member(n, { scope: "Internet", site: "198.51.100.1" })
    const group = (n: number) => member(n, { scope: "Internet", groupId: "g", site: "198.51.100.2" })
    const all = [internet(1), group(2), member(3), internet(4), group(5), member(6), internet(7)]
    const peers = handed(asker, all)
    assert.deepStrictEqual(
      peers.map(({ kind }) => kind),
      ["Lan", "Lan", "Group", "Group", "Internet", "Internet", "Internet"]
    )
    assert.sameMembers(numbers(handed(asker, all, 3)).slice(0, 2), [3, 6])
  })

  it("is the same for the same joins, another for another seed and at another turn", () => {
    const all = Array.from({ length: 60 }, (_, n) => member(n))
    const drawn = (seed: number, turns: number) => {
      let state = swarmOf(all, seed)
      for (let n = 0; n < turns; n++) state = SwarmState.join(state, member(0), 0, 1000)
      return numbers(SwarmState.handout(state, member(0), 10, 1).peers)
    }
    assert.deepStrictEqual(drawn(1, 0), drawn(1, 0))
    assert.notDeepEqual(drawn(1, 0), drawn(2, 0))
    assert.notDeepEqual(drawn(1, 0), drawn(1, 1))
  })

  it("draws each member about as often as any other", () => {
    let state = swarmOf(Array.from({ length: 20 }, (_, n) => member(n)))
    const times = new Map<number, number>()
    for (let turn = 0; turn < 2000; turn++) {
      state = SwarmState.join(state, member(0), 0, 1000)
      for (const n of numbers(SwarmState.handout(state, member(0), 5, 1).peers)) times.set(n, (times.get(n) ?? 0) + 1)
    }
    // 2000 draws of 5 out of 19: 526 each on average, with a standard deviation of 20.
    assert.strictEqual(times.size, 19)
    for (const count of times.values()) assert.isTrue(count > 426 && count < 626, String(count))
  })

  it("stays cheap in a large swarm, and says what it looked at", () => {
    let state = SwarmState.make(1)
    for (let n = 0; n < 6000; n++) state = SwarmState.join(state, member(n), 0, 10_000)
    const { candidates, peers } = SwarmState.handout(state, member(1), 50, 1)
    assert.strictEqual(peers.length, 50)
    assert.isTrue(candidates >= 1023 && candidates <= 1024)
  })
})

const site = "198.51.100.1"
const pairs: ReadonlyArray<readonly [string, Member, Member, string | undefined]> = [
  ["two of one site in LAN mode are neighbours", member(1), member(2), "Lan"],
  ["two of different sites in LAN mode are not matched", member(1), member(2, { site }), undefined],
  [
    "two of one group at different sites are of a group",
    member(1, { scope: "Group", groupId: "g" }),
    member(2, { scope: "Group", groupId: "g", site }),
    "Group"
  ],
  [
    "two of one group at one site are neighbours",
    member(1, { scope: "Group", groupId: "g" }),
    member(2, { scope: "Group", groupId: "g" }),
    "Lan"
  ],
  [
    "two of different groups at one site are not matched",
    member(1, { scope: "Group", groupId: "g" }),
    member(2, { scope: "Group", groupId: "h" }),
    undefined
  ],
  [
    "one of a group has nothing to do with one of none",
    member(1, { scope: "Group", groupId: "g" }),
    member(2),
    undefined
  ],
  [
    "two in Group mode without a group are not matched",
    member(1, { scope: "Group" }),
    member(2, { scope: "Group" }),
    undefined
  ],
  [
    "two in Internet mode are matched across sites",
    member(1, { scope: "Internet" }),
    member(2, { scope: "Internet", site }),
    "Internet"
  ],
  ["one in Internet mode and one in LAN mode are neighbours", member(1, { scope: "Internet" }), member(2), "Lan"],
  [
    "one in Internet mode does not reach one in LAN mode elsewhere",
    member(1, { scope: "Internet" }),
    member(2, { site }),
    undefined
  ],
  ["a server and a PC are never matched", member(1, { profileClass: 0x400 }), member(2), undefined],
  ["two servers are", member(1, { profileClass: 0x400 }), member(2, { profileClass: 0x400 }), "Lan"],
  [
    "one that keeps to its subnet does not get one of another",
    member(1, { sameSubnetOnly: true }),
    member(300),
    undefined
  ],
  ["nor is it given to one of another", member(300), member(1, { sameSubnetOnly: true }), undefined],
  ["it gets one of its own", member(1, { sameSubnetOnly: true }), member(2), "Lan"],
  [
    "two sources have nothing for each other",
    member(1, { isComplete: true }),
    member(2, { isComplete: true }),
    undefined
  ],
  ["a source and a download do", member(1, { isComplete: true }), member(2), "Lan"],
  [
    "two that may not upload have nothing for each other",
    member(1, { restrictedUpload: true }),
    member(2, { restrictedUpload: true }),
    undefined
  ],
  [
    "a source has nothing from one that may not upload but something for it",
    member(1, { isComplete: true }),
    member(2, { restrictedUpload: true }),
    "Lan"
  ],
  [
    "a source that may not upload is of no use",
    member(1),
    member(2, { isComplete: true, restrictedUpload: true }),
    undefined
  ],
  [
    "a device that is reachable from its own machine only is not for others",
    member(1),
    member(2, { place: { ...member(2).place, isLoopback: true } }),
    undefined
  ]
]

describe("Of two members,", () => {
  for (const [what, asker, other, kind] of pairs) {
    it(`${what}`, () => assert.strictEqual(handed(asker, [other])[0]?.kind, kind))
  }
})

describe("A member", () => {
  it("that joins again is listed once, with its newer word", () => {
    const state = swarmOf([member(1), member(1, { port: 7681 })])
    assert.strictEqual(state.count, 1)
    assert.strictEqual(SwarmState.handout(state, member(2), 9, 1).peers[0]?.address.port, 7681)
  })

  it("that has moved to another site is no neighbour any more", () => {
    const state = swarmOf([member(1), member(1, { site })])
    assert.strictEqual(state.count, 1)
    assert.deepStrictEqual(SwarmState.handout(state, member(2), 9, 1).peers, [])
    assert.strictEqual(SwarmState.handout(state, member(2, { site }), 9, 1).peers.length, 1)
  })

  it("that leaves is gone at once, and twice changes nothing", () => {
    const left = SwarmState.leave(swarmOf([member(1), member(2)]), idOf(1), "203.0.113.1")
    assert.deepStrictEqual(numbers(SwarmState.handout(left, member(3), 9, 1).peers), [2])
    assert.strictEqual(SwarmState.leave(left, idOf(1), "203.0.113.1"), left)
    assert.isTrue(Option.isNone(SwarmState.find(left, idOf(1))))
  })

  it("cannot be taken out from elsewhere", () => {
    const state = swarmOf([member(1)])
    assert.strictEqual(SwarmState.leave(state, idOf(1), site), state)
  })

  it("that is silent is not handed out, and is forgotten at the next sweep", () => {
    const state = swarmOf([member(1, { expiresAt: 5000 }), member(2)])
    assert.deepStrictEqual(numbers(SwarmState.handout(state, member(3), 9, 4999).peers).toSorted(), [1, 2])
    assert.deepStrictEqual(numbers(SwarmState.handout(state, member(3), 9, 5000).peers), [2])
    assert.strictEqual(state.count, 2)
    const later = SwarmState.join(state, member(4), 10_000, 1000)
    assert.strictEqual(later.count, 2)
    assert.isTrue(Option.isNone(SwarmState.find(later, idOf(1))))
  })

  it("past the limit gets a handout but is not kept, while those who are in may renew", () => {
    const full = [1, 2].reduce((state, n) => SwarmState.join(state, member(n), 0, 2), SwarmState.make(1))
    const more = SwarmState.join(full, member(3), 0, 2)
    assert.strictEqual(more.count, 2)
    assert.strictEqual(SwarmState.handout(more, member(3), 9, 1).peers.length, 2)
    const renewed = SwarmState.join(more, member(1, { port: 9 }), 0, 2)
    assert.strictEqual(Option.getOrThrow(SwarmState.find(renewed, idOf(1))).port, 9)
  })
})
