import { assert, describe, it } from "@effect/vitest"
import * as Family from "../src/Family.ts"

const one = (pid: number, parent: number) => ({ pid, parent, ticks: 1 })

describe("Family", () => {
  it("reads a process whose name has brackets and spaces", () => {
    const fields = Array.from({ length: 20 }, (_, i) => i)
    assert.deepStrictEqual(Family.parse(7, `7 (a) b (c) S 4 ${fields.slice(2).join(" ")}`), {
      pid: 7,
      parent: 4,
      ticks: 11 + 12
    })
  })

  it("is a process and all that descend from it, in whatever order the system tells them", () => {
    const all = [one(9, 5), one(5, 3), one(3, 1), one(4, 1), one(6, 3)]
    assert.deepStrictEqual(
      Family.familyOf(3, all).map(({ pid }) => pid),
      [3, 5, 6, 9]
    )
  })
})
