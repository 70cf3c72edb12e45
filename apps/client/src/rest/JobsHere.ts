/** The jobs of this device and the interface by which programs reach them, for as long as the scope lasts. */
import { join } from "node:path"
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import * as Folders from "@piecework/host/Folders"
import { DownloadRunner, JobFiles, JobNetwork, Jobs, JobsConfig, JobStore } from "@piecework/jobs"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, Layer } from "effect"
import { exitCodes } from "../ExitCode.ts"
import { StateFolder } from "../StateFolder.ts"
import * as AdminFile from "./AdminFile.ts"
import * as PortFile from "./PortFile.ts"
import * as RestServer from "./RestServer.ts"
import * as RunFolder from "./RunFolder.ts"

export interface JobsHereOptions {
  /** In which mode a job downloads that starts now. */
  readonly mode: Effect.Effect<DownloadMode>
  /** Address to listen on. */
  readonly host: string
  /** Who may give jobs. */
  readonly users: "own" | "all"
  readonly folder: string
  readonly isCompatible: boolean
}

/** Answers the port of the REST interface, once jobs that were kept are back and programs can find it. */
export const serve = Effect.fn("JobsHere.serve")(function* (options: JobsHereOptions) {
  const { root } = yield* StateFolder
  const layer = Layer.mergeAll(
    Jobs.Jobs.layer.pipe(
      Layer.provide([
        DownloadRunner.layer(options.mode),
        JobFiles.JobFiles.layer,
        JobNetwork.JobNetwork.layer,
        JobStore.JobStore.layer(join(root, "jobs")),
        JobsConfig.layer()
      ])
    ),
    AdminFile.AdminFile.layer()
  )
  const services = yield* Effect.mapError(Layer.build(layer), failed)
  if (options.isCompatible) {
    const { etc } = RunFolder.compatible
    yield* Effect.tryPromise({
      try: () => Folders.make(etc, { mode: 0o755 }),
      catch: () => new Failure({ sentence: `The folder ${etc} cannot be made.`, code: exitCodes.storage })
    })
  }
  const port = yield* RestServer.serve({ host: options.host, users: options.users }).pipe(
    Effect.provide(services),
    Effect.mapError((error) => new Failure({ sentence: error.message, code: exitCodes.address }))
  )
  yield* Effect.mapError(PortFile.advertise(options.folder, port), failed)
  return port
})

const failed = (error: { readonly message: string }) =>
  new Failure({ sentence: error.message, code: exitCodes.storage })
