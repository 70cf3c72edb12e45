import { assert, describe, it } from "@effect/vitest"
import { BufferPoolConfig, HasherConfig } from "@piecework/hashing"
import { ConfigProvider, Effect, Exit, Layer } from "effect"

const from = <A>(environment: Record<string, string>, load: Effect.Effect<A, unknown>) =>
  Effect.provideService(load, ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(environment))

const pool = Effect.provide(BufferPoolConfig.BufferPoolConfig, Layer.fresh(BufferPoolConfig.layerConfig))
const hasher = Effect.provide(HasherConfig.HasherConfig, Layer.fresh(HasherConfig.layerConfig))

describe("BufferPoolConfig", () => {
  it.effect("is 48 MiB in buffers of 1 MiB unless the environment says otherwise", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* from({}, pool), { slots: 48, bufferSize: 1_048_576 })
      const environment = { BUFFER_POOL_SLOTS: "3", BUFFER_POOL_BUFFER_SIZE: "4096" }
      assert.deepStrictEqual(yield* from(environment, pool), { slots: 3, bufferSize: 4096 })
    })
  )

  it.effect("refuses a pool without buffers, and buffers too small for any piece", () =>
    Effect.gen(function* () {
      for (const environment of [{ BUFFER_POOL_SLOTS: "0" }, { BUFFER_POOL_BUFFER_SIZE: "1023" }]) {
        assert.isTrue(Exit.isFailure(yield* Effect.exit(from(environment, pool))))
      }
    })
  )
})

describe("HasherConfig", () => {
  it("leaves one core to the main thread, but uses both of two and never more than four workers", () => {
    assert.deepStrictEqual([1, 2, 3, 4, 5, 6, 64].map(HasherConfig.workersFor), [1, 2, 2, 3, 4, 4, 4])
  })

  it.effect("takes what the environment says", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* from({}, hasher), HasherConfig.defaults)
      const environment = { HASHER_WORKERS: "7", HASHER_WORKER_MINIMUM: "0", HASHER_STARTED_AHEAD: "2" }
      const expected = { workers: 7, workerMinimum: 0, startedAhead: 2 }
      assert.deepStrictEqual(yield* from(environment, hasher), expected)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(from({ HASHER_WORKERS: "0" }, hasher))))
    })
  )
})
