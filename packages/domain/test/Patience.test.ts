import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import * as Patience from "@piecework/domain/Patience"

/** The clock of a process that was away: each time it looks, whatever it waited for is due. */
const overdue: Clock.Clock = {
  currentTimeMillisUnsafe: () => 0,
  currentTimeMillis: Effect.succeed(0),
  currentTimeNanosUnsafe: () => 0n,
  currentTimeNanos: Effect.succeed(0n),
  monotonicTimeNanosUnsafe: () => 0n,
  monotonicTimeNanos: Effect.succeed(0n),
  sleep: () => Effect.yieldNow
}

describe("Waiting by turns", () => {
  it.effect("takes what came while the process was away, although the time is over by the clock", () =>
    Effect.gen(function* () {
      const answer = Effect.repeat(Effect.yieldNow, { times: 4 }).pipe(Effect.as("answer"))
      const found = yield* answer.pipe(Patience.timeoutOption("3 seconds"), Effect.provideService(Clock.Clock, overdue))
      assert.deepStrictEqual(found, Option.some("answer"))
    })
  )

  it.effect("waits no longer than that where the process had its turns", () =>
    Effect.gen(function* () {
      const waiting = yield* Effect.forkChild(Patience.timeoutOption("2100 millis")(Effect.never))
      yield* TestClock.adjust("2099 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Fiber.join(waiting), Option.none())
    })
  )

  it.effect("fails as that fails", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(Patience.timeoutOption("1 second")(Effect.fail("refused"))), "refused")
    })
  )

  it.effect("waits for ever where nobody bounds it", () =>
    Effect.gen(function* () {
      const waiting = yield* Effect.forkChild(Patience.timeoutOption("Infinity")(Effect.sleep("365 days")))
      yield* TestClock.adjust("365 days")
      assert.deepStrictEqual(yield* Fiber.join(waiting), Option.some(undefined))
    })
  )
})
