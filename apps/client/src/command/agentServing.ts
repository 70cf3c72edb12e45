/** What an agent does once it has its folders: takes jobs, is a proxy, keeps its cache and serves peers, and says so. */
import { CacheHosts } from "@piecework/cachehosts/CacheHosts"
import type { Scope as SwarmScope } from "@piecework/cloud/Fields"
import { type DownloadMode, usesPeers } from "@piecework/domain/DownloadMode"
import type { Fallback } from "@piecework/download/DownloadError"
import { Permission } from "@piecework/download/Permission"
import { type SeededContent, Seeder } from "@piecework/download/Seeder"
import * as Journal from "@piecework/logs/Journal"
import type { Jobs } from "@piecework/jobs/Jobs"
import { PeerHost } from "@piecework/peers/PeerHost"
import type { LivePolicy } from "@piecework/policy/LivePolicy"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import * as Supervisor from "@piecework/terminal/Supervisor"
import { Effect, Option, Schedule } from "effect"
import * as proxy from "./proxy.ts"
import * as rest from "./rest.ts"
import * as DevicePolicy from "../DevicePolicy.ts"
import { exitCodes } from "../ExitCode.ts"
import * as CacheHostsNote from "../CacheHostsNote.ts"
import * as Keeping from "../Keeping.ts"
import * as Offers from "../Offers.ts"
import * as Reporting from "../Reporting.ts"
import * as Serving from "../Serving.ts"
import { StateFolder } from "@piecework/device/StateFolder"
import { version } from "../version.ts"
import * as Amount from "../view/Amount.ts"
import * as Summary from "../view/Summary.ts"

export interface AgentServingOptions {
  readonly input: rest.Input &
    proxy.Input & {
      readonly json: boolean
      /** Where metrics are served, if at all. */
      readonly metrics: Option.Option<{ readonly host: string; readonly port: number }>
    }
  readonly policy: LivePolicy
  /** As it is at the start. An agent whose mode has no peers then serves none until it starts again. */
  readonly mode: DownloadMode
  /** Why there are no peers to serve, as a sentence. */
  readonly without: string
  /** Why none are served for now, where that passes. */
  readonly pause: Fallback | undefined
  readonly hasService: boolean
  /** Of the cache: the disk that is looked at. */
  readonly folder: string
}

/** Where the agent is found. */
interface Doors extends rest.Doors {
  /** HOST:PORT each. */
  readonly listening: string | undefined
  readonly proxy: string | undefined
}

/** Goes on until it is interrupted. */
export const run = Effect.fn("agentServing.run")(function* (options: AgentServingOptions) {
  const { input, mode } = options
  const { address } = yield* PeerHost
  yield* Reporting.fromTimeToTime
  yield* Effect.forkScoped(CacheHostsNote.keepUp((yield* StateFolder).root, yield* CacheHosts))
  const left = yield* leftForDownloads(options)
  const listening = usesPeers(mode) ? address.toString() : undefined
  let jobs: Jobs["Service"] | undefined
  const doors: Doors = {
    listening,
    ...(yield* rest.serve(input, left, listening, (found) => void (jobs = found))),
    proxy: yield* proxy.serve(
      input,
      Effect.map(left, ({ mode: now }) => now)
    )
  }
  if (Option.isSome(input.metrics)) {
    const { serve } = yield* Effect.promise(() => import("../metrics/Metering.ts"))
    yield* serve(input.metrics.value, () => jobs)
  }
  // Also while nobody is served: jobs and the proxy fill the cache as well.
  let look: Keeping.Look = Effect.void
  yield* Keeping.fromTimeToTime(() => look)
  if (!usesPeers(mode)) {
    yield* announce(options, doors, options.without, " That is looked at anew when the agent starts again.")
    return yield* Effect.never
  }
  let hasSaid = false
  const say = Effect.suspend(() => {
    if (hasSaid) return Effect.void
    hasSaid = true
    return announcePeers(options, doors)
  })
  return yield* Serving.whileAllowed(options, (scope) =>
    servePeers(scope, input.json, (kept) =>
      Effect.andThen(
        Effect.sync(() => void (look = kept)),
        say
      )
    )
  )
})

/** In which mode a download begins now, and why, where the device says so. */
const leftForDownloads = Effect.fnUntraced(function* ({ folder, mode, policy }: AgentServingOptions) {
  const permission = yield* Permission
  // Where peers are served the device is looked at every few seconds anyway; a job need not wait for another look.
  return Effect.suspend(() =>
    usesPeers(mode)
      ? Effect.succeed(DevicePolicy.left(policy.current(), permission.current().peering))
      : Effect.provide(DevicePolicy.eligible(policy.current(), folder), DevicePolicy.thisHost)
  )
})

const announcePeers = Effect.fnUntraced(function* (options: AgentServingOptions, doors: Doors) {
  const { hasService, pause } = options
  const output = yield* Output
  if (pause !== undefined) {
    yield* output.note(`piecework: No peers are served for now: ${Summary.because(pause)}.`)
  }
  const where = hasService ? "" : "; no service is set, so only the local network is told"
  yield* announce(options, doors, `Serving peers on ${doors.listening}${where}.`)
})

/** Says to people, programs and systemd that it serves; `more` to people alone. */
const announce = Effect.fnUntraced(function* (
  { input }: AgentServingOptions,
  { listening, proxy: proxied, rest: port, socket }: Doors,
  what: string,
  more = ""
) {
  const output = yield* Output
  const { ready } = yield* Supervisor.Supervisor
  const takesJobs =
    port !== undefined
      ? `Taking jobs on port ${port}. `
      : socket !== undefined
        ? "Taking jobs on the agent's socket. "
        : ""
  const alsoProxy = proxied === undefined ? "" : ` Serving as an HTTP proxy on ${proxied}.`
  yield* Journal.note(() => [
    `The agent runs. ${takesJobs}${what}${alsoProxy}`,
    { version, node: process.version, listening, rest: port, proxy: proxied }
  ])
  yield* Ending.settled
  yield* ready(`${takesJobs}${what}${alsoProxy}`)
  yield* input.json
    ? output.line(JSON.stringify({ listening, rest: port, proxy: proxied }))
    : output.note(`${takesJobs}${what}${more}${alsoProxy}`)
})

/** Until it is interrupted; `begun` with what looks at the cache. */
const servePeers = <E, R>(
  scope: SwarmScope,
  isForPrograms: boolean,
  begun: (look: Keeping.Look) => Effect.Effect<void, E, R>
) =>
  Effect.gen(function* () {
    const output = yield* Output
    const seeder = yield* Seeder
    const { root } = yield* StateFolder
    const seeding = yield* seeder
      .start({ scope })
      .pipe(Effect.mapError((error) => new Failure({ sentence: error.message, code: exitCodes.storage })))
    yield* begun(seeding.look)
    yield* Effect.forkScoped(Offers.keepUp(root, seeding))
    if (!output.isWatched || isForPrograms) return yield* Effect.never
    const show = Effect.suspend(() => output.redraw(lineOf(seeding.contents())))
    yield* Effect.repeat(show, Schedule.spaced("1 second")).pipe(Effect.ensuring(output.redraw("")))
    return yield* Effect.never
  }).pipe(Effect.scoped)

const lineOf = (contents: ReadonlyArray<SeededContent>): string => {
  const peers = contents.reduce((sum, content) => sum + content.peers, 0)
  const sent = contents.reduce((sum, content) => sum + content.sent, 0)
  const offered = contents.filter(({ offer }) => offer.why !== "Waiting").length
  const turns = offered < contents.length ? ` (${offered} offered)` : ""
  return `${Amount.count(contents.length, "content")}${turns}  ${Amount.count(peers, "peer")}  ${Amount.bytes(sent)} sent`
}
