import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"

/** Lets the test clock run, a little at a time, until the effect is done; dies when that takes longer than `limit`. */
export const within = <A, E, R>(limit: Duration.Input, effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    const steps = Duration.toMillis(Duration.fromInputUnsafe(limit)) / 50
    for (let n = 0; n < steps; n++) {
      yield* TestClock.adjust("50 millis")
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return yield* exit
    }
    yield* Fiber.interrupt(fiber)
    return yield* Effect.die(new Error(`not done within ${JSON.stringify(limit)}`))
  })

/** Lets the test clock run until this is so; dies when that takes longer than a minute. */
export const until = (isSo: () => boolean) =>
  Effect.gen(function* () {
    for (let n = 0; n < 6_000; n++) {
      if (isSo()) return
      yield* TestClock.adjust("10 millis")
    }
    return yield* Effect.die(new Error(`not so within a minute: ${isSo.toString()}`))
  })
