/** The jobs of this device and the interfaces by which programs reach them, for as long as the scope lasts. */
import { join } from "node:path"
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import type { Fallback } from "@piecework/download/DownloadError"
import * as Folders from "@piecework/host/Folders"
import { DownloadRunner, JobNetwork, Jobs, JobsConfig, JobStore } from "@piecework/jobs"
import { Failure } from "@piecework/terminal/Failure"
import { Clock, Context, Effect, Layer } from "effect"
import * as DevicePolicy from "../DevicePolicy.ts"
import { exitCodes } from "../ExitCode.ts"
import { StateFolder } from "@piecework/device/StateFolder"
import { version } from "../version.ts"
import * as AdminFile from "./AdminFile.ts"
import * as OwnFolders from "./OwnFolders.ts"
import * as PortFile from "./PortFile.ts"
import * as RestServer from "./RestServer.ts"
import * as RunFolder from "./RunFolder.ts"

export interface JobsHereOptions {
  /** In which mode a job downloads that starts now. */
  readonly mode: Effect.Effect<DownloadMode>
  /** Why it is that mode, where the device says so. */
  readonly why: Effect.Effect<Fallback | undefined>
  /** Address of the REST interface; `undefined` goes without. */
  readonly host: string | undefined
  /** Path of the agent's socket; `undefined` goes without. */
  readonly socket: string | undefined
  /** Where peers are served, as HOST:PORT. */
  readonly peers: string | undefined
  /** Who may give jobs. */
  readonly users: "own" | "all"
  readonly folder: string
  readonly isCompatible: boolean
  /** Told of the jobs, once those that were kept are back. */
  readonly onJobs?: ((jobs: Jobs.Jobs["Service"]) => void) | undefined
}

/** What is known of the device holds for so long, as elsewhere. */
const modeFor = "5 seconds"

/** Answers the port of the REST interface, if there is one, once jobs that were kept are back and programs can find them. */
export const serve = Effect.fn("JobsHere.serve")(function* (options: JobsHereOptions) {
  const { root } = yield* StateFolder
  // Looking at the device takes milliseconds, of which a small file has few.
  const mode = yield* Effect.cachedWithTTL(options.mode, modeFor)
  const layer = Layer.mergeAll(
    Jobs.Jobs.layer.pipe(
      Layer.provide([
        DownloadRunner.layer(mode, yield* Effect.cachedWithTTL(options.why, modeFor)),
        OwnFolders.layer(root),
        JobNetwork.JobNetwork.layer.pipe(Layer.provide(DevicePolicy.thisHost)),
        JobStore.JobStore.layer(join(root, "jobs")),
        JobsConfig.layer()
      ])
    ),
    AdminFile.AdminFile.layer()
  )
  const services = yield* Effect.mapError(Layer.build(layer), failed)
  options.onJobs?.(Context.get(services, Jobs.Jobs))
  const since = yield* Clock.currentTimeMillis
  const port = options.host === undefined ? undefined : yield* rest(options, options.host, services)
  if (options.socket !== undefined) {
    const AgentServer = yield* Effect.promise(() => import("../rpc/AgentServer.ts"))
    const facts = {
      version,
      pid: process.pid,
      stateFolder: root,
      since,
      ...(port === undefined ? {} : { rest: port }),
      ...(options.peers === undefined ? {} : { peers: options.peers })
    }
    yield* AgentServer.serve({
      path: options.socket,
      users: options.users,
      mode,
      facts: Effect.succeed(facts)
    }).pipe(
      Effect.provide(services),
      Effect.mapError(({ message }) => new Failure({ sentence: message, code: exitCodes.address }))
    )
  }
  return port
})

const rest = Effect.fnUntraced(function* (
  { folder, isCompatible, users }: JobsHereOptions,
  host: string,
  services: Context.Context<Jobs.Jobs | AdminFile.AdminFile>
) {
  if (isCompatible) {
    const { etc } = RunFolder.compatible
    yield* Effect.tryPromise({
      try: () => Folders.make(etc, { mode: 0o755 }),
      catch: () => new Failure({ sentence: `The folder ${etc} cannot be made.`, code: exitCodes.storage })
    })
  }
  const port = yield* RestServer.serve({ host, users }).pipe(
    Effect.provide(services),
    Effect.mapError((error) => new Failure({ sentence: error.message, code: exitCodes.address }))
  )
  yield* Effect.mapError(PortFile.advertise(folder, port), failed)
  return port
})

const failed = (error: { readonly message: string }) =>
  new Failure({ sentence: error.message, code: exitCodes.storage })
