import { assert, describe, it } from "@effect/vitest"
import { type PrivateNetworks, placeOf, type Reported } from "../src/Place.ts"

interface Row {
  readonly what: string
  readonly external: string
  readonly reported: Reported
  readonly networks?: PrivateNetworks
  readonly site: string
  readonly near: string
  readonly far?: string
}

const rows: ReadonlyArray<Row> = [
  {
    what: "behind a NAT is at the site of the NAT's address, near by at its own",
    external: "203.0.113.7",
    reported: { reportedIp: "192.168.1.5" },
    site: "203.0.113.7",
    near: "192.168.1.5"
  },
  {
    what: "with a public address is a site of its own",
    external: "203.0.113.7",
    reported: { reportedIp: "203.0.113.7" },
    site: "203.0.113.7",
    near: "203.0.113.7"
  },
  {
    what: "that claims a stranger's public address is taken at the one it has",
    external: "203.0.113.7",
    reported: { reportedIp: "198.51.100.1" },
    site: "203.0.113.7",
    near: "203.0.113.7"
  },
  {
    what: "that reports a loopback address from afar is taken at the one it has",
    external: "203.0.113.7",
    reported: { reportedIp: "127.0.0.1" },
    site: "203.0.113.7",
    near: "203.0.113.7"
  },
  {
    what: "on the service's own network is at its site",
    external: "192.168.1.5",
    reported: { reportedIp: "192.168.1.5" },
    site: "private",
    near: "192.168.1.5"
  },
  {
    what: "on the service's machine is at its site, near by at the address it reports",
    external: "127.0.0.1",
    reported: { reportedIp: "192.168.1.5" },
    site: "private",
    near: "192.168.1.5",
    far: "127.0.0.1"
  },
  {
    what: "behind a NAT whose own address is private is at the site of that address",
    external: "10.9.0.2",
    reported: { reportedIp: "192.168.1.5" },
    site: "10.9.0.2",
    near: "192.168.1.5"
  },
  {
    what: "on a routed private network is at its subnet's site, when subnets are sites",
    external: "10.1.4.5",
    reported: { reportedIp: "10.1.4.5", subnetMask: "255.255.252.0" },
    networks: "BySubnet",
    site: "10.1.4.0/22",
    near: "10.1.4.5"
  },
  {
    what: "with a mask that is none has a subnet of 24 bits",
    external: "10.1.4.5",
    reported: { reportedIp: "10.1.4.5", subnetMask: "255.0.255.0" },
    networks: "BySubnet",
    site: "10.1.4.0/24",
    near: "10.1.4.5"
  },
  {
    what: "seen through a dual-stack socket has its IPv4 address",
    external: "::ffff:203.0.113.7",
    reported: { reportedIp: "192.168.1.5" },
    site: "203.0.113.7",
    near: "192.168.1.5",
    far: "203.0.113.7"
  },
  {
    what: "with IPv6 is at the site of its network of 64 bits",
    external: "2001:db8:1:2:aaaa::1",
    reported: { reportedIp: "2001:db8:1:2:aaaa::1" },
    site: "2001:db8:1:2::/64",
    near: "2001:db8:1:2:aaaa::1"
  },
  {
    what: "with a unique local IPv6 address is at the service's site",
    external: "fd00:1::7",
    reported: { reportedIp: "fd00:1::7" },
    site: "private",
    near: "fd00:1::7"
  }
]

describe("A device", () => {
  for (const { external, far, near, networks, reported, site, what } of rows) {
    it(`${what}`, () => {
      const place = placeOf(external, reported, networks ?? "OneSite")
      assert.deepStrictEqual([place.site, place.nearHost, place.farHost], [site, near, far ?? external])
    })
  }
})
