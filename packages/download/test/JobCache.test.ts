import { assert, describe, it } from "@effect/vitest"
import { CacheHosts } from "@piecework/cachehosts/CacheHosts"
import type { Said } from "@piecework/cachehosts/Hosts"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { BufferPool } from "@piecework/hashing/BufferPool"
import * as BufferPoolConfig from "@piecework/hashing/BufferPoolConfig"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import { HttpClient } from "@piecework/sources/HttpClient"
import * as HttpClientConfig from "@piecework/sources/HttpClientConfig"
import { SourceError, SourceId } from "@piecework/sources/PieceSource"
import { Transport } from "@piecework/transport/Transport"
import { Duration, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as JobCache from "../src/JobCache.ts"
import * as Meter from "../src/Meter.ts"

const url = ContentUrl.make("https://origin.example/file")
const source = SourceId.make("cache:http://cache:80")
const failed = (status: number) =>
  new SourceError({ source, reason: status === 403 ? "Forbidden" : "ServerFailed", status })

/** What a job sees whose settings and neighbourhood say this; the rules of `cachehosts` are the real ones. */
const seen = <A>(
  given: { readonly values?: { readonly [name: string]: unknown }; readonly said?: Partial<Said> },
  look: (cache: JobCache.JobCache) => Effect.Effect<A>
) => {
  const { said = {}, values = {} } = given
  const settings = Layer.succeed(
    LivePolicy.LivePolicy,
    LivePolicy.constant(Policy.resolve([{ provider: "MachineFile", values }]))
  )
  return Effect.gen(function* () {
    const hosts = yield* CacheHosts
    const what = { url, began: 0, priority: "Foreground", how: {}, asksService: true } as const
    const patience = Duration.seconds(8)
    return yield* look(yield* JobCache.make({ hosts, meter: Meter.make(), patience, ...what }))
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.mergeAll(
        CacheHosts.layerMemory({ said }),
        HttpClient.layer.pipe(Layer.provide([HttpClientConfig.layer(), Transport.layerMemory])),
        BufferPool.layer.pipe(Layer.provide(BufferPoolConfig.layer({ slots: 1 })))
      ).pipe(Layer.provideMerge(settings))
    )
  )
}

const reason = (cache: JobCache.JobCache) => Effect.map(cache.look, () => cache.view().reason)

describe("the cache servers of one job", () => {
  it.effect("do not hear of an https URL over plain http when they were only found", () =>
    Effect.gen(function* () {
      const values = { DOCacheHostSource: 1 }
      assert.strictEqual(yield* seen({ values, said: { dhcp: "cache" } }, reason), "NotAllowed")
      assert.strictEqual(yield* seen({ values, said: { dhcp: "https://cache" } }, reason), "Asked")
      assert.strictEqual(yield* seen({ values: { DOCacheHost: "cache" } }, reason), "Asked")
    })
  )

  it.effect("are there while they are banned, so that the delay counts", () =>
    seen({ values: { DOCacheHost: "cache", DODelayCacheServerFallbackForeground: 60 } }, (cache) =>
      Effect.gen(function* () {
        const { choice, next } = yield* cache.next
        assert.strictEqual(next._tag, "Cache")
        if (choice._tag === "Use") yield* cache.failed(choice.cache, failed(403), false)
        yield* cache.look
        assert.isTrue(cache.isThere())
        assert.deepInclude(cache.view(), { reason: "Banned", originFrom: 60_000, until: 900_000 })
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* cache.next).next._tag, "Origin")
        assert.isFalse(cache.isThere())
        assert.deepInclude(cache.view(), { reason: "Left", originFrom: undefined })
      })
    )
  )

  it.effect("say who refused what, where nobody else may be asked", () =>
    seen({ values: { DOCacheHost: "cache", DODelayCacheServerFallbackForeground: -1 } }, (cache) =>
      Effect.gen(function* () {
        const choice = yield* cache.look
        assert.isTrue(cache.isOnly())
        assert.isUndefined(cache.ending())
        if (choice._tag === "Use") {
          assert.isFalse(yield* cache.failed(choice.cache, failed(503), false))
          assert.isTrue(yield* cache.failed(choice.cache, failed(403), false))
        }
        assert.strictEqual(cache.ending()?.status, 403)
        assert.deepInclude(cache.view(), { reason: "Refused", host: "http://cache", originFrom: null })
      })
    )
  )

  it.each([
    ["Unreachable", undefined, "Unreachable"],
    ["TimedOut", undefined, "Unreachable"],
    ["TlsFailed", undefined, "Unreachable"],
    ["NotFound", 404, "Status"],
    ["Refused", 400, "Status"],
    ["Refused", 429, "Broken"],
    ["RangeUnsatisfiable", 416, "Broken"],
    ["ServerFailed", 503, "Broken"],
    ["Stalled", undefined, "Broken"],
    ["Truncated", 206, "Broken"],
    ["ContentChanged", 200, "Broken"]
  ] as const)("fail with %s (%s) as %s", (why, status, expected) => {
    const error = new SourceError({ source, reason: why, ...(status === undefined ? {} : { status }) })
    assert.strictEqual(JobCache.failureOf(error)._tag, expected)
  })
})
