/**
 * Whether a device may have peers, send to them, and use cache servers. Each rule that forbids it says so in a sentence, and
 * all are told, so that who mends one sees the next. What is unknown forbids nothing. Source: spec.md §3.6, §1.
 */
import { type DownloadMode, fromNumber, usesPeers } from "@piecework/domain/DownloadMode"
import type { PeerKind } from "@piecework/domain/Peer"
import type { Facts } from "./Facts.ts"
import type { Policy } from "./Policy.ts"
import type { Name } from "./Settings.ts"
import { gibibyte, mebibyte } from "./Units.ts"

export interface Reason {
  /** The setting that decides, when one does. */
  readonly setting: Name | undefined
  /** Without the full stop. */
  readonly sentence: string
}

/** What forbids it; nothing does when it is empty. */
export type Verdict = ReadonlyArray<Reason>

export const isAllowed = (verdict: Verdict): boolean => verdict.length === 0

const reason = (setting: Name | undefined, sentence: string): Reason => ({ setting, sentence })
const when = (holds: boolean, setting: Name | undefined, sentence: string): Verdict =>
  holds ? [reason(setting, sentence)] : []

/** Whether it may look for peers and take pieces from them; also what it needs for giving any. */
export const peering = (policy: Policy, mode: DownloadMode, facts: Pick<Facts, "memory" | "disk" | "vpn">): Verdict => {
  const memory = policy.get("DOMinRAMAllowedToPeer")
  const disk = policy.get("DOMinDiskSizeAllowedToPeer")
  const isLocal = policy.get("DORestrictPeerSelectionBy") === 2
  return [
    ...when(!usesPeers(mode), "DODownloadMode", `the mode ${mode} has no peers`),
    ...when(
      facts.memory !== undefined && facts.memory < memory * gibibyte,
      "DOMinRAMAllowedToPeer",
      `the device has ${inGiB(facts.memory)} GB of memory, and ${memory} are asked for`
    ),
    ...when(
      facts.disk !== undefined && facts.disk < disk * gibibyte,
      "DOMinDiskSizeAllowedToPeer",
      `the disk of the cache has ${inGiB(facts.disk)} GB, and ${disk} are asked for`
    ),
    ...when(
      facts.vpn !== false && !isLocal && !policy.get("DOAllowVPNPeerCaching"),
      "DOAllowVPNPeerCaching",
      `the device is on a VPN (${String(facts.vpn)})`
    )
  ]
}

/** Whether somebody said a mode that has none: then none are met, or met any more, whatever a download began with. */
export const forbidsPeers = (policy: Policy): boolean => {
  if (!policy.isSet("DODownloadMode")) return false
  const mode = fromNumber(policy.get("DODownloadMode"))
  return mode !== undefined && !usesPeers(mode)
}

/** What is uploaded, and what has been. */
export interface Upload {
  /** How near the peer is. */
  readonly to: PeerKind
  /** Bytes sent to Internet peers in this calendar month. */
  readonly sentThisMonth: number
}

/** Whether it may send to such a peer now; `peering` has to allow it, too. */
export const uploading = (
  policy: Policy,
  facts: Pick<Facts, "power" | "isMetered">,
  { sentThisMonth, to }: Upload
): Verdict => {
  const cap = policy.get("DOMonthlyUploadDataCap")
  return [
    ...onPower(policy, facts, to),
    ...when(facts.isMetered === true, undefined, "the network in use is metered"),
    ...when(
      to === "Internet" && cap > 0 && sentThisMonth >= cap * gibibyte,
      "DOMonthlyUploadDataCap",
      `the ${cap} GB that may be sent to Internet peers in a month are used up`
    )
  ]
}

const onPower = (policy: Policy, { power }: Pick<Facts, "power">, to: PeerKind): Verdict => {
  if (power === undefined || power === "Mains") return []
  const setting = "DOMinBatteryPercentageAllowedToUpload"
  const least = policy.get(setting)
  // The percentage is for peers of the site and the group: strangers do not get the charge.
  if (least === 0 || to === "Internet") return [reason(setting, "the device is on battery")]
  return when(power.percent < least, setting, `the battery is at ${power.percent} %, and ${least} are asked for`)
}

/** Whether it may ask cache servers. */
export const cacheServers = (policy: Policy, mode: DownloadMode, facts: Pick<Facts, "vpn">): Verdict => [
  ...when(mode === "Bypass", "DODownloadMode", "the mode Bypass uses no cache server"),
  ...when(
    facts.vpn !== false && policy.get("DODisallowCacheServerDownloadsOnVPN"),
    "DODisallowCacheServerDownloadsOnVPN",
    `the device is on a VPN (${String(facts.vpn)})`
  )
]

/** Whether a content of so many bytes is worth peers at all: below, it comes over plain HTTP. Source: spec.md §2.2. */
export const contentSize = (policy: Policy, bytes: number): Verdict => {
  const least = policy.get("MinContentSizeToPeer")
  return when(bytes < least, "MinContentSizeToPeer", `the content has ${bytes} bytes, and ${least} are asked for`)
}

/** Whether a content of so many bytes is kept for peers after its download. */
export const keeping = (policy: Policy, bytes: number): Verdict => {
  const least = policy.get("DOMinFileSizeToCache")
  return when(
    bytes < least * mebibyte,
    "DOMinFileSizeToCache",
    `the content has ${bytes} bytes, and ${least} MB are asked for`
  )
}

/** Two digits: of two numbers that are not the same, people must see it. */
const inGiB = (bytes: number | undefined): string => ((bytes ?? 0) / gibibyte).toFixed(2)
