import { assert, describe, it } from "@effect/vitest"
import { Agenda } from "../src/Agenda.ts"
import { Dice } from "../src/Dice.ts"

const drain = (agenda: Agenda) => {
  while (agenda.step());
}

describe("Agenda", () => {
  it("lets things happen by time, and at the same time in the order in which they were planned", () => {
    const agenda = new Agenda()
    const dice = new Dice(7)
    const planned = Array.from({ length: 500 }, (_, turn) => ({ turn, at: dice.below(20) }))
    const happened: Array<{ readonly turn: number; readonly at: number }> = []
    for (const plan of planned) agenda.after(plan.at, () => happened.push({ ...plan, at: agenda.now }))
    drain(agenda)
    assert.deepStrictEqual(
      happened,
      planned.toSorted((a, b) => a.at - b.at || a.turn - b.turn)
    )
  })

  it("takes in what is planned while things happen, and never goes back", () => {
    const agenda = new Agenda()
    const happened: Array<string> = []
    agenda.after(10, () => {
      happened.push("first")
      agenda.after(-5, () => happened.push("at once"))
      agenda.after(1, () => happened.push("later"))
    })
    agenda.after(10, () => happened.push("second"))
    drain(agenda)
    assert.deepStrictEqual(happened, ["first", "second", "at once", "later"])
    assert.strictEqual(agenda.now, 11)
  })
})
