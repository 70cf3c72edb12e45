import { assert, describe, it } from "@effect/vitest"
import { World } from "@piecework/testkit"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { bytes, cache, other, scene, settings } from "./cacheScene.ts"
import { download, expectFile, failure } from "./downloads.ts"
import { until, within } from "./within.ts"

const simple = { mode: "Simple" } as const

describe("a download over plain HTTP where there is a cache server", () => {
  describe("where a fallback delay is set", () => {
    for (const [what, options] of [
      ["is not there", { isAbsent: true }],
      ["refuses the origin", { faults: { status: 403 } }],
      ["fails", { faults: { status: 500 } }]
    ] as const) {
      it.effect(`stays with one that ${what} until the delay is over, to the second`, () =>
        Effect.gen(function* () {
          const { client, url, world } = yield* scene({ delay: 900, ...options })
          const active = yield* client.start({ url, ...simple })
          yield* TestClock.adjust("899 seconds")
          assert.strictEqual(world.origin.requests().length, 0)
          assert.strictEqual(active.progress().cache?.originFrom, 900_000)
          yield* TestClock.adjust("1 second")
          const result = yield* within("5 seconds", expectFile(client, active, bytes))
          assert.strictEqual(result.bytes.Origin, bytes.length)
          assert.strictEqual(result.cache?.reason, "Left")
        })
      )
    }

    it.effect("goes on with it when it comes back in time, and then has no ban", () =>
      Effect.gen(function* () {
        const { cacheHosts, client, url, world } = yield* scene({ delay: 900 })
        yield* world.network.cut(World.cacheHost)
        const active = yield* client.start({ url, ...simple })
        yield* TestClock.adjust("1 minute")
        yield* world.network.restore(World.cacheHost)
        const result = yield* within("1 minute", expectFile(client, active, bytes))
        assert.strictEqual(result.bytes.CacheServer, bytes.length)
        assert.notInclude(cacheHosts.failures().join(), "Unreachable")
      })
    )

    it.effect("asks the others of the list in turn meanwhile", () =>
      Effect.gen(function* () {
        const { cacheHosts, client, url, world } = yield* scene({ delay: 900, hosts: [other, cache] })
        const result = yield* download(client, { url, ...simple }, bytes)
        assert.strictEqual(result.bytes.CacheServer, bytes.length)
        assert.strictEqual(result.cache?.host, `http://${World.cacheHost}`)
        assert.deepStrictEqual(cacheHosts.failures(), [`http://${World.otherCacheHost} Broken`])
        assert.strictEqual(world.origin.requests().length, 0)
      })
    )

    it.effect("waits between rounds where none of the list answers", () =>
      Effect.gen(function* () {
        const { cacheHosts, client, url } = yield* scene({ delay: 900, isAbsent: true, hosts: [other, cache] })
        yield* client.start({ url, ...simple })
        yield* TestClock.adjust("1 minute")
        assert.isBelow(cacheHosts.failures().length, 80)
      })
    )

    it.effect("does not come back once it is over, also not from an origin that fails", () =>
      Effect.gen(function* () {
        const { client, server, url, world } = yield* scene({ delay: 0, faults: { status: 503 } })
        world.origin.misbehave({ status: 503 })
        const active = yield* client.start({ url, ...simple })
        yield* until(() => world.origin.requests().length > 4)
        assert.strictEqual(server.requests().length, 1)
        world.origin.misbehave({})
        yield* within("1 minute", expectFile(client, active, bytes))
      })
    )

    it.effect("does not leave one that delivers when it is over", () =>
      Effect.gen(function* () {
        const { client, url, world } = yield* scene({ delay: 0 })
        const result = yield* download(client, { url, ...simple }, bytes)
        assert.strictEqual(result.bytes.CacheServer, bytes.length)
        assert.strictEqual(world.origin.requests().length, 0)
      })
    )

    it.effect("holds for those of the other priority by their own setting", () =>
      Effect.gen(function* () {
        const { client, policy, url, world } = yield* scene({ isAbsent: true })
        policy.set(settings({ DODelayCacheServerFallbackBackground: 60 }))
        const background = yield* client.start({ url, ...simple, priority: "Background" })
        yield* download(client, { url, ...simple, path: "/out/foreground" }, bytes, "5 seconds")
        const before = world.origin.requests().length
        yield* TestClock.adjust("50 seconds")
        assert.strictEqual(world.origin.requests().length, before)
        yield* within("20 seconds", expectFile(client, background, bytes))
      })
    )

    it.effect("is at an end when the setting goes", () =>
      Effect.gen(function* () {
        const { client, policy, url } = yield* scene({ delay: 900, faults: { status: 403 } })
        const active = yield* client.start({ url, ...simple })
        yield* TestClock.adjust("10 seconds")
        policy.set(settings({}))
        yield* within("5 seconds", expectFile(client, active, bytes))
      })
    )
  })

  describe("where the fallback delay is -1", () => {
    it.effect("fails with what is wrong where it refuses the content", () =>
      Effect.gen(function* () {
        const { client, url, world } = yield* scene({ delay: -1, faults: { status: 403 } })
        const mirror = world.urlOf("/mirror")
        const error = yield* failure(client, { url, others: [mirror], ...simple }, "5 seconds")
        assert.strictEqual(error._tag, "NoSourceError")
        assert.strictEqual(error._tag === "NoSourceError" ? error.reason : "", "CacheRefused")
        assert.strictEqual(error._tag === "NoSourceError" ? error.status : 0, 403)
        assert.match(error.message, /^The cache server refuses http:.*HTTP 403.*origin/)
        assert.strictEqual(world.origin.requests().length, 0)
      })
    )

    it.effect("says that it is the cache server whose bytes are wrong", () =>
      Effect.gen(function* () {
        const { client, url, world } = yield* scene({ delay: -1, faults: { corrupt: true } })
        const { contentId } = World.phfOf(bytes, 4096)
        const error = yield* failure(client, { url, contentId, ...simple }, "5 seconds")
        assert.match(error.message, /^The bytes that the cache server sends .* do not match .*-1/)
        assert.strictEqual(world.origin.requests().length, 0)
      })
    )

    it.effect("asks the next of the list for what the first sent wrong, and not the first again while that fails", () =>
      Effect.gen(function* () {
        const { client, server, url, world } = yield* scene({
          delay: -1,
          hosts: [cache, other],
          faults: { corrupt: true }
        })
        const second = yield* world.cacheServer({ "/file": bytes }, World.otherCacheHost)
        second.misbehave({ status: 503 })
        const { contentId } = World.phfOf(bytes, 4096)
        const active = yield* client.start({ url, contentId, ...simple })
        yield* until(() => second.requests().length > 2)
        const before = server.requests().length
        second.misbehave({})
        const result = yield* within("1 minute", expectFile(client, active, bytes))
        assert.strictEqual(result.bytes.CacheServer, bytes.length)
        assert.strictEqual(server.requests().length, before)
        assert.strictEqual(world.origin.requests().length, 0)
      })
    )

    it.effect("asks it again and again while it is away, and never the origin", () =>
      Effect.gen(function* () {
        const { cacheHosts, client, server, url, world } = yield* scene({ delay: -1, faults: { status: 503 } })
        const active = yield* client.start({ url, ...simple })
        yield* TestClock.adjust("4 minutes")
        server.misbehave({})
        const result = yield* within("1 minute", expectFile(client, active, bytes))
        assert.strictEqual(result.bytes.CacheServer, bytes.length)
        assert.strictEqual(world.origin.requests().length, 0)
        assert.isAtLeast(cacheHosts.failures().length, 5)
      })
    )

    it.effect("ends when nothing came for too long, and never asks the origin", () =>
      Effect.gen(function* () {
        const { client, url, world } = yield* scene({ delay: -1, isAbsent: true })
        const error = yield* failure(client, { url, ...simple }, "6 minutes")
        assert.strictEqual(error._tag, "NoSourceError")
        assert.strictEqual(world.origin.requests().length, 0)
      })
    )

    it.effect("asks nobody before it is known whether there is one", () =>
      Effect.gen(function* () {
        const { cacheHosts, client, url, world } = yield* scene({ delay: -1, hosts: [] })
        cacheHosts.unsettle()
        const active = yield* client.start({ url, ...simple })
        yield* TestClock.adjust("4 seconds")
        assert.strictEqual(world.origin.requests().length, 0)
        cacheHosts.set([cache])
        cacheHosts.settle()
        const result = yield* within("1 minute", expectFile(client, active, bytes))
        assert.strictEqual(result.bytes.CacheServer, bytes.length)
        assert.strictEqual(world.origin.requests().length, 0)
      })
    )

    it.effect("asks the origin when nobody has named one for as long as the services are waited for", () =>
      Effect.gen(function* () {
        const { cacheHosts, client, url, world } = yield* scene({ delay: -1, hosts: [] })
        cacheHosts.unsettle()
        const active = yield* client.start({ url, ...simple })
        yield* TestClock.adjust("7900 millis")
        assert.strictEqual(world.origin.requests().length, 0)
        const result = yield* within("5 seconds", expectFile(client, active, bytes))
        assert.strictEqual(result.bytes.Origin, bytes.length)
      })
    )

    it.effect("asks the origin where nobody knows a cache server, or none may be asked", () =>
      Effect.gen(function* () {
        for (const why of [undefined, "OnVpn", "NotAllowed", "SwitchedOff"] as const) {
          const { cacheHosts, client, url } = yield* scene({ delay: -1, hosts: why === undefined ? [] : [cache] })
          cacheHosts.forbid(why)
          const result = yield* download(client, { url, ...simple }, bytes)
          assert.strictEqual(result.bytes.Origin, bytes.length)
          assert.strictEqual(result.cache?.reason, why ?? "NoneKnown")
        }
      })
    )
  })
})
