import { assert, describe, it } from "@effect/vitest"
import { isWithin } from "../../src/cache/Targets.ts"

describe("Targets", () => {
  const all = { devices: 30, verified: 30, originCopies: 1, lastOverIdeal: 1.05 }

  it("want few copies of all, and speed of plain clients by a cold cache", () => {
    assert.isTrue(isWithin("cold", all))
    assert.isFalse(isWithin("cold", { ...all, originCopies: 1.02 }))
    assert.isFalse(isWithin("cold", { ...all, lastOverIdeal: 1.2 }))
    assert.isTrue(isWithin("peers", { ...all, lastOverIdeal: 1.2 }))
  })

  it("are missed when a device has no file, and do not speak of others", () => {
    assert.isFalse(isWithin("peers", { ...all, verified: 29 }))
    assert.isFalse(isWithin("cold", { ...all, originCopies: null }))
    assert.isNull(isWithin("others", all))
  })
})
