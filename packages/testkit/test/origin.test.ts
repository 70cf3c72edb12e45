import { assert, describe, it } from "@effect/vitest"
import type { DownloadError } from "@piecework/download"
import { total } from "@piecework/domain/SourceKind"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Effect, Exit, Option, Scope } from "effect"
import { TestClock } from "effect/testing"
import { download, expectFile, expectNoBufferLent, failure } from "./downloads.ts"
import { until, within } from "./within.ts"

const bytes = World.bytesOf(60 * 4096 + 5)

/** A published file, whose origin needs about five seconds for it, or less. */
const publishedAt = Effect.fnUntraced(function* (bytesPerSecond: number) {
  const lines = [MemoryNetwork.line(bytesPerSecond)]
  const world = yield* World.make({
    network: { link: (from) => (from === World.originHost ? { lines } : { latency: "1 millis" }) }
  })
  const { url } = yield* world.publish("/file", bytes)
  return { world, url }
})
const published = publishedAt(50_000)

const reasonOf = (error: DownloadError.DownloadError) => (error._tag === "NoSourceError" ? error.reason : error._tag)

describe("an origin of a published file", () => {
  it.effect("whose bytes are not the published ones is left after three pieces, and named as the culprit", () =>
    Effect.gen(function* () {
      for (const noRanges of [false, true]) {
        // Whole files that were broken off still fill the line for a while.
        const { world, url } = yield* publishedAt(noRanges ? 1_000_000 : 50_000)
        world.origin.misbehave({ corrupt: true, noRanges })
        const client = yield* world.client()
        const error = yield* failure(client, { url })
        assert.strictEqual(reasonOf(error), "BadPieces")
        assert.include(error.message, "do not match the published hashes")
        yield* TestClock.adjust("1 second")
        const sent = world.origin.sent("/file")
        if (!noRanges) assert.isBelow(sent, bytes.length / 2)
        yield* TestClock.adjust("5 minutes")
        assert.strictEqual(world.origin.sent("/file"), sent, "nothing more is asked of it")
        expectNoBufferLent(client)
      }
    })
  )

  it.effect("whose bytes are wrong ends all of a crowd with that, once none of it has hope of another", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      world.origin.misbehave({ corrupt: true })
      const clients = yield* Effect.forEach(Array.from({ length: 4 }), () => world.client())
      const errors = yield* within(
        "6 minutes",
        Effect.forEach(
          clients,
          (client) => Effect.flatMap(client.start({ url }), (active) => Effect.flip(active.result)),
          { concurrency: "unbounded" }
        )
      )
      assert.deepStrictEqual(errors.map(reasonOf), ["BadPieces", "BadPieces", "BadPieces", "BadPieces"])
      assert.isBelow(world.origin.sent("/file"), 2 * bytes.length)
    })
  )

  it.effect("whose bytes are wrong does no harm when a peer has the right ones", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      yield* download(yield* world.client(), { url }, bytes)
      world.origin.misbehave({ corrupt: true })
      const result = yield* download(yield* world.client(), { url }, bytes)
      assert.strictEqual(result.bytes.Lan, bytes.length)
      assert.deepStrictEqual(result.banned, [])
    })
  )

  for (const [name, faults] of [
    ["breaks off", { cutAfter: 3_000 }],
    ["falls silent", { stallAfter: 3_000 }]
  ] as const) {
    it.effect(`that ${name} in the middle of each piece is given up after five minutes`, () =>
      Effect.gen(function* () {
        const { world, url } = yield* published
        world.origin.misbehave(faults)
        const client = yield* world.client()
        const error = yield* failure(client, { url }, "6 minutes")
        assert.strictEqual(reasonOf(error), "NoProgressError")
        assert.isBelow(world.origin.sent("/file"), bytes.length)
      })
    )
  }

  it.effect("that breaks off after some pieces of each request is asked for the rest", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      world.origin.misbehave({ cutAfter: 20_000 })
      yield* download(yield* world.client(), { url }, bytes, "5 minutes")
    })
  )

  for (const [name, faults, reason] of [
    ["forbids it", { status: 403 }, "Forbidden"],
    ["lost it", { status: 404 }, "NotFound"]
  ] as const) {
    it.effect(`that ${name} in the middle ends the download with that when nobody else is there`, () =>
      Effect.gen(function* () {
        const { world, url } = yield* published
        const client = yield* world.client()
        const active = yield* client.start({ url })
        yield* until(() => active.progress().heldBytes > 20_000)
        world.origin.misbehave(faults)
        const error = yield* within("1 minute", Effect.flip(active.result))
        assert.strictEqual(reasonOf(error), reason)
      })
    )
  }

  it.effect("that forbids it ends the download with that once the last peer has left", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      const scope = yield* Scope.make()
      const first = yield* world.client()
      const seeding = yield* Scope.provide(first.start({ url }), scope)
      yield* until(() => seeding.progress().heldBytes > 100_000)
      world.origin.misbehave({ status: 403 })
      const active = yield* (yield* world.client()).start({ url })
      yield* until(() => active.progress().peers > 0 && active.progress().heldBytes > 0)
      yield* Scope.close(scope, Exit.void)
      const error = yield* within("1 minute", Effect.flip(active.result))
      assert.strictEqual(reasonOf(error), "Forbidden")
    })
  )

  it.effect("that forbids it is not needed while a peer has all of it", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      yield* download(yield* world.client(), { url }, bytes)
      world.origin.misbehave({ status: 403 })
      const result = yield* download(yield* world.client(), { url }, bytes)
      assert.strictEqual(result.bytes.Lan, bytes.length)
    })
  )

  it.effect("that has another file than was published ends the download with that", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      world.origin.put("/file", World.bytesOf(bytes.length + 1, 9))
      assert.strictEqual(reasonOf(yield* failure(yield* world.client(), { url })), "ContentChanged")
    })
  )

  it.effect("that dies and comes back is asked for the rest, and no byte twice", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      const client = yield* world.client()
      const active = yield* client.start({ url })
      yield* until(() => active.progress().heldBytes > 20_000)
      yield* world.network.cut(World.originHost)
      yield* TestClock.adjust("2 minutes")
      yield* world.network.restore(World.originHost)
      const result = yield* within("2 minutes", expectFile(client, active, bytes))
      assert.isBelow(total(result.received), 1.3 * bytes.length)
    })
  )
})

describe("a download that failed", () => {
  it.effect("for the disk was full finds all that it had fetched", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      const client = yield* world.client()
      yield* download(client, { url }, bytes)
      // The name is taken: for the exporter that is as any other refusal.
      const error = yield* within(
        "1 minute",
        Effect.flatMap(client.start({ url }), (active) => Effect.flip(active.result))
      )
      assert.strictEqual(error._tag, "DestinationError")
      const before = world.origin.sent("/file")
      const result = yield* download(client, { url, path: "/out/other" }, bytes)
      assert.strictEqual(result.bytes.LocalCache, bytes.length)
      assert.isAtMost(world.origin.sent("/file") - before, 1024)
    })
  )

  it.effect("leaves its swarm, and fetches nothing behind its caller's back", () =>
    Effect.gen(function* () {
      const { world, url } = yield* published
      world.origin.misbehave({ cutAfter: 3_000 })
      const client = yield* world.client()
      const active = yield* client.start({ url })
      yield* within("6 minutes", Effect.flip(active.result))
      const sent = world.origin.sent("/file")
      world.origin.misbehave({})
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(world.origin.sent("/file"), sent)
      assert.isTrue(Option.isNone(yield* client.file("/out/file")))
      expectNoBufferLent(client)
    })
  )
})
