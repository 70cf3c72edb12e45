import { readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { CacheHosts } from "@piecework/cachehosts/CacheHosts"
import * as Hosts from "@piecework/cachehosts/Hosts"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import { Effect, Fiber, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import * as CacheHostsNote from "../src/CacheHostsNote.ts"
import * as CacheHostsExplained from "../src/view/CacheHostsExplained.ts"
import * as CacheHostsTable from "../src/view/CacheHostsTable.ts"
import * as Programs from "./support/programs.ts"

const policyOf = (values: Policy.Said["values"]) => Policy.resolve([{ provider: "MachineFile", values }])
const rowsOf = (known: ReadonlyArray<CacheHostsNote.Known>, now = 0) =>
  CacheHostsTable.render(known, now)
    .split("\n")
    .slice(1)
    .map((row) => row.split(/ {2,}/))

const url = "http://origin.example/file" as ContentUrl

const scene = (values: Policy.Said["values"], said?: Partial<Hosts.Said>) => ({
  policy: policyOf(values),
  said: { ...Hosts.silent, ...said }
})

describe("The cache servers that a device knows", () => {
  it.effect("are told by the agent to other commands, with their bans, while it runs", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const hosts = yield* CacheHosts
      const [a, b] = (yield* hosts.known).map(({ cache }) => cache)
      assert.isDefined(a)
      assert.isDefined(b)
      yield* hosts.failed(a, url, { _tag: "Unreachable", detail: "refused" })
      yield* hosts.failed(b, url, { _tag: "Status", status: 404 })
      const agent = yield* Effect.forkChild(CacheHostsNote.keepUp(root, hosts))
      for (let n = 0; n < 500 && Option.isNone(yield* CacheHostsNote.read(root)); n++) {
        yield* TestClock.adjust(1)
        yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
      }
      const told = Option.getOrThrow(yield* CacheHostsNote.read(root))
      assert.deepStrictEqual(rowsOf(told), [
        ["http://a", "the policy", "not reached, asked again in 15 minutes"],
        ["http://b", "the policy", "may be asked, but not for http://origin.example"]
      ])
      assert.deepStrictEqual(CacheHostsTable.forPrograms(told, 0)[0], {
        CacheHost: "http://a",
        Provider: "Policy",
        State: "not reached, asked again in 15 minutes",
        Without: null,
        BannedUntil: "1970-01-01T00:15:00.000Z",
        RefusedOrigins: []
      })
      assert.deepStrictEqual(
        rowsOf(told, 900_000).map(([, , state]) => state),
        ["may be asked", "may be asked"]
      )
      yield* Fiber.interrupt(agent)
      assert.isEmpty(readdirSync(root))
    }).pipe(
      Effect.provide(
        CacheHosts.layerMemory().pipe(Layer.provideMerge(LivePolicy.layerConstant(policyOf({ DOCacheHost: "a,b" }))))
      )
    )
  )

  it.effect("are not believed of a file that is no such note", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const tell = (cacheHosts: unknown) =>
        Effect.suspend(() => {
          writeFileSync(join(root, "cachehosts.json"), JSON.stringify({ at: 0, cacheHosts }))
          return CacheHostsNote.read(root)
        })
      const one = { name: "http://a", provider: "Policy", refusedOrigins: [] }
      assert.isTrue(Option.isSome(yield* tell([one])))
      for (const wrong of [
        undefined,
        {},
        [{ ...one, name: "http://a\u001b[2J" }],
        [{ ...one, name: "x".repeat(301) }],
        [{ ...one, provider: "Nobody" }],
        [{ ...one, bannedUntil: "soon" }]
      ]) {
        assert.isTrue(Option.isNone(yield* tell(wrong)), JSON.stringify(wrong))
      }
    })
  )

  it("are without an agent those of the settings and DHCP, and with one what it has heard as well", () => {
    const policy = policyOf({ DOCacheHostSource: 1 })
    const own = CacheHostsNote.byItself(policy, { ...Hosts.silent, dhcp: "d" })
    assert.deepStrictEqual(rowsOf(own), [["http://d", "DHCP", "may be asked"]])
    const heard: ReadonlyArray<CacheHostsNote.Known> = [
      { name: "https://s:8443", provider: "Service", refusedOrigins: [] },
      { name: "http://10.0.0.9", provider: "DnsSd", refusedOrigins: [], bannedUntil: 60_000 }
    ]
    const said = CacheHostsNote.saidOf(heard)
    assert.deepStrictEqual(said.service, [{ host: "s", port: 8443, isTls: true }])
    const all = CacheHostsNote.byItself(policyOf({ CacheHostListedOnly: 1 }), { ...said, dhcp: undefined })
    assert.deepStrictEqual(rowsOf(CacheHostsNote.withBans(all, Option.some(heard))), [
      ["https://s:8443", "the service", "may be asked"],
      ["http://10.0.0.9", "the local network", "not asked: CacheHostListedOnly or CacheHostTlsOnly forbids it"]
    ])
    const open = CacheHostsNote.byItself(policyOf({}), { ...Hosts.silent, dnsSd: said.dnsSd })
    assert.deepStrictEqual(rowsOf(CacheHostsNote.withBans(open, Option.some(heard))), [
      ["http://10.0.0.9", "the local network", "not reached, asked again in 1 minute"]
    ])
  })
})

describe("What is said of the settings about cache servers", () => {
  const { hosts, listedOnly, source, tlsOnly } = CacheHostsExplained

  it("is whom DOCacheHost has asked, and why not the others", () => {
    assert.strictEqual(hosts(scene({})), "It names none. None is known.")
    assert.strictEqual(
      hosts(scene({}, { service: [{ host: "s", port: 80, isTls: false }] })),
      "It names none. http://s is asked, named by the service."
    )
    assert.strictEqual(
      hosts(scene({ DOCacheHost: "" })),
      "It says that there is no cache server, so none is looked for."
    )
    assert.strictEqual(
      hosts(scene({ DOCacheHost: "a,https://b,x/y", CacheHostTlsOnly: 1 })),
      "https://b is asked, named by the policy. Not asked, since CacheHostTlsOnly is set: http://a. Of no use, since they are no hosts: x/y."
    )
    assert.strictEqual(
      hosts(scene({ DOCacheHost: "a,b" })),
      "Asked in this order, the next when one fails, named by the policy: http://a, http://b."
    )
    assert.strictEqual(
      hosts(scene({ DOCacheHost: "a", DOCacheHostSource: 2 }, { dhcp: "d" })),
      "Not asked, since a stronger provider names others: http://a."
    )
    assert.strictEqual(
      hosts(scene({ DOCacheHost: "x/y" })),
      "No cache server is asked. Of no use, since they are no hosts: x/y."
    )
  })

  it("is who else is asked for them", () => {
    assert.strictEqual(source(scene({})), "Cache servers are looked for on the local network, by DNS-SD.")
    assert.strictEqual(source(scene({ DOCacheHostSource: 0 })), "Only DOCacheHost and the service name cache servers.")
    assert.strictEqual(source(scene({ DOCacheHost: "a" })), "It changes nothing now, since DOCacheHost is set.")
    assert.strictEqual(source(scene({ DOCacheHostSource: 1 }, { dhcp: "d" })), "http://d is asked, named by DHCP.")
    assert.strictEqual(
      source(scene({ DOCacheHostSource: 1 })),
      "DHCP gave no option 235. Cache servers are looked for on the local network, by DNS-SD."
    )
    assert.strictEqual(
      source(scene({ DOCacheHostSource: 2, DOCacheHost: "a" }, { dhcp: "x/y" })),
      'DHCP says "x/y", in which there is no host. So DOCacheHost counts.'
    )
    assert.strictEqual(
      source(scene({ DOCacheHostSource: 2, CacheHostListedOnly: 1 })),
      "It changes nothing now, since CacheHostListedOnly leaves only named ones."
    )
  })

  it("is what our own two settings leave", () => {
    const dnsSd = [{ host: "10.0.0.9", port: 80, protocol: "http:" }] as const
    assert.strictEqual(
      listedOnly(scene({ CacheHostListedOnly: 1 }, { dnsSd })),
      "Only cache servers that DOCacheHost or the service names are asked. Those that are known may not be asked."
    )
    assert.strictEqual(
      tlsOnly(scene({ CacheHostTlsOnly: 1 }, { dnsSd })),
      "Not asked, since they are named without https://: http://10.0.0.9."
    )
    assert.strictEqual(
      tlsOnly(scene({ CacheHostTlsOnly: 1, DOCacheHost: "https://a" })),
      "No cache server is asked in plain text."
    )
  })
})
