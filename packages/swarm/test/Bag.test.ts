import { assert, describe, it } from "@effect/vitest"
import { Bag } from "../src/Bag.ts"
import { Chance } from "../src/Chance.ts"
import { Member } from "../src/Member.ts"
import * as PeerJson from "../src/PeerJson.ts"
import { Pool } from "../src/Pool.ts"
import { idOf, numberOf } from "./Joining.ts"

const near = new Pool({ site: "s", group: undefined, subnet: undefined, kind: 0 })
const member = (n: number) =>
  new Member(PeerJson.make(idOf(n), "10.0.0.1", 1), "192.0.2.1", { subnet: "", near, far: undefined }, 0, 0)

const filled = (n: number) => {
  const bag = new Bag("near")
  const members = Array.from({ length: n }, (_, i) => member(i))
  for (const one of members) bag.put(one)
  return { bag, members }
}
const draw = (bag: Bag, count: number, chance: Chance) => {
  bag.begin()
  return Array.from({ length: count }, () => bag.draw(chance))
    .filter((one) => one !== undefined)
    .map(({ id }) => numberOf(id))
}

describe("A bag", () => {
  it("gives each of its members once before it gives one again", () => {
    for (let seed = 0; seed < 20; seed++) {
      const { bag } = filled(100)
      const chance = new Chance(seed)
      for (let round = 0; round < 5; round++) {
        const drawn = Array.from({ length: 10 }, () => draw(bag, 10, chance)).flat()
        assert.strictEqual(new Set(drawn).size, 100)
      }
    }
  })

  it("gives nobody twice in one handout, whatever was drawn before", () => {
    for (let seed = 0; seed < 50; seed++) {
      const chance = new Chance(seed)
      const { bag } = filled(1 + chance.below(60))
      for (let n = 0; n < 40; n++) {
        const wanted = chance.below(70)
        const drawn = draw(bag, wanted, chance)
        assert.strictEqual(drawn.length, Math.min(wanted, bag.size))
        assert.strictEqual(new Set(drawn).size, drawn.length)
      }
    }
  })

  it("has exactly those that were put in and not taken out, at the positions that they know", () => {
    for (let seed = 0; seed < 50; seed++) {
      const chance = new Chance(seed)
      const { bag, members } = filled(20)
      const inside = new Set(members)
      for (let n = 0; n < 300; n++) {
        const one = members[chance.below(members.length)] ?? member(0)
        switch (chance.below(3)) {
          case 0:
            draw(bag, chance.below(30), chance)
            break
          case 1:
            if (!inside.has(one)) bag.put(one)
            inside.add(one)
            break
          default:
            if (inside.delete(one)) bag.take(one)
        }
        const listed = [...bag]
        assert.strictEqual(bag.size, inside.size)
        assert.isTrue(listed.every((each) => inside.has(each)))
        listed.forEach((each, at) => assert.strictEqual(each.nearAt, at))
      }
      const all = draw(bag, bag.size, chance)
      assert.strictEqual(new Set(all).size, inside.size)
    }
  })

  it("gives a newcomer in the round in which it came", () => {
    const chance = new Chance(1)
    const { bag } = filled(50)
    draw(bag, 25, chance)
    bag.put(member(99))
    assert.include(draw(bag, 26, chance), 99)
  })
})
