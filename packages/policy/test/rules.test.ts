import { assert, describe, it } from "@effect/vitest"
import * as Delays from "../src/Delays.ts"
import * as Eligibility from "../src/Eligibility.ts"
import type { Facts, GroupFacts } from "../src/Facts.ts"
import * as Group from "../src/Group.ts"
import * as Limits from "../src/Limits.ts"
import { resolve } from "../src/Policy.ts"
import { gibibyte, mebibyte } from "../src/Units.ts"

const policyOf = (values: { readonly [name: string]: unknown }) => resolve([{ provider: "MachineFile", values }])
const able: Facts = { memory: 4 * gibibyte, disk: 32 * gibibyte, vpn: false, power: "Mains", isMetered: false }
const unknown: Facts = { memory: undefined, disk: undefined, vpn: false, power: undefined, isMetered: undefined }
const settingsOf = (verdict: Eligibility.Verdict) => verdict.map(({ setting }) => setting)

describe("A device may have peers", () => {
  it("with exactly the memory and the disk that are asked for, and not with a byte less", () => {
    const policy = policyOf({})
    assert.isEmpty(Eligibility.peering(policy, "Lan", able))
    const small = { ...able, memory: 4 * gibibyte - 1, disk: 32 * gibibyte - 1 }
    assert.deepStrictEqual(settingsOf(Eligibility.peering(policy, "Lan", small)), [
      "DOMinRAMAllowedToPeer",
      "DOMinDiskSizeAllowedToPeer"
    ])
  })

  it("where its platform does not tell", () => assert.isEmpty(Eligibility.peering(policyOf({}), "Group", unknown)))

  it.each(["HttpOnly", "Simple", "Bypass"] as const)("not in mode %s", (mode) => {
    assert.deepStrictEqual(settingsOf(Eligibility.peering(policyOf({}), mode, able)), ["DODownloadMode"])
  })

  it("on a VPN only if that is allowed, or they are found locally", () => {
    const onVpn = { ...able, vpn: "tun0" }
    assert.deepStrictEqual(Eligibility.peering(policyOf({}), "Lan", onVpn), [
      { setting: "DOAllowVPNPeerCaching", sentence: "the device is on a VPN (tun0)" }
    ])
    assert.isEmpty(Eligibility.peering(policyOf({ DOAllowVPNPeerCaching: 1 }), "Lan", onVpn))
    assert.isEmpty(Eligibility.peering(policyOf({ DORestrictPeerSelectionBy: 2 }), "Lan", onVpn))
  })
})

const to = (kind: "Lan" | "Group" | "Internet", sentThisMonth = 0) => ({ to: kind, sentThisMonth })

const uploading = (least: number, facts: Facts, kind: "Lan" | "Group" | "Internet" = "Lan") =>
  settingsOf(Eligibility.uploading(policyOf({ DOMinBatteryPercentageAllowedToUpload: least }), facts, to(kind)))

describe("A device may upload", () => {
  it("on mains, and on battery from the charge on that is asked for", () => {
    const charged = (percent: number) => ({ ...able, power: { percent } })
    assert.isEmpty(uploading(0, able))
    assert.deepStrictEqual(uploading(0, charged(100)), ["DOMinBatteryPercentageAllowedToUpload"])
    assert.deepStrictEqual(uploading(40, charged(39)), ["DOMinBatteryPercentageAllowedToUpload"])
    assert.isEmpty(uploading(40, charged(40)))
    assert.isEmpty(uploading(40, unknown))
  })

  it("on battery to its site and its group only, whatever the charge", () => {
    const full = { ...able, power: { percent: 100 } }
    for (const kind of ["Lan", "Group"] as const) assert.isEmpty(uploading(1, full, kind))
    for (const least of [0, 1, 100]) {
      assert.deepStrictEqual(uploading(least, full, "Internet"), ["DOMinBatteryPercentageAllowedToUpload"])
    }
    assert.isEmpty(uploading(0, able, "Internet"))
    assert.isEmpty(uploading(0, unknown, "Internet"))
  })

  it("with every reason told that stands against it, each in a sentence of its own", () => {
    const policy = policyOf({ DOMinBatteryPercentageAllowedToUpload: 50, DOMonthlyUploadDataCap: 1 })
    const bad = { ...able, power: { percent: 49 }, isMetered: true }
    assert.deepStrictEqual(Eligibility.uploading(policy, bad, to("Internet", gibibyte)), [
      { setting: "DOMinBatteryPercentageAllowedToUpload", sentence: "the device is on battery" },
      { setting: undefined, sentence: "the network in use is metered" },
      {
        setting: "DOMonthlyUploadDataCap",
        sentence: "the 1 GB that may be sent to Internet peers in a month are used up"
      }
    ])
    assert.deepStrictEqual(
      Eligibility.uploading(policy, bad, to("Lan", gibibyte)).map(({ sentence }) => sentence),
      ["the battery is at 49 %, and 50 are asked for", "the network in use is metered"]
    )
    const all = Eligibility.peering(policy, "Simple", { memory: 1, disk: 1, vpn: "tun0" })
    assert.deepStrictEqual(settingsOf(all), [
      "DODownloadMode",
      "DOMinRAMAllowedToPeer",
      "DOMinDiskSizeAllowedToPeer",
      "DOAllowVPNPeerCaching"
    ])
  })

  it("not over a metered network", () => {
    const [reason] = Eligibility.uploading(policyOf({}), { ...able, isMetered: true }, to("Lan"))
    assert.strictEqual(reason?.sentence, "the network in use is metered")
  })

  it("to Internet peers up to the month's cap, and to others beyond it", () => {
    const policy = policyOf({ DOMonthlyUploadDataCap: 2 })
    assert.isEmpty(Eligibility.uploading(policy, able, to("Internet", 2 * gibibyte - 1)))
    const spent = to("Internet", 2 * gibibyte)
    assert.deepStrictEqual(settingsOf(Eligibility.uploading(policy, able, spent)), ["DOMonthlyUploadDataCap"])
    assert.isEmpty(Eligibility.uploading(policy, able, to("Lan", 3 * gibibyte)))
    assert.isEmpty(Eligibility.uploading(policyOf({ DOMonthlyUploadDataCap: 0 }), able, to("Internet", 1e15)))
  })
})

describe("A device may use cache servers", () => {
  it("unless it is on a VPN where that is disallowed, and in every mode but Bypass", () => {
    const onVpn = { ...able, vpn: "wg0" }
    const disallowed = policyOf({ DODisallowCacheServerDownloadsOnVPN: 1 })
    assert.isEmpty(Eligibility.cacheServers(policyOf({}), "Simple", onVpn))
    assert.isEmpty(Eligibility.cacheServers(disallowed, "Simple", able))
    assert.deepStrictEqual(settingsOf(Eligibility.cacheServers(disallowed, "Lan", onVpn)), [
      "DODisallowCacheServerDownloadsOnVPN"
    ])
    assert.deepStrictEqual(settingsOf(Eligibility.cacheServers(policyOf({}), "Bypass", able)), ["DODownloadMode"])
  })
})

describe("A content", () => {
  it("is worth peers, and worth keeping, from its least size on", () => {
    assert.isTrue(Eligibility.isAllowed(Eligibility.contentSize(policyOf({}), 10_000_000)))
    assert.isFalse(Eligibility.isAllowed(Eligibility.contentSize(policyOf({}), 9_999_999)))
    assert.isTrue(Eligibility.isAllowed(Eligibility.keeping(policyOf({}), 50 * mebibyte)))
    assert.isFalse(Eligibility.isAllowed(Eligibility.keeping(policyOf({}), 50 * mebibyte - 1)))
  })
})

const at = (hour: number, capacity?: number) => ({ hour, capacity })

describe("The limit of downloads", () => {
  const half = "DOSetHoursToLimitBackgroundDownloadBandwidth"

  it("is none by default, and by shares while the line was never measured", () => {
    assert.isUndefined(Limits.download(policyOf({}), "Foreground", at(9, 1e6)))
    const shares = policyOf({ DOPercentageMaxBackgroundBandwidth: 10, [half]: "0,0,10,10" })
    assert.isUndefined(Limits.download(shares, "Background", at(9)))
  })

  it("is the lowest of the absolute one, the share and the hours', and says which", () => {
    const values = {
      DOMaxBackgroundDownloadBandwidth: 100,
      DOPercentageMaxBackgroundBandwidth: 50,
      [half]: "8,17,25,0"
    }
    const policy = policyOf(values)
    const limitAt = (hour: number, capacity: number) => Limits.download(policy, "Background", at(hour, capacity))
    assert.deepStrictEqual(limitAt(9, 1e6), { rate: 102_400, setting: "DOMaxBackgroundDownloadBandwidth" })
    assert.deepStrictEqual(limitAt(9, 1e5), { rate: 25_000, setting: half })
    assert.deepStrictEqual(limitAt(17, 1e5), { rate: 50_000, setting: "DOPercentageMaxBackgroundBandwidth" })
    assert.isUndefined(Limits.download(policy, "Foreground", at(9, 1e5)))
  })

  it("is the older setting's where the newer one is silent, be it by saying 0", () => {
    const older = { DOMaxDownloadBandwidth: 10, DOPercentageMaxDownloadBandwidth: 50 }
    assert.strictEqual(Limits.download(policyOf(older), "Foreground", at(0))?.rate, 10_240)
    const newer = policyOf({ ...older, DOMaxForegroundDownloadBandwidth: 0 })
    assert.strictEqual(Limits.download(newer, "Foreground", at(0, 1000))?.setting, "DOPercentageMaxDownloadBandwidth")
  })

  it("switches at the hour, also over midnight, and each hour is inside or outside", () => {
    const night = { from: 22, to: 6, inside: 0, outside: 0 }
    const inside = Array.from({ length: 24 }, (_, hour) => hour).filter((hour) => Limits.includes(night, hour))
    assert.deepStrictEqual(inside, [0, 1, 2, 3, 4, 5, 22, 23])
    assert.isTrue(Limits.includes({ ...night, to: 22 }, 3))
    for (let now = 0; now < 24; now++) {
      for (let from = 0; from < 24; from++) {
        for (let until = 0; until < 24; until++) {
          const there = Limits.includes({ from, to: until, inside: 0, outside: 0 }, now)
          const opposite = Limits.includes({ from: until, to: from, inside: 0, outside: 0 }, now)
          assert.strictEqual(there, from === until || !opposite, `${now} in ${from} to ${until}`)
        }
      }
    }
  })

  it("of uploads is the deprecated one's, and the floor of background downloads is 2500 KB/s", () => {
    assert.isUndefined(Limits.upload(policyOf({})))
    assert.strictEqual(Limits.upload(policyOf({ DOMaxUploadBandwidth: 3 }))?.rate, 3072)
    assert.strictEqual(Limits.qosFloor(policyOf({})), 2_560_000)
  })

  it("that a download has to have is only one that somebody said: a setting in the background, a publisher in the foreground", () => {
    assert.isUndefined(floor({}, "Background"))
    assert.strictEqual(floor({ DOMinBackgroundQos: 2500 }, "Background"), 2_560_000)
    assert.isUndefined(floor({ DOMinBackgroundQos: 2500 }, "Foreground"))
    assert.strictEqual(floor({}, "Foreground", 1000), 1000)
    assert.isUndefined(floor({}, "Foreground", 0))
    assert.isUndefined(floor({}, "Background", 1000))
  })
})

const floor = (values: object, priority: "Foreground" | "Background", foregroundQos?: number) =>
  Limits.saidFloor(policyOf({ ...values }), priority, { foregroundQos })

const origin = (values: object, situation: Partial<Delays.Situation>) =>
  Delays.of(policyOf({ ...values }), { priority: "Foreground", mayPeer: true, hasCacheServer: true, ...situation })
    .origin

describe("The origin may be asked", () => {
  const delays = {
    DODelayForegroundDownloadFromHttp: 60,
    DODelayBackgroundDownloadFromHttp: 3600,
    DODelayCacheServerFallbackForeground: 30,
    DODelayCacheServerFallbackBackground: 300
  }

  it("at once by default", () => assert.strictEqual(origin({}, {}), 0))

  it("after the delay for peers, and then that for the cache server", () => {
    assert.strictEqual(origin(delays, {}), 90_000)
    assert.strictEqual(origin(delays, { priority: "Background" }), 3_900_000)
    assert.strictEqual(origin(delays, { mayPeer: false }), 30_000)
    assert.strictEqual(origin(delays, { hasCacheServer: false }), 60_000)
    assert.strictEqual(origin(delays, { hasCacheServer: false, mayPeer: false }), 0)
  })

  it("never where -1 says so and there is a cache server", () => {
    const never = { DODelayCacheServerFallbackForeground: -1 }
    assert.strictEqual(origin(never, {}), "Never")
    assert.strictEqual(origin(never, { hasCacheServer: false }), 0)
  })
})

const group = (source: number, facts: GroupFacts) => Group.of(policyOf({ DOGroupIdSource: source }), facts)?.id

describe("The group", () => {
  const guid = "6f9619ff-8b86-d011-b42d-00c04fc964ff"
  const all: GroupFacts = {
    adSite: "site",
    domainSid: "S-1-5-21",
    dhcpOption: `{${guid.toUpperCase()}}`,
    dnsSuffix: "lab.example",
    entraTenant: "tenant"
  }
  const none: GroupFacts = {
    adSite: undefined,
    domainSid: undefined,
    dhcpOption: undefined,
    dnsSuffix: undefined,
    entraTenant: undefined
  }

  it("that the policy names wins over every source", () => {
    const policy = policyOf({ DOGroupId: "mine", DOGroupIdSource: 4 })
    assert.deepStrictEqual(Group.of(policy, all), { id: "mine", from: "DOGroupId" })
  })

  it.each([
    [1, "site"],
    [2, "S-1-5-21"],
    [3, guid],
    [4, "lab.example"],
    [5, "tenant"]
  ])("of source %i is what that says", (source, id) => assert.strictEqual(group(source, all), id))

  it("is the site, else the domain, else the tenant, where no source is set or DHCP and DNS say nothing", () => {
    for (const source of [0, 3, 4]) {
      const silent = { ...all, dhcpOption: undefined, dnsSuffix: undefined }
      assert.strictEqual(group(source, silent), "site")
      assert.strictEqual(group(source, { ...silent, adSite: undefined }), "S-1-5-21")
      assert.strictEqual(group(source, { ...silent, adSite: " ", domainSid: "" }), "tenant")
      assert.isUndefined(group(source, none))
    }
    for (const source of [1, 2, 5]) assert.isUndefined(group(source, none))
  })

  it("by DHCP is a GUID, and anything else is ignored", () => {
    for (const dhcpOption of ["lab", guid.slice(1), `${guid}0`, "{", "g".repeat(36)]) {
      assert.strictEqual(group(3, { ...all, dhcpOption }), "site")
    }
  })
})
