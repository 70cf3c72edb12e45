import { assert, describe, it } from "@effect/vitest"
import type * as Findings from "@piecework/doctor/Findings"
import * as SettingsChecks from "@piecework/doctor/SettingsChecks"
import type { Facts } from "@piecework/policy/Facts"
import {
  cacheHost,
  checkOf,
  deviceOf,
  healthy,
  now,
  policyOf,
  serving,
  settingsOf,
  storage,
  troubles
} from "./scene.ts"

const guid = (digit: number) => `${String(digit).repeat(8)}-8b86-d011-b42d-00c04fc964ff`

type Row = readonly [name: string, found: Partial<Findings.Findings>, expected: Readonly<Record<string, string>>]

const device = (facts: Partial<Facts>, values: Readonly<Record<string, unknown>> = {}): Partial<Findings.Findings> => ({
  settings: settingsOf(values),
  device: deviceOf(facts, policyOf(values))
})
const inMode = (
  mode: "Group" | "Internet",
  values: Readonly<Record<string, unknown>>,
  more: Partial<Findings.Settings> = {}
) => settingsOf(values, { mode, ...more })
const kept = (more: Partial<Findings.Storage>): Partial<Findings.Findings> => ({ storage: { ...storage, ...more } })
const folder = (is: Findings.Folder["is"]): Findings.Folder => ({ path: "/x", is, detail: "EIO" })
const disk = (more: Partial<Findings.Disk>): Findings.Disk => ({
  holds: "cache",
  total: 1e12,
  free: 5e11,
  leastFree: 5e10,
  filesFree: 1e6,
  ...more
})
const served = (more: Partial<Findings.Serving>): Partial<Findings.Findings> => ({ serving: { ...serving, ...more } })
const ranged = (answer: Findings.RangeAnswer, more: Partial<Findings.Ranges> = {}): Partial<Findings.Findings> => ({
  ranges: { url: "http://origin.example/file", proxy: undefined, answer, direct: undefined, ...more }
})
const cached = (...hosts: ReadonlyArray<Partial<Findings.CacheHost>>): Partial<Findings.Findings> => ({
  caches: hosts.map((more) => ({ ...cacheHost, ...more }))
})
const past = (more: Partial<Findings.Past>): Partial<Findings.Findings> => ({
  past: { peers: undefined, ended: 0, failed: 0, why: undefined, errors: [], ...healthy.past, ...more }
})
const silent = { health: { _tag: "Failed", why: "no connection" } } as const

const rows: ReadonlyArray<Row> = [
  ["little memory", device({ memory: 2 ** 30 }), { memory: "Fail" }],
  ["a small disk", device({ disk: 2 ** 30 }), { "disk-size": "Fail" }],
  ["a VPN", device({ vpn: "tun0" }), { vpn: "Warn" }],
  ["a VPN that is allowed", device({ vpn: "tun0" }, { DOAllowVPNPeerCaching: true }), {}],
  ["a battery", device({ power: { percent: 90 } }), { battery: "Warn" }],
  [
    "a battery below what is asked for",
    device({ power: { percent: 20 } }, { DOMinBatteryPercentageAllowedToUpload: 40 }),
    { battery: "Warn" }
  ],
  ["a battery above it", device({ power: { percent: 50 } }, { DOMinBatteryPercentageAllowedToUpload: 40 }), {}],
  ["a metered network", device({ isMetered: true }), { metered: "Warn" }],
  [
    "nothing known of the device",
    device({ memory: undefined, disk: undefined, power: undefined, isMetered: undefined }),
    {}
  ],
  [
    "a month's upload that is used up",
    {
      settings: inMode("Internet", { DODownloadMode: 3, DOMonthlyUploadDataCap: 1 }),
      device: deviceOf({}, policyOf({ DOMonthlyUploadDataCap: 1 }), { month: { month: "2026-11", sent: 2 ** 31 } })
    },
    { "monthly-cap": "Warn" }
  ],
  ["no network", { device: deviceOf({}, undefined, { interfaces: [] }) }, { network: "Fail" }],
  [
    "an old Node",
    { device: deviceOf({}, undefined, { node: { version: "20.1.0", needed: "22.19", isEnough: false } }) },
    { node: "Fail" }
  ],
  [
    "few open files",
    { device: deviceOf({}, undefined, { openFiles: { most: 256, used: undefined } }) },
    { "open-files": "Warn" }
  ],
  [
    "no more open files",
    { device: deviceOf({}, undefined, { openFiles: { most: 20_000, used: 19_999 } }) },
    { "open-files": "Fail" }
  ],

  [
    "a broken policy file",
    { settings: settingsOf({}, { files: [{ path: "/p", flaw: "it is no JSON" }] }) },
    { "policy-files": "Fail" }
  ],
  ["a value out of range", { settings: settingsOf({ DOMaxCacheSize: 120 }) }, { "policy-values": "Warn" }],
  ["a name that is none", { settings: settingsOf({ DODownloadMod: 1 }) }, { "policy-values": "Warn" }],
  ["a rate of nothing", { settings: settingsOf({ DOMaxBackgroundDownloadBandwidth: 1 }) }, { rates: "Warn" }],
  [
    "an upload of nothing",
    { settings: settingsOf({ DOMaxUploadBandwidth: 2 }) },
    { rates: "Warn", "policy-values": "Warn" }
  ],
  [
    "hours that leave nothing of a thin line",
    {
      settings: settingsOf({ DOSetHoursToLimitForegroundDownloadBandwidth: "8,18,1,0" }, { capacity: 100_000 })
    },
    { rates: "Warn" }
  ],
  ["a long delay", { settings: settingsOf({ DODelayBackgroundDownloadFromHttp: 7200 }) }, { delays: "Warn" }],
  [
    "a content size that nobody reaches",
    { settings: settingsOf({ MinContentSizeToPeer: 2_000_000_000 }) },
    { "content-size": "Warn" }
  ],
  ["contents that are not kept", { settings: settingsOf({ DOMinFileSizeToCache: 2000 }) }, { "content-size": "Warn" }],
  ["many contents that wait", { settings: settingsOf({}, { offers: { offered: 4, waiting: 40 } }) }, { slots: "Warn" }],
  ["a few that wait", { settings: settingsOf({}, { offers: { offered: 4, waiting: 4 } }) }, {}],
  ["no group", { settings: inMode("Group", { DODownloadMode: 2 }) }, { group: "Fail" }],
  [
    "a group that is none",
    { settings: inMode("Group", {}, { groups: [{ from: "DHCP option 234", id: "?", isValid: false }] }) },
    { group: "Fail" }
  ],
  [
    "two groups",
    {
      settings: inMode(
        "Group",
        {},
        {
          groups: [
            { from: "the policy file", id: guid(1), isValid: true },
            { from: "DHCP option 234", id: guid(2), isValid: true }
          ]
        }
      )
    },
    { group: "Warn" }
  ],

  ["a read-only state folder", kept({ state: folder("ReadOnly") }), { "state-folder": "Fail" }],
  ["a cache of another user", kept({ cache: folder("Foreign") }), { "cache-folder": "Fail" }],
  ["a cache that is a file", kept({ cache: folder("NoFolder") }), { "cache-folder": "Fail" }],
  ["a state folder that may not be written", kept({ state: folder("Denied") }), { "state-folder": "Fail" }],
  ["a broken disk", kept({ state: folder("Broken") }), { "state-folder": "Fail" }],
  ["a drive that is not there", kept({ drive: "The folder is not there." }), { "cache-folder": "Fail" }],
  ["folders that are not made yet", kept({ state: folder("Missing"), cache: folder("Missing") }), {}],
  ["a full disk", kept({ cache: folder("Full"), disks: [disk({ free: 0 })] }), { "free-space": "Fail" }],
  ["a disk that is nearly full", kept({ disks: [disk({ free: 4e10 })] }), { "free-space": "Warn" }],
  ["no inodes", kept({ disks: [disk({ filesFree: 0 })] }), { inodes: "Fail" }],
  ["few inodes", kept({ disks: [disk({ filesFree: 500 })] }), { inodes: "Warn" }],
  [
    "a damaged file",
    kept({ damaged: [{ what: "/x/device", why: "does not say who this device is" }] }),
    { "state-files": "Warn" }
  ],

  ["no agent", served({ agent: { _tag: "None" }, port: { _tag: "Free", port: 7680 } }), { agent: "Warn" }],
  ["a silent agent", served({ agent: { _tag: "Silent", socket: "/s" } }), { agent: "Fail" }],
  ["an agent of another user", served({ agent: { _tag: "Denied", socket: "/s" } }), { agent: "Warn" }],
  ["an agent that serves nobody", served({ port: { _tag: "Unused" }, reach: undefined }), { port: "Fail" }],
  ["an agent that is deaf", served({ port: { _tag: "Deaf", port: 7680 }, reach: undefined }), { port: "Fail" }],
  [
    "a port that is taken",
    served({ port: { _tag: "Taken", port: 7680, by: undefined }, reach: undefined }),
    { port: "Fail" }
  ],
  [
    "a port that is not allowed",
    served({ port: { _tag: "Refused", port: 80, why: "EACCES" }, reach: undefined }),
    { port: "Fail" }
  ],
  ["a firewall", served({ reach: { _tag: "Silent", address: "192.168.1.11", isOwn: true } }), { reach: "Fail" }],
  ["a NAT before a site", served({ reach: { _tag: "Refused", address: "203.0.113.7", isOwn: false } }), {}],
  [
    "a NAT before Internet peers",
    {
      ...served({ reach: { _tag: "Refused", address: "203.0.113.7", isOwn: false } }),
      settings: inMode("Internet", {})
    },
    { reach: "Warn" }
  ],
  [
    "somebody else behind the NAT",
    served({ reach: { _tag: "Reached", address: "203.0.113.7", isSeen: false } }),
    { reach: "Warn" }
  ],
  ["peers that nobody gets to", past({ peers: { known: 5, connected: 0, why: "refused" } }), { peers: "Warn" }],
  ["no peers told of", past({ peers: undefined }), {}],
  ["downloads that fail", past({ ended: 4, failed: 3 }), { downloads: "Warn" }],
  [
    "errors in the log",
    past({
      errors: [
        { what: "ENOSPC: The disk is full.", times: 3 },
        { what: "X", times: 1 }
      ]
    }),
    { log: "Warn" }
  ],
  ["no log", past({ errors: undefined }), {}],
  ["no downloads", past({ ended: 0, failed: 0, why: undefined }), {}],

  [
    "a name that does not resolve",
    { names: { hosts: [{ host: "x.example", isFor: "the origin", why: "no such name" }] } },
    { names: "Fail" }
  ],
  ["multicast that is lost", { lan: { isUsed: false, isHeard: false, neighbours: 0 } }, { multicast: "Warn" }],
  [
    "multicast that is lost and needed",
    { lan: { isUsed: true, isHeard: false, neighbours: 0 } },
    { multicast: "Fail" }
  ],
  ["an origin without ranges", ranged({ _tag: "Whole" }), { ranges: "Fail" }],
  ["an origin that wants a login", ranged({ _tag: "Status", status: 401 }), { ranges: "Fail" }],
  ["a page in place of a file", ranged({ _tag: "Page" }), { ranges: "Fail" }],
  [
    "a proxy that strips ranges",
    ranged({ _tag: "Whole" }, { proxy: "p:1", direct: { _tag: "Part" } }),
    { ranges: "Fail" }
  ],
  ["no file to try with", { ranges: { url: undefined, proxy: undefined, answer: undefined, direct: undefined } }, {}],
  ["a cache server that is down", cached(silent), { "cache-hosts": "Fail" }],
  ["one of two cache servers that is down", cached(silent, {}), { "cache-hosts": "Warn" }],
  ["a found cache server that is down", cached({ ...silent, isListed: false }), { "cache-hosts": "Warn" }],
  ["a cache server that fails", cached({ health: { _tag: "Status", status: 503 } }), { "cache-hosts": "Fail" }],
  ["a cache server that is banned", cached({ bannedUntil: now + 60_000 }), { "cache-hosts": "Warn" }],
  ["one that was banned", cached({ bannedUntil: now - 60_000 }), {}],
  ["one that refuses the origin", cached({ origin: 403 }), { "cache-origin": "Fail" }],
  ["one that does not get it", cached({ origin: 502 }), { "cache-origin": "Warn" }],
  ["one that is not used", cached({ ...silent, unused: "the device is on a VPN" }), {}],
  ["no cache server", cached(), {}]
]

describe("one thing", () => {
  for (const [name, found, expected] of rows) {
    it(`${name}: is told, and nothing else`, () => assert.deepStrictEqual(troubles(found), expected))
  }
})

describe("the checks", () => {
  it("say what to do of all that fails or warns", () => {
    for (const [name, found, expected] of rows) {
      for (const id of Object.keys(expected)) {
        const { hint, sentence } = checkOf(found, id as keyof typeof expected & Parameters<typeof checkOf>[1])
        assert.match(hint, /[.)]$/, name)
        assert.notMatch(sentence, /\.$|undefined/, name)
      }
    }
  })

  it("blame the name of an origin or of a cache server, and not what it was to bring", () => {
    const names = {
      hosts: ["origin.example", "cache.example"].map((host) => ({ host, isFor: "a server", why: "no such name" }))
    }
    const found = { ...healthy, names, ...ranged({ _tag: "Failed", why: "no connection" }), ...cached(silent) }
    assert.deepStrictEqual(troubles(found), { names: "Fail" })
  })

  it("name the proxy that strips ranges", () => {
    const { sentence } = checkOf(ranged({ _tag: "Whole" }, { proxy: "proxy:3128", direct: { _tag: "Part" } }), "ranges")
    assert.match(sentence, /^the proxy proxy:3128 sends the whole file .* which sends it \(206\) without the proxy$/)
  })
})

const groups = (values: Readonly<Record<string, unknown>>, said: ReadonlyArray<string>, dhcp: string | undefined) =>
  SettingsChecks.groupsOf(
    policyOf(values),
    said.map((id) => ({ from: "the policy file", id })),
    { group: dhcp, domain: "corp.example" }
  ).map(({ from, isValid }) => `${from}${isValid ? "" : ": no group"}`)

describe("the sources of a group", () => {
  it("are the settings first, and DHCP where it says another GUID", () => {
    assert.deepStrictEqual(groups({}, [guid(1)], guid(2)), ["the policy file", "DHCP option 234"])
  })
  it("are DHCP where that is asked for, and whatever is no GUID is none", () => {
    assert.deepStrictEqual(groups({ DOGroupIdSource: 3 }, [], guid(2)), ["DHCP option 234"])
    assert.deepStrictEqual(groups({ DOGroupIdSource: 3 }, [], "lab"), ["DHCP option 234: no group"])
  })
  it("are the DNS suffix only where that is asked for", () => {
    assert.deepStrictEqual(groups({ DOGroupIdSource: 4 }, [], undefined), ["the DNS suffix"])
    assert.deepStrictEqual(groups({}, [], undefined), [])
  })
})
