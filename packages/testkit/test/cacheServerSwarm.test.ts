import { assert, describe, it } from "@effect/vitest"
import { TestCacheHosts, World } from "@piecework/testkit"
import { Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import { bytes, cache, other, published } from "./cacheScene.ts"
import { download, expectFile, failure } from "./downloads.ts"
import { until, within } from "./within.ts"

describe("a download from a swarm where there is a cache server", () => {
  it.effect("takes it from there, and tells the swarm so", () =>
    Effect.gen(function* () {
      const { client, server, url, world } = yield* published()
      const result = yield* download(client, { url }, bytes)
      assert.strictEqual(result.mode, "Lan")
      assert.strictEqual(result.bytes.CacheServer, bytes.length)
      assert.strictEqual(world.origin.requests().length, 0)
      assert.isAtMost(server.sent(), 1.05 * bytes.length)
      assert.strictEqual(result.cache?.reason, "Asked")
    })
  )

  for (const [what, options] of [
    ["is not there", { isAbsent: true }],
    ["refuses the origin", { faults: { status: 403 } }],
    ["fails", { faults: { status: 500 } }],
    ["sends other bytes", { faults: { corrupt: true } }],
    ["breaks off", { faults: { cutAfter: 2000 } }],
    ["answers nothing", { faults: { silent: true } }]
  ] as const) {
    // One that takes the connection and stays silent may have a whole site before it: it has half a minute for its head.
    const isSilent = what === "answers nothing"
    const when = isSilent ? "after half a minute" : "at once"
    it.effect(`takes it from the origin ${when} where it ${what} and no delay is set`, () =>
      Effect.gen(function* () {
        const { client, url } = yield* published(options)
        const result = yield* download(client, { url }, bytes, isSilent ? "40 seconds" : "20 seconds")
        assert.isAbove(result.bytes.Origin, 0.9 * bytes.length)
      })
    )

    it.effect(`keeps from the origin until the delay is over where it ${what}`, () =>
      Effect.gen(function* () {
        const { client, url, world } = yield* published({ ...options, delay: 900 })
        const active = yield* client.start({ url })
        yield* TestClock.adjust("895 seconds")
        assert.strictEqual(world.origin.requests().length, 0)
        yield* within("15 seconds", expectFile(client, active, bytes))
      })
    )

    it.effect(`never asks the origin where it ${what} and the delay is -1`, () =>
      Effect.gen(function* () {
        const { client, url, world } = yield* published({ ...options, delay: -1 })
        const error = yield* failure(client, { url }, "7 minutes")
        assert.include(["NoSourceError", "NoProgressError"], error._tag)
        if (what === "refuses the origin") assert.include(error.message, "HTTP 403")
        if (what === "sends other bytes") assert.match(error.message, /^The bytes that the cache server sends/)
        assert.strictEqual(world.origin.requests().length, 0)
      })
    )
  }

  it.effect(
    "takes the hashes that lie beside it from there as well, and never from the origin where the delay is -1",
    () =>
      Effect.gen(function* () {
        const { policy, server, url, world } = yield* published({ delay: -1 })
        server.put(World.cachePathOf("/file.phf"), World.hashesOf(bytes, 4096))
        const { contentId } = World.phfOf(bytes, 4096)
        const cacheHosts = (yield* TestCacheHosts.make([cache])).service
        const cloudless = yield* world.client({ cacheHosts, policy, noService: true })
        const result = yield* download(cloudless, { url, contentId, mode: "Lan" }, bytes)
        assert.strictEqual(result.mode, "Lan")
        assert.strictEqual(result.bytes.CacheServer, bytes.length)
        assert.strictEqual(world.origin.requests().length, 0)
      })
  )

  it.effect("asks the origin for nothing before it is known whether there is one, where the delay is -1", () =>
    Effect.gen(function* () {
      const { cacheHosts, client, url, world } = yield* published({ delay: -1, hosts: [] })
      cacheHosts.unsettle()
      const active = yield* client.start({ url })
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(world.origin.requests().length, 0)
      cacheHosts.set([cache])
      cacheHosts.settle()
      const result = yield* within("1 minute", expectFile(client, active, bytes))
      assert.strictEqual(result.bytes.CacheServer, bytes.length)
      assert.strictEqual(world.origin.requests().length, 0)
    })
  )

  it.effect("is read from there", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* published()
      const content = yield* within("5 seconds", client.open({ url }))
      const read = yield* within(
        "1 minute",
        Stream.runCollect(Stream.map(content.read(undefined), (part) => part.slice()))
      )
      assert.strictEqual(Buffer.compare(Buffer.concat(read), bytes), 0)
      assert.strictEqual(content.progress().received.CacheServer, bytes.length)
      assert.strictEqual(world.origin.requests().length, 0)
    })
  )

  it.effect("turns to one that comes while it runs, and from one that goes", () =>
    Effect.gen(function* () {
      const { cacheHosts, client, server, url, world } = yield* published({ hosts: [] })
      const large = World.bytesOf(300 * 4096)
      yield* world.publish("/file", large)
      server.put(World.cachePathOf("/file"), large)
      const active = yield* client.start({ url })
      yield* until(() => active.progress().received.Origin > 20_000)
      cacheHosts.set([cache])
      yield* until(() => active.progress().received.CacheServer > 20_000)
      cacheHosts.set([])
      const result = yield* within("1 minute", expectFile(client, active, large))
      assert.isAbove(result.bytes.Origin, 30_000)
      assert.strictEqual(result.cache?.reason, "NoneKnown")
    })
  )

  it.effect("stays with one that delivers when another one comes first", () =>
    Effect.gen(function* () {
      const { cacheHosts, client, server, url, world } = yield* published()
      const active = yield* client.start({ url })
      yield* until(() => active.progress().received.CacheServer > 20_000)
      cacheHosts.set([other, cache])
      const result = yield* within("1 minute", expectFile(client, active, bytes))
      assert.strictEqual(result.bytes.CacheServer, bytes.length)
      assert.isAtMost(server.sent(), 1.05 * bytes.length)
      assert.strictEqual(world.origin.requests().length, 0)
      assert.deepStrictEqual(cacheHosts.failures(), [])
    })
  )

  it.effect("turns to the next of the list", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* published({ hosts: [other, cache] })
      const result = yield* download(client, { url }, bytes)
      assert.isAbove(result.bytes.CacheServer, 0.8 * bytes.length)
      assert.isBelow(world.origin.sent(), 0.2 * bytes.length)
    })
  )
})
