import { assert, describe, it } from "@effect/vitest"
import * as Rates from "../../src/limits/Rates.ts"

/** Samples every 20 ms of frames with 1448 bytes of payload, so many at a time. */
const samples = (frames: ReadonlyArray<number>): ReadonlyArray<Rates.Sample> => {
  let sum = 0
  return frames.map((more, i) => {
    sum += more
    return { since: i * 20, at: i * 20, bytes: sum * 1514, frames: sum }
  })
}

describe("Rates", () => {
  it("takes the headers off", () => {
    const rates = Rates.of(samples(Array.from({ length: 500 }, () => 10)))
    assert.approximately(rates?.mean ?? 0, 14_480 * 50, 1)
    assert.approximately(rates?.highest ?? 0, 14_480 * 50, 1)
  })

  it("finds the two seconds in which most came", () => {
    const frames = Array.from({ length: 500 }, (_, i) => (i >= 200 && i < 250 ? 20 : 10))
    assert.approximately(Rates.of(samples(frames))?.highest ?? 0, 14_480 * 75, 1)
  })

  it("is not misled when the reading of a counter is held up", () => {
    const steady = samples(Array.from({ length: 500 }, () => 10))
    const held = steady
      .filter((_, i) => i <= 200 || i > 205)
      .map((sample, i) => (i === 200 ? { ...sample, at: sample.at + 100 } : sample))
    assert.approximately(Rates.of(held)?.highest ?? 0, 14_480 * 50, 1)
  })

  it("counts neither what came before the transfer nor the silence behind it", () => {
    const quiet = Array.from({ length: 100 }, () => 0)
    const frames = [1, 0, 1, ...quiet, ...Array.from({ length: 300 }, () => 10), ...quiet]
    assert.approximately(Rates.of(samples(frames))?.mean ?? 0, 14_480 * 50, 15_000)
  })

  it("forgets the counters of another interface", () => {
    const before = [{ since: -40, at: -40, bytes: 1e12, frames: 1e9 }]
    const rates = Rates.of([...before, ...samples(Array.from({ length: 200 }, () => 10))])
    assert.approximately(rates?.mean ?? 0, 14_480 * 50, 1)
  })

  it("knows no two seconds of what is over sooner", () => {
    const rates = Rates.of(samples(Array.from({ length: 90 }, () => 10)))
    assert.approximately(rates?.mean ?? 0, 14_480 * 50, 1)
    assert.isUndefined(rates?.highest)
    assert.isUndefined(Rates.of([]))
  })

  it("reads the counters of the kernel", () => {
    const text = "Inter-|   Receive\n face |bytes packets\n    lo: 1 2 0\n  eth0: 12345 67 0 0 0 0 0 0 9 1\n"
    const times = { since: 4, at: 5 }
    assert.deepStrictEqual(Rates.received(text, "eth0", times), { since: 4, at: 5, bytes: 12_345, frames: 67 })
    assert.isUndefined(Rates.received(text, "eth1", times))
  })
})
