/**
 * Every setting of a device. Names, ranges and defaults are Microsoft's, spec.md §1; where its sources disagree the newer
 * page of the reference is taken, and what the other says is noted. Names without DO are ours.
 */
import { choice, flag, hours, int, type Kind, list, type Setting, text } from "./Setting.ts"

const setting = <A, const D extends A | undefined>(
  options: Omit<Setting<A>, "kind" | "default"> & { readonly kind: Kind<A>; readonly default: D }
): Setting<A> & { readonly default: D } => options

/** Largest value of a 32-bit setting. */
const max32 = 4_294_967_295

export const settings = {
  DODownloadMode: setting({
    kind: choice({ 0: "HTTP only", 1: "LAN", 2: "Group", 3: "Internet", 99: "Simple", 100: "Bypass" }),
    default: 1,
    since: "1511",
    summary: "Which sources a download may use, and which devices are its peers."
  }),
  DOGroupId: setting({
    kind: text,
    default: undefined,
    since: "1511",
    summary:
      "The group whose devices are peers in mode 2, a GUID by advice. A label, no secret. Wins over DOGroupIdSource."
  }),
  // Unset is 0: then the fallback order of spec.md §2.3 applies.
  DOGroupIdSource: setting({
    kind: choice({
      0: "unset",
      1: "Active Directory site",
      2: "authenticated domain SID",
      3: "DHCP option 234",
      4: "DNS suffix",
      5: "Entra tenant"
    }),
    default: 0,
    since: "1803",
    summary: "Where the group of mode 2 comes from when DOGroupId is not set."
  }),
  // Windows 11 restricts by subnet in LAN mode when it is not set, Windows 10 does not: a site pays for its line, not its subnets.
  DORestrictPeerSelectionBy: setting({
    kind: choice({ 0: "none", 1: "subnet", 2: "local discovery" }),
    default: 0,
    since: "1803",
    summary: "Narrows the peers that the mode allows."
  }),
  DOMinRAMAllowedToPeer: setting({
    kind: int(1, 100_000),
    unit: "GB",
    default: 4,
    since: "1703",
    summary: "Devices with less memory take no part in peering."
  }),
  DOMinDiskSizeAllowedToPeer: setting({
    kind: int(1, 100_000),
    unit: "GB",
    default: 32,
    since: "1703",
    summary: "Devices whose cache lies on a smaller disk take no part in peering."
  }),
  // The table of the CSP says 604800.
  DOMaxCacheAge: setting({
    kind: int(0, max32),
    unit: "s",
    default: 259_200,
    since: "1511",
    summary: "How long a content stays in the cache after its download; 0 is without end."
  }),
  DOMaxCacheSize: setting({
    kind: int(1, 100),
    unit: "%",
    default: 20,
    since: "1511",
    summary: "The part of its disk that the cache may take."
  }),
  DOAbsoluteMaxCacheSize: setting({
    kind: int(0, max32),
    unit: "GB",
    default: undefined,
    since: "1607",
    summary: "What the cache may take at most, in place of DOMaxCacheSize; 0 is as much as the disk has room for."
  }),
  DOModifyCacheDrive: setting({
    kind: text,
    default: undefined,
    since: "1607",
    summary:
      "The folder in which the cache lies, as a full path; %NAME%, $NAME and ${NAME} stand for variables of the environment. It has to be there; what lay elsewhere is taken along. Not set: in the state folder.",
    isLocal: true
  }),
  // The CSP says 100.
  DOMinFileSizeToCache: setting({
    kind: int(1, 100_000),
    unit: "MB",
    default: 50,
    since: "1703",
    summary: "Smaller contents are not kept for peers."
  }),
  // The table of the CSP says 5120.
  DOMonthlyUploadDataCap: setting({
    kind: int(0, max32),
    unit: "GB",
    default: 20,
    since: "1607",
    summary: "What may be sent to Internet peers in a calendar month; 0 is no limit."
  }),
  // The CSP says 20480; Windows had 500 before.
  DOMinBackgroundQos: setting({
    kind: int(1, max32),
    unit: "KB/s",
    default: 2500,
    since: "1607",
    summary:
      "When peers give a background download less, HTTP makes up for it; by the default alone, not for what neighbours fetch."
  }),
  DOAllowVPNPeerCaching: setting({
    kind: flag,
    default: false,
    since: "1709",
    summary: "Whether a device may have peers while it is on a VPN. Local discovery may anyway."
  }),
  DOVpnKeywords: setting({
    kind: list,
    default: ["VPN", "Secure", "Virtual Private Network"],
    since: "Win11 22H2",
    summary: "An interface counts as a VPN when its name or description contains one of these."
  }),
  DODisallowCacheServerDownloadsOnVPN: setting({
    kind: flag,
    default: false,
    since: "Win11 22H2",
    summary: "Whether the cache server is left alone while on a VPN."
  }),
  // Unset and 0 are the same: no upload on battery.
  DOMinBatteryPercentageAllowedToUpload: setting({
    kind: int(0, 100),
    unit: "%",
    default: 0,
    since: "1709",
    summary:
      "On battery, peers of the site and the group are served while the charge is at or above this; 0 is never on battery."
  }),
  DOPercentageMaxForegroundBandwidth: setting({
    kind: int(0, 100),
    unit: "%",
    default: 0,
    since: "1803",
    summary: "Share of the measured bandwidth for all foreground downloads together; 0 is what other traffic leaves."
  }),
  DOPercentageMaxBackgroundBandwidth: setting({
    kind: int(0, 100),
    unit: "%",
    default: 0,
    since: "1803",
    summary: "Share of the measured bandwidth for all background downloads together; 0 is what other traffic leaves."
  }),
  DOMaxForegroundDownloadBandwidth: setting({
    kind: int(0, max32),
    unit: "KB/s",
    default: 0,
    since: "2004",
    summary: "Most that all foreground downloads together take; 0 is no limit. Peers of the site do not count."
  }),
  DOMaxBackgroundDownloadBandwidth: setting({
    kind: int(0, max32),
    unit: "KB/s",
    default: 0,
    since: "2004",
    summary: "Most that all background downloads together take; 0 is no limit. Peers of the site do not count."
  }),
  DOSetHoursToLimitForegroundDownloadBandwidth: setting({
    kind: hours,
    default: undefined,
    since: "1803",
    summary: "Share of the bandwidth for foreground downloads inside and outside of business hours."
  }),
  DOSetHoursToLimitBackgroundDownloadBandwidth: setting({
    kind: hours,
    default: undefined,
    since: "1803",
    summary: "Share of the bandwidth for background downloads inside and outside of business hours."
  }),
  DODelayForegroundDownloadFromHttp: setting({
    kind: int(0, max32),
    unit: "s",
    default: undefined,
    since: "1803",
    summary: "How long a foreground download that may have peers keeps away from HTTP."
  }),
  DODelayBackgroundDownloadFromHttp: setting({
    kind: int(0, max32),
    unit: "s",
    default: undefined,
    since: "1803",
    summary: "How long a background download that may have peers keeps away from HTTP."
  }),
  // The Linux agent takes -1 for never.
  DODelayCacheServerFallbackForeground: setting({
    kind: int(-1, 2_592_000),
    unit: "s",
    default: undefined,
    since: "1903",
    summary: "How long a foreground download stays with the cache server before it turns to the origin; -1 is for ever."
  }),
  DODelayCacheServerFallbackBackground: setting({
    kind: int(-1, 2_592_000),
    unit: "s",
    default: undefined,
    since: "1903",
    summary: "How long a background download stays with the cache server before it turns to the origin; -1 is for ever."
  }),
  DOCacheHost: setting({
    kind: list,
    default: undefined,
    since: "1809",
    summary:
      "Cache servers by name or address, with :port where it is another and https:// where they have TLS, tried in this order. An empty text says that there is none."
  }),
  DOCacheHostSource: setting({
    kind: choice({ 0: "no DNS-SD", 1: "DHCP option 235", 2: "DHCP option 235 before DOCacheHost" }),
    default: undefined,
    since: "2004",
    summary:
      "Where cache servers are learnt from besides DOCacheHost and the service. Not set: DNS-SD, which 1 and 2 leave for what DHCP does not say."
  }),
  DOMaxDownloadBandwidth: setting({
    kind: int(0, max32),
    unit: "KB/s",
    default: undefined,
    since: "1607",
    deprecated: {
      since: "2004",
      instead: "DOMaxForegroundDownloadBandwidth and DOMaxBackgroundDownloadBandwidth"
    },
    summary: "Most that all downloads together take, where the newer settings say nothing."
  }),
  DOPercentageMaxDownloadBandwidth: setting({
    kind: int(0, 100),
    unit: "%",
    default: undefined,
    since: "1607",
    deprecated: {
      since: "2004",
      instead: "DOPercentageMaxForegroundBandwidth and DOPercentageMaxBackgroundBandwidth"
    },
    summary: "Share of the bandwidth for all downloads, where the newer settings say nothing."
  }),
  DOMaxUploadBandwidth: setting({
    kind: int(0, max32),
    unit: "KB/s",
    default: 0,
    since: "1607",
    deprecated: { since: "2004" },
    summary: "Most that is sent to peers; 0 is no limit."
  }),
  // Source of the number: spec.md §2.2, F024.
  MinContentSizeToPeer: setting({
    kind: int(0, max32),
    unit: "bytes",
    default: 10_000_000,
    since: "Piecework",
    summary: "Smaller contents come over plain HTTP, since asking about peers would cost more than it saves."
  }),
  // Windows offers four contents at a time, whatever is asked for. Source of the number: spec.md §3.1, F091.
  ContentSlots: setting({
    kind: int(1, 10_000),
    default: 4,
    since: "Piecework",
    summary:
      "How many contents that nobody asked for lately the service is told of at a time; more than that take turns. What is fetched or was asked for within an hour is always told of."
  }),
  // An answer on the local network proves nothing, and what is asked for over plain HTTP can be read there. Source: spec.md §7.6.
  CacheHostListedOnly: setting({
    kind: flag,
    default: false,
    since: "Piecework",
    summary:
      "Whether only cache servers that DOCacheHost or the service names are asked, and none that DHCP or the local network tells of."
  }),
  CacheHostTlsOnly: setting({
    kind: flag,
    default: false,
    since: "Piecework",
    summary:
      "Whether only cache servers that are named with https:// are asked, so that nobody on the way sees for what."
  }),
  // Nothing on a Linux machine tells one from the other reliably, so it is said and not guessed. Source: spec.md §2.1, F021.
  DeviceClass: setting({
    kind: choice({ 0: "client", 1: "server" }),
    default: 0,
    since: "Piecework",
    summary: "What the device counts as: servers have peers among servers only, and clients among clients."
  })
} as const

export type Name = keyof typeof settings

/** The value of a setting; `undefined` only where no default is one. */
export type ValueOf<N extends Name> =
  | ((typeof settings)[N]["kind"] extends Kind<infer A> ? A : never)
  | ((typeof settings)[N]["default"] extends undefined ? undefined : never)

export const names = Object.keys(settings) as ReadonlyArray<Name>

/** By its name in small letters: Microsoft itself writes Qos and QoS. */
const byLowerCase = new Map(names.map((name) => [name.toLowerCase(), name]))

export const find = (name: string): Name | undefined => byLowerCase.get(name.toLowerCase())
