import { assert, describe, it } from "@effect/vitest"
import { Option, Result } from "effect"
import { IpNetwork, NetAddress } from "effect/net"
import { isLocal, localNetworks, type PrivateNetworks, rangesAt } from "../src/Site.ts"

describe("The site of a node without ranges", () => {
  for (const [ip, privateNetworks, expected] of [
    ["203.0.113.9", "OneSite", ["203.0.113.9/32"]],
    ["::ffff:203.0.113.9", "OneSite", ["203.0.113.9/32"]],
    ["2001:db8:1:2:3::4", "OneSite", ["2001:db8:1:2::/64"]],
    ["10.1.2.3", "OneSite", localNetworks],
    ["fd00::1", "OneSite", localNetworks],
    ["127.0.0.1", "OneSite", localNetworks],
    ["10.1.2.3", "BySubnet", ["10.1.2.0/24"]],
    ["fd00:1:2:3::4", "BySubnet", ["fd00:1:2:3::/64"]],
    ["unknown", "OneSite", []]
  ] as ReadonlyArray<readonly [string, PrivateNetworks, ReadonlyArray<string>]>) {
    it(`is ${expected.length > 1 ? "all private networks" : (expected[0] ?? "nothing")} at ${ip}, ${privateNetworks}`, () => {
      assert.deepStrictEqual(rangesAt(ip, privateNetworks), expected)
    })
  }

  it("has, of private networks, just those whose addresses count as private", () => {
    for (const range of localNetworks) {
      const network = Option.getOrThrow(Result.getSuccess(IpNetwork.fromString(range)))
      assert.isTrue(isLocal(IpNetwork.firstAddress(network)), range)
      assert.isTrue(isLocal(IpNetwork.lastAddress(network)), range)
    }
    for (const ip of ["9.255.255.255", "11.0.0.0", "172.32.0.0", "100.64.0.1", "::2", "2001:db8::1"]) {
      const address = NetAddress.ipFromStringUnsafe(ip)
      assert.isFalse(isLocal(address), ip)
      assert.isFalse(
        localNetworks.some((range) =>
          IpNetwork.contains(Option.getOrThrow(Result.getSuccess(IpNetwork.fromString(range))), address)
        ),
        ip
      )
    }
  })
})
