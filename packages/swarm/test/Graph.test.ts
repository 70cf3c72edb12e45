import { assert, describe, it } from "@effect/vitest"
import { Chance } from "../src/Chance.ts"
import type { SwarmState } from "../src/SwarmState.ts"
import { here, idOf, joining, numbersOf, swarmOf, type Told } from "./Joining.ts"

/** Who was handed whom, the last time that each joined. */
type Handouts = Map<number, ReadonlyArray<number>>

const joinsOf = (state: SwarmState, members: Iterable<number>, told: Told, now: number, site = siteOfAll): Handouts =>
  new Map([...members].map((n) => [n, numbersOf(state.join(joining(n, told), site(n), now))]))

const siteOfAll: (n: number) => string = () => here

const timesHanded = (handouts: Handouts): ReadonlyMap<number, number> => {
  const times = new Map<number, number>([...handouts.keys()].map((n) => [n, 0]))
  for (const handout of handouts.values()) for (const n of handout) times.set(n, (times.get(n) ?? 0) + 1)
  return times
}

/** How many of the members can be reached from the first over handouts, in either direction: a dialled peer answers. */
const reached = (handouts: Handouts): number => {
  const links = new Map<number, Set<number>>([...handouts.keys()].map((n) => [n, new Set()]))
  for (const [n, handout] of handouts) {
    for (const other of handout) {
      links.get(n)?.add(other)
      links.get(other)?.add(n)
    }
  }
  const seen = new Set<number>()
  const next = [...handouts.keys()].slice(0, 1)
  for (let n = next.pop(); n !== undefined; n = next.pop()) {
    if (seen.has(n) || !handouts.has(n)) continue
    seen.add(n)
    next.push(...(links.get(n) ?? []))
  }
  return seen.size
}

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i)
const seeds = upTo(20)

/** Least and most. */
const range = (times: ReadonlyMap<number, number>) =>
  [Math.min(...times.values()), Math.max(...times.values())] as const

const fourSites = (n: number) => `198.51.100.${n % 4}`
const sourcesAmong = (n: number): Told => ({ peersWanted: 20, left: n % 4 === 0 ? 0 : 1 })

describe("The handouts of a swarm of 1,000", () => {
  it("name everybody about as often as they are long, and make one piece of it", () => {
    for (const seed of seeds) {
      for (const wanted of [10, 50]) {
        const told = { peersWanted: wanted }
        const state = swarmOf([], { seed })
        joinsOf(state, upTo(1000), told, 0)
        const handouts = joinsOf(state, upTo(1000), told, 1)
        const [least, most] = range(timesHanded(handouts))
        // At random and one by one they would be 27 to 74 of 50, and 1 to 21 of 10.
        assert.isAtLeast(least, wanted * 0.7, `seed ${seed}`)
        assert.isAtMost(most, wanted * 1.1 + 2, `seed ${seed}`)
        assert.strictEqual(reached(handouts), 1000, `seed ${seed}`)
        for (const [n, handout] of handouts) {
          assert.strictEqual(new Set(handout).size, wanted)
          assert.notInclude(handout, n)
        }
      }
    }
  })

  it("are one piece from their first joins, all at the same time", () => {
    for (const seed of seeds) {
      const first = joinsOf(swarmOf([], { seed }), upTo(1000), { peersWanted: 10 }, 0)
      assert.strictEqual(reached(first), 1000, `seed ${seed}`)
    }
  })

  it("do not name the same to those that ask one after the other", () => {
    const state = swarmOf(upTo(1000).map((n) => joining(n)))
    const handouts = [...joinsOf(state, upTo(200), { peersWanted: 50 }, 1).values()]
    let common = 0
    for (const [n, handout] of handouts.entries()) {
      const others = new Set(handouts[n + 20])
      common += handout.filter((one) => others.has(one)).length
    }
    // Two that have 50 of 1,000 at random have 2.5 in common; a block of the same fifty for all would be 50.
    assert.isBelow(common / 180, 5)
  })

  it("stay so while members come and go", () => {
    for (const seed of seeds) {
      const chance = new Chance(seed)
      const state = swarmOf([], { seed })
      const there = new Set(upTo(1000))
      joinsOf(state, there, { peersWanted: 10 }, 0)
      let handouts: Handouts = new Map()
      for (let round = 1; round <= 5; round++) {
        // A fifth leaves in order, a tenth falls silent, and as many come.
        for (const n of [...there].filter(() => chance.below(10) < 3)) {
          there.delete(n)
          if (chance.below(3) < 2) state.leave(idOf(n), here)
        }
        for (let n = 0; there.size < 1000; n++) there.add(round * 10_000 + n)
        // Longer than a member is remembered that is silent.
        const now = round * 100_000
        joinsOf(state, there, { peersWanted: 10 }, now)
        handouts = joinsOf(state, there, { peersWanted: 10 }, now + 1)
        assert.strictEqual(state.count, 1000)
        assert.strictEqual(reached(handouts), 1000, `seed ${seed}`)
        const [least, most] = range(timesHanded(handouts))
        assert.isAtLeast(least, 6, `seed ${seed}`)
        assert.isAtMost(most, 14, `seed ${seed}`)
      }
    }
  })

  it("join its sites, where its members take others than their neighbours", () => {
    for (const seed of seeds) {
      for (const told of [{ scope: "Internet" }, { scope: "Group", groupId: "g" }] as const) {
        const state = swarmOf([], { seed })
        joinsOf(state, upTo(1000), { ...told, peersWanted: 10 }, 0, fourSites)
        const handouts = joinsOf(state, upTo(1000), { ...told, peersWanted: 10 }, 1, fourSites)
        assert.strictEqual(reached(handouts), 1000, `seed ${seed}`)
        for (const [n, handout] of handouts) {
          assert.strictEqual(handout.filter((other) => other % 4 !== n % 4).length, 1)
        }
      }
    }
  })

  it("leave sources to downloads and name each of both as often", () => {
    const state = swarmOf([])
    for (const n of upTo(1000)) state.join(joining(n, sourcesAmong(n)), here, 0)
    const handouts: Handouts = new Map(
      upTo(1000).map((n) => [n, numbersOf(state.join(joining(n, sourcesAmong(n)), here, 1))])
    )
    for (const [n, handout] of handouts) if (n % 4 === 0) assert.isTrue(handout.every((other) => other % 4 !== 0))
    const [least] = range(timesHanded(handouts))
    assert.isAtLeast(least, 10)
    assert.strictEqual(reached(handouts), 1000)
  })
})
