/** `piecework-cache serve`: serves until it is told to stop. */
import { defaultRoot } from "@piecework/device/StateFolder"
import * as Logs from "@piecework/logs/Logs"
import * as Flags from "@piecework/telemetry/Flags"
import * as Traces from "@piecework/telemetry/Traces"
import * as Ending from "@piecework/terminal/Ending"
import * as LogCommand from "@piecework/terminal/LogCommand"
import * as Supervisor from "@piecework/terminal/Supervisor"
import { Config, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { program } from "../RunFolder.ts"
import { folderOf } from "./log.ts"
import * as options from "./options.ts"
import * as settingsOf from "./settingsOf.ts"
import { version } from "../version.ts"

export const serve = Command.make(
  "serve",
  {
    ...options.server,
    state: options.state,
    config: options.config,
    token: Flag.String("token").pipe(
      Flag.withDescription(
        "enrol as a cache node of the service, unless that was done; better in PIECEWORK_ENROL_TOKEN, which lists of processes do not show"
      ),
      Flag.withMetavar("pwe_…"),
      Flag.withFallbackConfig(Config.String("PIECEWORK_ENROL_TOKEN")),
      Flag.optional
    ),
    allowHttp: options.allowHttp,
    logFormat: LogCommand.format,
    metrics: Flags.metrics(9671, "PIECEWORK_CACHE_METRICS"),
    otlp: Flags.otlp,
    json: Flag.Boolean("json").pipe(
      Flag.withDescription(
        'print {"http":"HOST:PORT","https":"HOST:PORT","peers":"HOST:PORT"} once it serves, and failures as JSON'
      ),
      Flag.withDefault(false)
    )
  },
  Effect.fn("serve")(
    function* ({ allowHttp, config, json, metrics, otlp, state, token, ...given }) {
      yield* Ending.forPrograms(json)
      const told = { config, said: options.said(given) }
      const settings = yield* settingsOf.read(told)
      // Most of the program's start; the other commands do without.
      const { run } = yield* Effect.promise(() => import("../Serving.ts"))
      return yield* run({
        settings,
        reread: settingsOf.read(told),
        state: Option.getOrUndefined(state),
        root: Option.getOrElse(state, () => defaultRoot(process.env, program)),
        enrolling: Option.match(
          Option.filter(token, (text) => text.trim() !== ""),
          {
            onNone: () => undefined,
            onSome: (text) => ({ token: text, allowHttp })
          }
        ),
        isForPrograms: json,
        metrics
      }).pipe(Effect.provide(Traces.layer({ url: otlp, serviceName: "piecework-cache", version })))
    },
    Effect.provide(Supervisor.layer),
    Effect.scoped,
    (effect, { logFormat, state }) =>
      Logs.kept({ program: "cache", folder: folderOf(state), format: logFormat })(effect)
  )
).pipe(
  Command.withDescription("Serve the files of the origins that are named, each fetched once for all clients"),
  Command.withExamples([
    { command: "piecework-cache serve --origin '*' --listen 8080", description: "For every origin, on port 8080" },
    {
      command: "piecework-cache serve --origin '*.download.windowsupdate.com' --drive /srv/cache:500GB",
      description: "For the updates of Windows, on a drive of its own"
    }
  ])
)
