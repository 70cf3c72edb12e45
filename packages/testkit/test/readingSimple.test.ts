import { assert, describe, it } from "@effect/vitest"
import { World } from "@piecework/testkit"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { expectNoBufferLent } from "./downloads.ts"
import { behindLine, diceOf, expectRead, read, someRange } from "./reads.ts"
import { within } from "./within.ts"

const pieceSize = 4096
const bytes = World.bytesOf(60 * pieceSize + 77)

describe("a file that nobody vouches for", () => {
  const opened = Effect.fnUntraced(function* (rate = 1_000_000) {
    const world = yield* behindLine(rate)
    world.origin.put("/file", bytes)
    const client = yield* world.client({ noService: true })
    return { world, client, url: world.urlOf("/file") }
  })

  it.effect("is read from the origin, a request for each reader, and its size and kind are told", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* opened()
      const content = yield* within("5 seconds", client.open({ url }))
      assert.strictEqual(content.size, bytes.length)
      assert.isUndefined(content.contentId)
      assert.strictEqual(content.facts?.headers.get("etag"), '"v0"')
      yield* within("5 seconds", expectRead(content, bytes))
      yield* within("5 seconds", expectRead(content, bytes, { offset: 70_000, length: 30_000 }))
      assert.strictEqual(world.origin.requests().at(-1), "GET /file bytes=70000-99999")
      assert.strictEqual(content.progress().heldBytes, bytes.length + 30_000)
      assert.strictEqual(content.progress().requestedBytes, bytes.length + 30_000)
      expectNoBufferLent(client)
    })
  )

  it.effect("gives its first bytes as soon as a few are here", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* opened()
      const content = yield* within("5 seconds", client.open({ url }))
      world.origin.misbehave({ stallAfter: 5000 })
      const first = yield* within("1 second", Stream.runCollect(Stream.take(content.read({ offset: 100_000 }), 1)))
      assert.isAtMost(first[0]?.length ?? 0, 5000)
    })
  )

  for (let seed = 1; seed <= 6; seed++) {
    it.effect(`gives each of many readers what it asks for from an origin that fails in between: seed ${seed}`, () =>
      Effect.gen(function* () {
        const below = diceOf(seed)
        const { client, url, world } = yield* opened(300_000)
        const faults = { chunked: below(2) === 0, noRanges: below(3) === 0 }
        world.origin.misbehave(faults)
        const content = yield* within("10 seconds", client.open({ url }))
        const one = Effect.gen(function* () {
          yield* Effect.sleep(below(3000))
          const range = someRange(below, bytes.length)
          if (below(4) > 0) return yield* expectRead(content, bytes, range)
          yield* Stream.runDrain(Stream.take(content.read(range), 1 + below(3)))
        })
        const trouble = Effect.gen(function* () {
          yield* Effect.sleep(below(1500))
          world.origin.misbehave({ ...faults, cutAfter: 9000 + below(9000) })
          yield* Effect.sleep(below(2000))
          world.origin.misbehave({ status: 503 })
          yield* Effect.sleep(below(2000))
          world.origin.misbehave(faults)
        })
        const readers = Effect.forEach(Array.from({ length: 8 }), () => one, { concurrency: 8 })
        yield* within("2 minutes", Effect.all([readers, trouble], { concurrency: 2 }))
      })
    )
  }

  it.effect("ends a stream rather than mix two versions of it", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* opened(100_000)
      world.origin.misbehave({ cutAfter: 50_000 })
      const content = yield* within("5 seconds", client.open({ url }))
      const reading = yield* Effect.forkScoped(Effect.flip(read(content)))
      yield* TestClock.adjust("100 millis")
      world.origin.put("/file", World.bytesOf(bytes.length, 9))
      const error = yield* within("1 minute", Fiber.join(reading))
      assert.deepInclude(error, { _tag: "NoSourceError", reason: "ContentChanged" })
    })
  )

  it.effect("is not taken for a content that the caller names, when there are no hashes to tell", () =>
    Effect.gen(function* () {
      const { client, url } = yield* opened()
      const { contentId } = World.phfOf(bytes, pieceSize)
      const error = yield* within("30 seconds", Effect.flip(client.open({ url, contentId })))
      assert.deepInclude(error, { _tag: "UnverifiableError", reason: "PhfMissing" })
    })
  )

  it.effect("is checked piece by piece against hashes that lie beside it, or that the caller names", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* opened()
      const { contentId } = World.phfOf(bytes, pieceSize)
      world.origin.put("/file.phf", World.hashesOf(bytes, pieceSize))
      const content = yield* within("5 seconds", client.open({ url, contentId, isWhole: false }))
      assert.strictEqual(content.contentId, contentId)
      yield* within("5 seconds", expectRead(content, bytes, { offset: 9000, length: 9000 }))
      world.origin.put("/file", World.bytesOf(bytes.length, 9))
      const error = yield* within("5 minutes", Effect.flip(read(content)))
      assert.strictEqual(error._tag, "NoSourceError")
    })
  )

  it.effect("of no bytes is an empty stream", () =>
    Effect.gen(function* () {
      const { client, world } = yield* opened()
      world.origin.put("/empty", new Uint8Array(0))
      const content = yield* within("5 seconds", client.open({ url: world.urlOf("/empty") }))
      assert.strictEqual((yield* within("1 second", read(content))).length, 0)
    })
  )
})
