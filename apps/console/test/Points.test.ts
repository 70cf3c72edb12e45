import { assert, describe, it } from "@effect/vitest"
import * as Points from "../src/pages/nodes/Points.ts"

const minute = 60_000
const hour = 3_600_000
const now = 1_000 * hour + 30 * minute + 5_000
/** When a minute began. */
const at = (minutesAgo: number) => (Math.floor(now / minute) - minutesAgo) * minute
const row = (begun: number) => ({ at: begun, hitsbps: 8, missesbps: 2 })

describe("The points of a node's chart", () => {
  it("are those of the whole time that was asked for, also where one row is known", () => {
    const points = Points.of([row(1_000 * hour)], 168, now)
    assert.strictEqual(points.length, 168)
    assert.deepStrictEqual(points.at(-1), row(1_000 * hour))
    assert.deepStrictEqual(points[0], { at: 833 * hour, hitsbps: 0, missesbps: 0 })
  })

  it("end with what was told last while it is only late, and go on with nothing where nothing comes any more", () => {
    const ends = (ago: number) => Points.of([row(at(ago))], 1, now).at(-1)
    assert.deepStrictEqual(ends(2), row(at(2)))
    assert.deepStrictEqual(ends(20), { at: at(0), hitsbps: 0, missesbps: 0 })
  })

  it("stay within the time where the node's clock is ahead", () => {
    const points = Points.of([row(now + hour)], 1, now)
    assert.strictEqual(points.at(-1)?.at, at(0))
  })
})
