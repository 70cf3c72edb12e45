import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { JobError } from "@piecework/jobs"
import { most, OpenReads } from "../../src/rpc/OpenReads.ts"

describe("Contents that are open", () => {
  it.effect("are so many and no more, counted from when they are asked for", () =>
    Effect.gen(function* () {
      const reads = yield* OpenReads
      const slow = yield* Effect.forEach(Array.from({ length: most.contents }), () =>
        Effect.forkChild(Effect.scoped(reads.open(Effect.never)), { startImmediately: true })
      )
      let isAsked = false
      const asking = Effect.andThen(
        Effect.sync(() => (isAsked = true)),
        Effect.never
      )
      const error = yield* Effect.flip(Effect.scoped(reads.open(asking)))
      assert.strictEqual(error.code, JobError.code("OutOfMemory"))
      assert.isFalse(isAsked)
      yield* Fiber.interruptAll(slow)
      const again = yield* Effect.forkChild(Effect.scoped(reads.open(asking)), { startImmediately: true })
      assert.isTrue(isAsked)
      yield* Fiber.interrupt(again)
    }).pipe(Effect.provide(OpenReads.layer))
  )
})
