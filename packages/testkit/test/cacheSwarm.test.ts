import { assert, describe, it } from "@effect/vitest"
import { TestCacheHosts, World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Clock, Effect } from "effect"
import { expectFile } from "./downloads.ts"
import { within } from "./within.ts"

const small = World.bytesOf(120 * 4096)
const large = World.bytesOf(400 * 4096)

/** Requests to servers do not wait behind what a device sends to others. */
const isServer = (host: string) => !host.startsWith("10.0.")

/** A site whose cache server sends so many bytes a second, and whose devices send so many each. */
const site = Effect.fnUntraced(function* (bytes: Uint8Array, devices: number, cacheRate: number, deviceRate: number) {
  const own = new Map<string, MemoryNetwork.Line>()
  const rateOf = (host: string) => (host === World.cacheHost ? cacheRate : host.startsWith("10.0.") ? deviceRate : 1e9)
  const lineOf = (host: string) => {
    const line = own.get(host) ?? MemoryNetwork.line(rateOf(host))
    own.set(host, line)
    return line
  }
  const world = yield* World.make({
    network: { link: (from, to) => ({ latency: "1 millis", lines: isServer(to) ? [] : [lineOf(from)] }) }
  })
  const { url } = yield* world.publish("/file", bytes)
  const cache = yield* world.cacheServer({ "/file": bytes })
  const clients = yield* Effect.forEach(Array.from({ length: devices }), () =>
    Effect.gen(function* () {
      const { service } = yield* TestCacheHosts.make([World.cacheAt(World.cacheHost)])
      return yield* world.client({ cacheHosts: service })
    })
  )
  return { world, url, cache, clients }
})

/** Copies that the cache server sent, and seconds until the last device had the file. */
const run = Effect.fnUntraced(function* (bytes: Uint8Array, devices: number, cacheRate: number, deviceRate: number) {
  const { cache, clients, url, world } = yield* site(bytes, devices, cacheRate, deviceRate)
  const began = yield* Clock.currentTimeMillis
  const downloads = Effect.forEach(
    clients,
    (client) => Effect.flatMap(client.start({ url }), (active) => expectFile(client, active, bytes)),
    { concurrency: "unbounded" }
  )
  yield* within("2 minutes", downloads)
  assert.strictEqual(world.origin.sent(), 0)
  return { copies: cache.sent() / bytes.length, seconds: ((yield* Clock.currentTimeMillis) - began) / 1000 }
})

describe("a site whose devices come all at once, with a cache server of 200 kB/s", () => {
  const ideal = small.length / 200_000

  for (const deviceRate of [200_000, 2_000_000]) {
    it.effect(`has the file from it hardly more than once, where each device sends ${deviceRate / 1000} kB/s`, () =>
      Effect.gen(function* () {
        const { copies, seconds } = yield* run(small, 11, 200_000, deviceRate)
        assert.isBelow(copies, 1.5)
        assert.isBelow(seconds, 1.6 * ideal)
      })
    )
  }
})

describe("a site whose cache server is a hundred times faster than its devices", () => {
  it.effect("lets each device take from there what its neighbours are too slow for", () =>
    Effect.gen(function* () {
      const { copies, seconds } = yield* run(large, 5, 2_000_000, 20_000)
      assert.isAbove(copies, 2)
      // Among themselves they would need 80 s.
      assert.isBelow(seconds, 40)
    })
  )
})
