import { assert, describe, it } from "@effect/vitest"
import * as Contest from "../../src/Contest.ts"
import * as Jobs from "../../src/jobs/Jobs.ts"

const of = (seconds: number, peakRssBytes: number) =>
  Contest.standing(
    "",
    [{ seconds, cpuSeconds: 1, peakRssBytes, otherEnd: { cpuSeconds: null, peakRssBytes: null } }],
    1
  )

describe("Jobs", () => {
  const standings = { many: of(2, 300), few: of(1.8, 200), large: of(1, 100) }

  it("compares many at once with few at once, and with few large files", () => {
    assert.deepStrictEqual(Jobs.ratios("simple", standings), {
      manyToFew: 0.9,
      manyToLarge: 0.5,
      memoryOfManyToFew: 1.5
    })
  })

  it("names the ratios of swarms apart", () => {
    assert.deepStrictEqual(Object.keys(Jobs.ratios("swarm", standings)), [
      "manyToFewInSwarm",
      "manyToLargeInSwarm",
      "memoryOfManyToFewInSwarm"
    ])
  })

  it("has none where one of the three is missing", () => {
    assert.deepStrictEqual(Jobs.ratios("simple", { many: of(1, 1), few: of(1, 1) }), {})
  })
})
