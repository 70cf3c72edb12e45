import { assert, describe, it } from "@effect/vitest"
import type { ByteRanges, Downloader } from "@piecework/download"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import { expectNoBufferLent } from "./downloads.ts"
import { within } from "./within.ts"

const pieceSize = 4096
const bytes = World.bytesOf(60 * pieceSize + 77)

/** Reads all of it, copying each chunk before the next is pulled. */
const read = (content: Downloader.OpenContent, range?: ByteRanges.ByteRange) =>
  Effect.map(
    Stream.runFold(
      content.read(range),
      () => [] as Array<Uint8Array>,
      (chunks, chunk) => {
        assert.isAtMost(chunk.length, 1_048_576)
        assert.isAbove(chunk.length, 0)
        chunks.push(chunk.slice())
        return chunks
      }
    ),
    (chunks) => Buffer.concat(chunks)
  )

const partOf = (all: Uint8Array, { length, offset }: ByteRanges.ByteRange) =>
  all.subarray(offset, length === undefined ? undefined : offset + length)

const expectRange = (content: Downloader.OpenContent, range: ByteRanges.ByteRange | undefined, all = bytes) =>
  Effect.map(read(content, range), (got) => {
    const wanted = partOf(all, range ?? { offset: 0 })
    assert.strictEqual(got.length, wanted.length)
    assert.strictEqual(Buffer.compare(got, wanted), 0, JSON.stringify(range))
  })

/** A site behind a line of so many bytes a second. */
const site = (rate: number, size = pieceSize) =>
  World.make({
    pieceSize: size,
    network: { link: (from) => (from === World.originHost ? { lines: [MemoryNetwork.line(rate)] } : {}) }
  })

describe("a content that the service knows", () => {
  it.effect("is read whole while it arrives, and stays in the cache", () =>
    Effect.gen(function* () {
      const world = yield* site(200_000)
      const { url, phf } = yield* world.publish("/file", bytes)
      const client = yield* world.client()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const content = yield* within("5 seconds", client.open({ url }))
          assert.strictEqual(content.size, bytes.length)
          assert.strictEqual(content.contentId, phf.contentId)
          yield* within("10 seconds", expectRange(content, undefined))
          assert.strictEqual(content.progress().heldBytes, bytes.length)
          assert.strictEqual(content.progress().requestedBytes, bytes.length)
        })
      )
      const sent = world.origin.sent("/file")
      yield* within(
        "5 seconds",
        Effect.scoped(Effect.flatMap(client.open({ url, isWhole: false }), (again) => expectRange(again, undefined)))
      )
      assert.isAtMost(world.origin.sent("/file") - sent, 1024, "the first look, and nothing else")
      expectNoBufferLent(client)
    })
  )

  it.effect("of which only a part is read is fetched in that part, and a little ahead of it", () =>
    Effect.gen(function* () {
      const world = yield* site(1_000_000)
      const { url } = yield* world.publish("/file", bytes)
      const client = yield* world.client()
      const content = yield* within("5 seconds", client.open({ url, isWhole: false }))
      yield* TestClock.adjust("5 seconds")
      assert.isAtMost(world.origin.sent("/file"), 1024)
      yield* within("5 seconds", expectRange(content, { offset: 20 * pieceSize + 5, length: 3 * pieceSize }))
      yield* TestClock.adjust("5 seconds")
      assert.isAtMost(world.origin.sent("/file"), 1024 + 4 * pieceSize)
      assert.strictEqual(content.progress().requestedBytes, 4 * pieceSize)
      assert.strictEqual(content.progress().heldBytes, 4 * pieceSize)
      const first = content.read({ offset: 40 * pieceSize })
      yield* within("5 seconds", Stream.runDrain(Stream.take(first, 1)))
      yield* TestClock.adjust("5 seconds")
      assert.isAtMost(world.origin.sent("/file"), 1024 + 6 * pieceSize)
    })
  )
})
