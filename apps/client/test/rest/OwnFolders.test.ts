import { mkdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { JobError, JobFiles } from "@piecework/jobs"
import { Effect } from "effect"
import * as OwnFolders from "../../src/rest/OwnFolders.ts"
import * as Programs from "../support/programs.ts"

describe("A job's file", () => {
  it.live("may lie anywhere but in the agent's own folders, by whatever way they are reached", () =>
    Effect.gen(function* () {
      const folder = yield* Programs.folder
      const state = join(folder, "state")
      mkdirSync(join(state, "enrolments"), { recursive: true })
      mkdirSync(join(folder, "state-of-others"))
      symlinkSync(join(state, "enrolments"), join(folder, "elsewhere"))
      const obstacles = yield* Effect.provide(
        Effect.flatMap(JobFiles.JobFiles, ({ obstacle }) =>
          Effect.forEach(
            [
              join(state, "cache-places"),
              join(state, "x"),
              join(state, "enrolments", "x"),
              join(folder, "elsewhere", "x"),
              join(state, "..", "state", "enrolments", "x"),
              join(folder, "state-of-others", "x"),
              join(folder, "gone", "x"),
              join(folder, "x")
            ],
            obstacle
          )
        ),
        OwnFolders.layer(state)
      )
      const own = JobError.system("EACCES")
      assert.deepStrictEqual(obstacles, [
        own,
        undefined,
        own,
        own,
        own,
        undefined,
        JobError.system("ENOENT"),
        undefined
      ])
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
