/** `piecework agent`: runs on, for peers and for programs of its device. */
import { type DownloadMode, usesPeers } from "@piecework/domain/DownloadMode"
import * as Flags from "@piecework/telemetry/Flags"
import * as Traces from "@piecework/telemetry/Traces"
import * as Ending from "@piecework/terminal/Ending"
import * as LogCommand from "@piecework/terminal/LogCommand"
import { Failure } from "@piecework/terminal/Failure"
import * as Supervisor from "@piecework/terminal/Supervisor"
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as FolderLock from "@piecework/device/FolderLock"
import * as CachePlace from "../CachePlace.ts"
import * as DevicePolicy from "../DevicePolicy.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Layers from "@piecework/device/Layers"
import * as Logging from "../Logging.ts"
import * as Startup from "../Startup.ts"
import * as Storage from "../Storage.ts"
import { version } from "../version.ts"
import { defaultRoot } from "@piecework/device/StateFolder"
import * as Summary from "../view/Summary.ts"
import * as activity from "./activity.ts"
import * as agentServing from "./agentServing.ts"
import * as options from "./options.ts"
import * as proxy from "./proxy.ts"
import * as rest from "./rest.ts"

const mode = Flag.Literals("mode", ["lan", "group", "internet"]).pipe(
  Flag.withDescription("which peers are served; default what the policy says, which is lan where it says nothing"),
  Flag.map((word): DownloadMode => options.modes[word]),
  Flag.optional
)

export const agent = Command.make(
  "agent",
  {
    service: options.service,
    serviceCa: options.serviceCa,
    serviceKey: options.serviceKey,
    state: options.state,
    reports: options.reports,
    metrics: Flags.metrics(7682, "PIECEWORK_METRICS"),
    otlp: Flags.otlp,
    host: options.host,
    port: options.port,
    mode,
    group: options.group,
    policy: options.policy,
    ...rest.flags,
    ...proxy.flags,
    ...activity.flags,
    logFormat: LogCommand.format,
    json: Flag.Boolean("json").pipe(
      Flag.withDescription(
        'print {"listening":"HOST:PORT","rest":PORT,"proxy":"HOST:PORT"} once it serves, and failures as JSON'
      ),
      Flag.withDefault(false)
    )
  },
  Effect.fn("agent")(
    function* (input) {
      yield* Ending.forPrograms(input.json)
      const service = yield* options.parseService(input.service)
      const live = yield* DevicePolicy.live({ ...input, service })
      const policy = live.current()
      const folder = Option.getOrElse(input.state, () => defaultRoot(process.env))
      // Before anything of it is touched, and for as long as this runs.
      yield* FolderLock.hold(folder)
      const cache = yield* CachePlace.named(policy)
      const { passes, why, ...left } = yield* Effect.provide(
        DevicePolicy.eligible(policy, cache ?? folder),
        DevicePolicy.thisHost
      )
      // An agent that starts on a VPN waits for the end of it.
      const scope = passes ? DevicePolicy.modeOf(policy) : left.mode
      const group = yield* Effect.provide(DevicePolicy.groupOf(policy), DevicePolicy.thisHost)
      const without =
        why === undefined
          ? `The policy's mode ${options.modeName(scope)} has no peers to serve; choose another with --mode.`
          : `There are no peers to serve: ${Summary.because(why)}.`
      if (!usesPeers(scope) && !input.rest && !input.api && Option.isNone(input.proxy) && Option.isNone(input.activity))
        return yield* new Failure({ sentence: without, code: exitCodes.usage })
      const kept = { state: input.state, mayForget: false, fetches: false, isAsked: Option.isSome(input.proxy) }
      const given = {
        version,
        service,
        serviceCa: input.serviceCa,
        serviceKeys: yield* options.parseServiceKeys(input.serviceKey),
        group,
        policy: live,
        reports: input.reports,
        lan: DevicePolicy.usesLan(policy, service),
        lanForCaches: true,
        fetches: false,
        environment: proxy.environmentOf(input, process.env),
        listen: usesPeers(scope) ? { host: input.host, port: input.port, orAny: false } : undefined,
        download: { peersFrom: DevicePolicy.peersFrom(policy) }
      }
      const serving = (at: string | undefined) =>
        agentServing
          .run({
            input,
            policy: live,
            mode: scope,
            without,
            pause: passes ? why : undefined,
            hasService: Option.isSome(service),
            folder: at ?? folder
          })
          .pipe(
            Effect.scoped,
            Effect.provide(Layers.client({ ...given, cache: at }, Storage.layer({ ...kept, cache: at }))),
            Startup.explained
          )
      const traces = Traces.layer({ url: input.otlp, serviceName: "piecework-agent", version })
      return yield* Effect.provide(CachePlace.following(live, cache, serving), traces)
    },
    Effect.provide(Supervisor.layer),
    Effect.scoped,
    (effect, input) => Logging.kept("agent", input)(effect)
  )
).pipe(Command.withDescription("Run on: serve what the cache holds to peers, and take downloads from programs"))
