import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { JobStatus } from "../src/JobStatus.ts"
import { jobsAt, properties, slow } from "./support/jobs.ts"

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
