import { assert, describe, it } from "@effect/vitest"
import { Host } from "@piecework/host/Host"
import type { NetworkInterface } from "@piecework/host/NetworkInterface"
import { Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { JobNetwork } from "../src/JobNetwork.ts"
import * as NetworkLook from "../src/NetworkLook.ts"
import { connected, jobsAt, properties, site, url } from "./support/jobs.ts"

const one = (name: string, kind?: string, address = "10.0.0.2", hardware = 1): NetworkInterface => ({
  name,
  alias: "",
  isLoopback: name === "lo",
  addresses: [{ address, netmask: "255.255.255.0", family: address.includes(":") ? "IPv6" : "IPv4" }],
  hardware,
  kind
})

const isCellular = (...all: ReadonlyArray<NetworkInterface>) => NetworkLook.costOf(undefined, all).isCellular

describe("What bytes cost", () => {
  it("is what the network manager says, and nothing when it says nothing", () => {
    assert.strictEqual(NetworkLook.costOf(true, []).cost, "Metered")
    assert.strictEqual(NetworkLook.costOf(false, []).cost, "Unrestricted")
    assert.deepStrictEqual(NetworkLook.costOf(undefined, []), NetworkLook.unknown)
  })
  it("is that of a cellular network when no other leads beyond the device", () => {
    const [loopback, modem, cable] = [one("lo"), one("wwan0", "wwan"), one("eth0")]
    assert.isTrue(isCellular(loopback, modem))
    assert.isTrue(isCellular(one("wwp0s20u4i6")))
    assert.isTrue(isCellular(modem, one("wg0", "wireguard"), one("tun0", undefined, "10.8.0.2", 65_534)))
    assert.isTrue(isCellular(modem, one("docker0", "bridge"), one("veth1", undefined, "fe80::1")))
    assert.isFalse(isCellular(modem, cable))
    assert.isFalse(isCellular(loopback))
    assert.isFalse(isCellular(one("wlan0", "wlan")))
  })
})

/** A device whose network changes. */
const device = Effect.gen(function* () {
  const now = { isMetered: false }
  const layer = JobNetwork.layer.pipe(Layer.provide(Host.layerTest({ facts: () => now })))
  return { now, network: Context.get(yield* Layer.build(Layer.fresh(layer)), JobNetwork) }
})

describe("The network of this device", () => {
  it.effect("is looked at every 30 s", () =>
    Effect.gen(function* () {
      const { network, now } = yield* device
      const cost = Effect.map(network.now, (seen) => seen.cost)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* cost, "Unrestricted")
      now.isMetered = true
      yield* TestClock.adjust("29 seconds")
      assert.strictEqual(yield* cost, "Unrestricted")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* cost, "Metered")
    })
  )
})

describe("A job that may not use a network of this cost", () => {
  for (const [what, property, change, number] of [
    ["that is metered", ["CostPolicy", "1"], { cost: "Metered" }, 0x80d03801],
    ["that is cellular", ["DisallowOnCellular", "true"], { isCellular: true }, 0x80d03803],
    ["of cellular kind, by its policy", ["CostPolicy", "5"], { isCellular: true }, 0x80d03803]
  ] as const) {
    it.effect(`${what} is paused while it is in use, and goes on by itself`, () =>
      Effect.gen(function* () {
        const place = site()
        place.memory.origins.set(url, { bytes: 1000, rate: 10 })
        const jobs = yield* jobsAt(place)
        const id = yield* jobs.create([...properties(), property])
        yield* jobs.start(id)
        yield* TestClock.adjust("20 seconds")
        place.network = { ...connected, ...change }
        yield* TestClock.adjust("15 seconds")
        assert.deepInclude(yield* jobs.status(id), { state: "Paused", error: 0, extended: number })
        assert.strictEqual(place.memory.running.size, 0)
        const { bytesTransferred } = yield* jobs.status(id)
        yield* TestClock.adjust("5 minutes")
        assert.deepInclude(yield* jobs.status(id), { state: "Paused", error: 0, extended: number, bytesTransferred })
        place.network = connected
        yield* TestClock.adjust("30 seconds")
        assert.deepInclude(yield* jobs.status(id), { state: "Transferring", extended: 0 })
        yield* TestClock.adjust("2 minutes")
        assert.deepInclude(yield* jobs.status(id), { state: "Transferred" })
      })
    )
  }

  it.effect("goes on at once when its caller lets it", () =>
    Effect.gen(function* () {
      const place = site()
      place.memory.origins.set(url, { bytes: 1000, rate: 10 })
      place.network = { ...connected, cost: "Metered" }
      const jobs = yield* jobsAt(place)
      const id = yield* jobs.create([...properties(), ["CostPolicy", "1"]])
      yield* jobs.start(id)
      yield* TestClock.adjust("15 seconds")
      assert.deepInclude(yield* jobs.status(id), { state: "Paused", extended: 0x80d03801 })
      yield* jobs.setProperty(id, "CostPolicy", "0")
      yield* jobs.start(id)
      yield* TestClock.adjust("3 minutes")
      assert.deepInclude(yield* jobs.status(id), { state: "Transferred" })
    })
  )
})
