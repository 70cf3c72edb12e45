/** What the agent's command line says of the REST interface, and its start. What it needs is loaded by the agent alone. */
import { join } from "node:path"
import { longestPath, socketName } from "@piecework/client/AgentPlace"
import type { Jobs } from "@piecework/jobs/Jobs"
import { Config, Effect, Option } from "effect"
import { Flag } from "effect/cli"
import type { Eligible } from "../DevicePolicy.ts"
import * as RunFolder from "../rest/RunFolder.ts"

export const flags = {
  rest: Flag.Boolean("rest").pipe(
    Flag.withDescription("take jobs from programs of this device, over a REST interface; --no-rest does not"),
    Flag.withDefault(true)
  ),
  restHost: Flag.String("rest-host").pipe(
    Flag.withDescription(
      "address on which the REST interface listens; others than this device are refused all the same"
    ),
    Flag.withMetavar("ADDRESS"),
    Flag.withDefault("127.0.0.1")
  ),
  restUsers: Flag.Literals("rest-users", ["own", "all"]).pipe(
    Flag.withDescription(
      "who may give jobs: the user of the agent and root, or all, who then write files with the agent's rights; default own"
    ),
    Flag.withDefault("own" as const)
  ),
  api: Flag.Boolean("api").pipe(
    Flag.withDescription("take jobs from piecework get --agent and other programs over a socket; --no-api does not"),
    Flag.withDefault(true)
  ),
  socket: Flag.String("socket").pipe(
    Flag.withDescription("path of that socket; default agent.sock in the folder of restport.PID"),
    Flag.withMetavar("PATH"),
    Flag.withFallbackConfig(Config.String("PIECEWORK_SOCKET")),
    Flag.optional
  ),
  runDir: Flag.String("run-dir").pipe(
    Flag.withDescription("folder for restport.PID, by which programs find the REST interface"),
    Flag.withMetavar("DIR"),
    Flag.optional
  ),
  compatDirs: Flag.Boolean("compat-dirs").pipe(
    Flag.withDescription(
      `be found by programs of the Delivery Optimization agent: ${RunFolder.compatible.run} and ${RunFolder.compatible.etc}`
    ),
    Flag.withDefault(false)
  )
}

export interface Input {
  readonly rest: boolean
  readonly api: boolean
  readonly socket: Option.Option<string>
  readonly restHost: string
  readonly restUsers: "own" | "all"
  readonly runDir: Option.Option<string>
  readonly compatDirs: boolean
  readonly state: Option.Option<string>
}

/** Where programs give jobs; each `undefined` when nobody wants it, or when it cannot be. */
export interface Doors {
  /** Port of the REST interface. */
  readonly rest: number | undefined
  /** Path of the socket. */
  readonly socket: string | undefined
}

const noDoors: Doors = { rest: undefined, socket: undefined }

/** `peers`: where they are served. */
export const serve = Effect.fnUntraced(function* (
  input: Input,
  left: Effect.Effect<Eligible>,
  peers?: string | undefined,
  onJobs?: (jobs: Jobs["Service"]) => void
) {
  if (!input.rest && !input.api) return yield* withoutHangups
  const JobsHere = yield* Effect.promise(() => import("../rest/JobsHere.ts"))
  const chosen = {
    named: Option.getOrUndefined(input.runDir),
    isCompatible: input.compatDirs,
    state: Option.getOrUndefined(input.state)
  }
  // Programs of the Linux agent know nothing of a socket, and ours look where ours are.
  const own = RunFolder.of({ ...chosen, isCompatible: false }, process.env)
  const usual = join(own, socketName)
  const fits = Buffer.byteLength(usual) <= longestPath
  if (input.api && Option.isNone(input.socket) && !fits) {
    yield* Effect.logWarning(
      `There is no socket for get --agent: ${usual} is longer than the ${longestPath} bytes it can have; name another with --socket.`
    )
  }
  const socket = input.api ? Option.getOrElse(input.socket, () => (fits ? usual : undefined)) : undefined
  const port = yield* JobsHere.serve({
    mode: Effect.map(left, ({ mode }) => mode),
    why: Effect.map(left, ({ why }) => why),
    host: input.rest ? input.restHost : undefined,
    socket,
    peers,
    users: input.restUsers,
    folder: RunFolder.of(chosen, process.env),
    isCompatible: input.compatDirs,
    onJobs
  })
  const doors: Doors = { rest: port, socket }
  return doors
})

/** A reload of the unit finds nothing to read again, and ends nothing. */
const withoutHangups = Effect.as(
  Effect.acquireRelease(
    Effect.sync(() => process.on("SIGHUP", passOver)),
    () => Effect.sync(() => process.off("SIGHUP", passOver))
  ),
  noDoors
)

const passOver = () => undefined
