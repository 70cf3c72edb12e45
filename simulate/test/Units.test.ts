import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Units from "../src/Units.ts"

describe("Units", () => {
  it("reads rates as bits a second, and refuses those without a unit, in bytes and beyond measure", () => {
    assert.deepStrictEqual(Units.rate("100mbit"), Option.some(100e6))
    assert.deepStrictEqual(Units.rate("2.5 Gbit/s"), Option.some(2.5e9))
    for (const text of ["100", "100MB", "0mbit", "-1mbit", "1kbit", "101gbit", "mbit", ""]) {
      assert.deepStrictEqual(Units.rate(text), Option.none(), text)
    }
  })

  it("reads shares, spans and starts, and refuses what is none", () => {
    assert.deepStrictEqual(Units.share("10%"), Option.some(0.1))
    assert.deepStrictEqual(Units.span(2000)("20ms"), Option.some(20))
    assert.deepStrictEqual(Units.start("together"), Option.some(0))
    assert.deepStrictEqual(Units.start("2s"), Option.some(2000))
    for (const text of ["101%", "0.1", "-1%", ""]) assert.deepStrictEqual(Units.share(text), Option.none(), text)
    for (const text of ["3s", "20", "-1ms", ""]) assert.deepStrictEqual(Units.span(2000)(text), Option.none(), text)
    for (const text of ["later", "11m", ""]) assert.deepStrictEqual(Units.start(text), Option.none(), text)
  })
})
