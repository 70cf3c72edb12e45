/** What the agent's command line says of the REST interface, and its start. What it needs is loaded by the agent alone. */
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import { Effect, Option } from "effect"
import { Flag } from "effect/cli"
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
  readonly restHost: string
  readonly restUsers: "own" | "all"
  readonly runDir: Option.Option<string>
  readonly compatDirs: boolean
  readonly state: Option.Option<string>
}

/** Answers the port; `undefined` when nobody wants it. */
export const serve = Effect.fnUntraced(function* (input: Input, mode: Effect.Effect<DownloadMode>) {
  if (!input.rest) return yield* withoutHangups
  const JobsHere = yield* Effect.promise(() => import("../rest/JobsHere.ts"))
  const folder = RunFolder.of(
    {
      named: Option.getOrUndefined(input.runDir),
      isCompatible: input.compatDirs,
      state: Option.getOrUndefined(input.state)
    },
    process.env
  )
  return yield* JobsHere.serve({
    mode,
    host: input.restHost,
    users: input.restUsers,
    folder,
    isCompatible: input.compatDirs
  })
})

/** A reload of the unit finds nothing to read again, and ends nothing. */
const withoutHangups = Effect.as(
  Effect.acquireRelease(
    Effect.sync(() => process.on("SIGHUP", passOver)),
    () => Effect.sync(() => process.off("SIGHUP", passOver))
  ),
  undefined
)

const passOver = () => undefined
