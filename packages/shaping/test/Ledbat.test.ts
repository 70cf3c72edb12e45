import { assert, describe, it } from "@effect/vitest"
import { Ledbat } from "@piecework/shaping"

const heard = (state: Ledbat.Ledbat, now: number, queueing: number, part = 1): Ledbat.Ledbat =>
  Ledbat.hear(state, { now, received: state.window * part, inFlight: state.window, queueing, roundTrip: 20 })

/** Past its slow start, at this window, with no slowdown due. */
const steady = (window: number): Ledbat.Ledbat => ({
  ...Ledbat.initial(0),
  window,
  phase: { _tag: "Steady", deafUntil: 0 },
  slowdownAt: 1e9,
  restartAfter: 1e9
})

describe("Ledbat", () => {
  it("grows by half of what is received while nothing waits, and stops once three quarters of the target do", () => {
    const grown = heard(Ledbat.initial(0), 20, 0)
    assert.strictEqual(grown.window, 1.5 * Ledbat.initialWindow)
    const over = heard(grown, 40, 0.8 * Ledbat.target)
    assert.strictEqual(over.phase._tag, "Steady")
    assert.strictEqual(over.window, Ledbat.initialWindow)
  })

  it("adds one segment a window below the target, and no more than that at it", () => {
    assert.strictEqual(heard(steady(100_000), 20, 10).window, 100_000 + Ledbat.segment)
    assert.strictEqual(heard(steady(100_000), 20, Ledbat.target).window, 100_000 + Ledbat.segment)
  })

  it("takes a share of the window for what waits above the target, half of it at most", () => {
    assert.strictEqual(heard(steady(100_000), 20, Ledbat.target * 1.2).window, 80_000 + Ledbat.segment)
    assert.strictEqual(heard(steady(100_000), 20, Ledbat.target * 50).window, 50_000 + Ledbat.segment)
    assert.approximately(heard(steady(100_000), 20, Ledbat.target * 1.2, 0.1).window, 98_000 + 0.1 * Ledbat.segment, 1)
  })

  it("goes down to two segments and not below", () => {
    let state = steady(1_000_000)
    for (let now = 20; now < 1000; now += 20) state = heard(state, now, 150)
    assert.isAtLeast(state.window, Ledbat.leastWindow)
    assert.isAtMost(state.window, 2 * Ledbat.leastWindow)
  })

  it("does not grow while less than half of the window is used", () => {
    const state = steady(100_000)
    const next = Ledbat.hear(state, { now: 20, received: 10_000, inFlight: 40_000, queueing: 0, roundTrip: 20 })
    assert.strictEqual(next.window, 100_000)
  })

  it("slows down by itself for two round trips, and is back at its window soon after", () => {
    const slow = heard({ ...steady(400_000), slowdownAt: 100 }, 100, Ledbat.target)
    assert.strictEqual(slow.phase._tag, "Slowdown")
    assert.isBelow(slow.window, 60_000)
    assert.strictEqual(heard(slow, 130, 0).window, slow.window)
    let state = heard(slow, 141, 0)
    for (let now = 160; state.phase._tag === "SlowStart"; now += 20) {
      state = heard(state, now, 0)
      assert.isBelow(now, 300)
    }
    assert.approximately(state.window, 400_000, 3000)
    assert.isAtLeast(state.slowdownAt ?? 0, 2000)
  })

  it("starts again when the line has had room for a while", () => {
    let state: Ledbat.Ledbat = { ...steady(10_000), restartAfter: 0 }
    for (let now = 0; now <= 480; now += 20) state = heard(state, now, 0)
    assert.strictEqual(state.phase._tag, "Steady")
    state = heard(heard(state, 500, 0), 520, 0)
    assert.strictEqual(state.phase._tag, "SlowStart")
  })
})
