/**
 * The settings of this device: what its policy files say, its environment and the command line. A file that is not there says
 * nothing. One that cannot be understood is told of and says nothing either, unless it was named: then it has to work.
 */
import { join } from "node:path"
import { type DownloadMode, fromNumber, numbers, usesPeers } from "@piecework/domain/DownloadMode"
import { Fallback } from "@piecework/download/DownloadError"
import { Host } from "@piecework/host/Host"
import * as Eligibility from "@piecework/policy/Eligibility"
import type { GroupFacts } from "@piecework/policy/Facts"
import * as Group from "@piecework/policy/Group"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import * as PolicyFile from "@piecework/policy/PolicyFile"
import type { Name } from "@piecework/policy/Settings"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Effect, FileSystem, Option, Result } from "effect"
import { exitCodes } from "./ExitCode.ts"

/** Where the files are, but for one that is named. */
export const usualFolder = "/etc/piecework"

/** In the folder: what the device's own administrator says, and what the organisation does. */
export const fileNames = { machine: "policy.json", managed: "managed.json" } as const

/** The settings that this version carries out. */
export const carriedOut: ReadonlySet<Name> = new Set([
  "DODownloadMode",
  "DOGroupId",
  "DOGroupIdSource",
  "DOMinRAMAllowedToPeer",
  "DOMinDiskSizeAllowedToPeer",
  "DOAllowVPNPeerCaching",
  "DOVpnKeywords",
  "DORestrictPeerSelectionBy",
  "DOMaxCacheAge",
  "DOMaxCacheSize",
  "DOAbsoluteMaxCacheSize",
  "DOModifyCacheDrive",
  "DOMinFileSizeToCache",
  "MinContentSizeToPeer"
])

export interface Given {
  /** The policy file that was named. */
  readonly policy: Option.Option<string>
  readonly mode?: Option.Option<DownloadMode>
  readonly group?: Option.Option<string>
  readonly minPeerSize?: Option.Option<number>
}

/** Tells what was wrong with the settings, and answers those in force. */
export const load = Effect.fn("DevicePolicy.load")(function* (
  given: Given,
  folder: string = usualFolder
): Effect.fn.Return<Policy.Policy, Failure, FileSystem.FileSystem | Output> {
  const output = yield* Output
  const machine = Option.getOrElse(given.policy, () => join(folder, fileNames.machine))
  const said: Array<Policy.Said> = [PolicyFile.fromEnvironment(process.env), fromCommandLine(given)]
  const files = [
    { provider: "MachineFile", path: machine, isNamed: Option.isSome(given.policy) },
    { provider: "ManagedFile", path: join(folder, fileNames.managed), isNamed: false }
  ] as const
  for (const { isNamed, path, provider } of files) {
    const read = yield* readFile(path)
    if (read === undefined && !isNamed) continue
    const parsed = read === undefined ? Result.fail("it is not there") : understood(provider, read)
    if (Result.isSuccess(parsed)) {
      said.push(parsed.success)
      continue
    }
    const sentence = `The policy file ${path} cannot be used: ${parsed.failure}.`
    if (isNamed) return yield* new Failure({ sentence, code: exitCodes.usage })
    yield* output.note(`piecework: ${sentence}`)
  }
  const policy = Policy.resolve(said)
  for (const warning of policy.warnings) yield* output.note(`piecework: ${Policy.sentence(warning)}`)
  return policy
})

/** The same, as they are now and as they change. */
export const live = (given: Given, folder?: string) => Effect.map(load(given, folder), LivePolicy.changing)

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
): Effect.fn.Return<{ readonly mode: DownloadMode; readonly why: Fallback | undefined }, never, Host> {
  const mode = modeOf(policy)
  if (!usesPeers(mode)) return { mode, why: undefined }
  const verdict = yield* peering(policy, cacheFolder)
  if (Eligibility.isAllowed(verdict)) return { mode, why: undefined }
  const reasons = verdict.map(({ sentence, setting }) => (setting === undefined ? sentence : `${sentence}: ${setting}`))
  return { mode: "HttpOnly", why: new Fallback({ reason: "NotEligible", detail: reasons.join("; ") }) }
})

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

type Read = { readonly text: string } | { readonly why: string } | undefined

/** `undefined` when there is no such file. */
const readFile = Effect.fnUntraced(function* (path: string): Effect.fn.Return<Read, never, FileSystem.FileSystem> {
  const fs = yield* FileSystem.FileSystem
  const read = Effect.gen(function* () {
    const { size, type } = yield* fs.stat(path)
    if (type !== "File") return { why: "it is no file" }
    if (Number(size) > PolicyFile.maxLength) return { why: "it is too long" }
    return { text: yield* fs.readFileString(path) }
  })
  return yield* Effect.catch(read, (error) =>
    Effect.succeed(error.reason._tag === "NotFound" ? undefined : { why: "it cannot be read" })
  )
})

const understood = (
  provider: "MachineFile" | "ManagedFile",
  read: NonNullable<Read>
): Result.Result<Policy.Said, string> =>
  "why" in read ? Result.fail(read.why) : Result.mapError(PolicyFile.parse(provider, read.text), (flaw) => flaws[flaw])

const flaws: { readonly [F in PolicyFile.Flaw]: string } = {
  TooLong: "it is too long",
  NoJson: "it is no JSON",
  NoObject: "it is no JSON object"
}
