/**
 * The settings of this device: what its policy files say, its environment, the command line, and its service. A file that is not
 * there says nothing. One that cannot be understood is told of and says nothing either, unless it was named: then it has to work.
 * Files that change are taken up while a command runs.
 */
import { join, resolve } from "node:path"
import { type DownloadMode, fromNumber, numbers, usesPeers } from "@piecework/domain/DownloadMode"
import { Fallback } from "@piecework/download/DownloadError"
import { Host } from "@piecework/host/Host"
import * as Eligibility from "@piecework/policy/Eligibility"
import type { GroupFacts } from "@piecework/policy/Facts"
import * as Group from "@piecework/policy/Group"
import * as Journal from "@piecework/logs/Journal"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import type { Provider } from "@piecework/policy/Provider"
import * as PolicyFile from "@piecework/policy/PolicyFile"
import { find, type Name, names } from "@piecework/policy/Settings"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Duration, Effect, type FileSystem, Option } from "effect"
import * as AgentFiles from "./AgentFiles.ts"
import { exitCodes } from "./ExitCode.ts"
import * as PolicyFiles from "./PolicyFiles.ts"
import type { LiveSettings } from "@piecework/device/LiveSettings"
import * as ServiceSettings from "@piecework/device/ServiceSettings"
import { defaultRoot } from "@piecework/device/StateFolder"

/** Where the files are, but for one that is named. */
export const usualFolder = "/etc/piecework"

/** In the folder: what the device's own administrator says, and what the organisation does. */
export const fileNames = { machine: "policy.json", managed: "managed.json" } as const

/** This device. */
export { layer as thisHost } from "@piecework/device/ThisHost"

export interface Given {
  /** The policy file that was named. */
  readonly policy: Option.Option<string>
  readonly mode?: Option.Option<DownloadMode>
  readonly group?: Option.Option<string>
  readonly minPeerSize?: Option.Option<number>
  /** The service whose settings count, and the state folder in which its last word is. */
  readonly service?: Option.Option<string>
  readonly state?: Option.Option<string>
}

/** The settings as they are now; files are looked at again and again. */
export type Live = LiveSettings

/** Settings that a command goes by as they are when it starts; all others may change while it runs. */
export const readAtStart: ReadonlySet<Name> = new Set([
  "DOGroupId",
  "DOGroupIdSource",
  "DORestrictPeerSelectionBy",
  "MinContentSizeToPeer",
  "DeviceClass"
])

/** Between two looks at the files. */
const pause = Duration.seconds(2)

/** Tells what was wrong with the settings, and answers those in force. */
export const load = (
  given: Given,
  folder?: string
): Effect.Effect<Policy.Policy, Failure, FileSystem.FileSystem | Output> =>
  Effect.map(live(given, folder), ({ current }) => current())

/** The same, as they are now and as they change. */
export const live = Effect.fn("DevicePolicy.live")(function* (
  given: Given,
  folder: string = usualFolder,
  agentFolder: string = AgentFiles.usualFolder
): Effect.fn.Return<Live, Failure, FileSystem.FileSystem | Output> {
  const output = yield* Output
  const places = placesOf(given, folder, agentFolder)
  const lookAgain = (before: ReadonlyArray<PolicyFiles.Look>) =>
    Effect.forEach(places, (place, i) => PolicyFiles.look(place, before[i] ?? PolicyFiles.nothing))

  let looks = yield* lookAgain([])
  for (const [i, { flaw }] of looks.entries()) {
    const place = places[i]
    if (flaw === undefined || place === undefined) continue
    const sentence = brokenSentence(place, flaw, "")
    if (place.isNamed) return yield* new Failure({ sentence, code: exitCodes.usage })
    yield* output.note(`piecework: ${sentence}`)
  }

  const constant = [PolicyFile.fromEnvironment(process.env), fromCommandLine(given)]
  let ofService = yield* lastWord(given)
  const resolved = () =>
    Policy.resolve([
      ...constant,
      ...Option.toArray(ofService),
      ...looks.flatMap(({ said }) => (said === undefined ? [] : [said]))
    ])
  const told = new Set<string>()
  const warn = Effect.fnUntraced(function* (policy: Policy.Policy) {
    for (const warning of policy.warnings) {
      // A service may be newer than its devices.
      if (warning._tag === "Unknown" && warning.provider === "KeyValueService") continue
      const sentence = Policy.sentence(warning)
      if (told.has(sentence)) continue
      if (told.size >= mostTold) told.clear()
      told.add(sentence)
      yield* output.note(`piecework: ${sentence}`)
    }
  })
  const changing = LivePolicy.changing(resolved())
  const renew = Effect.fnUntraced(function* () {
    const before = changing.current()
    const next = resolved()
    changing.set(next)
    yield* warn(next)
    return names.filter((name) => Policy.shown(before, name) !== Policy.shown(next, name))
  })

  const keepUp = Effect.gen(function* () {
    // What was wrong at the start has been told.
    let toldFlaws = looks.map(({ flaw }) => flaw)
    while (true) {
      yield* Effect.sleep(pause)
      const before = looks
      looks = yield* lookAgain(before)
      const isOther = looks.some(({ said }, i) => said !== before[i]?.said)
      if (isOther) {
        const changed = yield* renew()
        const now = changing.current()
        const values = changed.map(
          (name) => `${name} is ${Policy.shown(now, name)}${readAtStart.has(name) ? " from the next start on" : ""}`
        )
        if (values.length > 0) yield* output.note(`piecework: The policy has changed: ${values.join(", ")}.`)
        if (values.length > 0) yield* Journal.note(() => [`The policy has changed: ${values.join(", ")}.`])
      }
      for (const [i, { flaw }] of looks.entries()) {
        const place = places[i]
        // Seen twice: a file that is just being written is not whole.
        if (place === undefined || flaw === undefined || flaw !== before[i]?.flaw || flaw === toldFlaws[i]) continue
        yield* output.note(`piecework: ${brokenSentence(place, flaw, " any more, and what it said before holds")}`)
      }
      toldFlaws = looks.map(({ flaw }, i) => (flaw === before[i]?.flaw ? flaw : undefined))
    }
  })

  /** The file that has the last word on a setting. */
  const placeOf = (name: Name, provider: Provider): string | undefined => {
    const says = (values: Policy.Said["values"]) => Object.keys(values).some((word) => find(word) === name)
    const found = places.findLast((place, i) => {
      const said = looks[i]?.said
      return place.provider === provider && said !== undefined && says(said.values)
    })
    return found === undefined ? undefined : resolve(found.path)
  }

  yield* warn(changing.current())
  return {
    current: changing.current,
    onChange: changing.onChange,
    keepUp,
    placeOf: (name) => placeOf(name, changing.current().effective(name).provider),
    hear: Effect.fnUntraced(function* (said) {
      ofService = Option.some(said)
      const changed = yield* renew()
      if (changed.length === 0) return
      const now = changing.current()
      yield* Journal.note(() => [
        "The service has changed settings.",
        Object.fromEntries(changed.map((name) => [name, Policy.shown(now, name)]))
      ])
    })
  }
})

/** Of two that are as strong as each other the later one has the last word. */
const placesOf = (given: Given, folder: string, agentFolder: string): ReadonlyArray<PolicyFiles.Place> => {
  const { admin, kit } = AgentFiles.fileNames
  return [
    { provider: "MachineFile", path: join(agentFolder, kit), isNamed: false, parse: AgentFiles.kit },
    { provider: "MachineFile", path: join(agentFolder, admin), isNamed: false, parse: AgentFiles.admin },
    {
      provider: "MachineFile",
      path: Option.getOrElse(given.policy, () => join(folder, fileNames.machine)),
      isNamed: Option.isSome(given.policy)
    },
    { provider: "ManagedFile", path: join(folder, fileNames.managed), isNamed: false }
  ]
}

/** What is said of settings now, and what is wrong with the files that say it. Tells nobody, and never fails. */
export const look = Effect.fn("DevicePolicy.look")(function* (
  given: Given,
  folder: string = usualFolder,
  agentFolder: string = AgentFiles.usualFolder
): Effect.fn.Return<
  {
    /** From the weakest of equals to the strongest; the service's last word is not among them. */
    readonly said: ReadonlyArray<Policy.Said>
    readonly ofService: Option.Option<Policy.Said>
    /** Those that are there, or were named. */
    readonly files: ReadonlyArray<{ readonly path: string; readonly flaw: string | undefined }>
  },
  never,
  FileSystem.FileSystem
> {
  const places = placesOf(given, folder, agentFolder)
  const looks = yield* Effect.forEach(places, (place) => PolicyFiles.look(place, PolicyFiles.nothing))
  return {
    said: [
      PolicyFile.fromEnvironment(process.env),
      fromCommandLine(given),
      ...looks.flatMap(({ said }) => (said === undefined ? [] : [said]))
    ],
    ofService: yield* lastWord(given),
    files: places.flatMap(({ path }, i) => {
      const one = looks[i]
      return one === undefined || (one.said === undefined && one.flaw === undefined) ? [] : [{ path, flaw: one.flaw }]
    })
  }
})

const brokenSentence = ({ path }: PolicyFiles.Place, flaw: string, then: string) =>
  `The policy file ${path} cannot be used${then}: ${flaw}.`

/** Sentences that are remembered as told; more are told again. */
const mostTold = 1_000

const lastWord = ({ service, state }: Given): Effect.Effect<Option.Option<Policy.Said>> => {
  if (service === undefined || Option.isNone(service)) return Effect.succeedNone
  const root = Option.getOrElse(state ?? Option.none(), () => defaultRoot(process.env))
  return ServiceSettings.kept(root, service.value)
}

/** The mode that the settings say. */
export const modeOf = (policy: Policy.Policy): DownloadMode => fromNumber(policy.get("DODownloadMode")) ?? "Lan"

/** Which of the peers that the mode allows are left. Source: spec.md §2.4. */
export const peersFrom = (policy: Policy.Policy): "None" | "Subnet" | "Local" => {
  const words = { 0: "None", 1: "Subnet", 2: "Local" } as const
  return words[policy.get("DORestrictPeerSelectionBy")]
}

/** Whether the local network is asked for peers, and told of what is here: when that is all there is, or all that may be. */
export const usesLan = (policy: Policy.Policy, service: Option.Option<string>): boolean =>
  peersFrom(policy) === "Local" || Option.isNone(service)

/** What keeps this device from having peers. */
export const peering = Effect.fn("DevicePolicy.peering")(function* (
  policy: Policy.Policy,
  cacheFolder: string
): Effect.fn.Return<Eligibility.Verdict, never, Host> {
  const host = yield* Host
  const build = yield* host.build({ cacheFolder, vpnKeywords: policy.get("DOVpnKeywords") })
  return Eligibility.peering(policy, modeOf(policy), build)
})

/** The mode that is left for this device, and why it is another one, if it is. */
export const eligible = Effect.fn("DevicePolicy.eligible")(function* (
  policy: Policy.Policy,
  cacheFolder: string
): Effect.fn.Return<Eligible, never, Host> {
  return usesPeers(modeOf(policy)) ? left(policy, yield* peering(policy, cacheFolder)) : left(policy, [])
})

/** The mode that a verdict leaves. */
export const left = (policy: Policy.Policy, verdict: Eligibility.Verdict): Eligible => {
  const mode = modeOf(policy)
  if (!usesPeers(mode)) return { mode, why: undefined, passes: false }
  if (Eligibility.isAllowed(verdict)) return { mode, why: undefined, passes: false }
  const reasons = verdict.map(({ sentence, setting }) => (setting === undefined ? sentence : `${sentence}: ${setting}`))
  const passes = verdict.every(({ setting }) => setting === "DOAllowVPNPeerCaching")
  return { mode: "HttpOnly", why: new Fallback({ reason: "NotEligible", detail: reasons.join("; ") }), passes }
}

export interface Eligible {
  readonly mode: DownloadMode
  /** What keeps the device from the mode that the settings say. */
  readonly why: Fallback | undefined
  /** Whether that may well be over while a program runs, as a VPN may and little memory may not. */
  readonly passes: boolean
}

/** The group in force, which only Group mode looks at. Of the sources of spec.md §2.3, Linux has what DHCP said. */
export const groupOf = Effect.fn("DevicePolicy.groupOf")(function* (
  policy: Policy.Policy
): Effect.fn.Return<string | undefined, Failure, Host> {
  const named = Group.of(policy, nothingKnown)?.id
  if (modeOf(policy) !== "Group" || policy.isSet("DOGroupId")) return named
  const { domain, group } = yield* (yield* Host).dhcp
  const found = Group.of(policy, { ...nothingKnown, dhcpOption: group, dnsSuffix: domain })?.id
  if (found !== undefined) return found
  return yield* new Failure({
    sentence: "Group mode needs a group; name it with --group, or by DOGroupId or DOGroupIdSource in the policy.",
    code: exitCodes.usage
  })
})

const nothingKnown: GroupFacts = {
  adSite: undefined,
  domainSid: undefined,
  dhcpOption: undefined,
  dnsSuffix: undefined,
  entraTenant: undefined
}

const fromCommandLine = ({ group, minPeerSize, mode }: Given): Policy.Said => ({
  provider: "CommandLine",
  values: {
    ...spoken(
      "DODownloadMode",
      Option.map(mode ?? Option.none(), (word) => numbers[word])
    ),
    ...spoken(
      "DOGroupId",
      Option.filter(group ?? Option.none(), (id) => id !== "")
    ),
    ...spoken("MinContentSizeToPeer", minPeerSize ?? Option.none())
  }
})

const spoken = (name: Name, value: Option.Option<unknown>) =>
  Option.match(value, { onNone: () => ({}), onSome: (said) => ({ [name]: said }) })
