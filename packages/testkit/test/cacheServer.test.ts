import { assert, describe, it } from "@effect/vitest"
import type { CacheHost } from "@piecework/cachehosts/CacheHost"
import * as LivePolicy from "@piecework/policy/LivePolicy"
import * as Policy from "@piecework/policy/Policy"
import { TestCacheHosts, type TestOrigin, World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import { download, expectFile, expectNoBufferLent, failure } from "./downloads.ts"
import { until, within } from "./within.ts"

const bytes = World.bytesOf(30 * 4096 + 77)
const cache = World.cacheAt(World.cacheHost)
const other = World.cacheAt(World.otherCacheHost)

interface Options {
  /** Seconds of DODelayCacheServerFallbackForeground. */
  readonly delay?: number | undefined
  readonly hosts?: ReadonlyArray<CacheHost> | undefined
  /** Nobody listens there. */
  readonly isAbsent?: boolean | undefined
  readonly faults?: TestOrigin.Faults | undefined
}

const settings = (values: { readonly [name: string]: unknown }) => Policy.resolve([{ provider: "MachineFile", values }])
const delayed = (delay: number | undefined) =>
  settings(delay === undefined ? {} : { DODelayCacheServerFallbackForeground: delay })

/** A world whose cache server has what the origin has; both are behind a line that takes a good second for it. */
const scene = Effect.fnUntraced(function* ({ delay, faults = {}, hosts = [cache], isAbsent }: Options = {}) {
  const slow = new Map([World.originHost, World.cacheHost, World.otherCacheHost].map((host) => [host, line()]))
  const world = yield* World.make({
    network: {
      link: (from) => {
        const own = slow.get(from)
        return own === undefined ? {} : { lines: [own] }
      }
    }
  })
  world.origin.put("/file", bytes)
  const server = yield* world.cacheServer({ "/file": bytes }, isAbsent === true ? "10.9.0.99" : World.cacheHost)
  server.misbehave(faults)
  const cacheHosts = yield* TestCacheHosts.make(hosts)
  const policy = LivePolicy.changing(delayed(delay))
  const client = yield* world.client({ cacheHosts: cacheHosts.service, policy, noService: true })
  return { world, url: world.urlOf("/file"), server, cacheHosts, client, policy }
})
const line = () => MemoryNetwork.line(100_000)

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

  it.effect("gives it 3 s to take the connection", () =>
    Effect.gen(function* () {
      const { cacheHosts, client, url, world } = yield* scene()
      world.network.drop?.(World.cacheHost)
      void cacheHosts
      yield* download(client, { url, ...simple }, bytes)
    })
  )

  it.effect("goes on at the origin where it was when the cache server breaks off, and counts each byte once", () =>
    Effect.gen(function* () {
      const { client, server, url, world } = yield* scene()
      const active = yield* client.start({ url, ...simple })
      yield* until(() => active.progress().heldBytes > 50_000)
      server.misbehave({ status: 500 })
      world.network.cut?.(World.cacheHost)
      yield* Effect.void
      const result = yield* within("1 minute", expectFile(client, active, bytes))
      assert.isAtLeast(result.bytes.CacheServer, 50_000)
    })
  )
})
void failure
void TestClock
void other
