import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TransportError } from "../src/ByteStream.ts"
import { asEffects } from "../src/internal/asEffects.ts"
import { Inbox, readAhead } from "../src/internal/Inbox.ts"

const MiB = 1_048_576

/** An inbox with a kernel that asks for memory as Node does: once at first, then again after every read. */
const kernel = () => {
  const calls = { wanted: 0, recalled: 0 }
  const inbox = new Inbox({ want: () => calls.wanted++, recall: () => calls.recalled++ })
  const { fill } = asEffects(
    { fill: inbox.fill, forget: inbox.forget, onArrival: inbox.onArrival, write: () => true },
    () => {}
  )
  let memory = inbox.nextBuffer()
  let next = 0
  return {
    inbox,
    fill,
    calls,
    memory: () => memory,
    ask: () => (memory = inbox.nextBuffer()),
    /** Reads up to `length` bytes; each byte is one more than the one before. */
    read: (length: number) => {
      const n = Math.min(length, memory.length)
      for (let i = 0; i < n; i++) memory[i] = next++ & 0xff
      const more = inbox.landed(n)
      memory = inbox.nextBuffer()
      return { n, more }
    }
  }
}

const reset = new TransportError({ operation: "read", address: "a:1", reason: "Reset" })
const counted = (length: number, from = 0) => Uint8Array.from({ length }, (_, i) => (from + i) & 0xff)

describe("Inbox", () => {
  it.effect("hands each next target of a loop of fills to the kernel, in the same turn", () =>
    Effect.gen(function* () {
      const { fill, memory, read } = kernel()
      const targets = Array.from({ length: 4 }, () => new Uint8Array(new SharedArrayBuffer(MiB)))
      const reader = yield* Effect.forkChild(
        Effect.forEach(targets, (target) => fill(target)),
        { startImmediately: true }
      )
      // What was asked for before the first fill still is read ahead.
      assert.strictEqual(read(10).n, 10)
      for (const target of targets) {
        assert.strictEqual(memory().buffer, target.buffer)
        while (memory().buffer === target.buffer) read(300_000)
      }
      assert.deepStrictEqual(yield* Fiber.join(reader), [MiB, MiB, MiB, MiB])
      assert.deepStrictEqual(targets[3]?.slice(-3), counted(3, 4 * MiB - 3))
    })
  )

  it.effect("reads as much as a valve has room for, and goes on when it is asked to", () =>
    Effect.gen(function* () {
      const { ask, calls, fill, inbox, memory, read } = kernel()
      let room = 1000
      let came = 0
      const valve = {
        room: () => room,
        next: () => 1,
        came: (bytes: number) => {
          came += bytes
          room = Math.max(0, room - bytes)
        }
      }
      const reader = yield* Effect.forkChild(fill(new Uint8Array(MiB)), { startImmediately: true })
      inbox.regulate(valve)
      ask()
      assert.strictEqual(memory().length, 1000)
      assert.deepStrictEqual(read(MiB), { n: 1000, more: false })
      const { wanted } = calls
      room = 500
      inbox.regulate(valve)
      ask()
      assert.strictEqual(calls.wanted, wanted + 1)
      assert.deepStrictEqual(read(MiB), { n: 500, more: false })
      assert.strictEqual(came, 1500)
      inbox.regulate(undefined)
      ask()
      assert.strictEqual(read(MiB).n, MiB - 1500)
      assert.strictEqual(yield* Fiber.join(reader), MiB)
    })
  )

  it.effect("wakes nobody who waits while the valve has no room", () =>
    Effect.gen(function* () {
      const { calls, fill, inbox } = kernel()
      inbox.regulate({ room: () => 0, next: () => 1, came: () => {} })
      const { wanted } = calls
      yield* Effect.forkChild(fill(new Uint8Array(MiB)), { startImmediately: true })
      assert.strictEqual(calls.wanted, wanted)
    })
  )

  it.effect("stops the reading once the read-ahead is full, and goes on when somebody waits", () =>
    Effect.gen(function* () {
      const { fill, read, calls } = kernel()
      let total = 0
      for (let result = read(readAhead); ; result = read(1000)) {
        total += result.n
        if (!result.more) break
      }
      assert.strictEqual(total, readAhead)
      const target = new Uint8Array(total - 1)
      assert.strictEqual(yield* fill(target), total - 1)
      assert.strictEqual(calls.wanted, 0)
      const fiber = yield* Effect.forkChild(fill(new Uint8Array(2)), { startImmediately: true })
      assert.strictEqual(calls.wanted, 1)
      assert.isTrue(read(1).more)
      assert.strictEqual(yield* Fiber.join(fiber), 2)
    })
  )

  it.effect("keeps bytes that land after it said stop", () =>
    Effect.gen(function* () {
      const { fill, read } = kernel()
      let total = 0
      for (let i = 0; i < 5; i++) total += read(readAhead).n
      assert.strictEqual(total, 5 * readAhead)
      const target = new Uint8Array(total)
      assert.strictEqual(yield* fill(target), total)
      assert.deepStrictEqual(target, counted(total))
    })
  )

  it.effect("does not touch memory that the kernel holds when small fills empty the read-ahead", () =>
    Effect.gen(function* () {
      const { fill, read, memory } = kernel()
      read(100)
      const lent = memory()
      const target = new Uint8Array(100)
      yield* fill(target)
      assert.strictEqual(memory(), lent)
      read(50)
      assert.strictEqual(yield* fill(target, 50), 50)
      assert.deepStrictEqual(target.slice(0, 50), counted(50, 100))
    })
  )

  it.effect("takes its target back from the kernel when a fill is interrupted, and keeps its bytes", () =>
    Effect.gen(function* () {
      const { fill, read, calls, ask } = kernel()
      const target = new Uint8Array(MiB)
      const fiber = yield* Effect.forkChild(fill(target), { startImmediately: true })
      read(10)
      read(200_000)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(calls.recalled, 1)
      assert.notStrictEqual(ask().buffer, target.buffer)
      target.fill(0)
      read(5)
      const next = new Uint8Array(200_015)
      assert.strictEqual(yield* fill(next), 200_015)
      assert.deepStrictEqual(next, counted(200_015))
      assert.isTrue(target.every((byte) => byte === 0))
    })
  )

  it.effect("leaves the kernel's memory alone when the interrupted fill was a small one", () =>
    Effect.gen(function* () {
      const { fill, read, calls } = kernel()
      const fiber = yield* Effect.forkChild(fill(new Uint8Array(10)), { startImmediately: true })
      read(4)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(calls.recalled, 0)
      read(6)
      const target = new Uint8Array(10)
      yield* fill(target)
      assert.deepStrictEqual(target, counted(10))
    })
  )

  it.effect("gives what is held before it says that the stream broke", () =>
    Effect.gen(function* () {
      const { fill, inbox, read } = kernel()
      read(5)
      inbox.fail(reset)
      assert.strictEqual(yield* fill(new Uint8Array(5)), 5)
      assert.strictEqual(yield* Effect.flip(fill(new Uint8Array(1))), reset)
    })
  )

  it.effect("answers a fill with what there is when the other side ends", () =>
    Effect.gen(function* () {
      const { fill, inbox, read } = kernel()
      const fiber = yield* Effect.forkChild(fill(new Uint8Array(10)), { startImmediately: true })
      read(3)
      inbox.end()
      assert.strictEqual(yield* Fiber.join(fiber), 3)
      assert.strictEqual(yield* fill(new Uint8Array(10)), 0)
    })
  )

  it.effect("lets go of what is held when it is closed", () =>
    Effect.gen(function* () {
      const { fill, inbox, read } = kernel()
      read(5)
      inbox.close(reset)
      assert.strictEqual(inbox.unread(), 0)
      assert.isTrue(Exit.isFailure(yield* Effect.exit(fill(new Uint8Array(1)))))
    })
  )
})
