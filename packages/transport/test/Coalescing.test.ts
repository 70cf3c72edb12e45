import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import { Coalescing, longestRest, mostBytes, Rests } from "../src/internal/Coalescing.ts"

const MiB = 1_048_576

/** Rests asked for by a stream that brings frames of 1,448 bytes at an even rate in bytes a millisecond. */
const restsAt = (rate: number, frames: number, lacking = MiB) => {
  const coalescing = new Coalescing()
  return Array.from({ length: frames }, (_, i) => coalescing.rest(1448, lacking, 500 + (i * 1448) / rate))
}

describe("Coalescing", () => {
  it("lets nobody wait while the rate is unknown", () => {
    const rests = restsAt(12_500, 100)
    assert.deepStrictEqual(
      rests.slice(0, 43),
      Array.from({ length: 43 }, () => 0)
    )
    assert.isAbove(rests[99] ?? 0, 0)
  })

  it("rests longest on a line of 100 Mbit/s, and less the faster the line is", () => {
    assert.strictEqual(restsAt(12_500, 1000).at(-1), longestRest)
    assert.strictEqual(restsAt(50_000, 1000).at(-1), Math.floor(mostBytes / 50_000))
    assert.strictEqual(restsAt(300_000, 10_000).at(-1), 0)
  })

  it("rests no longer than what is waited for takes to come", () => {
    assert.strictEqual(restsAt(12_500, 1000, 40_000).at(-1), 3)
  })

  it("keeps nobody waiting for an answer of a few bytes", () => {
    assert.isTrue(restsAt(100, 1000, 4000).every((rest) => rest === 0))
  })

  it("does not take a reader's pause for the line's", () => {
    const coalescing = new Coalescing()
    const rests: Array<number> = []
    // A mebibyte in a millisecond; then the reader has to wait for memory for twenty.
    for (let at = 0; at < 2000; at += 21) {
      for (let part = 0; part < 8; part++) rests.push(coalescing.rest(MiB / 8, MiB - (part * MiB) / 8, at + part / 8))
      coalescing.rest(65_536, 0, at + 1)
    }
    assert.isTrue(rests.every((rest) => rest === 0))
  })

  it("does not take a moment without the processor for a slow line", () => {
    const coalescing = new Coalescing()
    let at = 0
    const second = () => {
      let rests = 0
      for (let i = 0; i < 1000; i++) rests += coalescing.rest(MiB, MiB, (at += 1))
      return rests
    }
    assert.strictEqual(second(), 0)
    at += 15
    assert.strictEqual(second(), 0)
  })

  it("knows nothing of the rate after a pause", () => {
    const coalescing = new Coalescing()
    for (let at = 0; at < 20; at++) coalescing.rest(12_500, MiB, at)
    assert.strictEqual(coalescing.rest(12_500, MiB, 20), longestRest)
    assert.strictEqual(coalescing.rest(12_500, MiB, 71), 0)
  })
})

describe("Rests", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }))
  afterEach(() => void vi.useRealTimers())

  it("wakes those together who are due a little apart, each of them once", () => {
    const rests = new Rests()
    const woken: Array<string> = []
    const begin = performance.now()
    const wake = (who: string) => () => void woken.push(`${who} at ${performance.now() - begin}`)
    rests.add(4, wake("a"))
    rests.add(7, wake("b"))
    rests.add(10, wake("c"))
    vi.advanceTimersByTime(100)
    assert.deepStrictEqual(woken, ["a at 4", "b at 4", "c at 10"])
  })

  it("wakes who is due long before the others first, and who begins to rest when woken later", () => {
    const rests = new Rests()
    const woken: Array<string> = []
    const begin = performance.now()
    rests.add(10, () => void woken.push(`slow at ${performance.now() - begin}`))
    rests.add(1, () => {
      woken.push(`fast at ${performance.now() - begin}`)
      rests.add(3, () => void woken.push(`fast at ${performance.now() - begin}`))
    })
    vi.advanceTimersByTime(100)
    assert.deepStrictEqual(woken, ["fast at 1", "fast at 4", "slow at 10"])
  })
})
