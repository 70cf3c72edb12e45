/** What `piecework config` shows. Loaded when it is wanted. */
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import { termsOf } from "@piecework/cache/CacheRules"
import * as Hosts from "@piecework/cachehosts/Hosts"
import { Cloud } from "@piecework/cloud/Cloud"
import { Host } from "@piecework/host/Host"
import * as Policy from "@piecework/policy/Policy"
import { words } from "@piecework/policy/Provider"
import type { Setting } from "@piecework/policy/Setting"
import { find, type Name, names, settings } from "@piecework/policy/Settings"
import * as Capacity from "@piecework/shaping/Capacity"
import * as CapacityFile from "@piecework/shaping/CapacityFile"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Clock, DateTime, Effect, Layer, Option } from "effect"
import * as CacheHostsNote from "../CacheHostsNote.ts"
import * as CachePlace from "../CachePlace.ts"
import * as DevicePolicy from "../DevicePolicy.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Layers from "@piecework/device/Layers"
import * as ServiceSettings from "@piecework/device/ServiceSettings"
import { ServiceTrust } from "@piecework/device/ServiceTrust"
import { defaultRoot, placesIn } from "@piecework/device/StateFolder"
import { usable } from "../Startup.ts"
import * as Uploading from "../Uploading.ts"
import * as CacheExplained from "../view/CacheExplained.ts"
import * as CacheHostsTable from "../view/CacheHostsTable.ts"
import * as Explanation from "../view/Explanation.ts"
import * as Table from "../view/Table.ts"
import { withStored } from "./existing.ts"
import { version } from "../version.ts"
import * as options from "./options.ts"

export interface Input {
  readonly policy: Option.Option<string>
  readonly explain: Option.Option<string>
  readonly service: Option.Option<string>
  readonly serviceCa: Option.Option<string>
  readonly state: Option.Option<string>
  readonly json: boolean
}

export const run = Effect.fnUntraced(function* (input: Input) {
  const output = yield* Output
  const service = yield* options.parseService(input.service)
  const live = yield* DevicePolicy.live({ policy: input.policy, service, state: input.state })
  const folder = Option.getOrElse(input.state, () => defaultRoot(process.env))
  yield* usable(folder)
  const one = Option.isSome(input.explain) ? yield* named(input.explain.value) : undefined
  const answer = yield* Option.match(service, {
    onNone: () => Effect.succeed(undefined),
    onSome: (url) => ask({ url, serviceCa: input.serviceCa, folder, live })
  })
  if (answer !== undefined && "failed" in answer) yield* output.note(`piecework: ${answer.failed}`)
  const policy = live.current()
  const caches = yield* Effect.provide(cachesOf(policy, folder, answer), DevicePolicy.thisHost)
  const at = yield* Clock.currentTimeMillis
  if (!input.json && one === undefined) {
    const hosts = caches.known.length === 0 ? [] : ["", CacheHostsTable.render(caches.known, at)]
    return yield* output.line([table(policy), ...hosts].join("\n"))
  }
  const scene = yield* Effect.provide(sceneOf(policy, folder, answer, caches.said), DevicePolicy.thisHost)
  if (input.json) {
    const shown = (one === undefined ? names : [one]).map((name) => ({
      ...forPrograms(scene, name),
      ...(name === "DOCacheHost" ? { cacheHosts: CacheHostsTable.forPrograms(caches.known, at) } : {})
    }))
    return yield* output.line(JSON.stringify(one === undefined ? shown : shown[0], null, 2))
  }
  const cache = one === undefined ? [] : yield* cacheHere(input, policy, one)
  return yield* output.line(one === undefined ? "" : [explained(scene, one), ...cache].join("\n"))
})

/** What a setting of the cache does to the one of this device; nothing where there is none yet, or of other settings. */
const cacheHere = Effect.fnUntraced(function* (
  input: { readonly state: Option.Option<string> },
  policy: Policy.Policy,
  name: Name
) {
  if (!CacheExplained.names.has(name)) return []
  return yield* Effect.gen(function* () {
    const keeper = yield* CacheKeeper
    const disk = yield* keeper.space
    return CacheExplained.here(name, termsOf(policy, disk?.total), disk, yield* keeper.list)
  }).pipe(
    withStored(input.state, policy),
    Effect.catch(({ code, message }) => Effect.succeed(code === exitCodes.notFound ? [] : [message]))
  )
})

/** Asks the service what it says now; what it said last holds where it does not answer. */
const ask = Effect.fnUntraced(function* ({
  folder,
  live,
  serviceCa,
  url
}: {
  readonly url: string
  readonly serviceCa: Option.Option<string>
  readonly folder: string
  readonly live: DevicePolicy.Live
}) {
  const services = Layers.services(url, { group: undefined, serviceKeys: [], policy: live, version }).pipe(
    Layer.provide(ServiceTrust.layerIn(folder, { service: Option.some(url), serviceCa }))
  )
  return yield* Cloud.use((cloud) => cloud.whereabouts).pipe(
    Effect.tap(({ keyValue }) => live.hear(ServiceSettings.said(keyValue.settings))),
    Effect.map(({ keyValue: { cacheHosts = [] } }) => ({ cacheHosts })),
    Effect.provide(services),
    Effect.catchTag("CloudError", ({ message }) => Effect.succeed({ failed: message }))
  )
})

/** The cache servers that the service named just now, or why it did not answer. */
export type Answer = { readonly cacheHosts: Hosts.Said["service"] } | { readonly failed: string }

/** What is said of cache servers: DHCP's word, the service's, and what an agent that runs has heard; and what follows from that. */
export const cachesOf = Effect.fnUntraced(function* (policy: Policy.Policy, root: string, answer: Answer | undefined) {
  const host = yield* Host
  const agents = yield* CacheHostsNote.read(root)
  const heard = CacheHostsNote.saidOf(Option.getOrElse(agents, () => []))
  const { cacheHosts: dhcp } = yield* host.dhcp
  const service = answer !== undefined && "cacheHosts" in answer ? answer.cacheHosts : heard.service
  const said: Hosts.Said = { dhcp, service, dnsSd: heard.dnsSd }
  return { said, known: CacheHostsNote.withBans(CacheHostsNote.byItself(policy, said), agents) }
})

const sceneOf = Effect.fnUntraced(function* (
  policy: Policy.Policy,
  root: string,
  answer: Answer | undefined,
  { dhcp, ...cacheHosts }: Hosts.Said
) {
  const host = yield* Host
  const cachePlace = yield* Effect.catch(CachePlace.named(policy), ({ message }) => Effect.succeed({ failed: message }))
  const cacheFolder = typeof cachePlace === "string" ? cachePlace : root
  return {
    policy,
    mode: DevicePolicy.modeOf(policy),
    facts: yield* host.facts({ cacheFolder, vpnKeywords: policy.get("DOVpnKeywords") }),
    peering: yield* DevicePolicy.peering(policy, cacheFolder),
    cachePlace,
    month: yield* Uploading.month(root),
    dhcp: { ...(yield* host.dhcp), cacheHosts: dhcp },
    cacheHosts,
    service: answer === undefined || "failed" in answer ? answer : ("Answered" as const),
    capacity: Capacity.valueOf((yield* CapacityFile.read(placesIn(root).line)).down, yield* Clock.currentTimeMillis),
    hour: (yield* DateTime.now.pipe(Effect.map(DateTime.setZone(DateTime.zoneMakeLocal())))).pipe(
      DateTime.getPart("hour")
    )
  } satisfies Explanation.Scene
})

const named = (text: string): Effect.Effect<Name, Failure> => {
  const name = find(text)
  return name === undefined
    ? Effect.fail(new Failure({ sentence: `${text} is no setting; see piecework config.`, code: exitCodes.usage }))
    : Effect.succeed(name)
}

const forPrograms = (scene: Explanation.Scene, name: Name) => {
  const { policy } = scene
  const { default: usual, deprecated, kind, since, summary, unit }: Setting<unknown> = settings[name]
  const { provider, value } = policy.effective(name)
  return {
    name,
    value: value ?? null,
    provider,
    default: usual ?? null,
    ...(unit === undefined ? {} : { unit }),
    allowed: kind.allowed,
    since,
    ...(deprecated === undefined ? {} : { deprecated }),
    summary,
    now: Explanation.now(name, scene)
  }
}

const table = (policy: Policy.Policy): string => {
  const rows = names.map((name) => {
    const { provider } = policy.effective(name)
    return [name, Policy.shown(policy, name), words[provider]]
  })
  return Table.render(["SETTING", "VALUE", "SAID BY"], rows)
}

const explained = (scene: Explanation.Scene, name: Name): string => {
  const { policy } = scene
  const { deprecated, kind, since, summary, unit }: Setting<unknown> = settings[name]
  const { provider } = policy.effective(name)
  return [
    `${name} is ${Policy.shown(policy, name)}${policy.get(name) === undefined ? "" : `, by ${words[provider]}`}.`,
    summary,
    `It takes ${kind.allowed}${unit === undefined ? "" : ` ${unit}`}; without a word from anybody it is ${Policy.shown(Policy.defaults, name)}. ${since === "Piecework" ? "It is Piecework's own" : `Since ${since}`}.`,
    ...(deprecated === undefined
      ? []
      : [
          `Deprecated since ${deprecated.since}.${deprecated.instead === undefined ? "" : ` Use ${deprecated.instead}.`}`
        ]),
    Explanation.now(name, scene)
  ].join("\n")
}
