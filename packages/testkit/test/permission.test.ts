import { assert, describe, it } from "@effect/vitest"
import { fromPeers } from "@piecework/domain/SourceKind"
import { Months, Seeder } from "@piecework/download"
import type { Facts } from "@piecework/policy/Facts"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import { gibibyte } from "@piecework/policy/Units"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { download, expectFile } from "./downloads.ts"
import { until, within } from "./within.ts"

const bytes = World.bytesOf(50 * 4096)
const policyOf = (values: { readonly [name: string]: unknown }) => Policy.resolve([{ provider: "MachineFile", values }])

/** A device whose facts and settings a test changes. */
const device = (values: { readonly [name: string]: unknown } = {}, first: Partial<Facts> = {}) => {
  let facts = first
  const policy = LivePolicy.changing(policyOf(values))
  return {
    options: { facts: () => facts, policy },
    becomes: (next: Partial<Facts>) => {
      facts = next
    },
    say: (next: { readonly [name: string]: unknown }) => policy.set(policyOf(next))
  }
}

/** Where others at the Internet reach what is behind it. */
const siteIp = "203.0.113.1"

/** A world with a client that holds the file and sends 10 kB of it a second, while the origin gives nothing. */
const seeded = (given: { readonly options: World.ClientOptions }, mode: "Lan" | "Internet" = "Lan") =>
  Effect.gen(function* () {
    const lines = { [siteIp]: [MemoryNetwork.line(10_000)], [World.originHost]: [MemoryNetwork.line(20_000)] }
    const world = yield* World.make({
      network: { link: (from) => (from === siteIp || from === World.originHost ? { lines: lines[from] ?? [] } : {}) }
    })
    const { url, phf } = yield* world.publish("/file", bytes)
    const seed = yield* world.client({ ...given.options, host: siteIp })
    yield* Effect.scoped(download(seed, { url }, bytes))
    const seeding = yield* Context.get(seed.services, Seeder.Seeder).start({ scope: mode })
    world.origin.misbehave({ status: 403 })
    const sent = () => seeding.contents()[0]?.sent ?? 0
    return { world, url, phf, seeding, sent }
  })

/** Neither a byte more nor less for half a minute, but for what was on its way. */
const expectStill = (sent: () => number) =>
  Effect.gen(function* () {
    yield* TestClock.adjust("6 seconds")
    const before = sent()
    yield* TestClock.adjust("30 seconds")
    assert.strictEqual(sent(), before)
    assert.isBelow(before, bytes.length)
  })

describe("a device that serves", () => {
  for (const [name, values, good, bad] of [
    ["is unplugged", {}, {}, { power: { percent: 100 } }],
    [
      "falls below the charge that is asked for",
      { DOMinBatteryPercentageAllowedToUpload: 40 },
      { power: { percent: 40 } },
      { power: { percent: 39 } }
    ]
  ] as const) {
    it.effect(`and ${name} sends nothing until that is over, and keeps its sessions`, () =>
      Effect.gen(function* () {
        const given = device(values, good)
        const { sent, seeding, url, world } = yield* seeded(given)
        const client = yield* world.client({ config: { noProgressTimeout: "10 minutes" } })
        const active = yield* client.start({ url })
        yield* until(() => sent() > 20_000)
        given.becomes(bad)
        yield* expectStill(sent)
        assert.strictEqual(seeding.contents()[0]?.peers, 1)
        given.becomes(good)
        yield* until(() => sent() === bytes.length)
        const result = yield* within("1 minute", expectFile(client, active, bytes))
        assert.strictEqual(fromPeers(result.bytes), bytes.length)
      })
    )
  }

  it.effect("over a network that is found to be metered stops within a minute", () =>
    Effect.gen(function* () {
      const given = device()
      const { sent, seeding, url, world } = yield* seeded(given)
      const config = { noProgressTimeout: "10 minutes" } as const
      yield* TestClock.adjust("40 seconds")
      yield* (yield* world.client({ config })).start({ url })
      yield* until(() => sent() > 20_000)
      given.becomes({ isMetered: true })
      yield* TestClock.adjust("6 seconds")
      yield* expectStill(sent)
      assert.strictEqual(seeding.contents()[0]?.peers, 1)
    })
  )

  it.effect("is not handed out while it may not send", () =>
    Effect.gen(function* () {
      const given = device()
      const { phf, url, world } = yield* seeded(given)
      given.becomes({ power: { percent: 80 } })
      yield* TestClock.adjust("10 seconds")
      world.origin.misbehave({})
      const without = yield* Effect.scoped(download(yield* world.client(), { url }, bytes))
      assert.strictEqual(without.bytes.Origin, bytes.length)
      given.say({ DOMinBatteryPercentageAllowedToUpload: 50 })
      yield* TestClock.adjust("1 second")
      world.origin.misbehave({ status: 403 })
      const result = yield* Effect.scoped(download(yield* world.client(), { url, contentId: phf.contentId }, bytes))
      assert.strictEqual(fromPeers(result.bytes), bytes.length)
    })
  )
})

describe("a device that comes on a VPN", () => {
  it.effect("in the middle of a download leaves its peers, goes on over HTTP, and meets them again afterwards", () =>
    Effect.gen(function* () {
      const given = device()
      const { sent, url, world } = yield* seeded(device())
      world.origin.misbehave({})
      const client = yield* world.client(given.options)
      const active = yield* client.start({ url })
      yield* until(() => sent() > 20_000)
      given.becomes({ vpn: "tun0" })
      yield* until(() => active.progress().peers === 0)
      const before = sent()
      const result = yield* within("1 minute", expectFile(client, active, bytes))
      assert.isAbove(result.bytes.Lan, 0)
      assert.isAbove(result.bytes.Origin, bytes.length / 2)
      assert.strictEqual(result.bytes.Lan + result.bytes.Origin, bytes.length)
      assert.strictEqual(sent(), before)

      // It serves again once the VPN is gone.
      const other = yield* world.client({ config: { noProgressTimeout: "10 minutes" } })
      world.origin.misbehave({ status: 403 })
      given.becomes({})
      yield* TestClock.adjust("6 seconds")
      yield* other.start({ url })
      yield* until(() => active.progress().peers === 1)
    })
  )

  it.effect("serves nobody until it is gone, and may where that is allowed", () =>
    Effect.gen(function* () {
      const given = device({}, { vpn: false })
      const { seeding, sent, url, world } = yield* seeded(given)
      world.origin.misbehave({})
      const scope = yield* Scope.make()
      const active = yield* Scope.provide((yield* world.client()).start({ url }), scope)
      yield* until(() => sent() > 20_000)
      given.becomes({ vpn: "wg0" })
      yield* until(() => seeding.contents()[0]?.peers === 0)
      yield* expectStill(sent)
      assert.strictEqual(active.progress().phase, "Done")
      yield* Scope.close(scope, Exit.void)
      given.say({ DOAllowVPNPeerCaching: 1 })
      yield* TestClock.adjust("1 second")
      world.origin.misbehave({ status: 403 })
      const result = yield* download(yield* world.client(), { url }, bytes)
      assert.strictEqual(result.bytes.Lan, bytes.length)
    })
  )
})

describe("what Internet peers are sent", () => {
  it.effect("ends at the month's cap, goes on for peers of the site, and begins anew with the next month", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(new Date(2026, 10, 30, 23, 55).getTime())
      const given = device({ DODownloadMode: 3, DOMonthlyUploadDataCap: 1 })
      const months = Context.get(yield* Layer.build(Months.Months.layerMemory), Months.Months)
      months.add({ toInternet: gibibyte - 30_000 })
      const { sent, url, world } = yield* seeded({ options: { ...given.options, months } }, "Internet")
      const config = { noProgressTimeout: "10 minutes" } as const
      const stranger = yield* world.client({ externalIp: "198.51.100.7", config })
      yield* stranger.start({ url, mode: "Internet" })
      yield* until(() => sent() > 0)
      yield* expectStill(sent)
      // Whole blocks are sent, and nothing else.
      assert.isBelow(sent(), 30_000 + 2 * 1024)
      assert.strictEqual(months.sum().sums.toInternet, gibibyte - 30_000 + sent())

      const neighbour = yield* world.client({ config })
      const result = yield* download(neighbour, { url, mode: "Internet" }, bytes)
      assert.strictEqual(result.bytes.Lan, bytes.length)
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(months.sum().month, "2026-12")
      yield* until(() => months.sum().sums.toInternet > 0)
    })
  )
})
