import { assert, describe, it } from "@effect/vitest"
import type { Facts } from "@piecework/policy/Facts"
import * as Eligibility from "@piecework/policy/Eligibility"
import { resolve } from "@piecework/policy/Policy"
import { type Name, names } from "@piecework/policy/Settings"
import { gibibyte } from "@piecework/policy/Units"
import * as Sums from "@piecework/download/Sums"
import * as DevicePolicy from "../src/DevicePolicy.ts"
import * as Explanation from "../src/view/Explanation.ts"

const able: Facts = {
  memory: 16 * gibibyte,
  disk: 500 * gibibyte,
  vpn: false,
  power: "Mains",
  isMetered: false
}
const unknown: Facts = { memory: undefined, disk: undefined, vpn: false, power: undefined, isMetered: undefined }

/** A device with these settings. */
const scene = (
  values: { readonly [name: string]: unknown } = {},
  more: Partial<Omit<Explanation.Scene, "policy" | "mode" | "peering">> = {}
): Explanation.Scene => {
  const policy = resolve([{ provider: "MachineFile", values }])
  const mode = DevicePolicy.modeOf(policy)
  const facts = more.facts ?? able
  return {
    policy,
    mode,
    facts,
    peering: Eligibility.peering(policy, mode, facts),
    dhcp: { group: undefined, cacheHosts: undefined, domain: undefined },
    cachePlace: undefined,
    month: { month: "2026-11", sums: { ...Sums.none, toInternet: 2 * gibibyte } },
    service: "Answered",
    hour: 12,
    ...more
  }
}

const guid = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
const dhcp = { group: undefined, cacheHosts: undefined, domain: undefined }

const cases: ReadonlyArray<readonly [Name, Explanation.Scene, string | RegExp]> = [
  ["DODownloadMode", scene({}, { service: undefined }), /mode 99 \(Simple\), because no service is named/],
  [
    "DODownloadMode",
    scene({}, { service: { failed: "The Geo service cannot be reached." } }),
    "Downloads run in mode 99 (Simple) now. The Geo service cannot be reached."
  ],
  ["DODownloadMode", scene({ DODownloadMode: 100 }), "Downloads are refused, with 0x80D03002."],
  ["DODownloadMode", scene({}, { facts: { ...able, memory: gibibyte } }), /no peers now: the device has 1\.00 GB/],
  ["DODownloadMode", scene(), /^Downloads run in the mode Lan \(1\)/],
  ["DOGroupId", scene({ DOGroupId: "lab" }), /changes nothing now: only the mode Group looks at it/],
  ["DOGroupId", scene({ DODownloadMode: 2, DOGroupId: "lab" }), /the group lab are this device's peers/],
  [
    "DOGroupIdSource",
    scene({ DODownloadMode: 2, DOGroupIdSource: 3 }, { dhcp: { ...dhcp, group: `{${guid}}` } }),
    `The group is ${guid}, by the DHCP option 234.`
  ],
  [
    "DOGroupIdSource",
    scene({ DODownloadMode: 2, DOGroupIdSource: 3 }, { dhcp: { ...dhcp, group: "lab" } }),
    /no group.*Active Directory site unknown on this platform.*option 234 is "lab", not looked at or no GUID/
  ],
  ["DOGroupIdSource", scene({ DODownloadMode: 2, DOGroupId: "x" }), /since DOGroupId names the group/],
  ["DORestrictPeerSelectionBy", scene({ DORestrictPeerSelectionBy: 1 }), /own subnet/],
  ["DOMinRAMAllowedToPeer", scene(), /has 16\.0 GB of memory, and 4 are asked for/],
  ["DOMinRAMAllowedToPeer", scene({}, { facts: unknown }), /is unknown, and what is unknown forbids nothing/],
  ["DOMinDiskSizeAllowedToPeer", scene({ DOMinDiskSizeAllowedToPeer: 501 }), /^This device has no peers now: the disk/],
  ["DOAllowVPNPeerCaching", scene({}, { facts: { ...able, vpn: "tun0" } }), /no peers now: the device is on a VPN/],
  [
    "DOAllowVPNPeerCaching",
    scene({ DORestrictPeerSelectionBy: 2 }, { facts: { ...able, vpn: "tun0" } }),
    /those peers that are found on the local network/
  ],
  [
    "DODelayForegroundDownloadFromHttp",
    scene({ DODelayForegroundDownloadFromHttp: 60 }),
    /away from HTTP for 1 minute,/
  ],
  ["DODelayForegroundDownloadFromHttp", scene({ DODownloadMode: 0 }), /^It changes nothing now\. This device has no/],
  ["DOMinBackgroundQos", scene(), /^Nobody says it/],
  ["DOMinBackgroundQos", scene({ DOMinBackgroundQos: 500 }), /less than 500\.0 KiB\/s takes what is lacking over HTTP/],
  [
    "DOMaxForegroundDownloadBandwidth",
    scene({ DOMaxForegroundDownloadBandwidth: 100 }),
    /at most 100\.0 KiB\/s from beyond the site, by DOMaxForegroundDownloadBandwidth/
  ],
  [
    "DOSetHoursToLimitBackgroundDownloadBandwidth",
    scene({ DOSetHoursToLimitBackgroundDownloadBandwidth: "22,6,0,30" }),
    /outside of these hours, so background downloads take at most 30 %/
  ],
  [
    "DOMinBatteryPercentageAllowedToUpload",
    scene({ DOMinBatteryPercentageAllowedToUpload: 40 }, { facts: { ...able, power: { percent: 39 } } }),
    "Nothing is sent to peers now: the battery is at 39 %, and 40 are asked for."
  ],
  [
    "DOMinBatteryPercentageAllowedToUpload",
    scene({ DOMinBatteryPercentageAllowedToUpload: 40 }, { facts: { ...able, power: { percent: 40 } } }),
    /^The battery is at 40 %: peers of the site and the group are sent pieces/
  ],
  [
    "DOMonthlyUploadDataCap",
    scene(),
    /^Sent to Internet peers in 2026-11: 2\.0 GiB of 20\.0 GiB\. The mode Lan has no/
  ],
  [
    "DOMonthlyUploadDataCap",
    scene({ DODownloadMode: 3, DOMonthlyUploadDataCap: 0 }),
    "Sent to Internet peers in 2026-11: 2.0 GiB, without a limit."
  ],
  [
    "DOMonthlyUploadDataCap",
    scene({ DODownloadMode: 3, DOMonthlyUploadDataCap: 2 }),
    /Nothing is sent to Internet peers now: the 2 GB that may be sent .* are used up\.$/
  ],
  ["DOMaxCacheAge", scene(), "A content leaves the cache 3 days after its download."],
  ["DOModifyCacheDrive", scene(), "The cache lies in the state folder."],
  ["DOModifyCacheDrive", scene({}, { cachePlace: "/mnt/cache" }), "The cache lies in /mnt/cache."],
  ["DOModifyCacheDrive", scene({}, { cachePlace: { failed: "The folder is not there." } }), "The folder is not there."],
  ["ContentSlots", scene({ ContentSlots: 7 }), /the service of 7 at a time/],
  ["DeviceClass", scene({ DeviceClass: 1 }), /counts as a server/]
]

describe("What a setting does to this device now", () => {
  for (const [name, where, expected] of cases)
    it(`${name}: ${String(expected).slice(0, 70)}`, () => {
      const text = Explanation.now(name, where)
      if (typeof expected === "string") assert.strictEqual(text, expected)
      else assert.match(text, expected)
    })

  it("is said of every setting, in sentences, whatever the device is", () => {
    const scenes = [
      scene(),
      scene({}, { facts: unknown, service: undefined }),
      scene({ DODownloadMode: 2 }),
      scene({ DODownloadMode: 3 }, { facts: { ...able, vpn: "wg0", power: { percent: 5 } } })
    ]
    for (const where of scenes) {
      for (const name of names) assert.match(Explanation.now(name, where), /^[A-Za-z].*\.$/, name)
    }
  })
})
