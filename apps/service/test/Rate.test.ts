import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { rateIn } from "../src/http/Rate.ts"

describe("A limit of requests", () => {
  for (const [text, perSecond, burst] of [
    ["1", 1, 10],
    ["500", 500, 5000],
    ["500/500", 500, 500],
    ["10000000/100000000", 10_000_000, 100_000_000]
  ] as const) {
    it(`${text} is ${perSecond} a second, and ${burst} at once`, () =>
      assert.deepStrictEqual(rateIn(text), Option.some({ perSecond, burst })))
  }
  for (const text of ["", "0", "-1", "1.5", "10/9", "1/", "/5", "a", "10000001", "1/100000001", "1/2/3", " 1"]) {
    it(`"${text}" is none`, () => assert.isTrue(Option.isNone(rateIn(text))))
  }
})
