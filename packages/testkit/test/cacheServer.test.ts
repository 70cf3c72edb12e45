import { assert, describe, it } from "@effect/vitest"
import { World } from "@piecework/testkit"
import { Clock, Effect, Option, Stream } from "effect"
import { TestClock } from "effect/testing"
import { bytes, scene } from "./cacheScene.ts"
import { download, expectFile, expectNoBufferLent } from "./downloads.ts"
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
})
