import { assert, describe, it } from "@effect/vitest"
import { BufferPool, BufferPoolConfig } from "@piecework/hashing"
import { Deferred, Effect, Exit, Fiber, Layer, Ref } from "effect"

const pool = (slots: number) =>
  Layer.build(Layer.provide(BufferPool.BufferPool.layer, BufferPoolConfig.layer({ slots, bufferSize: 4096 }))).pipe(
    Effect.flatMap((context) => Effect.provide(BufferPool.BufferPool, context))
  )

describe("BufferPool", () => {
  it.effect("hands out shared memory of the size it says, and takes it back", () =>
    Effect.gen(function* () {
      const { acquire, available, bufferSize, capacity } = yield* pool(2)
      const buffer = yield* acquire
      assert.deepStrictEqual([buffer.bytes.length, bufferSize, capacity], [4096, 4096, 2])
      assert.instanceOf(buffer.bytes.buffer, SharedArrayBuffer)
      assert.strictEqual(available(), 1)
      buffer.release()
      assert.strictEqual(available(), 2)
    })
  )

  it.effect("uses the buffer again that was used last", () =>
    Effect.gen(function* () {
      const { acquire } = yield* pool(3)
      const first = yield* acquire
      first.release()
      assert.strictEqual((yield* acquire).bytes, first.bytes)
    })
  )

  it.effect("never gives one buffer to two", () =>
    Effect.gen(function* () {
      const { acquire } = yield* pool(3)
      const buffers = yield* Effect.all([acquire, acquire, acquire])
      assert.strictEqual(new Set(buffers.map(({ bytes }) => bytes.buffer)).size, 3)
    })
  )

  it.effect("serves those who wait in the order in which they came", () =>
    Effect.gen(function* () {
      const { acquire, available } = yield* pool(1)
      const held = yield* acquire
      const order = yield* Ref.make<ReadonlyArray<string>>([])
      const waiter = (name: string) =>
        Effect.forkChild(
          Effect.flatMap(acquire, (buffer) =>
            Effect.andThen(
              Ref.update(order, (names) => [...names, name]),
              Effect.sync(buffer.release)
            )
          ),
          { startImmediately: true }
        )
      const fibers = [yield* waiter("first"), yield* waiter("second"), yield* waiter("third")]
      assert.deepStrictEqual(yield* Ref.get(order), [])
      held.release()
      yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(yield* Ref.get(order), ["first", "second", "third"])
      assert.strictEqual(available(), 1)
    })
  )

  it.effect("serves ten thousand who wait for one buffer", () =>
    Effect.gen(function* () {
      const { available, take } = yield* pool(1)
      const served = yield* Ref.make(0)
      const once = take(
        () => Effect.yieldNow,
        (buffer) =>
          Effect.andThen(
            Ref.update(served, (n) => n + 1),
            Effect.sync(buffer.release)
          )
      )
      yield* Effect.replicateEffect(once, 10_000, { concurrency: "unbounded", discard: true })
      assert.strictEqual(yield* Ref.get(served), 10_000)
      assert.strictEqual(available(), 1)
    })
  )

  it.effect("passes over one who was interrupted while waiting", () =>
    Effect.gen(function* () {
      const { acquire, available } = yield* pool(1)
      const held = yield* acquire
      const gone = yield* Effect.forkChild(acquire, { startImmediately: true })
      const next = yield* Effect.forkChild(acquire, { startImmediately: true })
      yield* Fiber.interrupt(gone)
      held.release()
      const buffer = yield* Fiber.join(next)
      assert.strictEqual(buffer.bytes, held.bytes)
      buffer.release()
      assert.strictEqual(available(), 1)
    })
  )

  it.effect("loses no buffer when the one it was just given to is interrupted", () =>
    Effect.gen(function* () {
      const { acquire, available } = yield* pool(1)
      const held = yield* acquire
      const waiting = yield* Effect.forkChild(acquire, { startImmediately: true })
      held.release()
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(available(), 1)
    })
  )

  it.effect("ignores a second release, even when somebody else holds the buffer by then", () =>
    Effect.gen(function* () {
      const { acquire, available } = yield* pool(1)
      const first = yield* acquire
      first.release()
      const second = yield* acquire
      first.release()
      assert.strictEqual(available(), 0)
      second.release()
      assert.strictEqual(available(), 1)
    })
  )

  describe("take", () => {
    it.effect("asks what to do with the buffer only once it is filled", () =>
      Effect.gen(function* () {
        const { take } = yield* pool(1)
        const order: Array<string> = []
        yield* take(
          () => Effect.sync(() => void order.push("filled")),
          (buffer) => {
            order.push("handed over")
            buffer.release()
            return Effect.void
          }
        )
        assert.deepStrictEqual(order, ["filled", "handed over"])
      })
    )

    it.effect("hands over what was filled, and leaves the buffer to the new owner", () =>
      Effect.gen(function* () {
        const { available, take } = yield* pool(1)
        const owner = yield* Deferred.make<BufferPool.PieceBuffer>()
        yield* take(
          (buffer) => Effect.sync(() => void buffer.bytes.fill(7)),
          (buffer) => Deferred.succeed(owner, buffer)
        )
        assert.strictEqual(available(), 0)
        const buffer = yield* Deferred.await(owner)
        assert.strictEqual(buffer.bytes[4095], 7)
        buffer.release()
        assert.strictEqual(available(), 1)
      })
    )

    for (const [how, fill] of [
      ["fails", () => Effect.fail("no")],
      ["dies", () => Effect.die("bug")],
      [
        "throws",
        () => {
          throw new Error("bug")
        }
      ]
    ] as const) {
      it.effect(`releases the buffer when filling it ${how}, and hands nothing over`, () =>
        Effect.gen(function* () {
          const { available, take } = yield* pool(1)
          const handedOver = yield* Ref.make(false)
          const exit = yield* Effect.exit(take(fill, () => Ref.set(handedOver, true)))
          assert.isTrue(Exit.isFailure(exit))
          assert.isFalse(yield* Ref.get(handedOver))
          assert.strictEqual(available(), 1)
        })
      )
    }

    it.effect("releases the buffer when it is interrupted while filling", () =>
      Effect.gen(function* () {
        const { available, take } = yield* pool(1)
        const fiber = yield* Effect.forkChild(
          take(
            () => Effect.never,
            () => Effect.void
          ),
          { startImmediately: true }
        )
        assert.strictEqual(available(), 0)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(available(), 1)
      })
    )

    it.effect("finishes handing over although it is interrupted", () =>
      Effect.gen(function* () {
        const { take } = yield* pool(1)
        const begun = yield* Deferred.make<void>()
        const goOn = yield* Deferred.make<void>()
        const owned = yield* Ref.make(false)
        const fiber = yield* Effect.forkChild(
          take(
            () => Effect.void,
            () =>
              Deferred.succeed(begun, undefined).pipe(
                Effect.andThen(Deferred.await(goOn)),
                Effect.andThen(Ref.set(owned, true))
              )
          )
        )
        yield* Deferred.await(begun)
        const interruption = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
        yield* Deferred.succeed(goOn, undefined)
        yield* Fiber.join(interruption)
        assert.isTrue(yield* Ref.get(owned))
      })
    )
  })
})
