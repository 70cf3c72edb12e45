import type { ContentId } from "@piecework/domain/Content"
import { noBytes } from "@piecework/domain/SourceKind"
import { Fallback } from "@piecework/download/DownloadError"
import type { DownloadResult } from "@piecework/download/Progress"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer } from "effect"
import * as JobFiles from "../src/JobFiles.ts"
import * as JobNetwork from "../src/JobNetwork.ts"
import type { PropertyName } from "../src/JobProperty.ts"
import { JobRunner } from "../src/JobRunner.ts"
import { Jobs } from "../src/Jobs.ts"
import * as JobsConfig from "../src/JobsConfig.ts"
import { JobStore } from "../src/JobStore.ts"
import { properties, url } from "./support/jobs.ts"

const outcome: DownloadResult = {
  url,
  path: "/data/file",
  contentId: `DO-${"A".repeat(43)}` as ContentId,
  hashOfHashes: "A".repeat(43),
  fileBytes: 5,
  requestedBytes: 5,
  mode: "Simple",
  why: new Fallback({ reason: "Requested" }),
  bytes: { ...noBytes, Origin: 5 },
  received: { ...noBytes, Origin: 5 },
  waste: { bad: 0, duplicate: 0, cancelled: 0 },
  sent: 0,
  banned: [],
  peers: 0,
  durationMillis: 1
}

describe("A job that has transferred", () => {
  it.effect("tells what its download was from the moment at which it says so, however slow its record is", () =>
    Effect.gen(function* () {
      const files = new Map<string, string>()
      const isWriting = yield* Deferred.make<void>()
      const runner = Layer.succeed(JobRunner, {
        without: new Set<PropertyName>(),
        takesRanges: false,
        start: ({ draft }) =>
          Effect.sync(() => {
            files.set(draft, "whole")
            return {
              look: () => ({ bytesTotal: 5, bytesTransferred: 5, isBusy: false }),
              result: Effect.succeed({ _tag: "Complete", bytes: 5, outcome } as const)
            }
          })
      })
      const store = Layer.effect(
        JobStore,
        Effect.map(JobStore, (memory) =>
          JobStore.of({
            ...memory,
            put: (record) =>
              record.state === "Transferred"
                ? Effect.andThen(Deferred.succeed(isWriting, undefined), Effect.never)
                : memory.put(record)
          })
        )
      ).pipe(Layer.provide(JobStore.layerMemory()))
      const network = JobNetwork.JobNetwork.layerOf(() => JobNetwork.JobNetwork.connected)
      const services = [runner, store, JobFiles.JobFiles.layerMemory(files), network, JobsConfig.layer()] as const
      const jobs = Context.get(yield* Layer.build(Jobs.layer.pipe(Layer.provide([...services]))), Jobs)
      const id = yield* jobs.create([...properties(), ["NonVolatile", "true"]])
      yield* Effect.forkScoped(jobs.start(id))
      yield* Deferred.await(isWriting)
      const look = yield* jobs.look(id)
      assert.strictEqual(look.status.state, "Transferred")
      assert.strictEqual(look.outcome, outcome)
    })
  )
})
