/** What each setting does to this device now, as one sentence out of the facts. What is unknown is said to be unknown. */
import { type DownloadMode, numbers, usesPeers } from "@piecework/domain/DownloadMode"
import type * as Hosts from "@piecework/cachehosts/Hosts"
import type { PeerKind } from "@piecework/domain/Peer"
import type { MonthlySum } from "@piecework/download/Months"
import type { DhcpFacts } from "@piecework/host/Host"
import * as Eligibility from "@piecework/policy/Eligibility"
import type { Facts, GroupFacts, Priority } from "@piecework/policy/Facts"
import * as Group from "@piecework/policy/Group"
import * as Limits from "@piecework/policy/Limits"
import type { Policy } from "@piecework/policy/Policy"
import type { Name } from "@piecework/policy/Settings"
import { gibibyte, kibibyte } from "@piecework/policy/Units"
import * as Uploading from "../Uploading.ts"
import * as Amount from "./Amount.ts"
import * as CacheHostsExplained from "./CacheHostsExplained.ts"

export interface Scene {
  readonly policy: Policy
  readonly mode: DownloadMode
  readonly facts: Facts
  /** What keeps the device from having peers. */
  readonly peering: Eligibility.Verdict
  readonly dhcp: DhcpFacts
  /** The folder that DOModifyCacheDrive names, or why it cannot be used; `undefined` when it names none. */
  readonly cachePlace: string | { readonly failed: string } | undefined
  /** What Internet peers were sent. */
  readonly month: MonthlySum
  /** What became of asking the service that was named; `undefined` when none was. */
  readonly service: "Answered" | { readonly failed: string } | undefined
  /** The cache servers that the service and the local network tell of, as far as that is known. */
  readonly cacheHosts?: Pick<Hosts.Said, "service" | "dnsSd"> | undefined
  /** 0 to 23, by the device's clock. */
  readonly hour: number
  /** What the line has been seen to carry, in bytes a second; `undefined` before it was seen. */
  readonly capacity?: number | undefined
}

/** One sentence, or two where a second says why. */
export const now = (name: Name, scene: Scene): string => sentences[name](scene)

type Sentence = (scene: Scene) => string

/** What the groups of spec.md §2.3 may come from. On Linux nothing tells an AD site, a domain's SID or an Entra tenant. */
export const groupFacts = ({ dhcp }: Scene): GroupFacts => ({
  adSite: undefined,
  domainSid: undefined,
  dhcpOption: dhcp.group,
  dnsSuffix: dhcp.domain,
  entraTenant: undefined
})

const sourceWords: { readonly [S in keyof GroupFacts]: string } = {
  adSite: "Active Directory site",
  domainSid: "domain SID",
  dhcpOption: "DHCP option 234",
  dnsSuffix: "DNS suffix",
  entraTenant: "Entra tenant"
}

const sentences: { readonly [N in Name]: Sentence } = {
  DODownloadMode: (scene) => mode(scene),
  DOGroupId: (scene) =>
    inGroups(scene, ({ policy }) => {
      const id = policy.get("DOGroupId")
      if (id === undefined || id === "") return "No group is named by it, so DOGroupIdSource says where one comes from."
      return `The devices that name the group ${id} are this device's peers.`
    }),
  DOGroupIdSource: (scene) => inGroups(scene, groupSource),
  DORestrictPeerSelectionBy: (scene) =>
    amongPeers(scene, ({ policy }) => {
      const words = {
        0: "All peers that the mode allows may be met.",
        1: "Of the peers that the mode allows, only those of this device's own subnet are met.",
        2: "Only peers that are found on the local network are met."
      } as const
      return words[policy.get("DORestrictPeerSelectionBy")]
    }),
  DOMinRAMAllowedToPeer: (scene) =>
    against(scene, "DOMinRAMAllowedToPeer") ??
    enough("memory", scene.facts.memory, scene.policy.get("DOMinRAMAllowedToPeer")),
  DOMinDiskSizeAllowedToPeer: (scene) =>
    against(scene, "DOMinDiskSizeAllowedToPeer") ??
    enough("disk for the cache", scene.facts.disk, scene.policy.get("DOMinDiskSizeAllowedToPeer")),
  DOAllowVPNPeerCaching: (scene) => against(scene, "DOAllowVPNPeerCaching") ?? onVpn(scene),
  DOVpnKeywords: ({ facts }) =>
    facts.vpn === false
      ? "No interface of this device counts as a VPN."
      : `${facts.vpn} counts as a VPN, by its kind or by one of these words.`,
  MinContentSizeToPeer: (scene) =>
    amongPeers(
      scene,
      ({ policy }) =>
        `Contents of less than ${Amount.bytes(policy.get("MinContentSizeToPeer"))} come over plain HTTP, in mode 99.`
    ),
  DODelayForegroundDownloadFromHttp: delay("Foreground", "DODelayForegroundDownloadFromHttp"),
  DODelayBackgroundDownloadFromHttp: delay("Background", "DODelayBackgroundDownloadFromHttp"),
  DODelayCacheServerFallbackForeground: cacheDelay("DODelayCacheServerFallbackForeground"),
  DODelayCacheServerFallbackBackground: cacheDelay("DODelayCacheServerFallbackBackground"),
  DOMinBackgroundQos: (scene) =>
    amongPeers(scene, ({ policy }) => {
      const rate = Amount.rate(Limits.qosFloor(policy))
      return policy.isSet("DOMinBackgroundQos")
        ? `A background download whose peers give less than ${rate} takes what is lacking over HTTP, whatever its neighbours are fetching.`
        : `Nobody says it, so a background download below ${rate} leaves to its neighbours what they are fetching: else each device of a site would bring a copy over the line.`
    }),
  DOMaxForegroundDownloadBandwidth: limit("Foreground"),
  DOMaxBackgroundDownloadBandwidth: limit("Background"),
  DOPercentageMaxForegroundBandwidth: share("DOPercentageMaxForegroundBandwidth", "foreground downloads"),
  DOPercentageMaxBackgroundBandwidth: share("DOPercentageMaxBackgroundBandwidth", "background downloads"),
  DOSetHoursToLimitForegroundDownloadBandwidth: hours("DOSetHoursToLimitForegroundDownloadBandwidth", "foreground"),
  DOSetHoursToLimitBackgroundDownloadBandwidth: hours("DOSetHoursToLimitBackgroundDownloadBandwidth", "background"),
  DOMaxDownloadBandwidth: ({ policy }) => {
    const rate = policy.get("DOMaxDownloadBandwidth")
    if (rate === undefined || rate === 0) return "It limits nothing."
    return `Downloads for which no newer setting says a rate take at most ${Amount.rate(rate * kibibyte)} together.`
  },
  DOPercentageMaxDownloadBandwidth: share(
    "DOPercentageMaxDownloadBandwidth",
    "downloads for which no newer setting says a share"
  ),
  DOMaxUploadBandwidth: (scene) =>
    amongPeers(scene, ({ policy }) => {
      const found = Limits.upload(policy)
      return found === undefined
        ? "What is sent to peers is not limited by it."
        : `Peers beyond the site are sent at most ${Amount.rate(found.rate)} together.`
    }),
  DOMonthlyUploadDataCap: (scene) => {
    const sent = Uploading.sent(scene.policy, scene.month)
    const reason = uploadsTo(scene, "Internet").find(({ setting }) => setting === "DOMonthlyUploadDataCap")
    if (reason !== undefined) return `${sent} Nothing is sent to Internet peers now: ${reason.sentence}.`
    return scene.mode === "Internet"
      ? sent
      : `${sent} The mode ${scene.mode} has no Internet peers; those of the site and the group do not count.`
  },
  ContentSlots: (scene) =>
    amongPeers(
      scene,
      ({ policy }) =>
        `Of contents that nobody asked for within the hour an agent tells the service of ${policy.get("ContentSlots")} at a time, for five minutes each; piecework status says whose turn it is.`
    ),
  DeviceClass: ({ policy }) =>
    policy.get("DeviceClass") === 1
      ? "The device counts as a server, so only servers are its peers."
      : "The device counts as a client, so no servers are its peers.",
  DOMinBatteryPercentageAllowedToUpload: (scene) => amongPeers(scene, onBattery),
  DODisallowCacheServerDownloadsOnVPN: ({ facts, policy }) => {
    if (facts.vpn === false) return "The device is on no VPN, so it changes nothing now."
    return policy.get("DODisallowCacheServerDownloadsOnVPN")
      ? `The device is on a VPN (${facts.vpn}), so no cache server is asked.`
      : `The device is on a VPN (${facts.vpn}), and may ask cache servers all the same.`
  },
  DOCacheHost: (scene) => CacheHostsExplained.hosts(aboutHosts(scene)),
  DOCacheHostSource: (scene) => CacheHostsExplained.source(aboutHosts(scene)),
  CacheHostListedOnly: (scene) => CacheHostsExplained.listedOnly(aboutHosts(scene)),
  CacheHostTlsOnly: (scene) => CacheHostsExplained.tlsOnly(aboutHosts(scene)),
  DOMaxCacheAge: ({ policy }) => {
    const age = policy.get("DOMaxCacheAge")
    return age === 0
      ? "Contents leave the cache only for want of room."
      : `A content leaves the cache ${Amount.span(age)} after its download.`
  },
  DOMaxCacheSize: ({ facts: { disk }, policy }) => {
    if (policy.isSet("DOAbsoluteMaxCacheSize")) return "Nothing, since DOAbsoluteMaxCacheSize is set."
    const percent = policy.get("DOMaxCacheSize")
    if (disk === undefined) return `The cache may take ${percent} % of its disk, whose size is unknown.`
    return `The cache may take ${Amount.bytes((disk * percent) / 100)}, which is ${percent} % of its disk.`
  },
  DOAbsoluteMaxCacheSize: ({ policy }) => {
    const size = policy.get("DOAbsoluteMaxCacheSize")
    if (size === undefined) return "It says nothing, so DOMaxCacheSize counts."
    return size === 0 ? "The cache may take what its disk has room for." : `The cache may take ${size} GB.`
  },
  DOModifyCacheDrive: ({ cachePlace: place }) => {
    if (place === undefined) return "The cache lies in the state folder."
    return typeof place === "string" ? `The cache lies in ${place}.` : place.failed
  },
  DOMinFileSizeToCache: ({ policy }) =>
    `Contents of less than ${policy.get("DOMinFileSizeToCache")} MB are not kept for peers.`
}

/** "piecework get" runs in mode 99 by itself where it cannot do better; that it will, and why, can be said beforehand. */
const mode = (scene: Scene): string => {
  const { mode: said, peering, service } = scene
  const number = `the mode ${said} (${numbers[said]})`
  if (said === "Bypass") return "Downloads are refused, with 0x80D03002."
  if (said === "Simple") return "Downloads come over plain HTTP, and no service is asked."
  if (service === undefined) {
    return `Downloads run in mode 99 (Simple), because no service is named; only what is named by --content-id runs in ${number}.`
  }
  if (service !== "Answered") return `Downloads run in mode 99 (Simple) now. ${service.failed}`
  if (!usesPeers(said)) return "Downloads come over HTTP, checked piece by piece, and without peers."
  if (peering.length > 0) return without(peering)
  return `Downloads run in ${number}; those in mode 99 (Simple) are of contents that the service does not know or cannot vouch for, or that are too small.`
}

const without = (verdict: Eligibility.Verdict): string =>
  `This device has no peers now: ${verdict.map(({ sentence }) => sentence).join("; ")}.`

/** That this setting keeps the device from having peers, if it does. */
const against = ({ peering }: Scene, name: Name): string | undefined => {
  const reasons = peering.filter(({ setting }) => setting === name)
  return reasons.length === 0 ? undefined : without(reasons)
}

/** Of a setting that says something about peers only. */
const amongPeers = (scene: Scene, sentence: Sentence): string =>
  scene.peering.length > 0 ? `It changes nothing now. ${without(scene.peering)}` : sentence(scene)

const aboutHosts = ({ cacheHosts, dhcp, policy }: Scene): CacheHostsExplained.Scene => ({
  policy,
  said: { dhcp: dhcp.cacheHosts, service: cacheHosts?.service ?? [], dnsSd: cacheHosts?.dnsSd ?? [] }
})

const inGroups = (scene: Scene, sentence: Sentence): string =>
  scene.mode === "Group"
    ? sentence(scene)
    : `It changes nothing now: only the mode Group looks at it, and the mode is ${scene.mode}.`

const groupSource: Sentence = (scene) => {
  const { policy } = scene
  if ((policy.get("DOGroupId") ?? "") !== "") return "It changes nothing now, since DOGroupId names the group."
  const facts = groupFacts(scene)
  const found = Group.of(policy, facts)
  if (found !== undefined && found.from !== "DOGroupId") {
    return `The group is ${found.id}, by the ${sourceWords[found.from]}.`
  }
  return `There is no group, so downloads end with that: ${Object.entries(sourceWords)
    .map(([from, words]) => `${words} ${whatOf(facts, from as keyof GroupFacts)}`)
    .join(", ")}.`
}

const whatOf = (facts: GroupFacts, from: keyof GroupFacts): string => {
  const text = facts[from]
  if (from === "adSite" || from === "domainSid" || from === "entraTenant") return "unknown on this platform"
  if (text === undefined || text === "") return "not given by DHCP"
  return from === "dhcpOption" ? `is "${text}", not looked at or no GUID` : `is "${text}", not looked at`
}

const enough = (what: string, bytes: number | undefined, least: number): string =>
  bytes === undefined
    ? `How much ${what} the device has is unknown, and what is unknown forbids nothing.`
    : `The device has ${(bytes / gibibyte).toFixed(1)} GB of ${what}, and ${least} are asked for: it is not what keeps it from having peers.`

const onVpn: Sentence = ({ facts, policy }) => {
  if (facts.vpn === false) return "The device is on no VPN: it is not what keeps it from having peers."
  return policy.get("DOAllowVPNPeerCaching")
    ? `The device is on a VPN (${facts.vpn}), and may have peers all the same.`
    : `The device is on a VPN (${facts.vpn}), and may have those peers that are found on the local network.`
}

const onBattery: Sentence = (scene) => {
  const { power } = scene.facts
  if (power === undefined) return "Whether the device is on battery is unknown, and what is unknown forbids nothing."
  if (power === "Mains") return "The device is on mains, so it changes nothing now."
  const [against_] = uploadsTo(scene, "Lan")
  if (against_ !== undefined) return `Nothing is sent to peers now: ${against_.sentence}.`
  return `The battery is at ${power.percent} %: peers of the site and the group are sent pieces, those of the Internet are not.`
}

/** What keeps the device from sending to such peers. */
const uploadsTo = ({ facts, month, policy }: Scene, to: PeerKind): Eligibility.Verdict =>
  Eligibility.uploading(policy, facts, { to, sentThisMonth: month.sums.toInternet })

function delay(
  priority: Priority,
  name: "DODelayForegroundDownloadFromHttp" | "DODelayBackgroundDownloadFromHttp"
): Sentence {
  return (scene) =>
    amongPeers(scene, ({ policy }) => {
      const seconds = policy.get(name) ?? 0
      const downloads = `${priority} downloads`
      return seconds === 0
        ? `${downloads} take HTTP at once, for what their neighbours do not fetch.`
        : `${downloads} that may have peers keep away from HTTP for ${Amount.span(seconds)}, and then take the rest there.`
    })
}

function cacheDelay(name: "DODelayCacheServerFallbackForeground" | "DODelayCacheServerFallbackBackground"): Sentence {
  return ({ policy }) => {
    const seconds = policy.get(name)
    if (seconds === -1)
      return "Where there is a cache server the origin is never asked, and a file that it refuses is not downloaded."
    if (seconds === undefined)
      return "A cache server that fails is left for the origin at once; then each of them has two attempts that bring nothing before it is the other's turn."
    return seconds === 0
      ? "A cache server that fails is left for the origin at once, and is not asked again for that download."
      : `Downloads stay with cache servers, one after the other, for ${Amount.span(seconds)}; one that fails after that is left for the origin, and not asked again for that download.`
  }
}

/** The lowest of the limits for the priority, whichever setting it is of. */
function limit(priority: Priority): Sentence {
  return ({ capacity, hour, policy }) => {
    const found = Limits.download(policy, priority, { hour, capacity })
    return found === undefined
      ? `${priority} downloads are limited by no rate.`
      : `All ${priority.toLowerCase()} downloads together take at most ${Amount.rate(found.rate)} from beyond the site, by ${found.setting}.`
  }
}

function share(
  name:
    | "DOPercentageMaxForegroundBandwidth"
    | "DOPercentageMaxBackgroundBandwidth"
    | "DOPercentageMaxDownloadBandwidth",
  what: string
): Sentence {
  return ({ capacity, policy }) => {
    const percent = policy.get(name) ?? 0
    return percent === 0
      ? "It limits nothing."
      : `All ${what} together take at most ${percent} % of what the line has been seen to carry, ${seen(percent, capacity)}.`
  }
}

const seen = (percent: number, capacity: number | undefined): string =>
  capacity === undefined ? "once that is known" : `now ${Amount.rate((capacity * percent) / 100)}`

function hours(
  name: "DOSetHoursToLimitForegroundDownloadBandwidth" | "DOSetHoursToLimitBackgroundDownloadBandwidth",
  what: string
): Sentence {
  return ({ capacity, hour, policy }) => {
    const said = policy.get(name)
    if (said === undefined) return "It limits nothing."
    const isInside = Limits.includes(said, hour)
    const percent = isInside ? said.inside : said.outside
    const rate =
      percent === 0
        ? "are not limited by it"
        : `take at most ${percent} % of what the line carries, ${seen(percent, capacity)}`
    return `It is ${isInside ? "inside" : "outside"} of these hours, so ${what} downloads ${rate}.`
  }
}
