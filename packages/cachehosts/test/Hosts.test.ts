import { assert, describe, it } from "@effect/vitest"
import * as Policy from "@piecework/policy/Policy"
import * as CacheHost from "../src/CacheHost.ts"
import * as Hosts from "../src/Hosts.ts"

const policyOf = (values: Policy.Said["values"]) => Policy.resolve([{ provider: "MachineFile", values }])
const everybody: Hosts.Said = {
  dhcp: "dhcp.example, 10.0.0.2",
  service: [{ host: "service.example", port: 443, isTls: true }],
  dnsSd: [{ host: "192.168.1.9", port: 80, protocol: "http:" }]
}
const hostsOf = (values: Policy.Said["values"], said?: Partial<Hosts.Said>) =>
  Hosts.of(policyOf(values), { ...everybody, ...said })

const wants = (policy: Policy.Said["values"], said?: Partial<Hosts.Said>) =>
  Hosts.wants(policyOf(policy), { ...Hosts.silent, ...said })
const names = (list: string) => Hosts.parseList(list).map((place) => CacheHost.nameOf(place))

interface Case {
  readonly rule: string
  readonly policy: Policy.Said["values"]
  readonly said?: Partial<Hosts.Said>
  readonly asked: ReadonlyArray<string>
  readonly without?: Hosts.Hosts["without"]
}

const [byDhcp, byService, byNetwork] = [
  ["http://dhcp.example", "http://10.0.0.2"],
  ["https://service.example"],
  ["http://192.168.1.9"]
]

const cases: ReadonlyArray<Case> = [
  { rule: "the policy has the first word", policy: { DOCacheHost: "a,b" }, asked: ["http://a", "http://b"] },
  { rule: "the service comes next", policy: {}, asked: byService },
  { rule: "the local network comes last", policy: {}, said: { service: [] }, asked: byNetwork },
  { rule: "nobody named one", policy: {}, said: Hosts.silent, asked: [], without: "NoneKnown" },
  {
    rule: "source 0 leaves the local network out",
    policy: { DOCacheHostSource: 0 },
    said: { service: [] },
    asked: [],
    without: "NoneKnown"
  },
  { rule: "source 0 leaves the service in", policy: { DOCacheHostSource: 0 }, asked: byService },
  {
    rule: "DHCP is not looked at unless somebody says so",
    policy: {},
    said: { service: [], dnsSd: [] },
    asked: [],
    without: "NoneKnown"
  },
  { rule: "with source 1 DHCP comes before the service", policy: { DOCacheHostSource: 1 }, asked: byDhcp },
  {
    rule: "with source 1 DHCP comes after the policy",
    policy: { DOCacheHost: "a", DOCacheHostSource: 1 },
    asked: ["http://a"]
  },
  {
    rule: "with source 2 DHCP comes before the policy",
    policy: { DOCacheHost: "a", DOCacheHostSource: 2 },
    asked: byDhcp
  },
  {
    rule: "a forced DHCP that is silent leaves the policy's",
    policy: { DOCacheHost: "a", DOCacheHostSource: 2 },
    said: { dhcp: undefined },
    asked: ["http://a"]
  },
  {
    rule: "a forced DHCP that is malformed leaves the policy's",
    policy: { DOCacheHost: "a", DOCacheHostSource: 2 },
    said: { dhcp: "http://x/y z, ," },
    asked: ["http://a"]
  },
  {
    rule: "where DHCP is silent the local network is of use",
    policy: { DOCacheHostSource: 1 },
    said: { dhcp: undefined, service: [] },
    asked: byNetwork
  },
  {
    rule: "DHCP does not send a device to itself",
    policy: { DOCacheHostSource: 1 },
    said: { dhcp: "127.0.0.1,localhost,[::1]:80", service: [], dnsSd: [] },
    asked: [],
    without: "NoneKnown"
  },
  {
    rule: "an empty DOCacheHost says that there is none",
    policy: { DOCacheHost: "" },
    asked: [],
    without: "SwitchedOff"
  },
  {
    rule: "a forced DHCP counts even where DOCacheHost is empty",
    policy: { DOCacheHost: "", DOCacheHostSource: 2 },
    asked: byDhcp
  },
  {
    rule: "a forced DHCP that is silent leaves the word that there is none",
    policy: { DOCacheHost: "", DOCacheHostSource: 2 },
    said: { dhcp: undefined },
    asked: [],
    without: "SwitchedOff"
  },
  {
    rule: "nonsense in DOCacheHost makes no room for strangers",
    policy: { DOCacheHost: "not a host" },
    asked: [],
    without: "NoneKnown"
  },
  {
    rule: "the mode Bypass asks none",
    policy: { DOCacheHost: "a", DODownloadMode: 100 },
    asked: [],
    without: "SwitchedOff"
  },
  {
    rule: "the mode Simple asks them all the same",
    policy: { DOCacheHost: "a", DODownloadMode: 99 },
    asked: ["http://a"]
  },
  {
    rule: "listed only leaves the policy's",
    policy: { DOCacheHost: "a", CacheHostListedOnly: 1 },
    asked: ["http://a"]
  },
  { rule: "listed only leaves the service's", policy: { CacheHostListedOnly: 1 }, asked: byService },
  {
    rule: "listed only asks nobody that the network tells of",
    policy: { CacheHostListedOnly: 1 },
    said: { service: [] },
    asked: [],
    without: "NotAllowed"
  },
  {
    rule: "listed only beats a forced DHCP",
    policy: { DOCacheHost: "a", DOCacheHostSource: 2, CacheHostListedOnly: 1 },
    asked: ["http://a"]
  },
  {
    rule: "TLS only leaves those with https",
    policy: { DOCacheHost: "a,https://b", CacheHostTlsOnly: 1 },
    asked: ["https://b"]
  },
  {
    rule: "TLS only does not turn to a weaker provider",
    policy: { DOCacheHost: "a", CacheHostTlsOnly: 1 },
    asked: [],
    without: "NotAllowed"
  },
  {
    rule: "TLS only and listed only hold together",
    policy: { DOCacheHostSource: 1, CacheHostListedOnly: 1, CacheHostTlsOnly: 1 },
    asked: byService
  }
]

describe("Of the providers of cache servers", () => {
  for (const { asked, policy, rule, said, without } of cases) {
    it(`${rule}`, () => {
      const hosts = hostsOf(policy, said)
      assert.deepStrictEqual(
        hosts.usable.map((cache) => CacheHost.nameOf(cache)),
        [...asked]
      )
      assert.strictEqual(hosts.without, without)
    })
  }

  it("each one that is known says why it is not asked", () => {
    const { known } = hostsOf({ DOCacheHost: "a,https://b", DOCacheHostSource: 1, CacheHostTlsOnly: 1 })
    assert.deepStrictEqual(
      known.map(({ cache, without }) => [CacheHost.nameOf(cache), cache.provider, without]),
      [
        ["http://a", "Policy", "NotAllowed"],
        ["https://b", "Policy", undefined],
        ["http://dhcp.example", "Dhcp", "Outranked"],
        ["http://10.0.0.2", "Dhcp", "Outranked"],
        ["https://service.example", "Service", "Outranked"],
        ["http://192.168.1.9", "DnsSd", "Outranked"]
      ]
    )
    assert.isTrue(hostsOf({ DOCacheHost: "" }).known.every(({ without }) => without === "SwitchedOff"))
  })

  it("those are not asked whose word would be of no use", () => {
    const none = { dhcp: false, dnsSd: false }
    assert.deepStrictEqual(wants({}), { dhcp: false, dnsSd: true })
    assert.deepStrictEqual(wants({}, { service: everybody.service }), none)
    assert.deepStrictEqual(wants({ DOCacheHostSource: 1 }), { dhcp: true, dnsSd: true })
    assert.deepStrictEqual(wants({ DOCacheHostSource: 1 }, { dhcp: "a" }), { dhcp: true, dnsSd: false })
    assert.deepStrictEqual(wants({ DOCacheHostSource: 2, DOCacheHost: "a" }), { dhcp: true, dnsSd: false })
    for (const policy of [
      { DOCacheHostSource: 0 },
      { DOCacheHost: "a" },
      { DOCacheHost: "" },
      { DOCacheHost: "a", DOCacheHostSource: 1 },
      { DOCacheHostSource: 2, CacheHostListedOnly: 1 },
      { DOCacheHostSource: 2, DODownloadMode: 100 }
    ]) {
      assert.deepStrictEqual(wants(policy), none)
    }
  })
})

describe("A list", () => {
  it("is of hosts, each once, and 16 of them at most", () => {
    assert.deepStrictEqual(names(" a , A,http://a:80/,, https://a ,[2001:db8::1]:8080, 2001:DB8:0::1"), [
      "http://a",
      "https://a",
      "http://[2001:db8::1]:8080",
      "http://[2001:db8::1]"
    ])
    assert.strictEqual(names(Array.from({ length: 100 }, (_, n) => `h${n}`).join(",")).length, 16)
    assert.isEmpty(names(`a,${"b".repeat(5000)}`))
  })
})
