import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Bucket from "../src/Bucket.ts"
import * as Buckets from "../src/Buckets.ts"

const rate = { perSecond: 2, burst: 5 }

describe("A bucket", () => {
  it("gives a burst at once, and then as many a second as was said", () => {
    const bucket = Bucket.full(rate, 0)
    assert.strictEqual(Array.from({ length: 9 }, () => Bucket.take(bucket, rate, 0)).filter(Boolean).length, 5)
    assert.isFalse(Bucket.take(bucket, rate, 499))
    assert.isTrue(Bucket.take(bucket, rate, 500))
    assert.isFalse(Bucket.take(bucket, rate, 500))
    assert.strictEqual(Bucket.pause(bucket, rate), 1)
    assert.strictEqual(Bucket.pause(bucket, rate, 5), 3)
  })

  it("is not filled by a clock that goes back and forth", () => {
    const bucket = Bucket.full(rate, 10_000)
    while (Bucket.take(bucket, rate, 10_000));
    assert.isFalse(Bucket.take(bucket, rate, 0))
    assert.isFalse(Bucket.take(bucket, rate, 400))
    assert.isTrue(Bucket.take(bucket, rate, 500))
  })

  const Times = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 }))).check(
    Schema.isMaxLength(200)
  )
  it.prop("never gives more than its burst and its rate together", { pauses: Times }, ({ pauses }) => {
    const bucket = Bucket.full(rate, 0)
    let now = 0
    let given = 0
    for (const pause of pauses) {
      now += pause
      if (Bucket.take(bucket, rate, now)) given++
      assert.isAtMost(given, rate.burst + (now / 1000) * rate.perSecond + 1e-6)
    }
  })
})

describe("Buckets", () => {
  it("are one for each key", () => {
    const buckets = Buckets.make({ perSecond: 1, burst: 1 }, 10)
    assert.deepStrictEqual([buckets.take("a", 0), buckets.take("a", 0), buckets.take("b", 0)], [0, 1, 0])
    assert.deepStrictEqual([buckets.pause("a", 0), buckets.pause("a", 1000), buckets.pause("c", 0)], [1, 0, 0])
  })

  it("stay as few as was said, and forget the one that was used longest ago", () => {
    const buckets = Buckets.make({ perSecond: 0.001, burst: 1 }, 100)
    for (let n = 0; n < 100; n++) buckets.take(String(n), 0)
    buckets.take("0", 0)
    for (let n = 100; n < 199; n++) buckets.take(String(n), 0)
    assert.strictEqual(buckets.size(), 100)
    assert.isAbove(buckets.take("0", 0), 0)
    assert.strictEqual(buckets.take("1", 0), 0)
  })
})
