import { assert, describe, it } from "@effect/vitest"
import { type NodeId, NodeState } from "@piecework/cloud/CacheNode"
import type { LastHeartbeat } from "@piecework/cloud/CacheNodeAdminRpcs"
import { choose, type Known, serversOf } from "../src/Choosing.ts"
import { longSilence, patience } from "../src/Health.ts"
import { lastHeartbeat } from "./support/heartbeats.ts"

const now = 1_800_000_000_000
const caller = { externalIp: "203.0.113.1", key: "device" }

const known = (id: string, more: Partial<Known> = {}): Known => ({
  id: id.padStart(16, "0") as NodeId,
  isEnabled: true,
  servers: [{ host: `${id}.example`, port: 80, isTls: false }],
  last: lastHeartbeat({ at: now - 1000 }),
  ...more
})

const hosts = (matches: ReadonlyArray<readonly [Known, number]>, key = caller.key, at = now) =>
  choose(
    matches.map(([value, bits]) => ({ value, bits })),
    { ...caller, key },
    at
  ).map(({ host }) => host)

const heardBefore = (millis: number) => hosts([[known("a", { last: lastHeartbeat({ at: now - millis }) }), 32]])

describe("Which cache servers a device is told of", () => {
  it("are those of the narrowest range first, and of wider ones behind them", () => {
    assert.deepStrictEqual(
      hosts([
        [known("a"), 16],
        [known("b"), 24],
        [known("c"), 0]
      ]),
      ["b.example", "a.example", "c.example"]
    )
  })

  it("are healthy ones first, however wide their range", () => {
    const silent = known("a", { last: lastHeartbeat({ at: now - patience - 1 }) })
    assert.deepStrictEqual(
      hosts([
        [silent, 32],
        [known("b"), 8]
      ]),
      ["b.example", "a.example"]
    )
  })

  it("do not name one that has been silent for more than a week", () => {
    assert.deepStrictEqual([heardBefore(longSilence), heardBefore(longSilence + 1)], [["a.example"], []])
  })

  it("name nobody who is disabled, was never seen, or says that it does not serve", () => {
    const states = NodeState.literals.filter(
      (state) => hosts([[known("a", { last: lastHeartbeat({ at: now, state }) }), 8]]).length > 0
    )
    assert.deepStrictEqual(states, ["Serving"])
    assert.deepStrictEqual(hosts([[known("a", { isEnabled: false }), 8]]), [])
    assert.deepStrictEqual(hosts([[known("a", { last: undefined }), 8]]), [])
  })

  it("stand in an order that a device keeps, and that differs between devices", () => {
    const four = ["a", "b", "c", "d"].map((id) => [known(id), 24] as const)
    const order = hosts(four, "x")
    assert.deepStrictEqual(hosts(four.toReversed(), "x"), order)
    const firsts = Array.from({ length: 400 }, (_, n) => hosts(four, `device ${n}`)[0])
    for (const [{ servers }] of four) {
      const share = firsts.filter((host) => host === servers[0]?.host).length
      assert.isAbove(share, 60)
      assert.isBelow(share, 140)
    }
  })

  it("lose only the one that went, so that the others keep their devices", () => {
    const four = ["a", "b", "c", "d"].map((id) => [known(id), 24] as const)
    const order = hosts(four, "x")
    const gone = four.filter(([{ servers }]) => servers[0]?.host !== order[1])
    assert.deepStrictEqual(
      hosts(gone, "x"),
      order.filter((_, n) => n !== 1)
    )
  })

  it("are at most sixteen", () => {
    const many = Array.from({ length: 40 }, (_, n) => [known(String(n)), 24] as const)
    assert.strictEqual(hosts(many).length, 16)
  })
})

const placesOf = (more: Partial<ConstructorParameters<typeof LastHeartbeat>[0]>, externalIp = caller.externalIp) =>
  serversOf(known("a", { servers: [], last: lastHeartbeat(more) }), externalIp).map(
    ({ host, isTls, port }) => `${isTls ? "https" : "http"}://${host}:${port}`
  )

describe("Where a node is reached that nobody said it of", () => {
  for (const [name, more, externalIp, expected] of [
    [
      "is its first address",
      { addresses: ["10.0.0.1", "10.0.0.2"], httpPort: 8080 },
      undefined,
      ["http://10.0.0.1:8080"]
    ],
    [
      "is by HTTP and by HTTPS, at the name in its certificate",
      { httpsPort: 443, tls: { state: "On", name: "cache.example" } },
      undefined,
      ["http://10.1.0.9:80", "https://cache.example:443"]
    ],
    [
      "is not by HTTPS with a certificate that is no good",
      { httpsPort: 443, tls: { state: "Expired" } },
      undefined,
      ["http://10.1.0.9:80"]
    ],
    [
      "is of the caller's family where there is one",
      { addresses: ["10.0.0.1", "fd00::1"] },
      "2001:db8::1",
      ["http://fd00::1:80"]
    ],
    ["is of another family where there is none", { addresses: ["10.0.0.1"] }, "2001:db8::1", ["http://10.0.0.1:80"]],
    [
      "is no address that means something else to the caller",
      { addresses: ["127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.1", "fe80::1"] },
      undefined,
      []
    ],
    [
      "is loopback to a caller on the service's machine",
      { addresses: ["127.0.0.1"] },
      "127.0.0.1",
      ["http://127.0.0.1:80"]
    ]
  ] as ReadonlyArray<
    readonly [
      string,
      Partial<ConstructorParameters<typeof LastHeartbeat>[0]>,
      string | undefined,
      ReadonlyArray<string>
    ]
  >) {
    it(`${name}`, () => {
      assert.deepStrictEqual(placesOf(more, externalIp), expected)
    })
  }
})
