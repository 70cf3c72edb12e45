import { assert, describe, it } from "@effect/vitest"
import { defaults, pauses } from "../src/LeasePace.ts"

const asksASecond = (members: number) => (members * 1000) / pauses(defaults, members).starved

describe("The pauses between asks", () => {
  it("are short for few members that wait for leases", () => {
    assert.strictEqual(pauses(defaults, 1).starved, defaults.starved)
    assert.strictEqual(pauses(defaults, 10).starved, defaults.starved)
  })

  it("grow with the members that wait, so that a site of thirty asks as often as one of ten", () => {
    assert.strictEqual(asksASecond(30), asksASecond(10))
  })

  it("are never longer for who waits than for who only renews", () => {
    for (const members of [1, 10, 30, 40, 100, 1000, 10_000]) {
      const { renew, starved } = pauses(defaults, members)
      assert.isAtMost(starved, renew)
    }
  })

  it("let a site of any size ask at most 200 times a second", () => {
    for (const members of [400, 1000, 10_000]) assert.isAtMost(asksASecond(members), 200)
  })
})
