import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Pace } from "../src/Pace.ts"

const chunk = 100_000

describe("A pace", () => {
  it.effect("holds all who send to its rate together, and lets go when there is none any more", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      let rate: number | undefined = 1_000_000
      const pace = new Pace(
        () => rate,
        () => clock.currentTimeMillisUnsafe()
      )
      let sent = 0
      const sending = Effect.forever(
        Effect.andThen(
          pace.turn,
          Effect.sync(() => {
            sent += chunk
            pace.took(chunk)
          })
        )
      )
      const senders = yield* Effect.forkChild(Effect.all([sending, sending, sending], { concurrency: 3 }))
      yield* TestClock.adjust("10 seconds")
      assert.isAtLeast(sent, 10_000_000)
      // A burst, and a chunk for each.
      assert.isAtMost(sent, 10_000_000 + 100_000 + 3 * chunk)
      const before = sent
      rate = 2_000_000
      yield* TestClock.adjust("5 seconds")
      assert.isAtLeast(sent - before, 9_500_000)
      assert.isAtMost(sent - before, 10_000_000 + 200_000 + 3 * chunk)
      yield* Fiber.interrupt(senders)
      rate = undefined
      pace.took(1e9)
      yield* pace.turn
    })
  )
})
