import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import { addressIn } from "@piecework/telemetry/Address"
import { externalIpOf } from "../src/http/HttpCaller.ts"
import * as Proxies from "../src/http/Proxies.ts"

const addressOf = externalIpOf(["127.0.0.1", "10.0.0.0/8", "fd00::/8"])

const origins: ReadonlyArray<readonly [what: string, socket: string, forwarded: string | undefined, origin: string]> = [
  ["nobody's word but a proxy's", "203.0.113.5", "198.51.100.1", "203.0.113.5"],
  ["the word of a proxy at an address", "127.0.0.1", "198.51.100.1", "198.51.100.1"],
  ["the word of a proxy in a network", "10.20.30.40", "198.51.100.1", "198.51.100.1"],
  ["the word of a proxy that a dual-stack socket shows", "::ffff:10.1.1.1", "198.51.100.1", "198.51.100.1"],
  ["the word of a proxy with an IPv6 address", "fd12::1", "2001:db8::7", "2001:db8::7"],
  ["what the last proxy saw, not what the caller made up", "10.0.0.1", "9.9.9.9, 198.51.100.1", "198.51.100.1"],
  ["what the first of several proxies saw", "10.0.0.1", "9.9.9.9, 198.51.100.1, 10.0.0.2, 10.0.0.3", "198.51.100.1"],
  ["a mapped address as what it is", "10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"],
  ["the proxy itself when it says nothing", "10.0.0.1", undefined, "10.0.0.1"],
  ["the proxy itself when what it says is no address", "10.0.0.1", "unknown", "10.0.0.1"],
  ["the proxy itself when an address has a port", "10.0.0.1", "198.51.100.1:80", "10.0.0.1"],
  ["the proxy itself when all that it says are proxies", "10.0.0.1", "10.0.0.2", "10.0.0.1"]
]

describe("Where a request comes from", () => {
  for (const [what, socket, forwarded, origin] of origins) {
    it(`is taken from ${what}`, () => assert.strictEqual(addressOf(socket, forwarded), origin))
  }

  it("is the socket's address as long as no proxy is trusted", () => {
    assert.strictEqual(externalIpOf([])("10.0.0.1", "198.51.100.1"), "10.0.0.1")
  })
})

describe("A proxy", () => {
  it("is named by its address or its network", () => {
    for (const text of ["10.1.2.3", "10.0.0.0/8", "::1", "fd00::/8", "192.0.2.1/32"]) {
      assert.isTrue(Option.isSome(Proxies.proxyIn(text)), text)
    }
    // A mask of no bits would let everybody say where they are.
    for (const text of [
      "",
      "proxy.local",
      "10.0.0.0/",
      "10.0.0.0/33",
      "0.0.0.0/0",
      "::/0",
      "10.0.0.0/8/8",
      "fd00::/129"
    ]) {
      assert.isTrue(Option.isNone(Proxies.proxyIn(text)), text)
    }
  })
})

describe("An address to listen on", () => {
  it("has a host and a port", () => {
    assert.deepStrictEqual(Option.getOrThrow(addressIn("127.0.0.1:9670")), { host: "127.0.0.1", port: 9670 })
    assert.deepStrictEqual(Option.getOrThrow(addressIn("[::1]:0")), { host: "::1", port: 0 })
    for (const text of ["", "9670", ":9670", "127.0.0.1", "::1:9670", "a:65536", "a b:1"]) {
      assert.isTrue(Option.isNone(addressIn(text)), text)
    }
  })
})
