import { assert, describe, it } from "@effect/vitest"
import { Cloud, CloudConfig } from "@piecework/cloud"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { fromPeers, total } from "@piecework/domain/SourceKind"
import { Records } from "@piecework/download"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { download, expectFile } from "./downloads.ts"
import { until, within } from "./within.ts"

const bytes = World.bytesOf(50 * 4096)

const published = Effect.gen(function* () {
  const lines = [MemoryNetwork.line(100_000)]
  const world = yield* World.make({
    network: { link: (from) => (from === World.originHost ? { lines } : { latency: "1 millis" }) }
  })
  const { url, phf } = yield* world.publish("/file", bytes)
  return { world, url, phf }
})

describe("without peers", () => {
  it.effect("a download checks each piece, dials nobody and lets nobody in", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      yield* download(yield* world.client(), { url }, bytes)
      const client = yield* world.client()
      const result = yield* download(client, { url, mode: "HttpOnly" }, bytes)
      assert.strictEqual(result.mode, "HttpOnly")
      assert.strictEqual(result.bytes.Origin, bytes.length)
      assert.strictEqual(result.peers, 0)
      // It does not join either: one that comes later meets the first alone.
      const third = yield* download(yield* world.client(), { url }, bytes)
      assert.strictEqual(third.peers, 1)
    })
  )
})

describe("a content that is held already", () => {
  it.effect("is there at once without a byte from the origin or from peers, also when both are down", () =>
    Effect.gen(function* () {
      const { world, url, phf } = yield* published
      const client = yield* world.client()
      yield* download(client, { url }, bytes)
      yield* world.network.cut(World.originHost)
      world.metadata.remove(`/phf/${phf.contentId}`)
      const result = yield* download(client, { url, path: "/out/again" }, bytes, "100 millis")
      assert.strictEqual(result.bytes.LocalCache, bytes.length)
      assert.strictEqual(total(result.received), bytes.length)
    })
  )

  it.effect("is fetched once when two downloads in one process want it at the same time", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      const client = yield* world.client()
      const one = yield* client.start({ url })
      const two = yield* client.start({ url, path: "/out/two" })
      const [first, second] = yield* within(
        "1 minute",
        Effect.all([expectFile(client, one, bytes), expectFile(client, two, bytes, "/out/two")], {
          concurrency: "unbounded"
        })
      )
      assert.strictEqual(first.bytes.LocalCache + second.bytes.LocalCache, bytes.length)
      assert.strictEqual(first.bytes.Origin + second.bytes.Origin, bytes.length)
    })
  )

  it.effect("in part is completed by the second of two downloads when the first is stopped", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      const client = yield* world.client()
      const scope = yield* Scope.make()
      const one = yield* Scope.provide(client.start({ url }), scope)
      const two = yield* client.start({ url, path: "/out/two" })
      yield* until(() => one.progress().heldBytes + two.progress().heldBytes > 50_000)
      yield* Scope.close(scope, Exit.void)
      const result = yield* within("1 minute", expectFile(client, two, bytes, "/out/two"))
      assert.strictEqual(result.bytes.LocalCache + result.bytes.Origin, bytes.length)
    })
  )
})

describe("what peers were sent", () => {
  it.effect("by a download that goes on serving is noted when it ends, and adds up over downloads", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      const seed = yield* world.client()
      const records = Context.get(seed.services, Records.Records)
      const sent = Effect.map(records.list, (listing) => listing.records[0]?.sent)
      for (const round of [1, 2]) {
        const scope = yield* Scope.make()
        yield* Scope.provide(download(seed, { url, path: `/out/${round}` }, bytes), scope)
        world.origin.misbehave({ status: 403 })
        const result = yield* Effect.scoped(download(yield* world.client(), { url }, bytes))
        assert.strictEqual(fromPeers(result.bytes), bytes.length)
        yield* Scope.close(scope, Exit.void)
        world.origin.misbehave({})
        assert.strictEqual(yield* sent, round * bytes.length)
      }
    })
  )
})

describe("the pieces hash file", () => {
  for (const [name, faults] of [
    ["is not answered for", { silent: true }],
    ["trickles", { trickle: "1 second" }]
  ] as const) {
    it.effect(`that ${name} holds nobody up for long`, () =>
      Effect.gen(function* () {
        const { world, url } = yield* published
        world.metadata.misbehave(faults)
        const result = yield* download(yield* world.client(), { url }, bytes, "40 seconds")
        assert.strictEqual(result.why.reason, "PhfMissing")
      })
    )
  }

  it.effect("with pieces larger than the buffers is not used", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      const { url: other } = yield* world.publish("/large", bytes, 8192)
      assert.notStrictEqual<ContentUrl>(url, other)
      const result = yield* download(yield* world.client(), { url: other }, bytes)
      assert.strictEqual(result.why.reason, "PhfInvalid")
    })
  )
})

describe("a service", () => {
  it.effect("that hangs holds up neither a small file nor a large one", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      const cloud = Cloud.Cloud.layerTest({ failing: () => "TimedOut" }).pipe(Layer.provide(CloudConfig.layer()))
      const large = yield* download(yield* world.client({ cloud }), { url }, bytes, "10 seconds")
      assert.strictEqual(large.why.reason, "ServiceUnreachable")
      const config = { minContentSize: 1_000_000 }
      const small = yield* download(yield* world.client({ cloud, config }), { url }, bytes, "3 seconds")
      assert.isBelow(small.durationMillis, 3_000)
      yield* TestClock.adjust("1 second")
    })
  )
})
