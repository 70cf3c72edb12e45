/** Jobs under the test clock: origins in memory, files that are names in a map, records in a map. */
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Context, Effect, Layer } from "effect"
import type { Network } from "../../src/CostPolicy.ts"
import * as JobError from "../../src/JobError.ts"
import * as JobFiles from "../../src/JobFiles.ts"
import { JobNetwork } from "../../src/JobNetwork.ts"
import type { PropertyName } from "../../src/JobProperty.ts"
import { Jobs } from "../../src/Jobs.ts"
import * as JobsConfig from "../../src/JobsConfig.ts"
import type { JobSpec } from "../../src/JobSpec.ts"
import type { JobId } from "../../src/JobStatus.ts"
import { JobStore } from "../../src/JobStore.ts"
import * as MemoryRunner from "../../src/MemoryRunner.ts"

export const idOf = (n: number): JobId => `00000000-0000-0000-0000-${String(n).padStart(12, "0")}` as JobId

export const url = "http://origin.example/file" as ContentUrl

/** What a job needs to start. */
export const ready: JobSpec = { uri: url, localPath: "/data/file" }

export const connected: Network = { isConnected: true, cost: "Unrestricted", isCellular: false }

export interface Site {
  readonly memory: MemoryRunner.MemoryRunner
  readonly files: Map<string, string>
  readonly records: Map<JobId, string>
  network: Network
}

export const site = (): Site => ({
  memory: MemoryRunner.make(),
  files: new Map(),
  records: new Map(),
  network: connected
})

/** The jobs of one process of this site; they end with the scope. */
export const jobsAt = (
  place: Site,
  config?: Partial<JobsConfig.JobsConfig["Service"]>,
  without?: ReadonlySet<PropertyName>
) =>
  Effect.map(
    Layer.build(
      Layer.fresh(
        Jobs.layer.pipe(
          Layer.provide([
            JobFiles.JobFiles.layerMemory(place.files),
            JobNetwork.layerOf(() => place.network),
            JobStore.layerMemory(place.records),
            JobsConfig.layer(config),
            MemoryRunner.layer(place.memory, {
              write: (path, id) => Effect.sync(() => void place.files.set(path, `made by ${id}`)),
              without
            })
          ])
        )
      )
    ),
    Context.get(Jobs)
  )

/** The two properties that every job needs. */
export const properties = (
  uri: string = url,
  path = "/data/file"
): ReadonlyArray<readonly [name: PropertyName, value: string]> => [
  ["Uri", uri],
  ["LocalPath", path]
]

/** A failure that may pass. */
export const passes = { code: 0x80072efd, extended: 0, mayPass: true }

/** What the effect fails with, in the form that the documents have. */
export const numberOf = <A>(effect: Effect.Effect<A, JobError.JobError>) =>
  Effect.map(Effect.flip(effect), (error) => JobError.hex(error.code))

/** A site whose origin has a file of 1000 bytes and sends 100 a second. */
export const slow = (): Site => {
  const place = site()
  place.memory.origins.set(url, { bytes: 1000, rate: 100 })
  return place
}
