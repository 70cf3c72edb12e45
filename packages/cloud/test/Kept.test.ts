import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import * as Kept from "../src/internal/Kept.ts"

/** Numbers what it makes, and notes what was closed. */
const makeKept = Effect.gen(function* () {
  const closed: Array<number> = []
  let made = 0
  const kept = yield* Kept.make(() =>
    Effect.acquireRelease(
      Effect.sync(() => ++made),
      (n) => Effect.sync(() => void closed.push(n))
    )
  )
  return { kept, closed, made: () => made }
})

describe("What is kept for a URL", () => {
  it.effect("serves the next call to it, and no call to another", () =>
    Effect.gen(function* () {
      const { kept } = yield* makeKept
      assert.strictEqual(yield* kept.with("a", Effect.succeed), 1)
      assert.strictEqual(yield* kept.with("a", Effect.succeed), 1)
      assert.strictEqual(yield* kept.with("b", Effect.succeed), 2)
    })
  )

  it.effect("serves one call at a time", () =>
    Effect.gen(function* () {
      const { kept } = yield* makeKept
      const gate = yield* Deferred.make<void>()
      const first = yield* Effect.forkChild(
        kept.with("a", (n) => Effect.as(Deferred.await(gate), n)),
        {
          startImmediately: true
        }
      )
      assert.strictEqual(yield* kept.with("a", Effect.succeed), 2)
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(first), 1)
    })
  )

  it.effect("is thrown away after a call that failed or was interrupted", () =>
    Effect.gen(function* () {
      const { closed, kept } = yield* makeKept
      yield* Effect.exit(kept.with("a", () => Effect.fail("no")))
      const waiting = yield* Effect.forkChild(
        kept.with("a", () => Effect.never),
        { startImmediately: true }
      )
      yield* Fiber.interrupt(waiting)
      assert.deepStrictEqual(closed, [1, 2])
      assert.strictEqual(yield* kept.with("a", Effect.succeed), 3)
    })
  )

  it.effect("is bounded, whatever URLs are named, and ends with the scope", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { closed, kept, made } = yield* Scope.provide(makeKept, scope)
      for (let n = 0; n < 100; n++) yield* kept.with(`url ${n}`, Effect.succeed)
      assert.strictEqual(made() - closed.length, 16)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(closed.length, 100)
    })
  )
})
