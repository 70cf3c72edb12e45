import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import { connected, jobsAt, numberOf, passes, properties, slow, url } from "./support/jobs.ts"

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
