import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as JobError from "../src/JobError.ts"
import type { JobStatus } from "../src/JobStatus.ts"
import { connected, jobsAt, properties, site, url } from "./support/jobs.ts"

const passes = { code: 0x80072efd, extended: 0, mayPass: true }
const numberOf = <A>(effect: Effect.Effect<A, JobError.JobError>) =>
  Effect.map(Effect.flip(effect), (error) => JobError.hex(error.code))

/** A site whose origin has a file of 1000 bytes and sends 100 a second. */
const slow = () => {
  const place = site()
  place.memory.origins.set(url, { bytes: 1000, rate: 100 })
  return place
}

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

  it.effect("whose URL answers 404 keeps the error, and is repaired by another URL in the middle", () =>
    Effect.gen(function* () {
      const place = slow()
      place.memory.origins.set(url, {
        bytes: 1000,
        rate: 100,
        failures: [{ at: 300, code: JobError.status(404), extended: 0, mayPass: false }]
      })
      const jobs = yield* jobsAt(place)
      const id = yield* jobs.create(properties())
      yield* jobs.start(id)
      yield* TestClock.adjust("1 hour")
      assert.deepInclude(yield* jobs.status(id), { state: "Paused", error: 0x80190194 })
      place.memory.origins.set("http://mirror.example/file", { bytes: 1000, rate: 100 })
      yield* jobs.setProperty(id, "Uri", "http://mirror.example/file")
      yield* jobs.start(id)
      assert.strictEqual(yield* numberOf(jobs.setProperty(id, "Uri", url)), "0x80D02013")
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* jobs.status(id), { state: "Transferred", error: 0 })
    })
  )

  it.effect("tries again 2, 4 and 8 s after failures that may pass", () =>
    Effect.gen(function* () {
      const place = slow()
      const failures = [1, 2, 3].map(() => ({ at: 0, ...passes }))
      place.memory.origins.set(url, { bytes: 1000, rate: 100, failures })
      const jobs = yield* jobsAt(place)
      const id = yield* jobs.create(properties())
      yield* jobs.start(id)
      yield* TestClock.adjust("1 millis")
      assert.deepInclude(yield* jobs.status(id), { state: "Transferring", extended: passes.code, error: 0 })
      yield* TestClock.adjust("13998 millis")
      assert.strictEqual((yield* jobs.status(id)).bytesTransferred, 0)
      yield* TestClock.adjust("3 seconds")
      assert.isAbove((yield* jobs.status(id)).bytesTransferred, 0)
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* jobs.status(id), { state: "Transferred", extended: 0 })
    })
  )

  it.effect("without a network waits for one", () =>
    Effect.gen(function* () {
      const place = slow()
      place.memory.origins.set(url, { bytes: 1000, rate: 100, failures: [{ at: 100, ...passes }] })
      place.network = { ...connected, isConnected: false }
      const jobs = yield* jobsAt(place)
      const id = yield* jobs.create(properties())
      yield* jobs.start(id)
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* jobs.status(id), { state: "Paused", error: 0, extended: 0x80d03805 })
      place.network = connected
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* jobs.status(id), { state: "Transferred", extended: 0 })
    })
  )

  it.effect("that gets nothing is paused after the time that its caller set", () =>
    Effect.gen(function* () {
      const place = slow()
      place.memory.origins.set(url, { bytes: 1000, rate: 0 })
      const jobs = yield* jobsAt(place)
      const id = yield* jobs.create([...properties(), ["NoProgressTimeoutSeconds", "60"]])
      yield* jobs.start(id)
      yield* TestClock.adjust("59 seconds")
      assert.deepInclude(yield* jobs.status(id), { state: "Transferring" })
      yield* TestClock.adjust("2 seconds")
      assert.deepInclude(yield* jobs.status(id), { state: "Paused", error: 0x80d02002 })
      assert.strictEqual(place.memory.running.size, 0)
    })
  )

  it.effect("that fails again and again is paused as well, with the last failure behind the error", () =>
    Effect.gen(function* () {
      const place = slow()
      const failures = Array.from({ length: 100 }, () => ({ at: 0, ...passes }))
      place.memory.origins.set(url, { bytes: 1000, rate: 100, failures })
      const jobs = yield* jobsAt(place)
      const id = yield* jobs.create(properties())
      yield* jobs.start(id)
      yield* TestClock.adjust("4 minutes")
      assert.deepInclude(yield* jobs.status(id), { state: "Transferring", extended: passes.code })
      yield* TestClock.adjust("2 minutes")
      assert.deepInclude(yield* jobs.status(id), { state: "Paused", error: 0x80d02002, extended: passes.code })
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

const watching = (seconds: string, percent: string) =>
  Effect.gen(function* () {
    const jobs = yield* jobsAt(slow())
    const id = yield* jobs.create([...properties(), ["CallbackFreqSeconds", seconds], ["CallbackFreqPercent", percent]])
    const seen: Array<JobStatus> = []
    const watch = yield* Effect.forkChild(
      Stream.runForEach(jobs.watch(id), (status) => Effect.sync(() => void seen.push(status))),
      { startImmediately: true }
    )
    yield* jobs.start(id)
    for (let n = 0; n < 40; n++) yield* TestClock.adjust("500 millis")
    yield* jobs.finalize(id)
    yield* Fiber.join(watch)
    return seen.map(({ bytesTransferred, state }) => `${state} ${bytesTransferred}`)
  })

describe("Who watches a job", () => {
  it.effect("hears of its states, of its bytes every so many seconds, and of its end", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* watching("3", "0"), [
        "Created 0",
        "Transferring 0",
        "Transferring 300",
        "Transferring 600",
        "Transferring 900",
        "Transferred 1000",
        "Finalized 1000"
      ])
    })
  )

  it.effect("hears of its bytes by percent, when it wants no seconds", () =>
    Effect.gen(function* () {
      const seen = yield* watching("0", "50")
      assert.deepStrictEqual(
        seen.filter((one) => !one.startsWith("Transferring 0")),
        ["Created 0", "Transferring 500", "Transferred 1000", "Finalized 1000"]
      )
    })
  )
})

describe("Jobs that are to outlive the process", () => {
  it.effect("are what they were in the next one, and go on", () =>
    Effect.gen(function* () {
      const place = slow()
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(jobsAt(place), scope)
      const make = (name: string) => first.create([...properties(url, `/${name}`), ["NonVolatile", "true"]])
      const [created, transferring, transferred, paused, late] = yield* Effect.forEach(["a", "b", "c", "d", "e"], make)
      const volatile = yield* first.create(properties(url, "/v"))
      if (!created || !transferring || !transferred || !paused || !late) return assert.fail()
      yield* first.start(transferred)
      yield* TestClock.adjust("10 seconds")
      yield* first.start(transferring)
      yield* first.start(paused)
      yield* first.pause(paused)
      yield* first.setProperty(created, "DisplayName", "later")
      yield* first.setProperty(late, "NonVolatile", "false")
      yield* TestClock.adjust("3 seconds")
      yield* Scope.close(scope, Exit.void)

      const second = yield* jobsAt(place)
      assert.sameMembers([...(yield* second.enumerate())], [created, transferring, transferred, paused])
      assert.strictEqual(yield* numberOf(second.status(volatile)), "0x80070490")
      assert.strictEqual(yield* second.getProperty(created, "DisplayName"), "later")
      assert.deepInclude(yield* second.status(transferred), { state: "Transferred", bytesTotal: 1000 })
      assert.deepInclude(yield* second.status(paused), { state: "Paused" })
      assert.deepInclude(yield* second.status(transferring), { state: "Transferring" })
      yield* TestClock.adjust("10 seconds")
      assert.deepInclude(yield* second.status(transferring), { state: "Transferred" })
      for (const id of [created, transferring, paused]) yield* second.abort(id)
      yield* second.finalize(transferred)
      assert.strictEqual(place.records.size, 0)
      assert.deepStrictEqual([...place.files.keys()], ["/c"])
    })
  )

  it.effect("and were waiting for a network go on by themselves", () =>
    Effect.gen(function* () {
      const place = slow()
      place.memory.origins.set(url, { bytes: 1000, rate: 100, failures: [{ at: 0, ...passes }] })
      place.network = { ...connected, isConnected: false }
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(jobsAt(place), scope)
      const id = yield* first.create([...properties(), ["NonVolatile", "true"]])
      yield* first.start(id)
      yield* TestClock.adjust("1 second")
      yield* Scope.close(scope, Exit.void)
      place.network = connected
      const second = yield* jobsAt(place)
      yield* TestClock.adjust("1 minute")
      assert.deepInclude(yield* second.status(id), { state: "Transferred" })
    })
  )
})
