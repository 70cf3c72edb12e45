import { assert, describe, it } from "@effect/vitest"
import * as Networks from "../src/Networks.ts"

const of = (entries: Readonly<Record<string, ReadonlyArray<string>>>) => {
  const networks = Networks.make<string>()
  for (const [value, ranges] of Object.entries(entries)) networks.set(value, ranges)
  return (ip: string) => networks.at(ip).map(({ bits, value }) => `${value}/${bits}`)
}

describe("Networks", () => {
  const at = of({
    all: ["0.0.0.0/0", "::/0"],
    campus: ["10.1.0.0/16", "2001:db8::/32"],
    building: ["10.1.2.0/23", "2001:db8:0:4::/63"],
    desk: ["10.1.3.7/32"],
    both: ["10.1.0.0/16", "10.1.2.0/24"],
    mapped: ["::ffff:10.2.0.0/112"],
    wrong: ["10.1.0.1/16", "10.1.0.0", "10.1.0.0/33", "x", "10.1.0.0/-1", ""]
  })

  for (const [ip, expected] of [
    ["10.1.3.7", ["desk/32", "building/23", "campus/16", "both/16", "all/0"]],
    ["10.1.2.255", ["both/24", "building/23", "campus/16", "all/0"]],
    ["10.1.4.0", ["campus/16", "both/16", "all/0"]],
    ["10.0.255.255", ["all/0"]],
    ["10.2.1.1", ["mapped/16", "all/0"]],
    ["::ffff:10.1.3.7", ["desk/32", "building/23", "campus/16", "both/16", "all/0"]],
    ["::ffff:0a01:0307", ["desk/32", "building/23", "campus/16", "both/16", "all/0"]],
    ["2001:db8:0:5:ffff::1", ["building/63", "campus/32", "all/0"]],
    ["2001:db8:0:6::", ["campus/32", "all/0"]],
    ["2001:DB9::", ["all/0"]],
    ["", []],
    ["unknown", []],
    ["10.1.3.7/32", []],
    ["10.1.3", []],
    ["fe80::1%eth0", []]
  ] as const) {
    it(`are ${expected.join(", ") || "none"} at "${ip}", the narrowest first`, () => {
      assert.deepStrictEqual(at(ip), [...expected])
    })
  }

  it("are those that were set last, and none once deleted", () => {
    const networks = Networks.make<string>()
    networks.set("a", ["10.0.0.0/8", "10.1.0.0/16"])
    networks.set("b", ["10.0.0.0/8"])
    networks.set("a", ["192.168.0.0/16"])
    assert.deepStrictEqual(networks.at("10.1.2.3"), [{ value: "b", bits: 8 }])
    networks.delete("b")
    networks.delete("nobody")
    assert.deepStrictEqual(networks.at("10.1.2.3"), [])
    assert.deepStrictEqual(networks.at("192.168.1.1"), [{ value: "a", bits: 16 }])
  })
})
