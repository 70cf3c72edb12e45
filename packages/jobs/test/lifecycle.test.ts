import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { jobsAt, numberOf, properties, slow, url } from "./support/jobs.ts"

describe("A job", () => {
  it.effect("goes from creation over its file to finalization", () =>
    Effect.gen(function* () {
      const place = slow()
      const jobs = yield* jobsAt(place)
      const id = yield* jobs.create(properties())
      assert.deepInclude(yield* jobs.status(id), { state: "Created", bytesTotal: 0 })
      yield* jobs.start(id)
      yield* TestClock.adjust("4 seconds")
      assert.deepInclude(yield* jobs.status(id), { state: "Transferring", bytesTotal: 1000, bytesTransferred: 400 })
      yield* TestClock.adjust("6 seconds")
      assert.deepInclude(yield* jobs.status(id), { state: "Transferred", bytesTransferred: 1000 })
      assert.deepStrictEqual([...place.files], [["/data/file", `made by ${id}`]])
      yield* jobs.finalize(id)
      assert.strictEqual(yield* numberOf(jobs.status(id)), "0x80070490")
      assert.deepStrictEqual(yield* jobs.enumerate(), [])
      assert.isTrue(place.files.has("/data/file"))
    })
  )

  it.effect("goes on where it was paused", () =>
    Effect.gen(function* () {
      const place = slow()
      const jobs = yield* jobsAt(place)
      const id = yield* jobs.create(properties())
      yield* jobs.start(id)
      yield* TestClock.adjust("4 seconds")
      yield* jobs.pause(id)
      assert.strictEqual(place.memory.running.size, 0)
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(yield* jobs.status(id), { state: "Paused", bytesTransferred: 400, error: 0 })
      yield* jobs.start(id)
      yield* TestClock.adjust("5999 millis")
      assert.deepInclude(yield* jobs.status(id), { state: "Transferring" })
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* jobs.status(id), { state: "Transferred" })
    })
  )

  it.effect("that is aborted takes its own file away, and no other", () =>
    Effect.gen(function* () {
      const place = slow()
      const jobs = yield* jobsAt(place)
      const id = yield* jobs.create(properties())
      yield* jobs.start(id)
      yield* TestClock.adjust("10 seconds")
      assert.isTrue(place.files.has("/data/file"))
      yield* jobs.abort(id)
      assert.strictEqual(place.files.size, 0)

      place.files.set("/data/file", "a stranger's")
      const other = yield* jobs.create(properties())
      assert.strictEqual(yield* numberOf(jobs.start(other)), "0xC0D00011")
      assert.deepInclude(yield* jobs.status(other), { state: "Created" })
      yield* jobs.abort(other)
      assert.strictEqual(place.files.get("/data/file"), "a stranger's")
    })
  )

  it.effect("never writes over a file that came while it transferred", () =>
    Effect.gen(function* () {
      const place = slow()
      const jobs = yield* jobsAt(place)
      const id = yield* jobs.create(properties())
      yield* jobs.start(id)
      yield* TestClock.adjust("5 seconds")
      place.files.set("/data/file", "a stranger's")
      yield* TestClock.adjust("5 seconds")
      assert.deepInclude(yield* jobs.status(id), { state: "Paused", error: 0xc0d00011 })
      yield* jobs.abort(id)
      assert.deepStrictEqual([...place.files], [["/data/file", "a stranger's"]])
    })
  )

  it.effect("counts the bytes of the ranges it was started with", () =>
    Effect.gen(function* () {
      const jobs = yield* jobsAt(slow())
      const id = yield* jobs.create(properties())
      yield* jobs.start(id, [
        { offset: 900, length: null },
        { offset: 0, length: 50 }
      ])
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude(yield* jobs.status(id), { state: "Transferred", bytesTotal: 150 })
    })
  )

  it.effect("whose ranges lie outside of the file is paused with that", () =>
    Effect.gen(function* () {
      const jobs = yield* jobsAt(slow())
      const id = yield* jobs.create(properties())
      yield* jobs.start(id, [{ offset: 1000, length: null }])
      yield* TestClock.adjust("1 second")
      assert.deepInclude(yield* jobs.status(id), { state: "Paused", error: 0x80d05010 })
    })
  )

  it.effect("that is asked for by nobody goes after a week, with whatever state it has but Transferring", () =>
    Effect.gen(function* () {
      const place = slow()
      const jobs = yield* jobsAt(place)
      const [created, transferred, paused] = yield* Effect.forEach(["a", "b", "c"], (name) =>
        jobs.create(properties(url, `/data/${name}`))
      )
      if (created === undefined || transferred === undefined || paused === undefined) return assert.fail()
      yield* jobs.start(transferred)
      yield* jobs.start(paused)
      yield* jobs.pause(paused)
      yield* TestClock.adjust("167 hours")
      assert.strictEqual((yield* jobs.enumerate()).length, 3)
      yield* jobs.status(paused)
      yield* TestClock.adjust("2 hours")
      assert.deepStrictEqual(yield* jobs.enumerate(), [paused])
      assert.deepStrictEqual([...place.files.keys()], ["/data/b"])
    })
  )
})
