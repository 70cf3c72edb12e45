import { assert, describe, it } from "@effect/vitest"
import { decide, type Fetch, type Place } from "../src/FillPlan.ts"

const place = (at: number, until: number, more: Partial<Place> = {}): Place => ({
  at,
  until,
  ahead: 2,
  beyond: 0,
  ...more
})
const fetch = (next: number, end: number, began = 0): Fetch => ({ next, end, began })

const plan = (options: {
  readonly here?: ReadonlyArray<number>
  readonly fetches?: ReadonlyArray<Fetch>
  readonly places?: ReadonlyArray<Place>
  readonly sendsParts?: boolean
  readonly most?: number
}) => {
  const here = new Set(options.here)
  const { asks, ends } = decide({
    pieceCount: 100,
    isHere: (piece) => here.has(piece),
    fetches: options.fetches ?? [],
    places: options.places ?? [],
    sendsParts: options.sendsParts ?? true,
    most: options.most ?? 4
  })
  return { asks: asks.map(({ from, to }) => [from, to]), ends: ends.map(({ end, fetch: { next } }) => [next, end]) }
}

const nothing = { asks: [], ends: [] }

describe("asks", () => {
  it("for all of a part at once, and nothing after it", () =>
    assert.deepStrictEqual(plan({ places: [place(10, 30)] }), { asks: [[10, 30]], ends: [] }))

  it("as far as something is here already", () =>
    assert.deepStrictEqual(plan({ here: [12, 13], places: [place(10, 30)] }).asks, [[10, 12]]))

  it("for what comes after what is here once the reader is near", () => {
    assert.deepStrictEqual(plan({ here: [10, 11, 12], places: [place(10, 30)] }), nothing)
    assert.deepStrictEqual(plan({ here: [10, 11, 12], places: [place(11, 30, { ahead: 4 })] }).asks, [[13, 30]])
  })

  it("for nothing that is on its way to the reader", () => {
    assert.deepStrictEqual(plan({ fetches: [fetch(10, 30)], places: [place(10, 30)] }), nothing)
    assert.deepStrictEqual(plan({ fetches: [fetch(10, 30)], places: [place(18, 30)] }), nothing)
    assert.deepStrictEqual(plan({ fetches: [fetch(10, 30)], places: [place(10, 30), place(12, 30)] }), nothing)
  })

  it("for a distant place itself, and leaves that to the new request", () =>
    assert.deepStrictEqual(plan({ fetches: [fetch(10, 100)], places: [place(10, 100), place(60, 70)] }), {
      asks: [[60, 70]],
      ends: [[10, 60]]
    }))

  it("for the next run before the last has ended, and not long before", () => {
    const places = [place(10, 30, { ahead: 16 })]
    assert.deepStrictEqual(plan({ fetches: [fetch(10, 14)], places }), nothing)
    assert.deepStrictEqual(plan({ here: [10, 11], fetches: [fetch(12, 14)], places }).asks, [[14, 30]])
  })

  it("for what follows a part only of who reads on and on", () => {
    assert.deepStrictEqual(plan({ places: [place(10, 12, { beyond: 8, ahead: 8 })] }).asks, [[10, 20]])
    assert.deepStrictEqual(plan({ places: [place(98, 100, { beyond: 8, ahead: 8 })] }).asks, [[98, 100]])
  })

  it("once for readers of one place", () =>
    assert.deepStrictEqual(plan({ places: [place(10, 20), place(10, 20), place(12, 20)] }).asks, [[10, 20]]))

  it("for the whole file, and once, where its server sends no parts", () => {
    const whole = { sendsParts: false, places: [place(50, 51)] }
    assert.deepStrictEqual(plan(whole).asks, [[0, 100]])
    assert.deepStrictEqual(plan({ ...whole, fetches: [fetch(2, 100)] }), nothing)
    assert.deepStrictEqual(plan({ ...whole, here: [50] }), nothing)
  })

  it("for nothing past the end of an empty part", () =>
    assert.deepStrictEqual(plan({ places: [place(100, 100), place(10, 10)] }), nothing))
})

describe("ends", () => {
  it("a fetch that nobody reads, after a few pieces, and no later than it said before", () => {
    assert.deepStrictEqual(plan({ fetches: [fetch(10, 100)] }).ends, [[10, 13]])
    assert.deepStrictEqual(plan({ fetches: [fetch(11, 13)] }), nothing)
    assert.deepStrictEqual(plan({ fetches: [fetch(10, 100)], places: [place(0, 10)] }).ends, [[10, 13]])
  })

  it("no fetch that a reader far behind will come to", () =>
    assert.deepStrictEqual(plan({ here: [0, 1, 2], fetches: [fetch(60, 100)], places: [place(0, 100)] }).ends, []))

  it("the fetch that is furthest ahead of its readers when another has to wait", () => {
    const fetches = [fetch(20, 40), fetch(60, 100, 40)]
    const here = Array.from({ length: 20 }, (_, i) => i + 40)
    const places = [place(20, 40), place(40, 100), place(5, 8)]
    assert.deepStrictEqual(plan({ fetches, here, places, most: 2 }), { asks: [], ends: [[60, 61]] })
  })

  it("the fetch that has had its turn when all are at their readers' heels", () => {
    const fetches = [fetch(30, 40, 10), fetch(60, 100, 58)]
    const places = [place(30, 40), place(60, 100), place(5, 8)]
    assert.deepStrictEqual(plan({ fetches, places, most: 2 }), { asks: [], ends: [[30, 31]] })
    assert.deepStrictEqual(plan({ fetches: [fetch(30, 40, 28), fetch(60, 100, 58)], places, most: 2 }), nothing)
  })

  it("no more fetches than readers wait", () => {
    const fetches = [fetch(30, 31, 10), fetch(60, 100, 40)]
    const places = [place(30, 40), place(60, 100), place(5, 8)]
    assert.deepStrictEqual(plan({ fetches, places, most: 2 }), nothing)
  })
})
