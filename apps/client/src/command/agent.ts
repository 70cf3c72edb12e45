/** `piecework agent`: runs on and serves what the cache holds. */
import type { Scope as SwarmScope } from "@piecework/cloud/Fields"
import { type DownloadMode, usesPeers } from "@piecework/domain/DownloadMode"
import { Permission } from "@piecework/download/Permission"
import { Seeder } from "@piecework/download/Seeder"
import { PeerHost } from "@piecework/peers/PeerHost"
import * as Ending from "@piecework/terminal/Ending"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import * as Supervisor from "@piecework/terminal/Supervisor"
import { Effect, Option, Schedule } from "effect"
import { Command, Flag } from "effect/cli"
import * as AgentLock from "../AgentLock.ts"
import * as CachePlace from "../CachePlace.ts"
import * as DevicePolicy from "../DevicePolicy.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Keeping from "../Keeping.ts"
import * as Layers from "../Layers.ts"
import * as Offers from "../Offers.ts"
import * as Reporting from "../Reporting.ts"
import * as Serving from "../Serving.ts"
import * as Startup from "../Startup.ts"
import { defaultRoot, StateFolder } from "../StateFolder.ts"
import * as Amount from "../view/Amount.ts"
import * as Summary from "../view/Summary.ts"
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
    host: options.host,
    port: options.port,
    mode,
    group: options.group,
    policy: options.policy,
    ...rest.flags,
    ...proxy.flags,
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
      yield* AgentLock.hold(folder)
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
      if (!usesPeers(scope) && !input.rest && !input.api && Option.isNone(input.proxy))
        return yield* new Failure({ sentence: without, code: exitCodes.usage })
      const given = {
        state: input.state,
        mayForget: false,
        service,
        serviceCa: input.serviceCa,
        serviceKeys: yield* options.parseServiceKeys(input.serviceKey),
        group,
        policy: live,
        reports: input.reports,
        lan: DevicePolicy.usesLan(policy, service),
        fetches: false,
        isAsked: Option.isSome(input.proxy),
        environment: proxy.environmentOf(input, process.env),
        listen: usesPeers(scope) ? { host: input.host, port: input.port, orAny: false } : undefined,
        download: { peersFrom: DevicePolicy.peersFrom(policy) }
      }
      const serving = (at: string | undefined) =>
        Effect.gen(function* () {
          const output = yield* Output
          const { address } = yield* PeerHost
          const { root } = yield* StateFolder
          const seeder = yield* Seeder
          const where = Option.isNone(service) ? "; no service is set, so only the local network is told" : ""
          yield* Reporting.fromTimeToTime
          const permission = yield* Permission
          // Where peers are served the device is looked at every few seconds anyway; a job need not wait for another look.
          const modeNow = Effect.suspend(() =>
            usesPeers(scope)
              ? Effect.succeed(DevicePolicy.left(live.current(), permission.current().peering))
              : Effect.provide(DevicePolicy.eligible(live.current(), at ?? folder), DevicePolicy.thisHost)
          )
          const modeOfNew = Effect.map(modeNow, ({ mode: now }) => now)
          const jobs = yield* rest.serve(input, modeOfNew, usesPeers(scope) ? address.toString() : undefined)
          const proxied = yield* proxy.serve(input, modeOfNew)
          const alsoProxy = proxied === undefined ? "" : ` Serving as an HTTP proxy on ${proxied}.`
          const supervision = yield* Supervisor.Supervisor
          const takesJobs =
            jobs !== undefined
              ? `Taking jobs on port ${jobs}. `
              : input.api
                ? "Taking jobs on the agent's socket. "
                : ""
          if (!usesPeers(scope)) {
            yield* Ending.settled
            yield* supervision.ready(`${takesJobs}${without}${alsoProxy}`)
            yield* input.json
              ? output.line(JSON.stringify({ rest: jobs, proxy: proxied }))
              : output.note(`${takesJobs}${without} That is looked at anew when the agent starts again.${alsoProxy}`)
            return yield* Effect.never
          }
          // Also while nobody is served.
          let look: Keeping.Look = Effect.void
          yield* Keeping.fromTimeToTime(() => look)
          let hasSaid = false
          const say = Effect.gen(function* () {
            if (hasSaid) return
            hasSaid = true
            yield* Ending.settled
            yield* supervision.ready(`${takesJobs}Serving peers on ${address.toString()}${where}.${alsoProxy}`)
            if (passes && why !== undefined) {
              yield* output.note(`piecework: No peers are served for now: ${Summary.because(why)}.`)
            }
            yield* input.json
              ? output.line(JSON.stringify({ listening: address.toString(), rest: jobs, proxy: proxied }))
              : output.note(`${takesJobs}Serving peers on ${address.toString()}${where}.${alsoProxy}`)
          })
          const serve = (now: SwarmScope) =>
            Effect.gen(function* () {
              const seeding = yield* seeder
                .start({ scope: now })
                .pipe(Effect.mapError((error) => new Failure({ sentence: error.message, code: exitCodes.storage })))
              look = seeding.look
              yield* say
              yield* Effect.forkScoped(Offers.keepUp(root, seeding))
              if (!output.isWatched || input.json) return yield* Effect.never
              const show = Effect.suspend(() => {
                const contents = seeding.contents()
                const peers = contents.reduce((sum, content) => sum + content.peers, 0)
                const sent = contents.reduce((sum, content) => sum + content.sent, 0)
                const offered = contents.filter(({ offer }) => offer.why !== "Waiting").length
                const turns = offered < contents.length ? ` (${offered} offered)` : ""
                return output.redraw(
                  `${Amount.count(contents.length, "content")}${turns}  ${Amount.count(peers, "peer")}  ${Amount.bytes(sent)} sent`
                )
              })
              yield* Effect.repeat(show, Schedule.spaced("1 second")).pipe(Effect.ensuring(output.redraw("")))
              return yield* Effect.never
            }).pipe(Effect.scoped)
          return yield* Serving.whileAllowed({ policy: live, mode: scope }, serve)
        }).pipe(Effect.scoped, Effect.provide(Layers.client({ ...given, cache: at })), Startup.explained)
      return yield* CachePlace.following(live, cache, serving)
    },
    Effect.provide(Supervisor.layer),
    Effect.scoped
  )
).pipe(Command.withDescription("Run on and serve what the cache holds to peers"))
