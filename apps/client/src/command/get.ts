/** `piecework get URL`: fetches a file, and serves it for a while if asked to. */
import { isAbsolute, resolve } from "node:path"
import { ContentUrl } from "@piecework/domain"
import { usesPeers } from "@piecework/domain/DownloadMode"
import * as DownloadConfig from "@piecework/download/DownloadConfig"
import type { DownloadError } from "@piecework/download/DownloadError"
import { Downloader } from "@piecework/download/Downloader"
import type { Priority } from "@piecework/policy/Facts"
import * as Flags from "@piecework/telemetry/Flags"
import * as Traces from "@piecework/telemetry/Traces"
import * as Ending from "@piecework/terminal/Ending"
import * as LogCommand from "@piecework/terminal/LogCommand"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Duration, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import * as Asking from "../Asking.ts"
import * as CachePlace from "../CachePlace.ts"
import * as DevicePolicy from "../DevicePolicy.ts"
import { exitCodes, ofDownload } from "../ExitCode.ts"
import * as Layers from "@piecework/device/Layers"
import * as Logging from "../Logging.ts"
import * as Reporting from "../Reporting.ts"
import * as Startup from "../Startup.ts"
import * as Storage from "../Storage.ts"
import { version } from "../version.ts"
import { defaultRoot } from "@piecework/device/StateFolder"
import * as Watch from "../Watch.ts"
import * as Amount from "../view/Amount.ts"
import * as Summary from "../view/Summary.ts"
import * as options from "./options.ts"

const flags = {
  url: options.url,
  output: Flag.String("output").pipe(
    Flag.withAlias("o"),
    Flag.withDescription("name of the file, or - for standard output; default: the last part of the URL"),
    Flag.withMetavar("FILE"),
    Flag.optional
  ),
  overwrite: Flag.Boolean("overwrite").pipe(
    Flag.withDescription("replace a file that is there"),
    Flag.withDefault(false)
  ),
  link: Flag.Boolean("link").pipe(
    Flag.withDescription("share the cache's file instead of copying it, where the file system can"),
    Flag.withDefault(false)
  ),
  header: Asking.header,
  mirror: Asking.mirror,
  contentId: options.contentId,
  mode: options.mode,
  group: options.group,
  policy: options.policy,
  priority: Flag.Literals("priority", ["foreground", "background"]).pipe(
    Flag.withDescription(
      "whether somebody waits for the file; the delays and limits of the policy differ; default foreground"
    ),
    Flag.withDefault("foreground"),
    Flag.map((word): Priority => (word === "foreground" ? "Foreground" : "Background"))
  ),
  seed: options
    .duration("seed")
    .pipe(
      Flag.withDescription(
        "go on serving the file to peers for this long after it is complete: 90s, 10 minutes, 1h; a number alone is seconds"
      ),
      Flag.optional
    ),
  minPeerSize: Flag.Int("min-peer-size").pipe(
    Flag.filter(
      (n) => n >= 0,
      () => "a size is not negative"
    ),
    Flag.withDescription("smaller files are fetched without asking for peers; default 10000000"),
    Flag.withMetavar("BYTES"),
    Flag.optional
  ),
  timeout: options.duration("no-progress-timeout").pipe(
    Flag.filter(
      (span) => Duration.toMillis(span) >= 1000,
      () => "nothing arrives all the time for a moment; give 1 second or more"
    ),
    Flag.withDescription("give up when nothing arrives for this long, 1 second or more; default 5 minutes"),
    Flag.optional
  ),
  agent: Flag.Boolean("agent").pipe(
    Flag.withDescription("let the running agent download it, with the agent's settings; Ctrl-C aborts its job"),
    Flag.withDefault(false)
  ),
  detach: Flag.Boolean("detach").pipe(
    Flag.withDescription("with --agent: leave the job to the agent, also over its restarts, and print its id"),
    Flag.withDefault(false)
  ),
  socket: Flag.String("socket").pipe(
    Flag.withDescription("with --agent: its socket; default $PIECEWORK_SOCKET, else where agents are looked for"),
    Flag.withMetavar("PATH"),
    Flag.optional
  ),
  service: options.service,
  serviceCa: options.serviceCa,
  serviceKey: options.serviceKey,
  state: options.state,
  reports: options.reports,
  otlp: Flags.otlp,
  host: options.host,
  port: options.port,
  logFormat: LogCommand.format,
  json: options.json,
  events: Flag.Boolean("events").pipe(
    Flag.withDescription("print progress and the result as lines of JSON"),
    Flag.withDefault(false)
  )
}

/** Who does not wait longer for more does not wait longer for the first byte either. */
const patient = (noProgressTimeout: Duration.Duration) => ({
  noProgressTimeout,
  firstByteTimeout: Duration.min(noProgressTimeout, Duration.fromInputUnsafe(DownloadConfig.defaults.firstByteTimeout))
})

/** Where it took a while to fail, there is more to tell. */
const explained = (error: DownloadError): string =>
  error._tag === "NoProgressError" ? `${error.message} See piecework explain.` : error.message

/** What the agent decides for itself. */
const refuseOwn = (input: {
  readonly link: boolean
  readonly mode: Option.Option<unknown>
  readonly seed: Option.Option<unknown>
  readonly minPeerSize: Option.Option<unknown>
}): Effect.Effect<void, Failure> => {
  const said = [
    ...(input.link ? ["--link"] : []),
    ...(Option.isSome(input.mode) ? ["--mode"] : []),
    ...(Option.isSome(input.seed) ? ["--seed"] : []),
    ...(Option.isSome(input.minPeerSize) ? ["--min-peer-size"] : [])
  ]
  return said.length === 0
    ? Effect.void
    : Effect.fail(
        new Failure({
          sentence: `${said.join(", ")}: the agent goes by its own settings; leave that out with --agent.`,
          code: exitCodes.usage
        })
      )
}

export const get = Command.make(
  "get",
  flags,
  Effect.fn("get")(function* (input) {
    yield* Ending.forPrograms(input.json || input.events)
    if (input.json && input.events) {
      return yield* new Failure({
        sentence: "--json and --events exclude each other: --events prints the result as well.",
        code: exitCodes.usage
      })
    }
    const url = yield* options.parseUrl(input.url)
    const name = Option.match(input.output, { onNone: () => ContentUrl.fileName(url), onSome: (given) => given })
    if (name === undefined || name === "") {
      return yield* new Failure({
        sentence: `${url} does not end in a file name; give one with --output.`,
        code: exitCodes.usage
      })
    }
    const toStdout = name === "-" ? yield* Effect.promise(() => import("./toStdout.ts")) : undefined
    if (toStdout !== undefined) yield* toStdout.refuse(input)
    const headers = yield* Asking.parseHeaders(input.header)
    const others = yield* Asking.parseMirrors(input.mirror)
    const path = isAbsolute(name) ? name : resolve(name)
    if (input.agent) {
      const contentId = yield* options.parseContentId(input.contentId)
      yield* refuseOwn(input)
      const agentGet = yield* Effect.promise(() => import("./agentGet.ts"))
      return yield* agentGet.run({
        ...input,
        url,
        headers,
        others,
        path: toStdout === undefined ? path : undefined,
        contentId
      })
    }
    if (input.detach) {
      return yield* new Failure({ sentence: "--detach is for --agent: nobody else goes on.", code: exitCodes.usage })
    }
    const service = yield* options.parseService(input.service)
    const live = yield* DevicePolicy.live({ ...input, service })
    const policy = live.current()
    const folder = Option.getOrElse(input.state, () => defaultRoot(process.env))
    const cache = yield* CachePlace.named(policy)
    const { mode, why } = yield* Effect.provide(DevicePolicy.eligible(policy, cache ?? folder), DevicePolicy.thisHost)
    const group = yield* Effect.provide(DevicePolicy.groupOf(policy), DevicePolicy.thisHost)
    const contentId = yield* options.parseContentId(input.contentId)
    const lan = DevicePolicy.usesLan(policy, service) && (Option.isSome(service) || contentId !== undefined)
    const talks = usesPeers(mode) && (Option.isSome(service) || lan)
    const storage = Storage.layer({ state: input.state, cache, mayForget: true, fetches: true })
    const member = {
      version,
      cache,
      service,
      serviceCa: input.serviceCa,
      serviceKeys: yield* options.parseServiceKeys(input.serviceKey),
      group,
      policy: live,
      reports: input.reports,
      lan: talks && lan,
      lanForCaches: Option.isSome(service) || policy.isSet("DOCacheHostSource"),
      fetches: true,
      listen: talks ? { host: input.host, port: input.port, orAny: true } : undefined,
      download: {
        minContentSize: policy.get("MinContentSizeToPeer"),
        peersFrom: DevicePolicy.peersFrom(policy),
        ...Option.match(input.timeout, { onNone: () => ({}), onSome: patient })
      }
    }
    const layer = Layers.client(member, storage)

    yield* Effect.gen(function* () {
      const output = yield* Output
      const isForPeople = !input.json && !input.events
      const downloader = yield* Downloader
      if (toStdout !== undefined) {
        const content = yield* downloader.open({ url, contentId, mode, priority: input.priority, why, headers, others })
        return yield* toStdout.pour(content.read(), content.progress)
      }
      const active = yield* downloader.start({
        url,
        contentId,
        path,
        mode,
        priority: input.priority,
        why,
        headers,
        others,
        overwrite: input.overwrite,
        link: input.link
      })
      const result = yield* active.result.pipe(
        input.events
          ? Watch.events(active.progress)
          : output.isWatched && !input.json
            ? Watch.line(active.progress)
            : (effect) => effect,
        Effect.onInterrupt(() => {
          const { fileBytes, heldBytes } = active.progress()
          const at = fileBytes === undefined ? "" : ` at ${Amount.percent(heldBytes, fileBytes)}`
          return isForPeople ? output.note(`Interrupted${at}; run the same command to go on.`) : Effect.void
        })
      )
      if (input.json) yield* output.line(JSON.stringify(result))
      else if (input.events) yield* output.line(JSON.stringify({ result }))
      else if (output.isWatched) yield* output.note(Summary.render(result))
      // Nobody watches, but somebody who asked for peers may read the log.
      else if (Summary.isAgainstTheWish(result.why)) {
        yield* output.note(`piecework: Fetched without peers: ${Summary.because(result.why)}.`)
      }

      if (Option.isSome(input.seed)) {
        yield* Reporting.fromTimeToTime
        if (!usesPeers(result.mode) || !talks) {
          const reason = talks ? "it was fetched without them" : "that takes a --service and a mode with peers"
          return yield* output.note(`piecework: Not serving the file, for no peer could find it: ${reason}.`)
        }
        yield* Ending.settled
        if (output.isWatched && !input.json && !input.events) {
          yield* output.note(`Serving it for ${Duration.format(input.seed.value)}; end with Ctrl-C.`)
        }
        const seeding = Effect.sleep(input.seed.value)
        yield* input.events ? Watch.events(active.progress)(seeding) : seeding
      }
    }).pipe(
      Effect.mapError((error) =>
        error instanceof Failure ? error : new Failure({ sentence: explained(error), code: ofDownload(error) })
      ),
      Effect.scoped,
      Reporting.atTheEnd,
      Effect.provide(layer),
      Startup.explained,
      Effect.provide(Traces.layer({ url: input.otlp, serviceName: "piecework", version })),
      Logging.kept("get", input, false)
    )
  })
).pipe(
  Command.withDescription("Fetch a file from its origin and from peers, every piece verified"),
  Command.withExamples([
    { command: "piecework get http://origin/image.iso", description: "Fetch a file over plain HTTP" },
    { command: "piecework get http://origin/image.iso --agent", description: "Let the agent of this device fetch it" },
    {
      command: "piecework get http://origin/image.iso --service http://service:7670 --seed 1h",
      description: "Fetch it together with the other devices, and serve them for an hour"
    }
  ])
)
