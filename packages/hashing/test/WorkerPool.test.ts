import { Worker } from "node:worker_threads"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope } from "effect"
import type { Job } from "../src/internal/Job.ts"
import * as WorkerPool from "../src/internal/WorkerPool.ts"

/** Threads that answer once the gate is open, and note in shared memory how many jobs they began. */
const gated = Effect.acquireRelease(
  Effect.sync(() => {
    const gate = new Int32Array(new SharedArrayBuffer(8))
    const spawned: Array<Worker> = []
    const program = `
      const { parentPort, workerData: gate } = require("node:worker_threads")
      parentPort.on("message", (job) => {
        Atomics.add(gate, 1, 1)
        Atomics.notify(gate, 1)
        Atomics.wait(gate, 0, 0)
        parentPort.postMessage({ kind: "Done", digest: String(job.bytes.length) })
      })`
    return {
      spawned,
      spawn: () => {
        const worker = new Worker(program, { eval: true, execArgv: [], workerData: gate })
        spawned.push(worker)
        return worker
      },
      /** How many jobs the threads have begun. */
      begun: () => Atomics.load(gate, 1),
      /** Waits until they have begun so many. */
      untilBegun: (count: number) =>
        Effect.promise(async () => {
          for (let now = Atomics.load(gate, 1); now < count; now = Atomics.load(gate, 1)) {
            await Atomics.waitAsync(gate, 1, now).value
          }
        }),
      open: () => {
        Atomics.store(gate, 0, 1)
        Atomics.notify(gate, 0)
      }
    }
  }),
  ({ open }) => Effect.sync(open)
)

const job = (length: number): Job => ({ operation: "digest", bytes: new Uint8Array(new SharedArrayBuffer(length)) })
const fork = <A, E>(self: Effect.Effect<A, E>) => Effect.forkChild(self, { startImmediately: true })

describe("WorkerPool", () => {
  it.live("starts a thread only when there is work, and never more than it may", () =>
    Effect.gen(function* () {
      const { open, spawn, spawned } = yield* gated
      const perform = yield* WorkerPool.make({ workers: 2, spawn })
      assert.strictEqual(spawned.length, 0)
      const first = yield* fork(perform(job(1)))
      assert.strictEqual(spawned.length, 1)
      const others = yield* fork(Effect.forEach([2, 3, 4, 5, 6], (n) => perform(job(n)), { concurrency: "unbounded" }))
      assert.strictEqual(spawned.length, 2)
      open()
      assert.deepStrictEqual(yield* Fiber.join(first), { kind: "Done", digest: "1" })
      const replies = yield* Fiber.join(others)
      assert.deepStrictEqual(
        replies.map((reply) => reply.kind === "Done" && reply.digest),
        ["2", "3", "4", "5", "6"]
      )
    })
  )

  it.live("starts threads ahead of the work, no more than it may, and gives them the work", () =>
    Effect.gen(function* () {
      const { open, spawn, spawned } = yield* gated
      const perform = yield* WorkerPool.make({ workers: 2, startedAhead: 3, spawn })
      assert.strictEqual(spawned.length, 2)
      open()
      const replies = yield* Effect.forEach([1, 2, 3], (n) => perform(job(n)), { concurrency: "unbounded" })
      assert.deepStrictEqual(
        replies.map((reply) => reply.kind === "Done" && reply.digest),
        ["1", "2", "3"]
      )
      assert.strictEqual(spawned.length, 2)
    })
  )

  it.live("works all the same when the system refuses the threads that start ahead", () =>
    Effect.gen(function* () {
      const { open, spawn, spawned } = yield* gated
      let refusals = 1
      const perform = yield* WorkerPool.make({
        workers: 2,
        startedAhead: 1,
        spawn: () => {
          if (refusals-- > 0) throw new Error("no more threads")
          return spawn()
        }
      })
      assert.strictEqual(spawned.length, 0)
      open()
      assert.deepStrictEqual(yield* perform(job(1)), { kind: "Done", digest: "1" })
    })
  )

  it.live("uses an idle thread rather than another", () =>
    Effect.gen(function* () {
      const { open, spawn, spawned } = yield* gated
      const perform = yield* WorkerPool.make({ workers: 2, spawn })
      open()
      for (const n of [1, 2, 3]) yield* perform(job(n))
      assert.strictEqual(spawned.length, 1)
    })
  )

  it.live("drops a job that is interrupted while it waits", () =>
    Effect.gen(function* () {
      const { begun, open, spawn } = yield* gated
      const perform = yield* WorkerPool.make({ workers: 1, spawn })
      // The thread works on one and has a second at hand; the third waits here.
      const given = [yield* fork(perform(job(1))), yield* fork(perform(job(2)))]
      const waiting = yield* fork(perform(job(3)))
      yield* Fiber.interrupt(waiting)
      open()
      yield* Effect.forEach(given, Fiber.join)
      yield* perform(job(4))
      assert.strictEqual(begun(), 3)
    })
  )

  it.live("waits for a job that is interrupted while a thread has it", () =>
    Effect.gen(function* () {
      const { open, spawn, untilBegun } = yield* gated
      const perform = yield* WorkerPool.make({ workers: 1, spawn })
      const fiber = yield* fork(perform(job(1)))
      yield* untilBegun(1)
      const interruption = yield* fork(Fiber.interrupt(fiber))
      assert.isUndefined(interruption.pollUnsafe())
      open()
      yield* Fiber.join(interruption)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      assert.deepStrictEqual(yield* perform(job(2)), { kind: "Done", digest: "2" })
    })
  )

  it.live("fails the jobs of a thread that dies, and does the others on a new one", () =>
    Effect.gen(function* () {
      const { open, spawn, spawned, untilBegun } = yield* gated
      const perform = yield* WorkerPool.make({ workers: 1, spawn })
      const lost = [yield* fork(perform(job(1))), yield* fork(perform(job(2)))]
      const waiting = yield* fork(perform(job(3)))
      yield* untilBegun(1)
      yield* Effect.promise(async () => spawned[0]?.terminate())
      for (const fiber of lost) assert.strictEqual((yield* Effect.flip(Fiber.join(fiber))).reason, "WorkerDied")
      open()
      assert.deepStrictEqual(yield* Fiber.join(waiting), { kind: "Done", digest: "3" })
      assert.strictEqual(spawned.length, 2)
    })
  )

  it.live("says why a thread died", () =>
    Effect.gen(function* () {
      const perform = yield* WorkerPool.make({
        workers: 1,
        spawn: () => new Worker(`throw new Error("no luck")`, { eval: true, execArgv: [] })
      })
      const { cause, reason } = yield* Effect.flip(perform(job(1)))
      assert.strictEqual(reason, "WorkerDied")
      assert.include(String(cause), "no luck")
    })
  )

  it.live("fails a job when the system has no thread for it, and tries again for the next", () =>
    Effect.gen(function* () {
      const { open, spawn } = yield* gated
      let left = 1
      const perform = yield* WorkerPool.make({
        workers: 1,
        spawn: () => {
          if (left-- > 0) throw new Error("EAGAIN")
          return spawn()
        }
      })
      open()
      assert.strictEqual((yield* Effect.flip(perform(job(1)))).reason, "WorkerDied")
      assert.deepStrictEqual(yield* perform(job(2)), { kind: "Done", digest: "2" })
    })
  )

  it.live("goes on with the threads it has when the system has no more", () =>
    Effect.gen(function* () {
      const { open, spawn, spawned, untilBegun } = yield* gated
      let refusals = 0
      const perform = yield* WorkerPool.make({
        workers: 4,
        spawn: () => {
          if (spawned.length < 1) return spawn()
          refusals++
          throw new Error("EAGAIN")
        }
      })
      const first = yield* fork(perform(job(1)))
      yield* untilBegun(1)
      const others = yield* fork(Effect.forEach([2, 3, 4], (n) => perform(job(n)), { concurrency: "unbounded" }))
      open()
      assert.deepStrictEqual(yield* Fiber.join(first), { kind: "Done", digest: "1" })
      assert.strictEqual((yield* Fiber.join(others)).length, 3)
      assert.strictEqual(refusals, 1)
    })
  )

  it.live("gives the jobs of a thread that never came up to another", () =>
    Effect.gen(function* () {
      const { open, spawn, spawned } = yield* gated
      const perform = yield* WorkerPool.make({
        workers: 2,
        spawn: () => {
          const worker = spawn()
          if (spawned.length === 2) void worker.terminate()
          return worker
        }
      })
      const fibers = yield* Effect.forEach([1, 2, 3, 4], (n) => fork(perform(job(n))))
      open()
      const replies = yield* Effect.forEach(fibers, Fiber.join)
      assert.deepStrictEqual(
        replies.map((reply) => reply.kind === "Done" && reply.digest),
        ["1", "2", "3", "4"]
      )
      assert.strictEqual(spawned.length, 2)
    })
  )

  it.live("ends its threads with its scope, and every job as closed", () =>
    Effect.gen(function* () {
      const { spawn, spawned, untilBegun } = yield* gated
      const scope = yield* Scope.make()
      const perform = yield* Scope.provide(WorkerPool.make({ workers: 1, spawn }), scope)
      const fibers = yield* Effect.forEach([1, 2, 3], (n) => fork(perform(job(n))))
      yield* untilBegun(1)
      yield* Scope.close(scope, Exit.void)
      for (const fiber of fibers) assert.strictEqual((yield* Effect.flip(Fiber.join(fiber))).reason, "Closed")
      assert.strictEqual((yield* Effect.flip(perform(job(4)))).reason, "Closed")
      // A thread that has ended has no id any more.
      assert.deepStrictEqual(
        spawned.map(({ threadId }) => threadId),
        [-1]
      )
    })
  )
})
