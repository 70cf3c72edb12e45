import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Ledbat from "../src/Ledbat.ts"
import { Yielding } from "../src/Yielding.ts"
import { Line, lossBased, shareOf, steady, unheard, yielding } from "./bottleneck.ts"

const rate = 50e6
const queue = 1_000_000

const lineOf = (roundTrip: number) => new Line({ rate, queue, roundTrip: () => roundTrip })

/** What the flow gets of the line, and what waits in its queue meanwhile: the median and the 95th percentile, in milliseconds. */
const look = (line: Line, flow: Parameters<typeof shareOf>[1], millis: number) => {
  const delays: Array<number> = []
  const share = shareOf(line, flow, rate, millis, () => delays.push(line.delay))
  delays.sort((a, b) => a - b)
  const at = (part: number) => delays[Math.floor(delays.length * part)] ?? 0
  return { share, median: at(0.5), p95: at(0.95) }
}

describe("a flow that yields, on a line of 50 Mbit/s with a queue of 160 ms", () => {
  for (const roundTrip of [2, 20, 100]) {
    it(`alone uses nine tenths and more, and keeps the queue short, at a round trip of ${roundTrip} ms`, () => {
      const line = lineOf(roundTrip)
      const flow = yielding(line)
      line.add(flow)
      line.run(5000)
      const { median, p95, share } = look(line, flow, 20_000)
      assert.isAbove(share, 0.9)
      assert.isBelow(median, 40)
      assert.isBelow(p95, 50)
    })

    it(`leaves a flow that fills the queue nearly all, and has the line again when that ends, at ${roundTrip} ms`, () => {
      const alone = lineOf(roundTrip)
      const single = lossBased(alone)
      alone.add(single)
      alone.run(15_000)
      const single20 = shareOf(alone, single, rate, 20_000)

      const line = lineOf(roundTrip)
      const background = yielding(line)
      line.add(background)
      line.run(10_000)
      const foreground = lossBased(line)
      line.add(foreground)
      line.run(line.now + 15_000)
      assert.isAbove(shareOf(line, foreground, rate, 20_000) / single20, 0.95)
      line.remove(foreground)
      line.run(line.now + 6000)
      assert.isAbove(shareOf(line, background, rate, 10_000), 0.9)
    })
  }

  it("makes a light flow wait no longer than 60 ms, and takes nothing from it", () => {
    const line = lineOf(20)
    line.add(yielding(line))
    const light = steady(rate / 10)
    line.add(light)
    line.run(5000)
    const { p95, share } = look(line, light, 20_000)
    assert.isAbove(share * 10, 0.97)
    assert.isBelow(p95, 60)
  })

  it("shares with one that comes later: after half a minute each has a third and more", () => {
    const line = lineOf(20)
    const [first, second] = [yielding(line), yielding(line, { offset: 77 })]
    line.add(first)
    line.run(5000)
    line.add(second)
    line.run(35_000)
    const before = second.delivered()
    const share = shareOf(line, first, rate, 30_000)
    const other = ((second.delivered() - before) * 8000) / rate / 30_000
    assert.isAbove(share, 0.33)
    assert.isAbove(other, 0.33)
    assert.isAbove(share + other, 0.9)
  })

  for (const skew of [100e-6, -100e-6]) {
    it(`is not misled in a quarter of an hour by a clock that is ${skew * 1e6} ppm faster`, () => {
      const line = lineOf(20)
      const flow = yielding(line, { skew })
      line.add(flow)
      line.run(600_000)
      const { p95, share } = look(line, flow, 300_000)
      assert.isAbove(share, 0.9)
      assert.isBelow(p95, 50)
    })
  }

  it("survives a route that becomes longer: at least while the old one is remembered, then as before", () => {
    const line = new Line({ rate, queue, roundTrip: (now) => (now < 30_000 ? 20 : 90) })
    const flow = yielding(line)
    line.add(flow)
    line.run(30_000)
    assert.isAbove(shareOf(line, flow, rate, 570_000), 0.003)
    line.run(700_000)
    assert.isAbove(shareOf(line, flow, rate, 30_000), 0.9)
  })

  it("is not slowed by delays that are unsteady by some milliseconds", () => {
    const line = lineOf(20)
    let turn = 0
    const flow = yielding(line, { jitter: () => (turn++ * 7919) % 6 })
    line.add(flow)
    line.run(5000)
    assert.isAbove(shareOf(line, flow, rate, 20_000), 0.9)
  })
})

describe("a flow to a peer that gives no receipts", () => {
  for (const { lump, roundTrip } of [
    { lump: 1, roundTrip: 2 },
    { lump: 1, roundTrip: 20 },
    { lump: 4, roundTrip: 20 }
  ]) {
    it(`leaves others nine tenths, and uses a good part alone, at ${roundTrip} ms and ${lump} blocks asked for together`, () => {
      const line = lineOf(roundTrip)
      const background = unheard(line, { lump, open: 64 })
      line.add(background)
      line.run(10_000)
      assert.isAbove(shareOf(line, background, rate, 20_000), 0.4)
      const foreground = lossBased(line)
      line.add(foreground)
      line.run(line.now + 10_000)
      assert.isAbove(shareOf(line, foreground, rate, 20_000), 0.9)
    })
  }
})

/** One that has heard of its peer. */
const begun = () => {
  const control = new Yielding(75, 0)
  control.handOver(1000, 0)
  control.take({ received: 1075, at: 5000, held: 0 }, 10)
  return control
}

describe("Yielding", () => {
  it("waits for the first receipt before it takes the peer for one that gives any", () => {
    assert.isFalse(new Yielding(0, 0).isHeard)
    assert.isTrue(begun().isHeard)
  })

  it("ignores receipts for what was not handed over, and those that come again", () => {
    const control = begun()
    control.handOver(5000, 20)
    assert.isFalse(control.take({ received: 6076, at: 0, held: 0 }, 30))
    assert.isFalse(control.take({ received: 1075, at: 0, held: 0 }, 30))
    assert.strictEqual(control.inFlight, 5000)
    assert.isTrue(control.take({ received: 6075, at: 0, held: 0 }, 30))
    assert.strictEqual(control.inFlight, 0)
  })

  it("lets nothing more out once the window is full, until a receipt, but at its pace what cannot wait for one", () => {
    const control = begun()
    for (let now = 20; ; now += 5) {
      const allowed = control.allowance(1_000_000, now)
      if ("bytes" in allowed) control.handOver(allowed.bytes, now)
      else if (allowed.wait === "Receipt") break
      assert.isBelow(now, 500)
    }
    assert.isAtMost(control.inFlight, control.window)
    assert.deepStrictEqual(control.allowance(1_000_000, 520), { wait: "Receipt" })
    assert.property(control.allowance(65_536, 520, true), "bytes")
  })

  it("begins anew after a silence", () => {
    const control = begun()
    let total = 1075
    for (let now = 20; now < 400; now += 10) {
      const allowed = control.allowance(1_000_000, now)
      if (!("bytes" in allowed)) continue
      control.handOver(allowed.bytes, now)
      total += allowed.bytes
      control.take({ received: total, at: (now + 5) * 1000, held: 0 }, now + 10)
    }
    assert.isAbove(control.window, 2 * Ledbat.initialWindow)
    control.allowance(1_000_000, 5000)
    assert.strictEqual(control.window, Ledbat.initialWindow)
  })

  const receipts = Arbitrary.schema(
    Schema.Array(
      Schema.Struct({
        bytes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400_000 })),
        received: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_000_000 })),
        at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff })),
        held: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff })),
        pause: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 }))
      })
    )
  )

  it.prop("keeps its window within bounds whatever a peer claims", { receipts }, ({ receipts: claims }) => {
    const control = new Yielding(0, 0)
    let now = 0
    for (const { at, bytes, held, pause, received } of claims) {
      now += pause
      const allowed = control.allowance(bytes + 1, now)
      if ("bytes" in allowed) {
        assert.isAtLeast(allowed.bytes, 1)
        assert.isAtMost(allowed.bytes, bytes + 1)
        control.handOver(allowed.bytes, now)
      } else if (allowed.wait !== "Receipt") assert.isTrue(Number.isFinite(allowed.wait) && allowed.wait >= 1)
      control.take({ received, at, held }, now)
      assert.isAtLeast(control.window, Ledbat.leastWindow)
      assert.isAtMost(control.window, Ledbat.largestWindow)
      assert.isAtLeast(control.inFlight, 0)
    }
  })
})
