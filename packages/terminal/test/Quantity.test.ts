import { assert, describe, it } from "@effect/vitest"
import { Quantity } from "@piecework/terminal"
import { Option } from "effect"

describe("Quantity", () => {
  it("reads rates as bits a second", () => {
    for (const [text, bits] of [
      ["100mbit", 100e6],
      ["1gbit", 1e9],
      ["2.5 Gbit/s", 2.5e9],
      ["64kbit", 64e3]
    ] as const) {
      assert.deepStrictEqual(Quantity.rate(text), Option.some(bits), text)
    }
  })

  it("refuses rates without a unit, in bytes, of nothing and beyond measure", () => {
    for (const text of ["100", "100MB", "0mbit", "-1mbit", "1kbit", "101gbit", "1e9bit", "mbit", ""]) {
      assert.deepStrictEqual(Quantity.rate(text), Option.none(), text)
    }
  })

  it("reads shares up to a limit", () => {
    assert.deepStrictEqual(Quantity.share(0.5)("0.5%"), Option.some(0.005))
    assert.deepStrictEqual(Quantity.share(1)("100 %"), Option.some(1))
    for (const text of ["51%", "0.1", "-1%", "%", ""]) {
      assert.deepStrictEqual(Quantity.share(0.5)(text), Option.none(), text)
    }
  })

  it("reads spans of time up to a limit, and when devices start", () => {
    assert.deepStrictEqual(Quantity.span(2000)("20ms"), Option.some(20))
    assert.deepStrictEqual(Quantity.start("together"), Option.some(0))
    assert.deepStrictEqual(Quantity.start("2s"), Option.some(2000))
    assert.deepStrictEqual(Quantity.start("250ms"), Option.some(250))
    for (const text of ["3s", "20", "-1ms", ""]) assert.deepStrictEqual(Quantity.span(2000)(text), Option.none(), text)
    for (const text of ["2", "later", "-2s", "11m", ""]) {
      assert.deepStrictEqual(Quantity.start(text), Option.none(), text)
    }
  })
})
