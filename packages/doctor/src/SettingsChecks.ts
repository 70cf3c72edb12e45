/** What the settings say, and which of their limits stop peers or downloads unseen. The rules are those of `policy`. */
import * as Amount from "@piecework/domain/Amount"
import { type DownloadMode, usesPeers } from "@piecework/domain/DownloadMode"
import * as Group from "@piecework/policy/Group"
import * as Limits from "@piecework/policy/Limits"
import * as Policy from "@piecework/policy/Policy"
import { words } from "@piecework/policy/Provider"
import type { Name } from "@piecework/policy/Settings"
import { kibibyte } from "@piecework/policy/Units"
import { type Check, disabled, fail, pass, warn } from "./Check.ts"
import type { Settings } from "./Findings.ts"

/** Bytes a second: below, a piece of 1 MiB takes longer than a minute. */
const leastRate = 16 * kibibyte
/** Seconds that a download without peers may be kept away from HTTP before somebody wonders. */
const longestDelay = 3600
/** Bytes: most files that are worth peers are smaller. */
const largeContent = 1_000_000_000

export const all = (settings: Settings): ReadonlyArray<Check> => [
  mode(settings),
  files(settings),
  values(settings),
  group(settings),
  rates(settings),
  delays(settings),
  contentSize(settings),
  slots(settings)
]

/** "DODownloadMode, which the policy file says". */
export const saidBy = (policy: Policy.Policy, name: Name): string => {
  const { provider } = policy.effective(name)
  return provider === "Default" ? `${name}, by its default` : `${name}, said by ${words[provider]}`
}

const mode = ({ mode: now, policy }: Settings): Check => {
  const by = saidBy(policy, "DODownloadMode")
  if (usesPeers(now)) return pass("mode", `the mode ${now} has peers (${by})`)
  const change = "Set DODownloadMode to 1 (LAN), 2 (group) or 3 (Internet)"
  return now === "Bypass"
    ? fail("mode", `the mode Bypass (100) refuses all downloads (${by})`, `${change}; 99 for plain HTTP.`)
    : fail("mode", `the mode ${now} has no peers (${by})`, `${change}, if this device is to have any.`)
}

const files = ({ files: all_ }: Settings): Check => {
  const broken = all_.filter(({ flaw }) => flaw !== undefined)
  if (broken.length > 0) {
    return fail(
      "policy-files",
      broken.map(({ flaw, path }) => `${path} cannot be used: ${flaw ?? ""}`).join("; "),
      "Mend the file; until then nothing of what it says holds. docs/policy.schema.json describes it to editors."
    )
  }
  return all_.length === 0
    ? pass("policy-files", "there are none: the defaults hold, and what the service says")
    : pass("policy-files", `${all_.map(({ path }) => path).join(", ")} can be read`)
}

const values = ({ policy }: Settings): Check => {
  // A service may be newer than its devices.
  const told = policy.warnings.filter(({ _tag, provider }) => _tag !== "Unknown" || provider !== "KeyValueService")
  const ignored = told.filter(({ _tag }) => _tag !== "Deprecated")
  const shown = ignored.length > 0 ? ignored : told
  if (shown.length === 0) return pass("policy-values", "all values of settings are good ones")
  const [first, ...more] = shown.map((one) => Policy.sentence(one).replace(/\.$/, ""))
  return warn(
    "policy-values",
    `${first ?? ""}${more.length === 0 ? "" : `; and ${more.length} more`}`,
    "Correct the value where it is said; piecework config shows all settings, and who says each."
  )
}

const group = ({ groups, mode: now }: Settings): Check => {
  if (now !== "Group") return disabled("group", `only the mode Group looks at groups, and this one is ${now}`)
  const valid = groups.filter(({ isValid }) => isValid)
  const [first] = valid
  if (first === undefined) {
    const bad = groups[0]
    return fail(
      "group",
      bad === undefined
        ? "the mode is Group, and nothing names a group"
        : `the mode is Group, and what ${bad.from} says is no group ("${bad.id.slice(0, 60)}")`,
      "Set DOGroupId to the same GUID on all devices of the group, or DOGroupIdSource to where it is to come from."
    )
  }
  const other = valid.find(({ id }) => id !== first.id)
  if (other !== undefined) {
    return warn(
      "group",
      `${first.from} names the group ${first.id}, and ${other.from} another one (${other.id}); the first holds`,
      "Devices that go by the other source are no peers of this one: let all sources name one group, or take the wrong one away."
    )
  }
  return pass("group", `the group is ${first.id}, by ${first.from}`)
}

/** Each that names a group, as `policy/Group` decides, the strongest first. */
export const groupsOf = (
  policy: Policy.Policy,
  said: ReadonlyArray<{ readonly from: string; readonly id: string }>,
  dhcp: { readonly group: string | undefined; readonly domain: string | undefined }
): Settings["groups"] => {
  const source = policy.get("DOGroupIdSource")
  const listed = said.map(({ from, id }) => ({ from, id, isValid: id.trim() !== "" }))
  // Beside a group of the settings a GUID in DHCP contradicts, since somebody set it up for this; whatever else it says was meant for nobody.
  const option = Group.of(sourced(3), { ...nobody, dhcpOption: dhcp.group })?.id
  const isAsked = source === 3 || (listed.length > 0 && option !== undefined)
  const ofDhcp =
    dhcp.group === undefined || !isAsked
      ? []
      : [{ from: "DHCP option 234", id: option ?? dhcp.group, isValid: option !== undefined }]
  const suffix = source === 4 ? Group.of(sourced(4), { ...nobody, dnsSuffix: dhcp.domain })?.id : undefined
  const ofDns = suffix === undefined || listed.length > 0 ? [] : [{ from: "the DNS suffix", id: suffix, isValid: true }]
  return [...listed, ...ofDhcp, ...ofDns]
}

const sourced = (source: number) => Policy.resolve([{ provider: "Environment", values: { DOGroupIdSource: source } }])

const nobody = {
  adSite: undefined,
  domainSid: undefined,
  dhcpOption: undefined,
  dnsSuffix: undefined,
  entraTenant: undefined
}

const rates = ({ capacity, hour, policy }: Settings): Check => {
  const now = { hour, capacity }
  const limits = [
    { what: "foreground downloads", limit: Limits.download(policy, "Foreground", now) },
    { what: "background downloads", limit: Limits.download(policy, "Background", now) },
    { what: "what is sent", limit: Limits.upload(policy) }
  ].flatMap(({ limit, what }) => (limit === undefined ? [] : [{ what, ...limit }]))
  const low = limits.find(({ rate }) => rate < leastRate)
  if (low !== undefined) {
    return warn(
      "rates",
      `${low.what} may have ${inKilo(low.rate)} now (${low.setting}), so a piece of 1 MiB takes longer than a minute`,
      `Raise ${low.setting}, or take it away; bytes from peers of the site do not count against limits of downloads.`
    )
  }
  return limits.length === 0
    ? pass("rates", "nothing is limited now")
    : pass("rates", limits.map(({ rate, setting, what }) => `${what}: ${inKilo(rate)} (${setting})`).join("; "))
}

const inKilo = (rate: number): string => `${Math.max(1, Math.round(rate / kibibyte))} KB/s`

const delayed = ["DODelayForegroundDownloadFromHttp", "DODelayBackgroundDownloadFromHttp"] as const
const stuck = ["DODelayCacheServerFallbackForeground", "DODelayCacheServerFallbackBackground"] as const

const delays = ({ policy }: Settings): Check => {
  const long = delayed.find((name) => (policy.get(name) ?? 0) > longestDelay)
  if (long !== undefined) {
    return warn(
      "delays",
      `a download that finds no peer waits ${Math.round((policy.get(long) ?? 0) / 60)} minutes before it takes HTTP (${long})`,
      `Lower ${long}: peers that are there are found within seconds.`
    )
  }
  const forever = stuck.find((name) => policy.get(name) === -1)
  if (forever !== undefined && policy.isSet("DOCacheHost")) {
    return pass("delays", `downloads never turn from the cache server to the origin (${forever})`)
  }
  const set = delayed.flatMap((name) => ((policy.get(name) ?? 0) > 0 ? [`${name} is ${policy.get(name) ?? 0} s`] : []))
  return pass("delays", set.length === 0 ? "HTTP is taken at once where peers are not enough" : set.join("; "))
}

const contentSize = ({ policy }: Settings): Check => {
  const [least, kept] = [policy.get("MinContentSizeToPeer"), policy.get("DOMinFileSizeToCache")]
  const megabytes = Math.round(least / 100_000) / 10
  if (least > largeContent) {
    return warn(
      "content-size",
      `contents below ${megabytes} MB come over plain HTTP (MinContentSizeToPeer)`,
      "Lower MinContentSizeToPeer; 10000000 is its default."
    )
  }
  if (kept * 1_048_576 > largeContent) {
    return warn(
      "content-size",
      `contents below ${kept} MB are not kept for peers (DOMinFileSizeToCache)`,
      "Lower DOMinFileSizeToCache; 50 is its default."
    )
  }
  return pass("content-size", `peers are asked from ${megabytes} MB on, and contents are kept from ${kept} MB on`)
}

const slots = ({ offers, policy }: Settings): Check => {
  const most = policy.get("ContentSlots")
  if (offers === undefined) return disabled("slots", "no agent offers contents")
  const { offered, waiting } = offers
  if (waiting > 4 * most) {
    return warn(
      "slots",
      `${contents(offered)} offered, and ${waiting} wait for their turn, each for longer than 20 minutes`,
      `Raise ContentSlots, which is ${most}; piecework status shows whose turn it is.`
    )
  }
  return pass(
    "slots",
    waiting === 0 ? `${contents(offered)} offered` : `${contents(offered)} offered, ${waiting} wait for their turn`
  )
}

/** "1 content is", "2 contents are". */
const contents = (n: number): string => `${Amount.count(n, "content")} ${n === 1 ? "is" : "are"}`

/** What checks of peers say where the mode has none. */
export const withoutPeers = (now: DownloadMode): string | undefined =>
  usesPeers(now) ? undefined : `the mode ${now} has no peers`
