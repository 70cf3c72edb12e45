import { assert, describe, it } from "@effect/vitest"
import * as TokenBucket from "../src/TokenBucket.ts"

/** A million bytes a second, so that a thousand bytes take a millisecond. */
const bucket = TokenBucket.make(1_000_000, 0, 0)

describe("TokenBucket", () => {
  it("lets bytes through when the line has carried them", () => {
    const [wait] = TokenBucket.reserve(bucket, 10_000, 0)
    assert.strictEqual(wait, 10)
  })

  it("puts one sender's bytes behind another's", () => {
    const [, after] = TokenBucket.reserve(bucket, 10_000, 0)
    const [wait] = TokenBucket.reserve(after, 5000, 0)
    assert.strictEqual(wait, 15)
  })

  it("saves nothing while nobody sends, beyond its slack", () => {
    const [wait] = TokenBucket.reserve(bucket, 10_000, 60_000)
    assert.strictEqual(wait, 10)
    const slack = TokenBucket.make(1_000_000, 0, 4)
    assert.strictEqual(TokenBucket.reserve(slack, 10_000, 60_000)[0], 6)
  })

  it("keeps its rate over many turns however late the senders come back", () => {
    let line = TokenBucket.make(1_000_000, 0)
    let now = 0
    for (let turn = 0; turn < 1000; turn++) {
      const [wait, next] = TokenBucket.reserve(line, 20_000, now)
      line = next
      // Timers are up to 10 ms late.
      now += wait + (turn % 11)
    }
    assert.approximately(now, 20_000, 60)
  })

  it("gives short turns on a slow line and bounded ones on a fast one", () => {
    assert.deepStrictEqual([10_000, 1_250_000, 125e6].map(TokenBucket.turnBytes), [1024, 25_000, 65_536])
  })
})
