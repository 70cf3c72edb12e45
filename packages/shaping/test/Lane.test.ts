import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Lane, span, type Waiter } from "../src/Lane.ts"

/** A lane with a clock that is moved by hand, and timers that may be late. */
const scene = () => {
  let now = 0
  const timers: Array<{ readonly at: number; readonly run: () => void }> = []
  const lane = new Lane({ now: () => now, after: (millis, run) => void timers.push({ at: now + millis, run }) })
  const until = (time: number) => {
    while (true) {
      const next = timers.toSorted((a, b) => a.at - b.at)[0]
      if (next === undefined || next.at > time) break
      timers.splice(timers.indexOf(next), 1)
      now = Math.max(now, next.at)
      next.run()
    }
    now = Math.max(now, time)
  }
  return { lane, until, now: () => now, late: (millis: number) => (now += millis) }
}

/** Somebody who always wants more. */
const greedy = (lane: Lane, now: () => number, least: (turn: number) => number) => {
  const got: Array<{ readonly at: number; readonly bytes: number }> = []
  const waiter: Waiter = {
    least,
    go: (bytes) => {
      got.push({ at: now(), bytes })
      ask()
    }
  }
  const ask = () => {
    for (let bytes = lane.take(waiter); bytes > 0 && bytes !== Infinity; bytes = lane.take(waiter)) {
      got.push({ at: now(), bytes })
    }
  }
  return { got, ask }
}

const most = (got: ReadonlyArray<{ readonly at: number; readonly bytes: number }>) =>
  Math.max(
    ...got.map(({ at: from }) =>
      got.filter(({ at }) => at >= from && at < from + span).reduce((sum, { bytes }) => sum + bytes, 0)
    )
  )
const total = (got: ReadonlyArray<{ readonly bytes: number }>) => got.reduce((sum, { bytes }) => sum + bytes, 0)

describe("Lane", () => {
  it.prop(
    "lets no more through in any two seconds than the limit, however late its timers are",
    {
      rate: Schema.Int.check(Schema.isBetween({ minimum: 20_000, maximum: 5_000_000 })),
      delays: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 700 }))).check(
        Schema.isMaxLength(12)
      )
    },
    ({ delays, rate }) => {
      const { lane, late, now, until } = scene()
      lane.setRate(rate)
      const { ask, got } = greedy(lane, now, (turn) => turn)
      ask()
      for (const delay of delays) {
        late(delay)
        until(now() + 300)
      }
      assert.isAtMost(most(got), (rate * span) / 1000)
    }
  )

  it("is not more than 5 % under the limit, for turns and for whole answers", () => {
    for (const whole of [false, true]) {
      const { lane, now, until } = scene()
      lane.setRate(500_000)
      const { ask, got } = greedy(lane, now, (turn) => (whole ? lane.lump : turn))
      ask()
      until(60_000)
      assert.isAtLeast(total(got) / 60, 0.95 * 500_000)
      assert.isAtMost(most(got), 1_000_000)
    }
  })

  it("is as strict while the limit drifts", () => {
    const { lane, now, until } = scene()
    let rate = 500_000
    lane.setRate(rate)
    const { ask, got } = greedy(lane, now, () => lane.lump)
    ask()
    for (let second = 1; second < 30; second++) {
      until(second * 1000)
      rate *= 0.9999
      lane.setRate(rate)
    }
    assert.isAtMost(most(got), 1_000_000)
  })

  it("serves those who wait in turn", () => {
    const { lane, now, until } = scene()
    lane.setRate(200_000)
    const all = [1, 2, 3].map(() => greedy(lane, now, (turn) => turn))
    for (const one of all) one.ask()
    until(20_000)
    const sums = all.map(({ got }) => total(got))
    assert.isBelow(Math.max(...sums) / Math.min(...sums), 1.05)
  })

  it("lets everybody go when the limit ends", () => {
    const { lane, now, until } = scene()
    lane.setRate(1000)
    const one = greedy(lane, now, (turn) => turn)
    one.ask()
    until(100)
    lane.setRate(undefined)
    assert.strictEqual(one.got.at(-1)?.bytes, 0)
    assert.strictEqual(lane.take({ least: () => 1, go: () => {} }), Infinity)
  })

  it("counts what was paid ahead from when it begins to come", () => {
    const { lane, now, until } = scene()
    lane.setRate(100_000)
    const waiter: Waiter = { least: () => 10_000, go: () => {} }
    until(10)
    assert.strictEqual(lane.take(waiter), 10_000)
    until(1900)
    lane.begun(10_000, 10)
    until(2100)
    const { ask, got } = greedy(lane, now, (turn) => turn)
    ask()
    until(3890)
    assert.isAtMost(total(got), 200_000 - 10_000)
  })
})
