import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as SiteOptions from "../../src/site/SiteOptions.ts"

describe("SiteOptions", () => {
  it("reads rates as bits a second", () => {
    for (const [text, bits] of [
      ["100mbit", 100e6],
      ["1gbit", 1e9],
      ["2.5 Gbit/s", 2.5e9],
      ["64kbit", 64e3]
    ] as const) {
      assert.deepStrictEqual(SiteOptions.rate(text), Option.some(bits), text)
    }
  })

  it("refuses rates without a unit, in bytes, of nothing and beyond measure", () => {
    for (const text of ["100", "100MB", "0mbit", "-1mbit", "1kbit", "101gbit", "1e9bit", "mbit", ""]) {
      assert.deepStrictEqual(SiteOptions.rate(text), Option.none(), text)
    }
  })

  it("reads shares up to a limit", () => {
    assert.deepStrictEqual(SiteOptions.share(0.5)("0.5%"), Option.some(0.005))
    assert.deepStrictEqual(SiteOptions.share(1)("100 %"), Option.some(1))
    for (const text of ["51%", "0.1", "-1%", "%", ""]) {
      assert.deepStrictEqual(SiteOptions.share(0.5)(text), Option.none(), text)
    }
  })

  it("reads when devices start", () => {
    assert.deepStrictEqual(SiteOptions.start("together"), Option.some(0))
    assert.deepStrictEqual(SiteOptions.start("2s"), Option.some(2000))
    assert.deepStrictEqual(SiteOptions.start("250ms"), Option.some(250))
    for (const text of ["2", "later", "-2s", "11m", ""]) {
      assert.deepStrictEqual(SiteOptions.start(text), Option.none(), text)
    }
  })

  it("takes for ideal the time in which the line carries one copy with its frames", () => {
    assert.approximately(SiteOptions.idealSeconds({ bytes: 12_500_000, wan: 100e6 }), 1.0456, 0.0001)
  })
})
