import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Lane, span, type Waiter } from "../src/Lane.ts"

/** A lane with a clock that is moved by hand, and timers that may be late. */
const scene = () => {
  let now = 0
  const timers: Array<{ readonly at: number; readonly run: () => void }> = []
  const after = (millis: number, run: () => void) => void timers.push({ at: now + millis, run })
  const lane = new Lane({ now: () => now, after })
  const until = (time: number) => {
    while (true) {
      let next = timers[0]
      for (const timer of timers) if (timer.at < (next?.at ?? 0)) next = timer
      if (next === undefined || next.at > time) break
      timers.splice(timers.indexOf(next), 1)
      now = Math.max(now, next.at)
      next.run()
    }
    now = Math.max(now, time)
  }
  return { after, lane, until, now: () => now, late: (millis: number) => (now += millis) }
}

/** Somebody who always wants more; what it asks for comes at once. */
const greedy = (lane: Lane, now: () => number, least: (turn: number) => number, asks = false) => {
  const got: Array<{ readonly at: number; readonly bytes: number }> = []
  const comes = (bytes: number) => {
    if (asks) lane.arrived(bytes)
    got.push({ at: now(), bytes })
  }
  const waiter: Waiter = {
    asks,
    least,
    go: (bytes) => {
      comes(bytes)
      ask()
    }
  }
  const ask = () => {
    for (let bytes = lane.take(waiter); bytes > 0 && bytes !== Infinity; bytes = lane.take(waiter)) comes(bytes)
  }
  return { got, ask }
}

/** The most in any two seconds; in the order of time. */
const most = (got: ReadonlyArray<{ readonly at: number; readonly bytes: number }>) => {
  let from = 0
  let sum = 0
  let highest = 0
  for (const { at, bytes } of got) {
    sum += bytes
    while ((got[from]?.at ?? at) <= at - span) sum -= got[from++]?.bytes ?? 0
    highest = Math.max(highest, sum)
  }
  return highest
}
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
      const { ask, got } = greedy(lane, now, (turn) => (whole ? lane.lump : turn), whole)
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
    const { ask, got } = greedy(lane, now, () => lane.lump, true)
    ask()
    for (let second = 1; second < 30; second++) {
      until(second * 1000)
      rate *= 0.9999
      lane.setRate(rate)
    }
    assert.isAtMost(most(got), 1_000_000)
  })

  it("lets bytes come evenly after the ceiling held them back, and after nobody wanted any", () => {
    for (const asks of [false, true]) {
      const { lane, late, now, until } = scene()
      lane.setRate(500_000)
      until(5000)
      const { ask, got } = greedy(lane, now, () => 8000, asks)
      ask()
      until(8000)
      // Nothing runs for most of a second, which is made up for, and the ceiling holds back then.
      late(800)
      until(20_000)
      const half = (at: number) => total(got.filter((one) => one.at >= at && one.at < at + 500)) / 250_000
      assert.isBelow(half(5000), 1.6)
      for (let at = 14_000; at < 20_000; at += 500) {
        assert.isAtLeast(half(at), 0.9, `${at} ms`)
        assert.isAtMost(half(at), 1.05, `${at} ms`)
      }
    }
  })

  it("looks sooner when something is given back", () => {
    const { lane, now, until } = scene()
    lane.setRate(100_000)
    lane.owe(lane.most)
    until(3000)
    let at = 0
    lane.take({ asks: true, least: () => 10_000, most: () => 10_000, go: () => {} })
    lane.take({ asks: true, least: () => 10_000, most: () => 10_000, go: () => (at = now()) })
    until(3100)
    lane.spare(60_000)
    until(3200)
    assert.isAbove(at, 3099)
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

  it.prop(
    "lets no more come in any two seconds than the limit, whatever the order and the delay of the answers",
    {
      rate: Schema.Int.check(Schema.isBetween({ minimum: 30_000, maximum: 5_000_000 })),
      // The shortest way that an answer can take.
      way: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 })),
      askers: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 })),
      // How long each answer takes to begin, and then between its thirds.
      delays: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3000 }))).check(
        Schema.isMaxLength(40)
      ),
      late: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 700 }))).check(Schema.isMaxLength(6))
    },
    ({ askers, delays, late: lates, rate, way }) => {
      const { after, lane, late, now, until } = scene()
      lane.setRate(rate)
      const got: Array<{ readonly at: number; readonly bytes: number }> = []
      let answers = 0
      const delay = () => delays[answers++ % Math.max(1, delays.length)] ?? 10
      const ask = () => {
        const begin = (bytes: number) => {
          const from = now() + way
          // In thirds, each after a delay of its own; then the next is asked for.
          const part = (left: number) => {
            after(Math.max(0, from - now()) + delay(), () => {
              const some = Math.min(left, Math.ceil(bytes / 3))
              got.push({ at: now(), bytes: some })
              lane.arrived(some)
              if (left > some) part(left - some)
              else ask()
            })
          }
          part(bytes)
        }
        const waiter: Waiter = {
          asks: true,
          ahead: () => way,
          least: () => lane.lump,
          most: () => lane.lump,
          go: begin
        }
        const bytes = lane.take(waiter)
        if (bytes > 0) begin(bytes)
      }
      // Beside them somebody who pays as it reads.
      const reader = greedy(lane, now, (turn) => turn)
      reader.ask()
      for (let asker = 0; asker < askers; asker++) ask()
      for (const millis of lates) {
        until(now() + 1500)
        late(millis)
      }
      until(now() + 8000)
      assert.isAbove(got.length, 0)
      assert.isAtMost(most([...got, ...reader.got].toSorted((a, b) => a.at - b.at)), (rate * span) / 1000)
    }
  )

  it("is not more than 5 % under the limit when answers take their time for the way and the line", () => {
    for (const [way, share, least] of [
      [0, 0.8, 0.95],
      [10, 0.7, 0.95],
      [20, 0.5, 0.95],
      [30, 0.3, 0.95],
      [100, 0.3, 0.92],
      [200, 0.3, 0.9]
    ] as const) {
      const { after, lane, now, until } = scene()
      const rate = 1_000_000
      lane.setRate(rate)
      const got: Array<{ readonly at: number; readonly bytes: number }> = []
      const come = (left: number) => {
        if (left === 0) return ask()
        // In packets, as fast as the line carries them.
        const some = Math.min(left, 1448)
        after((some * share * 1000) / rate, () => {
          got.push({ at: now(), bytes: some })
          lane.arrived(some)
          come(left - some)
        })
      }
      const begin = (bytes: number) =>
        after(way, () => {
          lane.begun(way)
          come(bytes)
        })
      const ask = () => {
        const { lump } = lane
        const bytes = lane.take({ asks: true, ahead: () => way * 0.9, least: () => lump, most: () => lump, go: begin })
        if (bytes > 0) begin(bytes)
      }
      ask()
      until(30_000)
      assert.isAtLeast(total(got) / 30, least * rate, `${way} ms, ${share} of the line`)
      assert.isAtMost(total(got) / 30, rate)
    }
  })

  it("lets others go when it turns out that less comes than was asked for", () => {
    const { lane, now, until } = scene()
    lane.setRate(100_000)
    until(2000)
    let asked = 0
    for (let i = 0; i < 40; i++) {
      lane.take({ asks: true, least: () => lane.lump, most: () => lane.lump, go: (bytes) => (asked += bytes) })
    }
    // None of it comes.
    until(20_000)
    assert.isAtMost(asked, 200_000)
    const before = asked
    lane.spare(50_000)
    until(now() + 1000)
    assert.isAtLeast(asked, before + 30_000)
  })
})
