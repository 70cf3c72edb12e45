import { assert, describe, it } from "@effect/vitest"
import * as Amount from "../src/view/Amount.ts"

describe("An amount", () => {
  it("of bytes is in powers of 1024, with one decimal from 1 KiB on", () => {
    assert.deepStrictEqual([0, 1, 1023, 1024, 1536, 1_048_576, 5 * 1024 ** 3, 2 ** 53].map(Amount.bytes), [
      "0 B",
      "1 B",
      "1023 B",
      "1.0 KiB",
      "1.5 KiB",
      "1.0 MiB",
      "5.0 GiB",
      "8.0 PiB"
    ])
  })

  it("of a rate is in bits a second, whatever it was measured in", () => {
    assert.deepStrictEqual([0, 999, 1_500_000, 40e9].map(Amount.bitRate), [
      "0 bit/s",
      "999 bit/s",
      "1.5 Mbit/s",
      "40.0 Gbit/s"
    ])
    assert.strictEqual(Amount.byteRate(125_000), "1.0 Mbit/s")
  })

  it("that is nearly all or nearly nothing is not called all or nothing", () => {
    assert.deepStrictEqual([0, 0.04, 0.1, 9.96, 60, 99.9, 99.96, 100].map(Amount.percent), [
      "0 %",
      "< 0.1 %",
      "0.1 %",
      "10.0 %",
      "60.0 %",
      "99.9 %",
      "> 99.9 %",
      "100 %"
    ])
  })

  it("of nothing has no share, and no division by it", () => {
    assert.deepStrictEqual([Amount.share(0, 0), Amount.share(1, 4)], [0, 25])
  })

  it("of time is in the largest unit that fits, and the future is now", () => {
    assert.deepStrictEqual([12, 4_000, 90_000, 7_200_000, 259_200_000].map(Amount.span), [
      "12 ms",
      "4 s",
      "2 min",
      "2 h",
      "3 days"
    ])
    assert.deepStrictEqual([Amount.ago(0, 180_000), Amount.ago(60_000, 0)], ["3 min ago", "just now"])
  })

  it("of things has its noun in the right number", () => {
    assert.deepStrictEqual([Amount.count(1, "device"), Amount.count(2000, "device")], ["1 device", "2,000 devices"])
  })
})
