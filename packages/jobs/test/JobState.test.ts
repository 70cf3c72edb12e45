import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Job from "../src/Job.ts"
import * as JobError from "../src/JobError.ts"
import * as JobState from "../src/JobState.ts"
import { idOf, ready } from "./support/jobs.ts"

const invalid = JobError.code("InvalidState")

/** The table of spec.md §3.4, row by row: the state after start, pause, finalize, abort; a number where the call is refused. */
const rows: { readonly [S in JobState.JobState]: ReadonlyArray<JobState.JobState | number> } = {
  Created: ["Transferring", "Created", invalid, "Aborted"],
  Transferring: ["Transferring", "Paused", invalid, "Aborted"],
  Transferred: ["Transferred", "Transferred", "Finalized", "Aborted"],
  Paused: ["Transferring", "Paused", invalid, "Aborted"],
  Finalized: [invalid, invalid, "Finalized", invalid],
  Aborted: [invalid, invalid, invalid, "Aborted"]
}

describe("The table of state changes", () => {
  for (const state of JobState.JobState.literals) {
    for (const [n, call] of JobState.calls.entries()) {
      const expected = rows[state][n]
      it(`says that ${call} on a job that is ${state} ${typeof expected === "number" ? "is refused" : `gives ${expected}`}`, () => {
        const job = { ...Job.create(idOf(1), ready, 0), state }
        const after = Job.call(job, call, { now: 1 })
        assert.deepStrictEqual(Result.isSuccess(after) ? after.success.state : after.failure, expected)
      })
    }
  }

  it("says the numbers that other interfaces have for the states", () => {
    assert.deepStrictEqual(JobState.numbers, {
      Created: 0,
      Transferring: 1,
      Transferred: 2,
      Finalized: 3,
      Aborted: 4,
      Paused: 5
    })
  })
})
