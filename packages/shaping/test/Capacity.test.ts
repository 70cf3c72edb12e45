import { assert, describe, it } from "@effect/vitest"
import * as Capacity from "../src/Capacity.ts"

const week = 7 * 24 * 3_600_000

describe("Capacity", () => {
  it("is the best of three seconds in a row", () => {
    let sight = Capacity.nothingSeen
    const rates: Array<number | undefined> = []
    let bytes = 0
    for (const [i, more] of [100, 5000, 100, 3000, 3000, 3000, 0].entries()) {
      bytes += more
      const next = Capacity.look(sight, bytes, i * 1000)
      sight = next.sight
      rates.push(next.rate)
    }
    assert.deepStrictEqual(rates, [undefined, undefined, undefined, 2700, 2033.3333333333333, 3000, undefined])
  })

  it("counts half after a week in which nothing confirmed it", () => {
    const seen = Capacity.seen(undefined, 1000, undefined, 0)
    assert.strictEqual(Capacity.valueOf(seen, week), 500)
    assert.strictEqual(Capacity.seen(seen, 100, undefined, week), seen)
  })

  it("is confirmed by four fifths of it, and by four fifths of what a limit leaves", () => {
    const seen = Capacity.seen(undefined, 1000, undefined, 0)
    assert.deepStrictEqual(Capacity.seen(seen, 800, undefined, 10), { rate: Capacity.valueOf(seen, 10) ?? 0, at: 10 })
    assert.strictEqual(Capacity.seen(seen, 400, undefined, 10), seen)
    assert.strictEqual(Capacity.seen(seen, 400, 500, 10)?.at, 10)
  })

  it("is not known from a sight of our own limit", () => {
    assert.isUndefined(Capacity.seen(undefined, 480, 500, 0))
    assert.deepStrictEqual(Capacity.seen(undefined, 300, 500, 0), { rate: 300, at: 0 })
    assert.deepStrictEqual(Capacity.seen({ rate: 400, at: 0 }, 480, 500, 0), { rate: 480, at: 0 })
  })

  it("says nothing after a pause in which the machine slept", () => {
    let sight = Capacity.nothingSeen
    let rate: number | undefined
    for (const at of [0, 1000, 2000, 9000]) ({ rate, sight } = Capacity.look(sight, at + 1, at))
    assert.isUndefined(rate)
  })
})
