import { assert, describe, it } from "@effect/vitest"
import * as Pace from "../src/Pace.ts"

const rows: ReadonlyArray<
  readonly [what: string, isComplete: boolean, joinedFor: number, candidates: number, least: number, most: number]
> = [
  ["one to three seconds for a new download that is alone", false, 0, 0, 1000, 3000],
  ["one to three seconds while there are few candidates", false, 59_000, 9, 1000, 3000],
  ["about half a minute once there are enough", false, 0, 10, 24_000, 36_000],
  ["about half a minute for a download that has been alone for a minute", false, 60_000, 0, 24_000, 36_000],
  ["minutes for a source", true, 0, 0, 240_000, 360_000]
]

describe("The next join is due in", () => {
  for (const [what, isComplete, joinedFor, candidates, least, most] of rows) {
    it(`${what}`, () => {
      const member = { isComplete, joinedFor, candidates }
      const at = (random: number) => Pace.nextJoin(Pace.defaults, member, random)
      assert.strictEqual(at(0), least)
      assert.isAtMost(at(0.999_999), most)
      assert.isAbove(at(0.999_999), most - 100)
    })
  }
})

it("A member may miss one join before it counts as gone", () => {
  for (const pause of [1000, 30_000, 300_000]) assert.isAbove(Pace.expiry(Pace.defaults, pause), 2 * pause)
})
