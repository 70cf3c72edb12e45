import { assert, describe, it } from "@effect/vitest"
import { Chance } from "../src/Chance.ts"
import { handout } from "../src/Handing.ts"
import { match, Member } from "../src/Member.ts"
import * as PeerJson from "../src/PeerJson.ts"
import { Pool } from "../src/Pool.ts"
import * as Traits from "../src/Traits.ts"
import { here, idOf, joining, numberOf, server, swarmOf, there, type Told } from "./Joining.ts"

/** Counts how often it is asked. */
class Counting extends Chance {
  asked = 0

  override next(): number {
    this.asked++
    return super.next()
  }
}

/** How many draws a handout of 50 takes at a site of that size, where members are `told`. */
const draws = (size: number, traits: (n: number) => Traits.Traits): number => {
  const near = new Pool({ site: "s", group: undefined, subnet: undefined, kind: 0 })
  const members = Array.from(
    { length: size },
    (_, n) =>
      new Member(PeerJson.make(idOf(n), "10.0.0.1", 1), here, { subnet: "", near, far: undefined }, traits(n), 0)
  )
  for (const member of members) {
    member.expiresAt = 2
    near.put(member)
  }
  const chance = new Counting(1)
  const [asker] = members
  if (asker === undefined) return 0
  const around = { near: [near], far: [], wanted: 50, now: 1, voicesNeeded: 3, chance, onSilent: () => {} }
  assert.strictEqual(handout(asker, around).near.length, 50)
  return chance.asked
}

describe("A handout", () => {
  it("takes no more draws at a site of 20,000 than at one of 200, whatever most members are", () => {
    const kinds: ReadonlyArray<(n: number) => Traits.Traits> = [
      () => 0,
      (n) => (n % 100 === 0 ? Traits.complete : 0),
      // The asker is a source among sources, of which it needs none.
      (n) => (n === 0 || n > 60 ? Traits.complete : 0),
      (n) => (n > 60 ? Traits.restricted : 0)
    ]
    for (const traits of kinds) {
      assert.isAtMost(draws(20_000, traits), 102)
      assert.isAtMost(draws(200, traits), 102)
    }
  })

  it("has those that match, and all of them when there are few", () => {
    const chance = new Chance(7)
    const pick = <A>(of: ReadonlyArray<A>): A => {
      const one = of[chance.below(of.length)]
      if (one === undefined) throw new Error("nothing to pick from")
      return one
    }
    for (let n = 0; n < 300; n++) {
      const told = (): Told => ({
        ...pick<Told>([{ scope: "Lan" }, { scope: "Internet" }, { scope: "Group", groupId: pick(["g", "h"]) }]),
        ...pick<Told>([{}, {}, server]),
        ...pick<Told>([{}, {}, { restriction: "Subnet" }]),
        ...pick<Told>([{}, {}, { left: 0 }]),
        ...pick<Told>([{}, {}, { restrictedUpload: true }]),
        ...pick<Told>([{}, { subnetMask: "255.255.255.128" }, { subnetMask: "255.255.0.0" }])
      })
      const ids = Array.from({ length: 24 }, (_, i) => i * 40)
      const state = swarmOf(
        // Twice, so that most change what they are.
        [...ids, ...ids].map((id) => [joining(id, told()), pick([here, there])] as const),
        { seed: n }
      )
      const id = pick(ids)
      const handed = state.join(joining(id, told()), pick([here, there]), 1)
      const asker = state.find(idOf(id))
      assert.isDefined(asker)
      if (asker === undefined) return
      const others = ids.flatMap((other) => state.find(idOf(other)) ?? [])
      const matching = others.filter((other) => match(asker, other) !== undefined)
      const numbers = [...handed.near, ...handed.far].map((member) => numberOf(member.id))
      assert.sameMembers(
        numbers,
        matching.map((member) => numberOf(member.id))
      )
      assert.strictEqual(handed.candidates, matching.length)
      for (const member of handed.near) assert.strictEqual(match(asker, member), "Lan")
      for (const member of handed.far) assert.strictEqual(match(asker, member), handed.farKind)
    }
  })
})
