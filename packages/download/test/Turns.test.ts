import { assert, describe, it } from "@effect/vitest"
import { ContentId } from "@piecework/domain/Content"
import { Turns } from "@piecework/download"

const ids = Array.from({ length: 12 }, (_, n) => ContentId.make(`DO-${String.fromCharCode(97 + n).repeat(43)}`))
const rules = { slots: 4, span: 100 }
const active = (turns: Turns.Turns) => turns.active.map(({ id }) => id)

describe("turns", () => {
  it("are everybody's while there are as many places", () => {
    const turns = Turns.next(Turns.none, ids.slice(0, 4), rules, 0)
    assert.deepStrictEqual(active(turns), ids.slice(0, 4))
    assert.deepStrictEqual(active(Turns.next(turns, ids.slice(0, 4), rules, 1e6)), ids.slice(0, 4))
  })

  it("go round in order, each as long as the others, and say when they begin", () => {
    let turns = Turns.none
    const had = new Map(ids.map((id) => [id, 0]))
    for (let now = 0; now < 30 * rules.span; now += 10) {
      turns = Turns.next(turns, ids, rules, now)
      assert.lengthOf(turns.active, 4)
      for (const id of active(turns)) had.set(id, (had.get(id) ?? 0) + 10)
    }
    assert.deepStrictEqual(new Set(had.values()), new Set([10 * rules.span]))

    turns = Turns.next(Turns.none, ids, rules, 0)
    for (const id of turns.waiting) {
      const at = Turns.beginsAt(turns, id, rules, 5)
      assert.isDefined(at)
      let then = turns
      for (let now = 5; now < at; now += 5) then = Turns.next(then, ids, rules, now)
      assert.notInclude(active(then), id)
      assert.include(active(Turns.next(then, ids, rules, at)), id)
    }
    assert.isUndefined(Turns.beginsAt(turns, ids[0] ?? ids[1] ?? ContentId.make(""), rules, 0))
  })

  it("starve nobody, whatever comes and goes", () => {
    let state = 7
    const chance = (n: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
      return state % n
    }
    let there = [...ids]
    let turns = Turns.none
    const waitingSince = new Map<string, number>()
    for (let now = 0; now < 100_000; now += 10) {
      // The first never leaves; the others do, and come back behind it.
      if (chance(3) === 0) {
        const id = ids[1 + chance(ids.length - 1)]
        there = there.includes(id as ContentId) ? there.filter((one) => one !== id) : [...there, id as ContentId]
      }
      turns = Turns.next(turns, there, rules, now)
      assert.isAtMost(turns.active.length, rules.slots)
      if (there.length >= rules.slots) assert.lengthOf(turns.active, rules.slots)
      assert.sameMembers([...active(turns), ...turns.waiting], there)
      for (const id of turns.waiting) {
        const since = waitingSince.get(id) ?? now
        waitingSince.set(id, since)
        assert.isAtMost(now - since, 3 * rules.span)
      }
      for (const id of waitingSince.keys()) {
        if (!turns.waiting.includes(id as ContentId)) waitingSince.delete(id)
      }
    }
  })

  it("end early where there are fewer places than before, and begin at once where there are more", () => {
    const turns = Turns.next(Turns.none, ids, rules, 0)
    const fewer = Turns.next(turns, ids, { ...rules, slots: 1 }, 1)
    assert.deepStrictEqual(active(fewer), [ids[3]])
    assert.lengthOf(Turns.next(fewer, ids, { ...rules, slots: 12 }, 2).active, 12)
  })
})
