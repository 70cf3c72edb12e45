/**
 * Looks at everything at once, each look with a limit of its own, and tells what was found. It makes nothing but files and connections
 * that are gone with it, and what a running agent is asked does nothing to it.
 */
import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import * as CacheHost from "@piecework/cachehosts/CacheHost"
import { originOf } from "@piecework/cloud/ServiceUrl"
import { defaultRoot, placesIn } from "@piecework/device/StateFolder"
import type { CheckId } from "@piecework/doctor/Check"
import * as Diagnosis from "@piecework/doctor/Diagnosis"
import type * as Findings from "@piecework/doctor/Findings"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { usesPeers } from "@piecework/domain/DownloadMode"
import { defaultPort } from "@piecework/domain/Peer"
import { Records } from "@piecework/download"
import { Host } from "@piecework/host/Host"
import * as Group from "@piecework/policy/Group"
import { Proxies } from "@piecework/sources"
import { Duration, Effect, Option, Result } from "effect"
import { cachesOf } from "../command/settingsShown.ts"
import * as DevicePolicy from "../DevicePolicy.ts"
import * as AgentProbe from "./AgentProbe.ts"
import * as DeviceProbe from "./DeviceProbe.ts"
import * as LanProbe from "./LanProbe.ts"
import * as NameProbe from "./NameProbe.ts"
import * as OriginProbe from "./OriginProbe.ts"
import * as PastProbe from "./PastProbe.ts"
import * as PortProbe from "./PortProbe.ts"
import * as ServiceProbe from "./ServiceProbe.ts"
import * as SettingsProbe from "./SettingsProbe.ts"
import * as StorageProbe from "./StorageProbe.ts"

export interface Question {
  readonly service: Option.Option<string>
  readonly serviceCa: Option.Option<string>
  readonly socket: Option.Option<string>
  readonly state: Option.Option<string>
  readonly policy: Option.Option<string>
  /** Where to listen for others while they try, when no agent does. */
  readonly port: Option.Option<number>
  /** A file at an origin to try ranges with. */
  readonly url: Option.Option<ContentUrl>
  readonly only: ReadonlySet<CheckId>
}

/** All together with the agent's 2 s: 15 s. */
const limits = {
  beside: Duration.seconds(8),
  service: Duration.seconds(8),
  behind: Duration.millis(4500)
} as const

const within =
  (limit: Duration.Duration) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A | undefined, E, R> =>
    Effect.map(Effect.timeoutOption(self, limit), Option.getOrUndefined)

const when = <A, E, R>(isNeeded: boolean, self: Effect.Effect<A, E, R>) => (isNeeded ? self : Effect.succeed(undefined))

export const examine = Effect.fn("Doctor.examine")(function* (question: Question) {
  const host = yield* Host
  // What DHCP said may take a program of the system, which is asked once and meanwhile.
  const dhcp = yield* Effect.cached(host.dhcp)
  const [findings] = yield* Effect.all([look(question), dhcp], { concurrency: 2 }).pipe(
    Effect.provideService(Host, { ...host, dhcp })
  )
  return findings
})

const look = Effect.fnUntraced(function* (question: Question) {
  const parts = new Set<keyof Findings.Findings>([...question.only].map((id) => Diagnosis.partOf[id]))
  const needs = (...some: ReadonlyArray<keyof Findings.Findings>) => some.some((part) => parts.has(part))
  const { agent, stateFolder } = yield* AgentProbe.look(question)
  const root = Option.getOrElse(question.state, () => stateFolder ?? defaultRoot(process.env))
  const url = Option.isSome(question.service) ? question.service : yield* lastService(root)
  const looked = yield* SettingsProbe.look({ policy: question.policy, service: url, state: Option.some(root) })
  const { policy } = looked
  const names = yield* NameProbe.make
  const file = Option.isSome(question.url) ? question.url.value : yield* lastFile(root)
  const environment = process.env
  const asked: ServiceProbe.Question = {
    url,
    serviceCa: question.serviceCa,
    root,
    policy,
    group: Group.of(policy, nothingKnown)?.id,
    names,
    environment
  }
  const beside = Effect.gen(function* () {
    const storage = yield* StorageProbe.look({ policy, root, service: Option.getOrUndefined(url) })
    const device = yield* DeviceProbe.look(policy, { root, cache: storage.cache, agent })
    return { storage: storage.found, device }
  })
  const behindService = Effect.gen(function* () {
    const [door, found] = yield* Effect.all(
      [
        when(
          needs("serving"),
          PortProbe.open(
            agent,
            Option.getOrElse(question.port, () => defaultPort)
          )
        ),
        when(
          needs("service", "serving", "caches", "settings", "device"),
          within(limits.service)(ServiceProbe.look(asked))
        ),
        // Looked up meanwhile, and remembered.
        when(needs("names", "ranges") && file !== undefined, names.resolve(file === undefined ? "" : hostOf(file)))
      ],
      { concurrency: "unbounded" }
    )
    const now = SettingsProbe.resolved(looked, found?.said)
    const { known } = yield* cachesOf(
      now,
      root,
      found?.said === undefined ? undefined : { cacheHosts: found.said.cacheHosts ?? [] }
    )
    const hosts = hostsOf(url, file, known, environment)
    const isReached = found?.service.way._tag === "Reached" && found.service.roles[0]?.error === undefined
    const [reach, resolved, caches, ranges] = yield* Effect.all(
      [
        when(needs("serving") && isReached && door !== undefined, within(limits.behind)(reachBy(asked, door))),
        when(needs("names", "ranges", "caches"), within(limits.behind)(NameProbe.all(names, hosts))),
        when(needs("caches"), within(limits.behind)(OriginProbe.caches(known, file))),
        when(needs("ranges"), within(limits.behind)(rangesOf(names, file, environment)))
      ],
      { concurrency: "unbounded" }
    )
    return { door, service: found?.service, policy: now, reach, names: resolved, caches, ranges }
  })
  const [near, far, past, lan] = yield* Effect.all(
    [
      when(needs("storage", "device"), within(limits.beside)(beside)),
      behindService,
      when(needs("past"), within(limits.beside)(PastProbe.look(root))),
      when(
        needs("lan"),
        within(limits.beside)(
          LanProbe.look(usesPeers(DevicePolicy.modeOf(policy)) && DevicePolicy.usesLan(policy, url))
        )
      )
    ],
    { concurrency: "unbounded" }
  )
  const findings: Findings.Findings = {
    settings: yield* SettingsProbe.found(looked, far.policy, root),
    device: near === undefined ? undefined : DeviceProbe.judged(far.policy, near.device),
    storage: near?.storage,
    serving: far.door === undefined ? undefined : { agent, port: far.door.port, reach: far.reach },
    service: far.service,
    names: far.names,
    ranges: far.ranges,
    caches: far.caches,
    lan,
    past
  }
  return findings
})

const nothingKnown = {
  adSite: undefined,
  domainSid: undefined,
  dhcpOption: undefined,
  dnsSuffix: undefined,
  entraTenant: undefined
}

const reachBy = (asked: ServiceProbe.Question, door: PortProbe.Door | undefined) =>
  door === undefined ? Effect.succeed(undefined) : ServiceProbe.reach(asked, door)

const hostOf = (url: string): string => new URL(url).hostname

const hostsOf = (
  service: Option.Option<string>,
  file: ContentUrl | undefined,
  caches: ReadonlyArray<{ readonly name: string; readonly without?: unknown }>,
  environment: NodeJS.ProcessEnv
): ReadonlyArray<NameProbe.Host> => {
  // What a proxy is asked for it looks up itself.
  const isDirect = (url: string) => Proxies.fromEnvironment(environment)(new URL(url)) === undefined
  const hosts = [
    ...Option.toArray(service)
      .filter(isDirect)
      .map((url) => ({ host: hostOf(url), isFor: "the service" })),
    ...(file === undefined || !isDirect(file) ? [] : [{ host: hostOf(file), isFor: "the origin" }]),
    ...caches.flatMap(({ name, without }) => {
      const place = without === undefined ? CacheHost.parse(name) : undefined
      return place === undefined ? [] : [{ host: place.host, isFor: "a cache server" }]
    })
  ]
  return hosts.filter(({ host }, i) => hosts.findIndex((one) => one.host === host) === i)
}

/** A file whose server has no address is asked of nobody. */
const rangesOf = Effect.fnUntraced(function* (
  names: NameProbe.Names,
  file: ContentUrl | undefined,
  environment: NodeJS.ProcessEnv
) {
  const isDirect = file !== undefined && Proxies.fromEnvironment(environment)(new URL(file)) === undefined
  const resolved = isDirect ? yield* names.resolve(hostOf(file)) : undefined
  if (resolved !== undefined && Result.isFailure(resolved)) {
    const failed: Findings.Ranges = {
      url: file,
      proxy: undefined,
      answer: { _tag: "Failed", why: resolved.failure },
      direct: undefined
    }
    return failed
  }
  return yield* OriginProbe.ranges(file, environment)
})

/** What was downloaded last: its origin is one that this device uses. */
const lastFile = (root: string) =>
  Effect.map(
    Effect.option(
      Effect.provide(
        Records.Records.use(({ list }) => list),
        Records.Records.layer(placesIn(root).records)
      )
    ),
    (listing) =>
      Option.getOrUndefined(listing)?.records.toSorted((a, b) => (b.completedAt ?? 0) - (a.completedAt ?? 0))[0]?.url
  )

/** Most files of a folder that are looked at. */
const mostServices = 64

/** The service that spoke last, by what is kept of its settings, for who does not name one. */
const lastService = (root: string): Effect.Effect<Option.Option<string>> =>
  Effect.tryPromise(async () => {
    const folder = join(root, "settings")
    const files = (await readdir(folder)).filter((name) => name.endsWith(".json")).slice(0, mostServices)
    const dated = await Promise.all(files.map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })))
    const newest = dated.toSorted((a, b) => b.at - a.at)[0]
    return newest === undefined ? undefined : originOf(decodeURIComponent(newest.name.replace(/\.json$/, "")))
  }).pipe(
    Effect.orElseSucceed(() => undefined),
    Effect.map(Option.fromUndefinedOr)
  )
