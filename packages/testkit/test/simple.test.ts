import { assert, describe, it } from "@effect/vitest"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import { download, expectFile, expectNoBufferLent, failure } from "./downloads.ts"
import { until, within } from "./within.ts"

const bytes = World.bytesOf(30 * 4096 + 77)

/** A world whose origin has the file behind a line that takes a good second for it, and a client without a service. */
const published = Effect.gen(function* () {
  const lines = [MemoryNetwork.line(100_000)]
  const world = yield* World.make({ network: { link: (from) => (from === World.originHost ? { lines } : {}) } })
  world.origin.put("/file", bytes)
  return { world, url: world.urlOf("/file"), client: yield* world.client({ noService: true }) }
})

/** Begins to download, is stopped in the middle. */
const begin = (client: World.TestClient, url: ContentUrl) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const active = yield* Scope.provide(client.start({ url }), scope)
    yield* until(() => active.progress().heldBytes > 40_000)
    yield* Scope.close(scope, Exit.void)
  })

describe("a download over plain HTTP", () => {
  it.effect("is done for whoever lets go of it once the file is there", () =>
    Effect.gen(function* () {
      const { client, url } = yield* published
      const active = yield* within(
        "1 minute",
        Effect.scoped(Effect.tap(client.start({ url }), ({ arrived }) => arrived))
      )
      assert.strictEqual(active.ledger().end?.outcome, "Done")
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(active.result)))
    })
  )

  for (const [name, faults] of [
    ["that does not say how long the file is", { chunked: true, noRanges: true }],
    ["that breaks off in the middle and sends whole files only", { noRanges: true, cutAfter: 70_000 }],
    [
      "that breaks off in the middle, sends whole files only and says no length",
      { noRanges: true, chunked: true, cutAfter: 70_000 }
    ]
  ] as const) {
    it.effect(`finishes from an origin ${name}`, () =>
      Effect.gen(function* () {
        const { world, url, client } = yield* published
        world.origin.misbehave(faults)
        const active = yield* client.start({ url })
        yield* until(() => active.progress().heldBytes > 60_000)
        world.origin.misbehave({ ...faults, cutAfter: undefined })
        yield* within("1 minute", expectFile(client, active, bytes))
      })
    )
  }

  it.effect("goes on where it was when the origin dies in the middle and comes back", () =>
    Effect.gen(function* () {
      const { world, url, client } = yield* published
      world.origin.misbehave({ cutAfter: 50_000 })
      const active = yield* client.start({ url })
      yield* until(() => active.progress().heldBytes > 40_000)
      world.origin.misbehave({ status: 503 })
      yield* TestClock.adjust("1 minute")
      world.origin.misbehave({})
      yield* within("1 minute", expectFile(client, active, bytes))
      assert.isBelow(world.origin.sent("/file"), 1.3 * bytes.length)
    })
  )

  it.effect("takes what an earlier run has fetched, also from an origin of whole files with a single request", () =>
    Effect.gen(function* () {
      for (const noRanges of [false, true]) {
        const { world, url, client } = yield* published
        yield* begin(client, url)
        world.origin.misbehave({ noRanges })
        const before = world.origin.requests().length
        const result = yield* download(client, { url, mode: "Simple" }, bytes)
        assert.isAbove(result.bytes.LocalCache, 40_000)
        assert.strictEqual(world.origin.requests().length - before, noRanges ? 1 : 2)
      }
    })
  )

  it.effect("begins anew when the file at the origin is another one than an earlier run has begun", () =>
    Effect.gen(function* () {
      const { world, url, client } = yield* published
      yield* begin(client, url)
      const other = World.bytesOf(bytes.length, 9)
      world.origin.put("/file", other)
      const result = yield* download(client, { url }, other)
      assert.strictEqual(result.bytes.LocalCache, 0)
    })
  )

  for (const noValidator of [false, true]) {
    it.effect(
      `begins again, and mixes nothing, when the file changes on the way${noValidator ? " and shows it by its length alone" : ""}`,
      () =>
        Effect.gen(function* () {
          const { world, url, client } = yield* published
          world.origin.misbehave({ cutAfter: 60_000, noValidator })
          const active = yield* client.start({ url })
          yield* until(() => active.progress().heldBytes > 40_000)
          const other = World.bytesOf(bytes.length + 1, 9)
          world.origin.put("/file", other)
          const result = yield* within("1 minute", expectFile(client, active, other))
          assert.isAtLeast(result.waste.cancelled, 40_000)
        })
    )
  }

  it.effect("ends soon after the time that it was given, when the origin falls silent without a word", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      world.origin.put("/file", bytes)
      // Where the pieces end, and within one: what came of that is asked for once more.
      for (const [stallAt, limit] of [
        [5 * 4096, "13 seconds"],
        [5 * 4096 + 1000, "27 seconds"]
      ] as const) {
        world.origin.misbehave({ stallAt })
        const client = yield* world.client({ config: { noProgressTimeout: "10 seconds" }, noService: true })
        const error = yield* failure(client, { url: world.urlOf("/file") }, limit)
        assert.strictEqual(error._tag, "NoProgressError")
      }
    })
  )

  it.effect("ends when nothing came for five minutes, and says what the origin said", () =>
    Effect.gen(function* () {
      const { world, url, client } = yield* published
      world.origin.misbehave({ cutAfter: 50_000 })
      const active = yield* client.start({ url })
      yield* until(() => active.progress().heldBytes > 40_000)
      world.origin.misbehave({ status: 503 })
      const error = yield* within("7 minutes", Effect.flip(active.result))
      assert.strictEqual(error._tag, "NoProgressError")
      assert.include(error.message, "503")
      expectNoBufferLent(client)
    })
  )

  it.effect("can be stopped at once while it waits for an origin that does not answer any more", () =>
    Effect.gen(function* () {
      const { world, url, client } = yield* published
      world.origin.misbehave({ cutAfter: 50_000 })
      const scope = yield* Scope.make()
      const active = yield* Scope.provide(client.start({ url }), scope)
      yield* until(() => active.progress().heldBytes > 40_000)
      world.origin.misbehave({ silent: true })
      yield* TestClock.adjust("3 seconds")
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("1 millis")
      assert.isDefined(closing.pollUnsafe())
      expectNoBufferLent(client)
    })
  )

  it.effect("of an empty file that comes in chunks is an empty file", () =>
    Effect.gen(function* () {
      const { world, client } = yield* published
      world.origin.put("/empty", new Uint8Array(0))
      world.origin.misbehave({ chunked: true, noRanges: true })
      yield* download(client, { url: world.urlOf("/empty") }, new Uint8Array(0))
    })
  )
})

describe("an origin that gives no byte", () => {
  it.effect("because of its own trouble is named with it after ten seconds", () =>
    Effect.gen(function* () {
      const { world, url, client } = yield* published
      world.origin.misbehave({ status: 503 })
      const error = yield* failure(client, { url }, "11 seconds")
      assert.strictEqual(error._tag === "NoSourceError" && error.reason, "ServerFailed")
      assert.strictEqual(error._tag === "NoSourceError" && error.status, 503)
    })
  )

  it.effect("because it is silent is given up after ten seconds", () =>
    Effect.gen(function* () {
      const { world, url, client } = yield* published
      world.origin.misbehave({ silent: true })
      const error = yield* failure(client, { url }, "11 seconds")
      assert.strictEqual(error._tag === "NoSourceError" && error.reason, "TimedOut")
    })
  )

  it.effect("does not hold up a stop", () =>
    Effect.gen(function* () {
      const { world, url, client } = yield* published
      world.origin.misbehave({ silent: true })
      const scope = yield* Scope.make()
      yield* Scope.provide(client.start({ url }), scope)
      yield* TestClock.adjust("1 second")
      yield* within("1 second", Scope.close(scope, Exit.void))
    })
  )
})
