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
const namesOf = (policy: Policy.Policy, said: Hosts.Said = everybody) =>
  Hosts.of(policy, said).usable.map((cache) => CacheHost.nameOf(cache))

describe("Of the providers", () => {
  const cases: ReadonlyArray<readonly [string, Policy.Said["values"], Partial<Hosts.Said>, ReadonlyArray<string>]> = [
    ["the policy has the first word", { DOCacheHost: "a,b" }, {}, ["http://a", "http://b"]],
    ["the service comes next", {}, {}, ["https://service.example"]],
    ["the local network comes last", {}, { service: [] }, ["http://192.168.1.9"]],
    ["the local network is not looked at with source 0", { DOCacheHostSource: 0 }, { service: [] }, []],
    ["DHCP is not looked at unless that is said", {}, { service: [], dnsSd: [] }, []],
    [
      "DHCP comes before the service with source 1",
      { DOCacheHostSource: 1 },
      {},
      ["http://dhcp.example", "http://10.0.0.2"]
    ],
    ["DHCP comes after the policy with source 1", { DOCacheHost: "a", DOCacheHostSource: 1 }, {}, ["http://a"]],
    [
      "DHCP comes before the policy with source 2",
      { DOCacheHost: "a", DOCacheHostSource: 2 },
      {},
      ["http://dhcp.example", "http://10.0.0.2"]
    ],
    [
      "a forced DHCP that says nothing leaves the policy's",
      { DOCacheHost: "a", DOCacheHostSource: 2 },
      { dhcp: undefined },
      ["http://a"]
    ],
    [
      "a forced DHCP that is malformed leaves the policy's",
      { DOCacheHost: "a", DOCacheHostSource: 2 },
      { dhcp: "http://x/y z, ," },
      ["http://a"]
    ],
    [
      "the local network helps out where DHCP says nothing",
      { DOCacheHostSource: 1 },
      { dhcp: undefined, service: [] },
      ["http://192.168.1.9"]
    ],
    ["an empty DOCacheHost says that there is none", { DOCacheHost: "" }, {}, []],
    [
      "a forced DHCP counts even where DOCacheHost is empty",
      { DOCacheHost: "", DOCacheHostSource: 2 },
      {},
      ["http://dhcp.example", "http://10.0.0.2"]
    ],
    ["nonsense in DOCacheHost does not make room for strangers", { DOCacheHost: "not a host" }, {}, []]
  ]
  for (const [sentence, values, said, expected] of cases) {
    it(sentence, () => assert.deepStrictEqual(namesOf(policyOf(values), { ...everybody, ...said }), [...expected]))
  }
})
