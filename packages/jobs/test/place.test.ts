import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as JobFiles from "../src/JobFiles.ts"
import * as JobNetwork from "../src/JobNetwork.ts"
import type { PropertyName } from "../src/JobProperty.ts"
import { JobRunner } from "../src/JobRunner.ts"
import { Jobs } from "../src/Jobs.ts"
import * as JobsConfig from "../src/JobsConfig.ts"
import { JobStore } from "../src/JobStore.ts"
import { properties } from "./support/jobs.ts"

/** Jobs whose runs never end; what is told them of their place, one after the other. */
const going = Effect.gen(function* () {
  const told: Array<boolean> = []
  const runner = Layer.succeed(JobRunner, {
    without: new Set<PropertyName>(),
    takesRanges: false,
    start: ({ isPlaceSeen }) =>
      Effect.sync(() => {
        told.push(isPlaceSeen)
        return { look: () => ({ bytesTotal: 5, bytesTransferred: 0, isBusy: false }), result: Effect.never }
      })
  })
  const network = JobNetwork.JobNetwork.layerOf(() => JobNetwork.JobNetwork.connected)
  const files = JobFiles.JobFiles.layerMemory(new Map())
  const services = [runner, JobStore.layerMemory(), files, network, JobsConfig.layer()] as const
  const jobs = Context.get(yield* Layer.build(Jobs.layer.pipe(Layer.provide([...services]))), Jobs)
  return { jobs, told }
})

describe("The place of a job's file", () => {
  it.effect("was looked at by the call that starts the job, and not by the one that resumes it", () =>
    Effect.gen(function* () {
      const { jobs, told } = yield* going
      const id = yield* jobs.create(properties())
      yield* jobs.start(id)
      yield* Effect.yieldNow
      yield* jobs.pause(id)
      yield* jobs.start(id)
      yield* Effect.yieldNow
      assert.deepStrictEqual(told, [true, false])
    })
  )

  it.effect("counts as not looked at when the run begins by itself", () =>
    Effect.gen(function* () {
      const { jobs, told } = yield* going
      const id = yield* jobs.create(properties())
      yield* jobs.start(id)
      // What changes the priority begins a run of its own.
      yield* jobs.setProperty(id, "ForegroundPriority", "true")
      yield* jobs.status(id)
      assert.deepStrictEqual(told, [true, false])
    })
  )
})
