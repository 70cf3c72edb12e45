import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as TokenBucket from "../src/TokenBucket.ts"

const step = Schema.Struct({
  /** Milliseconds since the step before. */
  after: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3000 })),
  wanted: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200_000 }))
})
const steps = Schema.Array(step).check(Schema.isMaxLength(80))

describe("TokenBucket", () => {
  it.prop(
    "gives no more than rate × time + burst over any span of time",
    { rate: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 })), steps },
    ({ rate, steps: all }) => {
      const burst = Math.max(1, Math.floor(rate / 4))
      let bucket = TokenBucket.make({ rate, burst, now: 0 })
      let now = 0
      const taken: Array<{ readonly at: number; readonly bytes: number }> = []
      for (const { after, wanted } of all) {
        now += after
        const bytes = Math.min(wanted, TokenBucket.available(bucket, now))
        bucket = TokenBucket.take(bucket, bytes, now)
        taken.push({ at: now, bytes })
      }
      for (let from = 0; from < taken.length; from++) {
        let sum = 0
        for (const { at, bytes } of taken.slice(from)) {
          sum += bytes
          const span = (at - (taken[from]?.at ?? 0)) / 1000
          assert.isAtMost(sum, rate * span + burst + 1e-3)
        }
      }
    }
  )

  it("says how long to wait, and has as much then", () => {
    const empty = TokenBucket.make({ rate: 2000, burst: 500, now: 0, level: 0 })
    assert.strictEqual(TokenBucket.waitFor(empty, 300, 0), 150)
    assert.strictEqual(TokenBucket.available(empty, 150), 300)
    // More than it ever holds is not waited for.
    assert.strictEqual(TokenBucket.waitFor(empty, 9000, 0), 250)
  })

  it("pays back what it owes before it gives anything", () => {
    const owing = TokenBucket.take(TokenBucket.make({ rate: 1000, burst: 100, now: 0 }), 1100, 0)
    assert.strictEqual(TokenBucket.available(owing, 1000), 0)
    assert.strictEqual(TokenBucket.available(owing, 1050), 50)
  })

  it("neither gains nor loses by a clock that is set back", () => {
    const before = TokenBucket.take(TokenBucket.make({ rate: 1000, burst: 100, now: 10_000 }), 100, 10_000)
    const back = TokenBucket.take(before, 0, 2000)
    assert.strictEqual(TokenBucket.available(back, 2000), 0)
    assert.strictEqual(TokenBucket.available(back, 2100), 100)
  })
})
