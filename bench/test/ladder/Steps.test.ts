import { assert, describe, it } from "@effect/vitest"
import * as Steps from "../../src/ladder/Steps.ts"

const small = (rest: number) => Steps.step(1000, { curl: [1, 2, 3], api: [1], rest: [rest, rest, 100] }).rest
const large = (rest: number) => Steps.step(1e9, { curl: [700], api: [1], rest: [rest] }).rest

describe("A step of the ladder", () => {
  it("holds small files to the time beyond curl's", () => {
    assert.deepInclude(small(12), { moreMillis: 10, ratioToCurl: 0.167, withinTarget: true })
    assert.deepInclude(small(12.01), { moreMillis: 10.01, withinTarget: false })
  })

  it("holds large files to curl's throughput", () => {
    assert.deepInclude(large(1000), { ratioToCurl: 0.7, withinTarget: true })
    assert.deepInclude(large(1001), { ratioToCurl: 0.699, withinTarget: false })
  })

  it("has no target between these", () => {
    assert.isNull(Steps.step(10_000_000, { curl: [1], api: [1000], rest: [1] }).api.withinTarget)
  })
})
