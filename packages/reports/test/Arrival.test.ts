import { assert, describe, it } from "@effect/vitest"
import * as Arrival from "../src/Arrival.ts"
import * as Days from "../src/Days.ts"
import { day, noon } from "./support/events.ts"

const year = 365 * day

describe("the moment of an event", () => {
  const table: ReadonlyArray<readonly [what: string, time: number, sentAt: number, moment: number | undefined]> = [
    ["is when the device says, if its clock is right", noon - 5000, noon, noon - 5000],
    ["is as long ago as by a clock that is years behind", noon - 9 * year - 5000, noon - 9 * year, noon - 5000],
    ["is as long ago as by a clock that is years ahead", noon + 9 * year - 5000, noon + 9 * year, noon - 5000],
    ["is when it came, if it was later than it was sent", noon + 5000, noon, noon],
    ["is as long ago as a report looks back, at most", noon - 28 * day, noon, noon - 28 * day],
    ["is none, if it is older", noon - 28 * day - 1, noon, undefined],
    ["is none, if the clock was set years ahead in between", 0, noon, undefined]
  ]
  for (const [what, time, sentAt, moment] of table) {
    it(`${what}`, () => assert.strictEqual(Arrival.momentOf({ time, sentAt, receivedAt: noon }), moment))
  }

  it("is no time before there were any", () => {
    assert.strictEqual(Arrival.momentOf({ time: 0, sentAt: 10_000, receivedAt: 5000 }), 0)
  })
})

describe("a window", () => {
  it("has the day of now and those before it, to the millisecond", () => {
    const { from, to } = Days.window(noon, 7)
    assert.deepStrictEqual([Days.name(from), Days.name(to)], ["2026-01-25", "2026-01-31"])
    assert.strictEqual(Days.dayOf(Days.start(from) - 1), from - 1)
    assert.strictEqual(Days.dayOf(Days.start(from)), from)
    assert.strictEqual(Days.dayOf(Days.start(to + 1) - 1), to)
  })

  it("moves on at midnight of UTC", () => {
    const midnight = Date.UTC(2026, 1, 1)
    assert.strictEqual(Days.window(midnight, 28).to, Days.window(midnight - 1, 28).to + 1)
  })
})
