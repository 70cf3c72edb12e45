import { assert, describe, it } from "@effect/vitest"
import { World } from "@piecework/testkit"
import { Clock, Effect, Option, Stream } from "effect"
import { TestClock } from "effect/testing"
import { bytes, cache, other, scene, settings } from "./cacheScene.ts"
import { download, expectFile, expectNoBufferLent, failure } from "./downloads.ts"
import { until, within } from "./within.ts"

const simple = { mode: "Simple" } as const

describe("a download over plain HTTP where there is a cache server", () => {
  it.effect("comes from there alone", () =>
    Effect.gen(function* () {
      const { client, server, url, world } = yield* scene()
      const result = yield* download(client, { url, ...simple }, bytes)
      assert.strictEqual(result.bytes.CacheServer, bytes.length)
      assert.strictEqual(world.origin.requests().length, 0)
      assert.strictEqual(server.sent(), bytes.length)
      assert.strictEqual(result.cache?.reason, "Asked")
      assert.strictEqual(result.cache?.host, `http://${World.cacheHost}`)
      expectNoBufferLent(client)
    })
  )

  it.effect("asks for it in the origin's name, and gives it nothing that the origin alone may see", () =>
    Effect.gen(function* () {
      const { client, server, url } = yield* scene()
      const headers = { Authorization: "Bearer secret", "X-Api-Key": "secret", "Accept-Language": "de" }
      yield* download(client, { url, headers, authHeaders: { Cookie: "secret" }, ...simple }, bytes)
      assert.strictEqual(server.requests()[0]?.split(" ")[1], World.cachePathOf("/file"))
      for (const head of server.heads()) assert.notInclude(head, "secret")
      assert.include(server.heads()[0], "Accept-Language: de")
    })
  )

  for (const [what, options, said] of [
    ["nobody listens", { isAbsent: true }, "Unreachable"],
    ["it refuses the origin with HTTP 403", { faults: { status: 403 } }, "Status"],
    ["it fails with HTTP 503", { faults: { status: 503 } }, "Broken"],
    ["it redirects", { faults: { status: 302, headers: { location: "http://10.9.0.1/file" } } }, "Broken"]
  ] as const) {
    it.effect(`asks the origin at once where ${what}`, () =>
      Effect.gen(function* () {
        const { cacheHosts, client, url } = yield* scene(options)
        const began = yield* Clock.currentTimeMillis
        const result = yield* download(client, { url, ...simple }, bytes)
        assert.strictEqual(result.bytes.Origin, bytes.length)
        assert.isBelow((yield* Clock.currentTimeMillis) - began, 1500)
        assert.deepStrictEqual(cacheHosts.failures(), [`http://${World.cacheHost} ${said}`])
        assert.include(["Failed", "Banned"], result.cache?.reason)
      })
    )
  }

  it.effect("gives it 10 s for its first answer", () =>
    Effect.gen(function* () {
      const { cacheHosts, client, url } = yield* scene({ faults: { silent: true } })
      const result = yield* download(client, { url, ...simple }, bytes, "13 seconds")
      assert.strictEqual(result.bytes.Origin, bytes.length)
      assert.deepStrictEqual(cacheHosts.failures(), [`http://${World.cacheHost} Unreachable`])
    })
  )

  it.effect("goes on at the origin when it falls silent in the middle", () =>
    Effect.gen(function* () {
      const { client, url } = yield* scene({ faults: { stallAt: 60_000 } })
      const result = yield* download(client, { url, ...simple }, bytes, "45 seconds")
      assert.isAbove(result.bytes.Origin, 0)
      assert.strictEqual(result.bytes.Origin + result.bytes.CacheServer, bytes.length)
    })
  )

  it.effect("gives it 3 s to take the connection", () =>
    Effect.gen(function* () {
      const { cacheHosts, client, url, world } = yield* scene()
      yield* world.network.cut(World.cacheHost)
      const began = yield* Clock.currentTimeMillis
      const active = yield* client.start({ url, ...simple })
      yield* until(() => cacheHosts.failures().length > 0)
      const waited = (yield* Clock.currentTimeMillis) - began
      assert.isAtLeast(waited, 3000)
      assert.isBelow(waited, 3100)
      yield* within("1 minute", expectFile(client, active, bytes))
      assert.deepStrictEqual(cacheHosts.failures(), [`http://${World.cacheHost} Unreachable`])
    })
  )

  it.effect("goes on at the origin where it was when the cache server breaks off, and counts each byte once", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* scene()
      const active = yield* client.start({ url, ...simple })
      yield* until(() => active.progress().heldBytes > 50_000)
      yield* world.network.reset(World.cacheHost)
      yield* TestClock.adjust("10 millis")
      const result = yield* within("3 seconds", expectFile(client, active, bytes))
      assert.isAtLeast(result.bytes.CacheServer, 50_000)
      assert.isAbove(result.bytes.Origin, 0)
      assert.strictEqual(world.origin.sent(), result.bytes.Origin)
      assert.strictEqual(result.cache?.reason, "Failed")
    })
  )

  it.effect("begins again without it where its bytes are not the right ones", () =>
    Effect.gen(function* () {
      const { cacheHosts, client, url } = yield* scene({ faults: { corrupt: true } })
      const { contentId } = World.phfOf(bytes, 4096)
      const result = yield* download(client, { url, contentId, ...simple }, bytes)
      assert.strictEqual(result.bytes.Origin, bytes.length)
      assert.strictEqual(result.cache?.reason, "BadPieces")
      assert.deepStrictEqual(cacheHosts.failures(), [`http://${World.cacheHost} Broken`])
    })
  )

  it.effect("begins again at the origin where the file of the cache server is another one", () =>
    Effect.gen(function* () {
      const { client, server, url, world } = yield* scene({ faults: { cutAfter: 60_000 } })
      server.put(World.cachePathOf("/file"), World.bytesOf(bytes.length, 7))
      const result = yield* download(client, { url, ...simple }, bytes)
      assert.strictEqual(result.bytes.Origin, bytes.length)
      assert.isAtLeast(world.origin.sent(), bytes.length)
    })
  )

  it.effect("reads an open content from there, and the rest from the origin", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* scene({ faults: { cutAfter: 60_000 } })
      const content = yield* within("5 seconds", client.open({ url, ...simple }))
      const read = yield* within(
        "1 minute",
        Stream.runCollect(Stream.map(content.read(undefined), (part) => part.slice()))
      )
      assert.strictEqual(Buffer.compare(Buffer.concat(read), bytes), 0)
      const { received } = content.progress()
      assert.isAtLeast(received.CacheServer, 60_000)
      assert.strictEqual(received.Origin, world.origin.sent())
    })
  )

  it.effect("fetches parts of it from there", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* scene()
      const ranges = [{ offset: 1000, length: 5000 }, { offset: 50_000 }]
      const parts = Buffer.concat([bytes.subarray(1000, 6000), bytes.subarray(50_000)])
      const active = yield* client.start({ url, ranges, ...simple })
      yield* within("1 minute", active.result)
      const file = Option.getOrThrow(yield* client.file("/out/file"))
      assert.strictEqual(Buffer.compare(file, parts), 0)
      assert.strictEqual(world.origin.requests().length, 0)
    })
  )

  describe("where no fallback delay is set", () => {
    it.effect("waits for nobody who may name one", () =>
      Effect.gen(function* () {
        const { cacheHosts, client, url } = yield* scene({ hosts: [] })
        cacheHosts.unsettle()
        const result = yield* download(client, { url, ...simple }, bytes, "3 seconds")
        assert.strictEqual(result.bytes.Origin, bytes.length)
      })
    )

    it.effect("comes back to it after two attempts at the origin that bring nothing", () =>
      Effect.gen(function* () {
        const { cacheHosts, client, server, url, world } = yield* scene({ faults: { status: 503 } })
        world.origin.misbehave({ status: 503 })
        const active = yield* client.start({ url, ...simple })
        yield* until(() => world.origin.requests().length === 1)
        server.misbehave({})
        const result = yield* within("1 minute", expectFile(client, active, bytes))
        assert.strictEqual(result.bytes.CacheServer, bytes.length)
        assert.strictEqual(world.origin.requests().length, 2)
        assert.strictEqual(cacheHosts.failures().length, 1)
      })
    )

    it.effect("gives it two attempts then, too", () =>
      Effect.gen(function* () {
        const { client, server, url, world } = yield* scene({ faults: { status: 503 } })
        world.origin.misbehave({ status: 503 })
        const active = yield* client.start({ url, ...simple })
        yield* until(() => world.origin.requests().length === 3)
        assert.strictEqual(server.requests().length, 3)
        world.origin.misbehave({})
        yield* within("1 minute", expectFile(client, active, bytes))
      })
    )

    it.effect("does not ask it before its ban is over", () =>
      Effect.gen(function* () {
        const { client, server, url } = yield* scene({ faults: { status: 404 } })
        yield* download(client, { url, ...simple }, bytes)
        server.misbehave({})
        yield* TestClock.adjust("14 minutes")
        yield* download(client, { url, ...simple, path: "/out/2" }, bytes)
        assert.strictEqual(server.requests().length, 1)
        yield* TestClock.adjust("2 minutes")
        const again = yield* download(client, { url, ...simple, path: "/out/3" }, bytes)
        assert.strictEqual(again.bytes.CacheServer, bytes.length)
      })
    )
  })

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
