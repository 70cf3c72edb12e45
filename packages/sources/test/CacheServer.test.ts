import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { Access } from "../src/Access.ts"
import * as CacheServer from "../src/CacheServer.ts"
import * as CacheServerId from "../src/CacheServerId.ts"
import { clientLayer, readAll, server, url } from "./support.ts"

const cache = { host: "cache.site", port: 8080, protocol: "http:" } as const
const ok = "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-4/5\r\nContent-Length: 5\r\n\r\nhello"

/** What the cache server is asked for the first bytes of the file, and what that comes to. */
const ask = (options: { readonly access?: Access; readonly answer?: string } = {}) =>
  Effect.gen(function* () {
    const { access, answer = ok } = options
    const requests = yield* server(() => answer, cache.host, cache.port)
    const source = yield* CacheServer.make(cache, url("/file?a=1"), { access })
    const probed = yield* Effect.result(source.probe())
    const body = Result.isSuccess(probed) ? yield* readAll(probed.success) : undefined
    return { source, requests, probed, body }
  }).pipe(
    Effect.scoped,
    // Nobody is behind it.
    Effect.provide(clientLayer({ proxies: () => ({ host: "proxy.invalid", port: 3128 }) as never }))
  )

const headers = { "X-Api-Key": "secret", "Accept-Language": "de" }
const accessTo = (host: string) => Result.getOrThrow(Access.make({ url: url("/file", host), headers }))

describe("a cache server", () => {
  it.effect("is asked for the file of the origin, and not through the proxy of the settings", () =>
    Effect.gen(function* () {
      const { body, probed, requests, source } = yield* ask()
      assert.strictEqual(body?.toString(), "hello")
      assert.strictEqual(requests[0]?.path, "/file?a=1&cacheHostOrigin=origin.example")
      assert.strictEqual(requests[0]?.header("host"), "cache.site:8080")
      assert.strictEqual(source.kind, "CacheServer")
      assert.strictEqual(source.id, "cache:http://cache.site:8080")
      assert.isTrue(CacheServerId.isNamedBy(source.id))
      assert.strictEqual(Result.isSuccess(probed) ? probed.success.kind : "", "CacheServer")
    })
  )

  it.effect("gets what was given for the origin only as far as that is harmless", () =>
    Effect.gen(function* () {
      const { requests } = yield* ask({ access: accessTo("http://origin.example") })
      assert.strictEqual(requests[0]?.header("x-api-key"), undefined)
      assert.strictEqual(requests[0]?.header("accept-language"), "de")
    })
  )

  it.effect("gets what was given for itself", () =>
    Effect.gen(function* () {
      const { requests } = yield* ask({ access: accessTo("http://cache.site:8080") })
      assert.strictEqual(requests[0]?.header("x-api-key"), "secret")
    })
  )

  it.effect("that sends elsewhere has failed", () =>
    Effect.gen(function* () {
      const answer = "HTTP/1.1 302 Found\r\nLocation: http://origin.example/file\r\nContent-Length: 0\r\n\r\n"
      const { probed, requests } = yield* ask({ answer })
      assert.deepInclude(Result.isFailure(probed) ? probed.failure : {}, { reason: "BadResponse", status: 302 })
      assert.lengthOf(requests, 1)
    })
  )

  it.effect("is none where its name makes no URL", () =>
    Effect.gen(function* () {
      const made = yield* Effect.result(CacheServer.make({ ...cache, host: "no name" }, url("/file")))
      assert.isTrue(Result.isFailure(made))
    }).pipe(Effect.provide(clientLayer()))
  )
})
