import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as JobError from "../src/JobError.ts"
import { connected, jobsAt, numberOf, passes, properties, slow, url } from "./support/jobs.ts"

describe("A job", () => {
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
})
