import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Rate from "../src/Rate.ts"

describe("Rate", () => {
  it("reads rates as people write them", () => {
    assert.deepStrictEqual(Rate.parse("100mbit"), Option.some(100e6))
    assert.deepStrictEqual(Rate.parse(" 2.5 Gbit/s "), Option.some(2.5e9))
    assert.deepStrictEqual(Rate.parse("512kbit"), Option.some(512e3))
    assert.deepStrictEqual(Rate.parse("8000000bit"), Option.some(8e6))
  })

  it("takes no rate without a unit, of nothing, or so low that no run would end", () => {
    for (const text of ["100", "mbit", "0mbit", "-5mbit", "999bit", "1e9bit", "100 MB", ""]) {
      assert.isTrue(Option.isNone(Rate.parse(text)), text)
    }
  })

  it("writes them back in the unit that reads best", () => {
    assert.deepStrictEqual([100e6, 2.5e9, 512e3].map(Rate.format), ["100 Mbit/s", "2.5 Gbit/s", "512 kbit/s"])
  })
})
