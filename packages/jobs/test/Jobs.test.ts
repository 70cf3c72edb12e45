import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Stream } from "effect"
import { TestClock } from "effect/testing"
import { jobsAt, numberOf, properties, site, slow, url } from "./support/jobs.ts"

describe("Jobs", () => {
  it.effect("are found by what their callers said of them", () =>
    Effect.gen(function* () {
      const jobs = yield* jobsAt(site())
      const a = yield* jobs.create([...properties(url, "/a"), ["DisplayName", "Store"]])
      yield* TestClock.adjust(1)
      const b = yield* jobs.create([...properties("http://other/f", "/b"), ["ContentId", "c"]])
      assert.deepStrictEqual(yield* jobs.enumerate(), [a, b])
      assert.deepStrictEqual(yield* jobs.enumerate({ displayName: "Store" }), [a])
      assert.deepStrictEqual(yield* jobs.enumerate({ contentId: "c", localPath: "/b" }), [b])
      assert.deepStrictEqual(yield* jobs.enumerate({ contentId: "c", localPath: "/a" }), [])
      assert.deepStrictEqual(yield* jobs.enumerate({ uri: url }), [a])
      assert.deepStrictEqual(yield* jobs.enumerate({ id: b.toUpperCase() }), [b])
    })
  )

  it.effect("run only so many at a time, those in the foreground first, and the priority may change", () =>
    Effect.gen(function* () {
      const place = slow()
      const jobs = yield* jobsAt(place, { mostRunning: 2 })
      const ids = yield* Effect.forEach(["a", "b", "c", "d"], (name) => jobs.create(properties(url, `/${name}`)))
      const [a, b, c, d] = ids
      if (a === undefined || b === undefined || c === undefined || d === undefined) return assert.fail()
      for (const id of ids) {
        yield* jobs.start(id)
        yield* TestClock.adjust(1)
      }
      const running = () => ids.filter((id) => place.memory.running.has(id))
      assert.deepStrictEqual(running(), [a, b])
      yield* jobs.setProperty(d, "ForegroundPriority", "true")
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(running(), [a, d])
      assert.deepInclude(yield* jobs.status(b), { state: "Transferring" })
      yield* TestClock.adjust("1 minute")
      for (const id of ids) assert.deepInclude(yield* jobs.status(id), { state: "Transferred" })
      assert.strictEqual(place.memory.most, 2)
    })
  )

  it.effect(
    "begin their run anew when their priority changes, so that limits and delays are those of the new one",
    () =>
      Effect.gen(function* () {
        const place = slow()
        const jobs = yield* jobsAt(place)
        const id = yield* jobs.create(properties())
        yield* jobs.start(id)
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual(place.memory.runs, [{ id, isForeground: false }])
        yield* jobs.setProperty(id, "ForegroundPriority", "true")
        yield* jobs.setProperty(id, "ForegroundPriority", "true")
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(place.memory.runs, [
          { id, isForeground: false },
          { id, isForeground: true }
        ])
        assert.deepInclude(yield* jobs.status(id), { state: "Transferring", bytesTransferred: 500 })
        yield* TestClock.adjust("5 seconds")
        assert.deepInclude(yield* jobs.status(id), { state: "Transferred" })
      })
  )

  it.effect("are no more than may be", () =>
    Effect.gen(function* () {
      const jobs = yield* jobsAt(site(), { mostJobs: 2 })
      yield* jobs.create()
      const second = yield* jobs.create()
      assert.strictEqual(yield* numberOf(jobs.create()), "0x8007000E")
      yield* jobs.abort(second)
      yield* jobs.create()
    })
  )

  it.effect("that nobody knows are not found, whatever is asked", () =>
    Effect.gen(function* () {
      const jobs = yield* jobsAt(site())
      for (const id of ["", "nonsense", "00000000-0000-0000-0000-000000000000", "__proto__"]) {
        for (const asked of [
          jobs.start(id),
          jobs.pause(id),
          jobs.finalize(id),
          jobs.abort(id),
          jobs.status(id),
          jobs.getProperty(id, "Uri"),
          jobs.setProperty(id, "Uri", url),
          Stream.runDrain(jobs.watch(id))
        ]) {
          assert.strictEqual(yield* numberOf<unknown>(asked), "0x80070490")
        }
      }
    })
  )

  it.effect("refuse properties that nobody here can carry out", () =>
    Effect.gen(function* () {
      const jobs = yield* jobsAt(site(), {}, new Set(["HttpCustomHeaders"] as const))
      assert.strictEqual(yield* numberOf(jobs.create([["HttpCustomHeaders", "X: 1"]])), "0x80004001")
      const id = yield* jobs.create()
      assert.strictEqual(yield* numberOf(jobs.setProperty(id, "HttpCustomHeaders", "X: 1")), "0x80004001")
      assert.strictEqual(yield* numberOf(jobs.setProperty(id, "HttpCustomHeaders", "nonsense")), "0x80070057")
    })
  )

  it.effect("answer all of many calls that come at once", () =>
    Effect.gen(function* () {
      const place = slow()
      const jobs = yield* jobsAt(place, { mailbox: 2 })
      const id = yield* jobs.create(properties())
      const calls = Array.from({ length: 200 }, (_, n) =>
        Effect.exit(n === 150 ? jobs.abort(id) : n % 2 === 0 ? jobs.start(id) : jobs.pause(id))
      )
      const exits = yield* Effect.all(calls, { concurrency: "unbounded" })
      assert.isTrue(exits.slice(0, 151).every(Exit.isSuccess))
      assert.strictEqual(exits.filter(Exit.isFailure).length, 49)
      assert.deepStrictEqual(yield* jobs.enumerate(), [])
    })
  )
})
