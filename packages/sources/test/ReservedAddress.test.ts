import { assert, describe, it } from "@effect/vitest"
import * as ReservedAddress from "../src/ReservedAddress.ts"

const hostOf = (url: string) => new URL(url).hostname

describe("Addresses that nobody elsewhere may lead to", () => {
  for (const [host, zone] of [
    ["169.254.169.254", "LinkLocal"],
    [hostOf("http://0xa9fea9fe/"), "LinkLocal"],
    [hostOf("http://2852039166/"), "LinkLocal"],
    [hostOf("http://[::ffff:169.254.169.254]/"), "LinkLocal"],
    ["::ffff:a9fe:a9fe", "LinkLocal"],
    ["64:ff9b::169.254.169.254", "LinkLocal"],
    ["fe80::1%eth0", "LinkLocal"],
    ["[fd00:ec2::254]", "LinkLocal"],
    ["100.100.100.200", "LinkLocal"],
    ["168.63.129.16", "LinkLocal"],
    ["127.0.0.1", "Loopback"],
    ["127.8.8.8", "Loopback"],
    ["0.0.0.0", "Loopback"],
    ["[::1]", "Loopback"],
    ["::ffff:127.0.0.1", "Loopback"],
    ["localhost", "Loopback"],
    ["agent.LOCALHOST.", "Loopback"],
    ["10.0.0.1", "Elsewhere"],
    ["192.168.1.1", "Elsewhere"],
    ["fd00::1", "Elsewhere"],
    ["8.8.8.8", "Elsewhere"],
    ["localhost.example", "Elsewhere"],
    ["origin.example", "Elsewhere"]
  ] as const) {
    it(`${host} is ${zone}`, () => assert.strictEqual(ReservedAddress.zoneOf(host), zone))
  }

  it("are reached only by who began there", () => {
    const zones = ["Elsewhere", "Loopback", "LinkLocal"] as const
    const ways = zones.flatMap((from) =>
      zones.filter((to) => ReservedAddress.mayLead(from, to)).map((to) => `${from} ${to}`)
    )
    assert.deepStrictEqual(ways, [
      "Elsewhere Elsewhere",
      "Loopback Elsewhere",
      "Loopback Loopback",
      "LinkLocal Elsewhere",
      "LinkLocal LinkLocal"
    ])
  })
})
