import { assert, describe, it } from "@effect/vitest"
import { Cloud, CloudConfig } from "@piecework/cloud"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { Host } from "@piecework/host"
import type { NetworkInterface } from "@piecework/host/NetworkInterface"
import { Lan, MemoryMulticast } from "@piecework/lan"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import { Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Announcing from "../src/Announcing.ts"
import { nameOf } from "../src/CacheHost.ts"
import { CacheHosts } from "../src/CacheHosts.ts"
import type { Said } from "../src/Hosts.ts"

const url = "http://origin.example/file" as ContentUrl
const policyOf = (values: Policy.Said["values"]) => Policy.resolve([{ provider: "MachineFile", values }])

const interfaceOf = (address: string, more?: Partial<NetworkInterface>): NetworkInterface => ({
  name: "eth0",
  alias: "",
  isLoopback: false,
  addresses: [{ address, netmask: "255.255.255.0", family: "IPv4" }],
  hardware: 1,
  kind: undefined,
  ...more
})

const asked = Effect.fnUntraced(function* (of: ContentUrl = url) {
  const choice = yield* (yield* CacheHosts).choose(of)
  return choice._tag === "Use" ? nameOf(choice.cache) : choice.why
})

const known = Effect.gen(function* () {
  const all = yield* (yield* CacheHosts).known
  return all.map(({ bannedUntil, cache, without }) => [nameOf(cache), cache.provider, without ?? bannedUntil])
})

/** The cache servers of a device at 10.0.0.1, and its settings. */
interface Device {
  readonly policy?: Policy.Said["values"]
  readonly dhcp?: () => string | undefined
  readonly interfaces?: () => ReadonlyArray<NetworkInterface>
  readonly cloud?: Cloud.Cloud["Service"]
  readonly atOnce?: boolean
}

const device = Effect.fnUntraced(function* (given: Device) {
  const live = LivePolicy.changing(policyOf(given.policy ?? {}))
  const host = Layer.effect(
    Host.Host,
    Effect.map(Host.Host, (one) => ({
      ...one,
      dhcp: Effect.sync(() => ({ group: undefined, domain: undefined, cacheHosts: given.dhcp?.() })),
      interfaces: Effect.sync(() => given.interfaces?.() ?? [interfaceOf("10.0.0.1")])
    }))
  ).pipe(Layer.provide(Host.Host.layerTest()))
  const network = yield* MemoryMulticast.MemoryMulticast
  const lan = Lan.Lan.layer.pipe(
    Layer.provide(MemoryMulticast.layerMulticast("10.0.0.1")),
    Layer.provide(Layer.succeed(MemoryMulticast.MemoryMulticast, network))
  )
  const context = yield* Layer.build(
    CacheHosts.layer({ lan, atOnce: given.atOnce }).pipe(
      Layer.provide([
        host,
        Layer.succeed(LivePolicy.LivePolicy, live),
        given.cloud === undefined ? Layer.empty : Layer.succeed(Cloud.Cloud, given.cloud)
      ])
    )
  )
  const hosts = Context.get(context, CacheHosts)
  const questions = () =>
    network.sent().filter(({ from, message }) => from === "10.0.0.1" && message._tag === "Query").length
  let changes = 0
  yield* hosts.onChange(() => void changes++)
  const here = Effect.provideService(CacheHosts, hosts)
  return {
    hosts,
    live,
    changes: () => changes,
    asked: (of?: ContentUrl) => here(asked(of)),
    known: here(known),
    /** It has begun to ask the network; what does so is loaded when it is needed, which takes turns of the process and no time of the clock. */
    looks: Effect.gen(function* () {
      // Loaded from the disk it would take as many turns as the machine likes.
      yield* Effect.promise(() => import("../src/internal/browseFor.ts"))
      for (let n = 0; n < 10_000; n++) {
        yield* TestClock.adjust(1)
        if (questions() > 0) return
        yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
      }
      assert.fail("the network was not asked")
    }),
    questions
  }
})

/** A cache server at the address, until its scope closes. */
const announced = Effect.fnUntraced(function* (address: string, options?: Partial<Announcing.Announced>) {
  const life = yield* Scope.fork(yield* Effect.scope)
  const context = yield* Layer.buildWithScope(
    Lan.Lan.layer.pipe(Layer.provide(MemoryMulticast.layerMulticast(address))),
    life
  )
  yield* Announcing.announce({ instance: address, port: 80, isTls: false, ...options }).pipe(
    Effect.provideContext(context),
    Scope.provide(life)
  )
  return { leave: Scope.close(life, Exit.void) }
})

const inMemory = Effect.provide(MemoryMulticast.MemoryMulticast.layer)

describe("The cache servers of a device", () => {
  it.effect("are those of its settings, at once and as they change", () =>
    Effect.gen(function* () {
      const one = yield* device({ policy: { DOCacheHost: "a,b" } })
      assert.strictEqual(yield* one.asked(), "http://a")
      one.live.set(policyOf({ DOCacheHost: "b" }))
      assert.strictEqual(yield* one.asked(), "http://b")
      one.live.set(policyOf({ DOCacheHost: "" }))
      assert.strictEqual(yield* one.asked(), "SwitchedOff")
      assert.strictEqual(one.changes(), 2)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(one.questions(), 0)
    }).pipe(inMemory)
  )

  it.effect("are read from DHCP where that is wanted, again when it is a minute old, and nobody waits for it", () =>
    Effect.gen(function* () {
      let said: string | undefined = "d1"
      let reads = 0
      const dhcp = () => {
        reads++
        return said
      }
      const one = yield* device({ policy: { DOCacheHostSource: 2, DOCacheHost: "a" }, dhcp })
      assert.strictEqual(yield* one.asked(), "http://a")
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* one.asked(), "http://d1")
      assert.isAtLeast(one.changes(), 1)
      said = undefined
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(yield* one.asked(), "http://d1")
      assert.strictEqual(reads, 1)
      yield* TestClock.adjust("1 second")
      yield* one.asked()
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* one.asked(), "http://a")
      assert.strictEqual(reads, 2)
      // While nobody chooses, nobody reads.
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(reads, 2)
    }).pipe(inMemory)
  )

  it.effect("are named by the service with its replies, to whom the one in use is told", () =>
    Effect.gen(function* () {
      let names: ReadonlyArray<string> = ["s1"]
      const told: Array<string | undefined> = []
      const context = yield* Layer.build(
        Cloud.Cloud.layerTest({
          cacheHosts: ({ cacheHost }) => {
            told.push(cacheHost)
            return names.map((host) => ({ host, port: 80, isTls: false }))
          }
        }).pipe(Layer.provide(CloudConfig.layer()))
      )
      const cloud = Context.get(context, Cloud.Cloud)
      const one = yield* device({ cloud })
      assert.strictEqual(yield* one.asked(), "NoneKnown")
      yield* cloud.whereabouts
      assert.strictEqual(yield* one.asked(), "http://s1")
      names = ["s2"]
      yield* cloud.whereabouts
      assert.strictEqual(yield* one.asked(), "http://s1")
      yield* TestClock.adjust("1 hour")
      yield* cloud.whereabouts
      assert.strictEqual(yield* one.asked(), "http://s2")
      assert.deepStrictEqual(told, [undefined, "s1"])
      // Who has a service does not ask the network before that said that it knows none.
      assert.strictEqual(one.questions(), 0)
      // A service that does not answer any more is out of reach, and so is what it spoke of.
      yield* TestClock.adjust("69 minutes")
      assert.strictEqual(yield* one.asked(), "http://s2")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* one.asked(), "NoneKnown")
      yield* one.looks
    }).pipe(inMemory)
  )

  it.effect("are waited for by whoever has to know them: until the service has spoken, and asked for its word", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(
        Cloud.Cloud.layerTest({ cacheHosts: () => [{ host: "s1", port: 80, isTls: false }] }).pipe(
          Layer.provide(CloudConfig.layer())
        )
      )
      const one = yield* device({ cloud: Context.get(context, Cloud.Cloud) })
      yield* one.hosts.settled({ asksService: true })
      assert.strictEqual(yield* one.asked(), "http://s1")
      assert.strictEqual(one.questions(), 0)
    }).pipe(inMemory)
  )

  it.effect("are waited for until DHCP was read, and not at all where the settings name them", () =>
    Effect.gen(function* () {
      const one = yield* device({ policy: { DOCacheHostSource: 1 }, dhcp: () => "d1" })
      yield* one.hosts.settled({ asksService: false })
      assert.strictEqual(yield* one.asked(), "http://d1")
      for (const DOCacheHost of ["a", ""]) {
        const other = yield* device({ policy: { DOCacheHost } })
        yield* other.hosts.settled({ asksService: true })
        assert.strictEqual(other.questions(), 0)
      }
    }).pipe(inMemory)
  )

  it.effect("are waited for on the local network, for a moment, once", () =>
    Effect.gen(function* () {
      const one = yield* device({})
      const waiting = yield* Effect.forkScoped(one.hosts.settled({ asksService: true }))
      yield* one.looks
      const { leave } = yield* announced("10.0.0.7")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(waiting)
      assert.strictEqual(yield* one.asked(), "http://10.0.0.7")
      yield* leave
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* one.asked(), "NoneKnown")
      // It has been listened to for long enough.
      yield* one.hosts.settled({ asksService: true })
    }).pipe(inMemory)
  )

  it.effect("are waited for no longer than a moment where there are none", () =>
    Effect.gen(function* () {
      const one = yield* device({})
      const waiting = yield* Effect.forkScoped(one.hosts.settled({ asksService: true }))
      yield* one.looks
      yield* TestClock.adjust("1400 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("200 millis")
      yield* Fiber.join(waiting)
    }).pipe(inMemory)
  )

  it.effect("are found on the local network where nobody names one, and go when they say so", () =>
    Effect.gen(function* () {
      const { leave } = yield* announced("10.0.0.7", { port: 8080 })
      const one = yield* device({})
      assert.strictEqual(yield* one.asked(), "NoneKnown")
      yield* one.looks
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* one.asked(), "http://10.0.0.7:8080")
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* one.asked(), "http://10.0.0.7:8080")
      const before = one.changes()
      yield* leave
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* one.asked(), "NoneKnown")
      assert.isAbove(one.changes(), before)
    }).pipe(inMemory)
  )

  it.effect("that die without a word are forgotten within two minutes", () =>
    Effect.gen(function* () {
      yield* announced("10.0.0.7")
      const one = yield* device({ atOnce: true })
      yield* one.looks
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* one.asked(), "http://10.0.0.7")
      yield* (yield* MemoryMulticast.MemoryMulticast).cut("10.0.0.7")
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* one.asked(), "NoneKnown")
    }).pipe(inMemory)
  )

  it.effect("with TLS are asked by https", () =>
    Effect.gen(function* () {
      yield* announced("10.0.0.7", { isTls: true, port: 443 })
      const one = yield* device({ policy: { CacheHostTlsOnly: 1 }, atOnce: true })
      yield* one.looks
      yield* announced("10.0.0.8")
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* one.asked(), "https://10.0.0.7")
      assert.sameDeepMembers(
        [...(yield* one.known)],
        [
          ["https://10.0.0.7", "DnsSd", undefined],
          ["http://10.0.0.8", "DnsSd", "NotAllowed"]
        ]
      )
    }).pipe(inMemory)
  )

  it.effect("of strangers are not even looked for where only listed ones may be asked", () =>
    Effect.gen(function* () {
      yield* announced("10.0.0.66")
      const one = yield* device({ policy: { CacheHostListedOnly: 1 }, atOnce: true, dhcp: () => "rogue" })
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* one.asked(), "NoneKnown")
      assert.strictEqual(one.questions(), 0)
      // And those that were found before the settings said so are forgotten.
      one.live.set(policyOf({}))
      yield* one.looks
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* one.asked(), "http://10.0.0.66")
      one.live.set(policyOf({ CacheHostListedOnly: 1 }))
      assert.strictEqual(yield* one.asked(), "NotAllowed")
      yield* TestClock.adjust(1)
      const questions = one.questions()
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* one.asked(), "NoneKnown")
      assert.strictEqual(one.questions(), questions)
    }).pipe(inMemory)
  )

  it.effect("are left alone on a VPN if so set, from when it comes until it goes", () =>
    Effect.gen(function* () {
      let isOn = false
      const tunnel = interfaceOf("10.9.0.1", { name: "tun0", hardware: 65_534 })
      const one = yield* device({
        policy: { DOCacheHost: "a", DODisallowCacheServerDownloadsOnVPN: 1 },
        interfaces: () => (isOn ? [tunnel] : [])
      })
      assert.strictEqual(yield* one.asked(), "http://a")
      isOn = true
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(one.changes(), 1)
      assert.strictEqual(yield* one.asked(), "OnVpn")
      assert.deepStrictEqual(yield* one.known, [["http://a", "Policy", "OnVpn"]])
      isOn = false
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(one.changes(), 2)
      assert.strictEqual(yield* one.asked(), "http://a")
      isOn = true
      one.live.set(policyOf({ DOCacheHost: "a" }))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* one.asked(), "http://a")
    }).pipe(inMemory)
  )

  it.effect("that failed are banned for all downloads, and the end of a ban is heard of", () =>
    Effect.gen(function* () {
      const one = yield* device({ policy: { DOCacheHost: "a,b" } })
      const { hosts } = one
      const fail = (host: string, failure: Parameters<typeof hosts.failed>[2]) =>
        hosts.failed({ host, port: 80, protocol: "http:", provider: "Policy" }, url, failure)
      yield* fail("a", { _tag: "Unreachable", detail: "refused" })
      assert.strictEqual(yield* one.asked(), "http://b")
      yield* TestClock.adjust("5 minutes")
      yield* fail("b", { _tag: "Status", status: 403 })
      assert.strictEqual(yield* one.asked(), "Banned")
      assert.strictEqual(yield* one.asked("http://other.example/file" as ContentUrl), "http://b")
      assert.deepStrictEqual(yield* one.known, [
        ["http://a", "Policy", 900_000],
        ["http://b", "Policy", undefined]
      ])
      const before = one.changes()
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(one.changes(), before + 1)
      assert.strictEqual(yield* one.asked(), "http://a")
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(one.changes(), before + 2)
    }).pipe(inMemory)
  )
})

describe("In memory", () => {
  it.effect("the rules are the real ones", () => {
    let said: Partial<Said> = { dhcp: "d" }
    let vpn: string | false = false
    return Effect.gen(function* () {
      assert.strictEqual(yield* asked(), "http://d")
      said = {}
      assert.strictEqual(yield* asked(), "http://a")
      vpn = "tun0"
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* asked(), "OnVpn")
    }).pipe(
      Effect.provide(
        CacheHosts.layerMemory({ said: () => said, vpn: () => vpn }).pipe(
          Layer.provideMerge(
            LivePolicy.layerConstant(
              policyOf({ DOCacheHost: "a", DOCacheHostSource: 2, DODisallowCacheServerDownloadsOnVPN: 1 })
            )
          )
        )
      )
    )
  })
})
