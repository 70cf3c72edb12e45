import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { most, Network, networksIn, nowhere, Places } from "../src/Places.ts"

layer(
  Places.layer([
    { network: "203.0.113.0/24", city: "Bonn", country: "DE", isp: "one" },
    { network: "203.0.113.128/25", city: "Köln", country: "DE", isp: "one" },
    { network: "2001:db8::/32", city: "Oslo", country: "NO" }
  ])
)("The place of an address", (spec) => {
  const table: ReadonlyArray<readonly [string, string]> = [
    ["203.0.113.7", "Bonn"],
    ["203.0.113.200", "Köln"],
    ["2001:db8:1::5", "Oslo"],
    ["203.0.112.7", ""],
    ["::1", ""],
    ["no address", ""]
  ]
  for (const [ip, city] of table) {
    spec.effect(`${ip} is "${city}", by the narrowest network`, () =>
      Places.use((places) => Effect.sync(() => assert.strictEqual(places.of(ip).city, city)))
    )
  }
})

layer(Places.layerNone)("Without networks", (spec) => {
  spec.effect("nobody is anywhere", () =>
    Places.use((places) => Effect.sync(() => assert.deepStrictEqual(places.of("203.0.113.7"), nowhere)))
  )
})

describe("a file of networks", () => {
  it("is a JSON array", () => {
    const text = '[{"network":"203.0.113.0/24","city":"Bonn"},{"network":"::/0"}]'
    const read = Result.getOrThrow(networksIn(text))
    assert.deepStrictEqual(
      read.map(({ city, network }) => [network, city]),
      [
        ["203.0.113.0/24", "Bonn"],
        ["::/0", undefined]
      ]
    )
  })

  for (const [what, text] of [
    ["no JSON", "[{"],
    ["one network alone", '{"network":"::/0"}'],
    ["something that is no network", '[{"network":"Bonn"}]'],
    ["a name that is too long", JSON.stringify([{ network: "::/0", city: "x".repeat(129) }])],
    ["more networks than anybody has", JSON.stringify(Array.from({ length: most + 1 }, () => ({ network: "::/0" })))]
  ] as const) {
    it(`is not ${what}, and says so in few words`, () => {
      const read = networksIn(text)
      assert.isTrue(Result.isFailure(read) && read.failure.length <= 300 && !read.failure.includes("\n"))
    })
  }
})

describe("a network", () => {
  const is = Schema.is(Network)
  for (const network of ["10.0.0.0/8", "0.0.0.0/0", "2001:db8::/128"]) {
    it(`can be ${network}`, () => assert.isTrue(is({ network })))
  }
  for (const network of ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "::/129", "a/8", "10.0.0.0/8/8", ""]) {
    it(`cannot be "${network}"`, () => assert.isFalse(is({ network })))
  }
})
