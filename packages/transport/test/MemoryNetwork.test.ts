import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Queue } from "effect"
import { TestClock } from "effect/testing"
import type { ByteStream } from "../src/ByteStream.ts"
import * as MemoryNetwork from "../src/MemoryNetwork.ts"

const { line } = MemoryNetwork
const MiB = 1_048_576

/** A stream from `from` to `to`, both ends; both close with the scope. */
const connected = (from: string, to: string, port = 80) =>
  Effect.gen(function* () {
    const network = yield* MemoryNetwork.MemoryNetwork
    const accepted = yield* Queue.unbounded<ByteStream>()
    yield* network
      .transport(to)
      .listen({ host: "0.0.0.0", port }, (stream) => Effect.andThen(Queue.offer(accepted, stream), Effect.never))
    const dialling = yield* Effect.forkChild(network.transport(from).dial({ host: to, port }))
    yield* TestClock.adjust("1 second")
    return { near: yield* Fiber.join(dialling), far: yield* Queue.take(accepted) }
  })

/** When the effect ends, in milliseconds from now. */
const timed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    const fiber = yield* Effect.forkChild(
      Effect.flatMap(effect, () => Clock.currentTimeMillis),
      { startImmediately: true }
    )
    return { done: () => fiber.pollUnsafe() !== undefined, took: Effect.map(Fiber.join(fiber), (end) => end - start) }
  })

const sending = (stream: ByteStream, length: number) =>
  Effect.forkChild(stream.write([new Uint8Array(length)]), { startImmediately: true })

describe("MemoryNetwork", () => {
  it.effect("gives each machine its own address", () =>
    Effect.gen(function* () {
      const { near, far } = yield* connected("client-1", "peer-2", 7680)
      assert.strictEqual(far.remote.host, "client-1")
      assert.strictEqual(near.remote.toString(), "peer-2:7680")
      assert.deepStrictEqual(near.local, far.remote)
    }).pipe(Effect.provide(MemoryNetwork.MemoryNetwork.layer()))
  )

  it.effect("delivers bytes and the end after the latency", () =>
    Effect.gen(function* () {
      const { near, far } = yield* connected("a", "b")
      yield* near.write([new Uint8Array(3)])
      yield* near.end
      const first = yield* timed(far.fill(new Uint8Array(3)))
      yield* TestClock.adjust("19 millis")
      assert.isFalse(first.done())
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(yield* first.took, 20)
      assert.strictEqual(yield* far.fill(new Uint8Array(1)), 0)
    }).pipe(Effect.provide(MemoryNetwork.MemoryNetwork.layer({ link: () => ({ latency: "20 millis" }) })))
  )

  it.effect("takes a round trip to connect", () =>
    Effect.gen(function* () {
      const network = yield* MemoryNetwork.MemoryNetwork
      yield* network.transport("b").listen({ host: "b", port: 80 }, () => Effect.never)
      const dialling = yield* timed(network.transport("a").dial({ host: "b", port: 80 }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* dialling.took, 40)
    }).pipe(Effect.provide(MemoryNetwork.MemoryNetwork.layer({ link: () => ({ latency: "20 millis" }) })))
  )

  it.effect("carries no more than the line's rate", () =>
    Effect.gen(function* () {
      const { near, far } = yield* connected("a", "b")
      yield* sending(near, 4 * MiB)
      const reading = yield* timed(far.fill(new Uint8Array(4 * MiB)))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* reading.took, 2000)
    }).pipe(Effect.provide(MemoryNetwork.MemoryNetwork.layer({ link: () => ({ lines: [line(2 * MiB)] }) })))
  )

  const uplink = line(MiB)
  it.effect("shares a line fairly between the streams that go over it", () =>
    Effect.gen(function* () {
      const one = yield* connected("origin", "client-1", 81)
      const two = yield* connected("origin", "client-2", 82)
      yield* sending(one.near, MiB)
      yield* sending(two.near, MiB)
      const first = yield* timed(one.far.fill(new Uint8Array(MiB)))
      const second = yield* timed(two.far.fill(new Uint8Array(MiB)))
      yield* TestClock.adjust("1 second")
      assert.approximately(one.far.counters.received, MiB / 2, MiB / 4)
      assert.approximately(two.far.counters.received, MiB / 2, MiB / 4)
      yield* TestClock.adjust("5 seconds")
      assert.isAbove(yield* first.took, 1500)
      assert.strictEqual(yield* second.took, 2000)
    }).pipe(Effect.provide(MemoryNetwork.MemoryNetwork.layer({ link: () => ({ lines: [uplink] }) })))
  )

  it.effect("holds everything back while a machine is cut off, and delivers it afterwards", () =>
    Effect.gen(function* () {
      const network = yield* MemoryNetwork.MemoryNetwork
      const { near, far } = yield* connected("a", "b")
      yield* network.cut("b")
      yield* near.write([new Uint8Array(5)])
      const reading = yield* timed(far.fill(new Uint8Array(5)))
      yield* TestClock.adjust("1 minute")
      assert.isFalse(reading.done())
      yield* network.restore("b")
      assert.strictEqual(yield* reading.took, 60_000)
    }).pipe(Effect.provide(MemoryNetwork.MemoryNetwork.layer()))
  )

  it.effect("lets dialling a machine that is cut off time out", () =>
    Effect.gen(function* () {
      const network = yield* MemoryNetwork.MemoryNetwork
      yield* network.transport("b").listen({ host: "b", port: 80 }, () => Effect.never)
      yield* network.cut("b")
      const dial = network.transport("a").dial({ host: "b", port: 80 })
      const dialling = yield* Effect.forkChild(Effect.flip(dial))
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual((yield* Fiber.join(dialling)).reason, "TimedOut")
      const patient = yield* Effect.forkChild(dial)
      yield* TestClock.adjust("14 seconds")
      yield* network.restore("b")
      assert.strictEqual((yield* Fiber.join(patient)).remote.host, "b")
    }).pipe(Effect.provide(MemoryNetwork.MemoryNetwork.layer()))
  )

  it.effect("breaks every stream of a machine on request", () =>
    Effect.gen(function* () {
      const network = yield* MemoryNetwork.MemoryNetwork
      const { near, far } = yield* connected("a", "b")
      yield* network.reset("a")
      assert.strictEqual((yield* Effect.flip(near.fill(new Uint8Array(1)))).reason, "Reset")
      assert.strictEqual((yield* Effect.flip(far.write([new Uint8Array(1)]))).reason, "Reset")
    }).pipe(Effect.provide(MemoryNetwork.MemoryNetwork.layer()))
  )

  it.effect("knows machines by their names and by those they listen on", () =>
    Effect.gen(function* () {
      const network = yield* MemoryNetwork.MemoryNetwork
      const a = network.transport("a")
      const b = network.transport("b")
      yield* b.listen({ host: "files.example", port: 80 }, () => Effect.never)
      yield* b.listen({ host: "localhost", port: 81 }, () => Effect.never)
      assert.strictEqual((yield* a.dial({ host: "files.example", port: 80 })).remote.host, "b")
      assert.strictEqual((yield* b.dial({ host: "127.0.0.1", port: 81 })).remote.host, "b")
      const reason = (host: string, port: number) => Effect.map(Effect.flip(a.dial({ host, port })), (e) => e.reason)
      assert.strictEqual(yield* reason("b", 81), "Refused")
      assert.strictEqual(yield* reason("localhost", 81), "Refused")
      assert.strictEqual(yield* reason("elsewhere", 80), "Unresolved")
      const taken = yield* Effect.flip(a.listen({ host: "files.example", port: 80 }, () => Effect.never))
      assert.strictEqual(taken.reason, "Denied")
    }).pipe(Effect.provide(MemoryNetwork.MemoryNetwork.layer()))
  )
})
