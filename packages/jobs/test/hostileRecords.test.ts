import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Job from "../src/Job.ts"
import * as JobRecord from "../src/JobRecord.ts"
import type { JobSpec } from "../src/JobSpec.ts"
import { JobState } from "../src/JobState.ts"
import { idOf, jobsAt, ready, site, url } from "./support/jobs.ts"

/** What no job of ours would write, though each of it is a record by its form. */
const specs: ReadonlyArray<JobSpec> = [
  {},
  { uri: url },
  { localPath: "relative/../../path" },
  { ...ready, localPath: "\u0000" },
  { ...ready, noProgressTimeoutSeconds: 0, callbackFreqPercent: 1e9, callbackFreqSeconds: 0, costPolicy: 99 },
  { ...ready, ranges: [{ offset: 5, length: 0 }] },
  { ...ready, ranges: Array.from({ length: 3 }, () => ({ offset: 0, length: Number.MAX_SAFE_INTEGER })) },
  { ...ready, integrityCheckInfo: { HashOfHashes: "A".repeat(43) }, integrityCheckMandatory: true },
  { ...ready, httpCustomHeaders: "no line at all", contentId: "DO-" }
]

const most = Number.MAX_SAFE_INTEGER
const changes: ReadonlyArray<Partial<JobRecord.JobRecord>> = [
  {},
  { delivering: "a file that is not there" },
  { error: most, extended: most },
  { bytesTotal: 0, bytesTransferred: most },
  { createdAt: most, touchedAt: most, startedAt: most },
  { ownsFile: true }
]

describe("A record that no job wrote", () => {
  for (const state of JobState.literals) {
    it.effect(`of one that is ${state} is a job that can be asked and taken away, and harms no other`, () =>
      Effect.gen(function* () {
        const place = site()
        place.memory.origins.set(url, { bytes: 10, rate: 10 })
        const good = idOf(999)
        place.records.set(good, JobRecord.encode(JobRecord.of(Job.create(good, { nonVolatile: true }, 0))))
        let n = 0
        for (const spec of specs) {
          for (const change of changes) {
            const id = idOf(n++)
            const record = { ...JobRecord.of(Job.create(id, { ...spec, nonVolatile: true }, 0)), state, ...change }
            place.records.set(id, JobRecord.encode(record))
          }
        }
        const jobs = yield* jobsAt(place)
        yield* TestClock.adjust("1 hour")
        const all = yield* jobs.enumerate()
        assert.include([...all], good)
        for (const id of all) {
          assert.notStrictEqual((yield* jobs.status(id)).state, "Transferring")
          yield* jobs.abort(id)
        }
        assert.deepStrictEqual(yield* jobs.enumerate(), [])
        assert.strictEqual(place.records.size, 0)
      })
    )
  }
})
