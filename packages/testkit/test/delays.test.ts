import { assert, describe, it } from "@effect/vitest"
import type { Progress } from "@piecework/download"
import { LivePolicy, Policy } from "@piecework/policy"
import { Cloud } from "@piecework/cloud/Cloud"
import { PolicyChange, PolicySettings } from "@piecework/cloud/PolicySettings"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { download, expectFile } from "./downloads.ts"
import { until, within } from "./within.ts"

const bytes = World.bytesOf(100 * 4096)

const settings = (values: { readonly [name: string]: unknown }) => Policy.resolve([{ provider: "MachineFile", values }])
const always = (values: { readonly [name: string]: unknown }) => LivePolicy.constant(settings(values))
const delayed = { DODelayForegroundDownloadFromHttp: 60, DODelayBackgroundDownloadFromHttp: 120 }

/** A site whose line carries the content in four seconds; what a client sends to others may be limited, in bytes a second. */
const site = (sends: { readonly [host: string]: number } = {}) =>
  Effect.gen(function* () {
    const line = MemoryNetwork.line(100_000)
    const own = new Map(Object.entries(sends).map(([host, rate]) => [host, MemoryNetwork.line(rate)]))
    const world = yield* World.make({
      network: {
        link: (from) => {
          const mine = from === World.originHost ? line : own.get(from)
          return { latency: "1 millis", ...(mine === undefined ? {} : { lines: [mine] }) }
        }
      }
    })
    const { url } = yield* world.publish("/file", bytes)
    return { world, url }
  })

describe("A delay of HTTP", () => {
  it.effect("lets the second device of a site take everything from the first", () =>
    Effect.gen(function* () {
      const { world, url } = yield* site()
      yield* download(yield* world.client(), { url }, bytes)
      const requests = world.origin.requests().length
      const second = yield* download(yield* world.client({ policy: always(delayed) }), { url }, bytes, "10 seconds")
      assert.strictEqual(second.bytes.Lan, bytes.length)
      assert.strictEqual(world.origin.requests().length, requests, "the origin heard nothing of it")
    })
  )

  for (const [priority, seconds] of [
    ["Foreground", 60],
    ["Background", 120]
  ] as const) {
    for (const noService of [false, true])
      it.effect(
        `ends to the millisecond where nobody else has it: ${priority}, ${noService ? "found without" : "with"} a service`,
        () =>
          Effect.gen(function* () {
            const { world, url } = yield* site()
            const { contentId } = World.phfOf(bytes, 4096)
            world.origin.put("/file.phf", World.hashesOf(bytes, 4096))
            const client = yield* world.client({ policy: always(delayed), noService, hasLan: noService })
            const active = yield* client.start({ url, priority, ...(noService ? { contentId } : {}) })
            const done = yield* Effect.forkChild(expectFile(client, active, bytes))
            const asked = () => world.origin.requests().filter((request) => !request.includes(".phf")).length
            yield* TestClock.adjust(seconds * 1000 - 1)
            assert.strictEqual(asked(), 0)
            assert.strictEqual(active.progress().httpAfterMillis, seconds * 1000)
            // A request takes a millisecond to get there, and one more to get a connection.
            yield* TestClock.adjust(4)
            assert.isAbove(asked(), 0)
            assert.isUndefined(active.progress().httpAfterMillis)
            const result = yield* within("10 seconds", Fiber.join(done))
            assert.strictEqual(result.bytes.Origin, bytes.length)
          })
      )
  }

  it.effect("is none where there can be no peers", () =>
    Effect.gen(function* () {
      const { world, url } = yield* site()
      const policy = always(delayed)
      yield* download(yield* world.client({ policy }), { url, mode: "HttpOnly" }, bytes, "6 seconds")
      yield* download(yield* world.client({ policy, noService: true }), { url }, bytes, "6 seconds")
      // Its hashes are known, but there is nowhere to look for peers.
      world.origin.put("/file.phf", World.hashesOf(bytes, 4096))
      const { contentId } = World.phfOf(bytes, 4096)
      const alone = yield* world.client({ policy, noService: true })
      assert.strictEqual((yield* download(alone, { url, contentId }, bytes, "6 seconds")).mode, "Lan")
      world.origin.put("/unknown", bytes)
      const result = yield* download(
        yield* world.client({ policy }),
        { url: world.urlOf("/unknown") },
        bytes,
        "6 seconds"
      )
      assert.strictEqual(result.mode, "Simple")
    })
  )

  it.effect(
    "that is taken back or made shorter ends at once, and one that is made holds back a download that runs",
    () =>
      Effect.gen(function* () {
        const { world, url } = yield* site()
        const policy = LivePolicy.changing(settings({ DODelayForegroundDownloadFromHttp: 4_000_000_000 }))
        const client = yield* world.client({ policy })
        const active = yield* client.start({ url })
        const done = yield* Effect.forkChild(expectFile(client, active, bytes))
        yield* TestClock.adjust("6 minutes")
        assert.strictEqual(world.origin.requests().length, 0)
        policy.set(settings({}))
        yield* until(() => active.progress().received.Origin > 50_000)
        policy.set(settings({ DODelayForegroundDownloadFromHttp: 7200 }))
        yield* TestClock.adjust("5 seconds")
        // What was under way has come, and nothing more.
        const { received } = active.progress()
        assert.isBelow(received.Origin, bytes.length)
        yield* TestClock.adjust("6 minutes")
        assert.strictEqual(active.progress().received.Origin, received.Origin)
        policy.set(settings({ DODelayForegroundDownloadFromHttp: 750 }))
        const result = yield* within("1 minute", Fiber.join(done))
        assert.isAtLeast(result.durationMillis, 750_000)
        assert.isBelow(result.durationMillis, 760_000)
      })
  )

  it.effect("leaves the service in peace while it lasts", () =>
    Effect.gen(function* () {
      const { world, url } = yield* site()
      let asks = 0
      const counting = Layer.effect(
        Cloud,
        Effect.map(Cloud, (base) => ({
          ...base,
          lease: (...asked: Parameters<typeof base.lease>) => {
            asks++
            return base.lease(...asked)
          }
        }))
      ).pipe(Layer.provide(world.cloud))
      const client = yield* world.client({ policy: always(delayed), cloud: counting })
      yield* client.start({ url })
      yield* TestClock.adjust("59 seconds")
      assert.isAtMost(asks, 13)
      yield* TestClock.adjust("4 seconds")
      assert.isAbove(asks, 15)
    })
  )

  it.effect("costs a site that waits together one copy", () =>
    Effect.gen(function* () {
      const { world, url } = yield* site()
      const policy = always({ DODelayBackgroundDownloadFromHttp: 30 })
      const clients = yield* Effect.forEach(Array.from({ length: 8 }), () => world.client({ policy }))
      const results: ReadonlyArray<Progress.DownloadResult> = yield* within(
        "1 minute",
        Effect.forEach(
          clients,
          (client) =>
            Effect.flatMap(client.start({ url, priority: "Background" }), (one) => expectFile(client, one, bytes)),
          { concurrency: "unbounded" }
        )
      )
      assert.isAtMost(world.origin.sent("/file"), 1.05 * bytes.length)
      for (const { durationMillis } of results) assert.isAtLeast(durationMillis, 30_000)
    })
  )
})

describe("Peers that give too little", () => {
  /** The first has it all and sends 4 KB/s; the second would need 100 seconds with it alone. */
  const slowly = Effect.fnUntraced(function* (
    policy: { readonly [name: string]: unknown },
    priority: "Foreground" | "Background",
    limit: "40 seconds" | "4 minutes",
    finding: Pick<World.ClientOptions, "noService" | "hasLan"> = {}
  ) {
    const { world, url } = yield* site({ "10.0.0.1": 4096 })
    world.origin.put("/file.phf", World.hashesOf(bytes, 4096))
    const { contentId } = World.phfOf(bytes, 4096)
    yield* download(yield* world.client(finding), { url, contentId }, bytes)
    const client = yield* world.client({ ...finding, policy: always(policy) })
    return yield* download(client, { url, contentId, priority }, bytes, limit)
  })

  for (const [leases, finding] of [
    ["with leases", {}],
    ["without leases", { noService: true, hasLan: true }]
  ] as const) {
    it.effect(`are helped by HTTP in the background when somebody said how fast it has to be: ${leases}`, () =>
      Effect.gen(function* () {
        const result = yield* slowly({ DOMinBackgroundQos: 16 }, "Background", "40 seconds", finding)
        assert.isAbove(result.bytes.Origin, 0.5 * bytes.length)
        assert.isAbove(result.bytes.Lan, 0.1 * bytes.length)
      })
    )
  }

  it.effect("are helped by HTTP in the foreground when the publisher of the content said how fast it has to be", () =>
    Effect.gen(function* () {
      const { world, url } = yield* site({ "10.0.0.1": 4096 })
      const set = new PolicySettings({ foregroundQosBps: 16_384 })
      yield* Effect.orDie(
        world.catalog.setPolicy(World.phfOf(bytes, 4096).contentId, new PolicyChange({ set, reset: [] }))
      )
      yield* download(yield* world.client(), { url }, bytes)
      const result = yield* download(yield* world.client(), { url }, bytes, "40 seconds")
      assert.isAbove(result.bytes.Origin, 0.5 * bytes.length)
      assert.isAbove(result.bytes.Lan, 0.1 * bytes.length)
    })
  )

  it.effect("are helped only as far as it was said", () =>
    Effect.gen(function* () {
      const result = yield* slowly({ DOMinBackgroundQos: 6 }, "Background", "4 minutes")
      // 2 of 6 KB/s are lacking.
      assert.isAtLeast(result.bytes.Origin, 0.2 * bytes.length)
      assert.isAtMost(result.bytes.Origin, 0.45 * bytes.length)
    })
  )

  it.effect("are left alone in the foreground, and where nobody said it: the line brings nothing twice", () =>
    Effect.gen(function* () {
      const foreground = yield* slowly({ DOMinBackgroundQos: 16 }, "Foreground", "4 minutes")
      assert.strictEqual(foreground.bytes.Lan, bytes.length)
      const unsaid = yield* slowly({}, "Background", "4 minutes")
      assert.strictEqual(unsaid.bytes.Lan, bytes.length)
    })
  )
})

describe("A mode without peers that is said while a download runs", () => {
  it.effect("ends its sessions, and the origin has the rest", () =>
    Effect.gen(function* () {
      const { world, url } = yield* site({ "10.0.0.1": 20_000 })
      yield* download(yield* world.client(), { url }, bytes)
      const policy = LivePolicy.changing(settings({ DODelayForegroundDownloadFromHttp: 3600 }))
      const client = yield* world.client({ policy })
      const active = yield* client.start({ url })
      const done = yield* Effect.forkChild(expectFile(client, active, bytes))
      yield* until(() => active.progress().received.Lan > 50_000)
      assert.strictEqual(active.progress().peers, 1)
      policy.set(settings({ DODelayForegroundDownloadFromHttp: 3600, DODownloadMode: 0 }))
      const result = yield* within("10 seconds", Fiber.join(done))
      assert.strictEqual(active.progress().peers, 0)
      assert.isAbove(result.bytes.Lan, 40_000)
      assert.isAbove(result.bytes.Origin, bytes.length / 2)
    })
  )

  it.effect("or before it has begun leaves it without", () =>
    Effect.gen(function* () {
      const { world, url } = yield* site()
      yield* download(yield* world.client(), { url }, bytes)
      const result = yield* download(yield* world.client({ policy: always({ DODownloadMode: 0 }) }), { url }, bytes)
      assert.deepStrictEqual([result.mode, result.why.reason], ["HttpOnly", "NotEligible"])
      assert.strictEqual(result.bytes.Origin, bytes.length)
    })
  )
})
