import { assert, describe, it } from "@effect/vitest"
import type { Address } from "@piecework/host/NetworkInterface"
import type { Found } from "@piecework/lan/Services"
import { nameOf } from "../src/CacheHost.ts"
import * as Nearby from "../src/Nearby.ts"

const network = (address: string, netmask: string, family: Address["family"] = "IPv4", isLoopback = false) => ({
  name: "eth0",
  alias: "",
  isLoopback,
  addresses: [{ address, netmask, family }],
  hardware: 1,
  kind: undefined
})

const own = [
  network("192.168.1.20", "255.255.255.0"),
  network("169.254.3.4", "255.255.0.0"),
  network("198.51.100.9", "255.255.255.0"),
  network("fd00:1:2:3::20", "ffff:ffff:ffff:ffff::", "IPv6"),
  network("fe80::20%eth0", "ffff:ffff:ffff:ffff::", "IPv6"),
  network("127.0.0.1", "255.0.0.0", "IPv4", true)
]

const found = (...addresses: ReadonlyArray<string>): Found => ({
  name: addresses.join(),
  port: 80,
  texts: [],
  addresses
})
const heard = (all: ReadonlyArray<Found>) => Nearby.places(all, own).map((place) => nameOf(place))

const withTexts = (...texts: ReadonlyArray<string>) => heard([{ ...found("192.168.1.5"), port: 443, texts }])[0]

describe("What the local network tells of cache servers", () => {
  it("counts for private and link-local addresses of own networks alone", () => {
    const counts = ["192.168.1.5", "169.254.77.1", "fd00:1:2:3::5"]
    const others = [
      "192.168.2.5",
      "10.0.0.1",
      "8.8.8.8",
      "198.51.100.10",
      "127.0.0.1",
      "169.255.0.1",
      "fd00:1:2:4::5",
      "fe80::5",
      "2001:db8::1",
      "::1",
      "0.0.0.0",
      "::ffff:192.168.1.5",
      "evil.example",
      ""
    ]
    for (const address of counts) assert.strictEqual(heard([found(address)]).length, 1, address)
    for (const address of others) assert.isEmpty(heard([found(address)]), address)
  })

  it("is of each server the first address that counts", () => {
    assert.deepStrictEqual(heard([found("8.8.8.8", "192.168.1.5", "192.168.1.6")]), ["http://192.168.1.5"])
  })

  it("is of 8 servers at most, each once", () => {
    const many = Array.from({ length: 100 }, (_, n) => found(`192.168.1.${n + 1}`))
    assert.strictEqual(heard([...many, ...many]).length, 8)
    assert.deepStrictEqual(heard([found("192.168.1.5"), found("192.168.1.5")]), ["http://192.168.1.5"])
  })

  it("says TLS by a text of its own", () => {
    assert.strictEqual(withTexts("a=b", "TLS=1"), "https://192.168.1.5")
    assert.strictEqual(withTexts("tls=0"), "http://192.168.1.5:443")
  })
})
