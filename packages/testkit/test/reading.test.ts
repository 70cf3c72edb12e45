import { assert, describe, it } from "@effect/vitest"
import { PieceCache } from "@piecework/cache/PieceCache"
import { PeerId } from "@piecework/domain/Peer"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { BufferPool } from "@piecework/hashing"
import { TestPeer, World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Transport } from "@piecework/transport/Transport"
import { Clock, Context, Effect, Exit, Fiber, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { download, expectFile, expectNoBufferLent } from "./downloads.ts"
import { behindLine, diceOf, expectRead, type Range, read, someRange } from "./reads.ts"
import { until, within } from "./within.ts"

const pieceSize = 4096
const bytes = World.bytesOf(60 * pieceSize + 77)
const zeros = ({ length }: { readonly length: number }) => new Uint8Array(length)

describe("a content that the service knows", () => {
  it.effect("is read whole while it arrives, and stays in the cache", () =>
    Effect.gen(function* () {
      const world = yield* behindLine(200_000)
      const { url, phf } = yield* world.publish("/file", bytes)
      const client = yield* world.client()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const content = yield* within("5 seconds", client.open({ url }))
          assert.strictEqual(content.size, bytes.length)
          assert.strictEqual(content.contentId, phf.contentId)
          yield* within("10 seconds", expectRead(content, bytes))
          assert.strictEqual(content.progress().heldBytes, bytes.length)
          assert.strictEqual(content.progress().requestedBytes, bytes.length)
        })
      )
      const sent = world.origin.sent("/file")
      world.origin.misbehave({ silent: true })
      const again = yield* within("5 seconds", client.open({ url, isWhole: false }))
      yield* within("1 second", expectRead(again, bytes))
      assert.strictEqual(world.origin.sent("/file"), sent, "the origin is not asked for what the cache has")
      assert.strictEqual(again.progress().received.LocalCache, bytes.length)
      expectNoBufferLent(client)
    })
  )

  it.effect("of which a part is read is fetched in that part, and a little ahead of it", () =>
    Effect.gen(function* () {
      const world = yield* behindLine(1_000_000)
      const { url } = yield* world.publish("/file", bytes)
      const client = yield* world.client()
      const content = yield* within("5 seconds", client.open({ url, isWhole: false }))
      yield* TestClock.adjust("5 seconds")
      assert.isAtMost(world.origin.sent("/file"), 1024, "nothing but the first look before somebody reads")
      yield* within("5 seconds", expectRead(content, bytes, { offset: 20 * pieceSize + 5, length: 3 * pieceSize }))
      yield* TestClock.adjust("5 seconds")
      assert.isAtMost(world.origin.sent("/file"), 1024 + 4 * pieceSize)
      assert.strictEqual(content.progress().requestedBytes, 4 * pieceSize)
      assert.strictEqual(content.progress().heldBytes, 4 * pieceSize)
      yield* within("5 seconds", Stream.runDrain(Stream.take(content.read({ offset: 40 * pieceSize }), 1)))
      yield* TestClock.adjust("5 seconds")
      assert.isAtMost(world.origin.sent("/file"), 1024 + 6 * pieceSize, "the piece and the next one")
      yield* within("10 seconds", expectRead(content, bytes))
      assert.isAtMost(world.origin.sent("/file"), 1024 + bytes.length)
    })
  )

  it.effect("of which pieces come into the cache by another way is asked of nobody for these", () =>
    Effect.gen(function* () {
      const world = yield* behindLine(1_000_000)
      const { url, phf } = yield* world.publish("/file", bytes)
      const client = yield* world.client()
      const content = yield* within("5 seconds", client.open({ url, isWhole: false }))
      yield* within("5 seconds", expectRead(content, bytes, { offset: 0, length: 10 }))
      const store = yield* Context.get(client.services, PieceCache).open(phf)
      for (let n = 10; n < 30; n += 2) {
        yield* store.put(n as PieceIndex, bytes.slice(n * pieceSize, (n + 1) * pieceSize))
      }
      yield* within("10 seconds", expectRead(content, bytes))
      assert.isAtMost(world.origin.sent("/file"), 1024 + bytes.length - 10 * pieceSize)
      expectNoBufferLent(client)
    })
  )

  it.effect("gives the end of it within a few pieces' time while all of it comes over a slow line", () =>
    Effect.gen(function* () {
      // A piece takes a second, all of them five minutes.
      const size = 65_536
      const large = World.bytesOf(300 * size)
      const world = yield* behindLine(size, size)
      const { url } = yield* world.publish("/file", large)
      const client = yield* world.client()
      const content = yield* within("5 seconds", client.open({ url }))
      const first = yield* Effect.forkScoped(expectRead(content, large, { offset: 0, length: 40 * size }))
      yield* TestClock.adjust("10 seconds")
      const began = yield* Clock.currentTimeMillis
      yield* within("20 seconds", expectRead(content, large, { offset: 299 * size, length: size }))
      assert.isBelow(
        (yield* Clock.currentTimeMillis) - began,
        6_000,
        "behind two under way, on a line that three share"
      )
      assert.isUndefined(first.pollUnsafe())
      yield* within("1 minute", Fiber.join(first))
    })
  )

  it.effect("comes from a neighbour at once, though that one has a long queue", () =>
    Effect.gen(function* () {
      const lines = new Map<string, MemoryNetwork.Line>()
      const lineOf = (from: string) => {
        const line = lines.get(from) ?? MemoryNetwork.line(40 * pieceSize)
        lines.set(from, line)
        return line
      }
      const world = yield* World.make({
        pieceSize,
        network: {
          // 40 pieces a second from everybody, so a queue of 2.5 seconds would be 32 deep.
          link: (from) => ({ lines: [lineOf(from)] })
        }
      })
      const large = World.bytesOf(400 * pieceSize)
      const { url } = yield* world.publish("/file", large)
      const [seed, client] = [yield* world.client(), yield* world.client()]
      yield* download(seed, { url }, large, "1 minute")
      const content = yield* within("5 seconds", client.open({ url }))
      yield* TestClock.adjust("4 seconds")
      const began = yield* Clock.currentTimeMillis
      yield* within("20 seconds", expectRead(content, large, { offset: 399 * pieceSize, length: pieceSize }))
      assert.isBelow((yield* Clock.currentTimeMillis) - began, 1_500)
    })
  )

  for (let seed = 1; seed <= 8; seed++) {
    it.effect(`gives each of many readers what it asks for, whatever fails meanwhile: seed ${seed}`, () =>
      Effect.gen(function* () {
        const below = diceOf(seed)
        const world = yield* behindLine(300_000)
        const { url } = yield* world.publish("/file", bytes)
        const seeder = yield* Scope.make()
        const helper = yield* world.client()
        if (below(2) === 0) yield* within("1 minute", Scope.provide(download(helper, { url }, bytes), seeder))
        const client = yield* world.client()
        const isWhole = below(2) === 0
        const scope = yield* Scope.make()
        const content = yield* within("10 seconds", Scope.provide(client.open({ url, isWhole }), scope))
        const one = Effect.gen(function* () {
          yield* Effect.sleep(below(3000))
          const range = someRange(below, bytes.length)
          if (below(4) > 0) return yield* expectRead(content, bytes, range)
          // Leaves in the middle.
          yield* Stream.runDrain(Stream.take(content.read(range), 1 + below(3)))
        })
        const trouble = Effect.gen(function* () {
          yield* Effect.sleep(below(1500))
          yield* Scope.close(seeder, Exit.void)
          world.origin.misbehave({ cutAfter: 1000 + below(9000) })
          yield* Effect.sleep(below(2000))
          world.origin.misbehave({ status: 503 })
          yield* Effect.sleep(below(2000))
          world.origin.misbehave({})
        })
        const readers = Effect.forEach(Array.from({ length: 12 }), () => one, { concurrency: 12 })
        yield* within("2 minutes", Effect.all([readers, trouble], { concurrency: 2 }))
        // Nobody reads, and it may still fetch.
        yield* within("5 seconds", Scope.close(scope, Exit.void))
        expectNoBufferLent(client)
      })
    )
  }

  it.effect("is read past a peer that lies and one that says nothing any more", () =>
    Effect.gen(function* () {
      const world = yield* behindLine(200_000)
      const { phf, url } = yield* world.publish("/file", bytes)
      const swarm = phf.hashOfHashes
      for (const [n, host] of ["10.0.7.1", "10.0.7.2"].entries()) {
        const id = PeerId.make(`${n + 7}`.repeat(40))
        const delay = n === 0 ? undefined : "1 hour"
        const peer = yield* TestPeer.make({
          host,
          port: 7680,
          id,
          swarm,
          layout: phf.layout,
          answer: zeros,
          delay
        }).pipe(Effect.provideService(Transport, world.network.transport(host)))
        yield* world.introduce(phf.contentId, id, peer.address)
      }
      const client = yield* world.client()
      const content = yield* within("10 seconds", client.open({ url, isWhole: false }))
      yield* within("2 minutes", expectRead(content, bytes))
    })
  )

  it.effect("has bytes for more readers than are looked at, though many of them have stopped to read", () =>
    Effect.gen(function* () {
      const world = yield* behindLine(1_000_000)
      const { url } = yield* world.publish("/file", bytes)
      const client = yield* world.client()
      const content = yield* within("5 seconds", client.open({ url, isWhole: false }))
      const stuck = content.read().pipe(Stream.runForEach(() => Effect.never))
      for (let n = 0; n < 80; n++) yield* Effect.forkScoped(stuck)
      yield* TestClock.adjust("1 second")
      const below = diceOf(7)
      const ranges = Array.from({ length: 80 }, () => someRange(below, bytes.length))
      const all = Effect.forEach(ranges, (range) => expectRead(content, bytes, range), { concurrency: 80 })
      yield* within("20 seconds", all)
    })
  )

  it.effect("waits for nobody who reads slowly, and a slow one gets right bytes much later", () =>
    Effect.gen(function* () {
      const world = yield* behindLine(1_000_000)
      const { url } = yield* world.publish("/file", bytes)
      const client = yield* world.client()
      const content = yield* within("5 seconds", client.open({ url }))
      const got: Array<Uint8Array> = []
      const slow = yield* content.read().pipe(
        Stream.runForEach((chunk) =>
          Effect.andThen(
            Effect.sync(() => void got.push(chunk.slice())),
            Effect.sleep("10 seconds")
          )
        ),
        Effect.forkScoped
      )
      yield* within("3 seconds", expectRead(content, bytes))
      assert.isAtMost(got.length, 1)
      const pool = Context.get(client.services, BufferPool.BufferPool)
      yield* until(() => pool.available() === pool.capacity)
      yield* within("20 minutes", Fiber.join(slow))
      assert.strictEqual(Buffer.compare(Buffer.concat(got), bytes), 0)
    })
  )

  it.effect("is fetched once for two of a site that read it at the same time", () =>
    Effect.gen(function* () {
      const world = yield* behindLine(100_000)
      const { url } = yield* world.publish("/file", bytes)
      const clients = [yield* world.client(), yield* world.client()]
      const reading = Effect.forEach(
        clients,
        (client) => Effect.flatMap(client.open({ url }), (content) => expectRead(content, bytes)),
        { concurrency: 2 }
      )
      yield* within("30 seconds", reading)
      assert.isBelow(world.origin.sent("/file"), 1.25 * bytes.length)
    })
  )

  it.effect("is fetched once for a site whose devices read parts of it, each elsewhere, and then all of it", () =>
    Effect.gen(function* () {
      const large = World.bytesOf(240 * pieceSize)
      const world = yield* behindLine(400_000)
      const { url } = yield* world.publish("/file", large)
      const clients = yield* Effect.forEach(Array.from({ length: 4 }), () => world.client())
      const contents = yield* within(
        "5 seconds",
        Effect.forEach(clients, (client) => client.open({ url, isWhole: false }), { concurrency: 4 })
      )
      const all = (rangeOf: (n: number) => Range | undefined) =>
        Effect.forEach(contents, (content, n) => expectRead(content, large, rangeOf(n)), { concurrency: 4 })
      const began = yield* Clock.currentTimeMillis
      yield* within(
        "1 minute",
        all((n) => ({ offset: n * 60 * pieceSize, length: 30 * pieceSize }))
      )
      assert.isBelow(world.origin.sent("/file"), 1.1 * 120 * pieceSize + 4 * 1024)
      yield* within(
        "1 minute",
        all(() => undefined)
      )
      const took = (yield* Clock.currentTimeMillis) - began
      assert.isBelow(world.origin.sent("/file"), 1.2 * large.length)
      // The line needs 2.5 s for one copy.
      assert.isBelow(took, 12_000)
    })
  )

  it.effect("is read without a service next to a neighbour that wants another part of it", () =>
    Effect.gen(function* () {
      const large = World.bytesOf(120 * pieceSize)
      const world = yield* behindLine(400_000)
      const { phf, url } = yield* world.publish("/file", large)
      world.origin.put("/file.phf", World.hashesOf(large, pieceSize))
      const { contentId } = phf
      const [one, other] = [
        yield* world.client({ noService: true, hasLan: true }),
        yield* world.client({ noService: true, hasLan: true })
      ]
      const there = yield* within("10 seconds", other.open({ url, contentId, isWhole: false }))
      yield* within("20 seconds", expectRead(there, large, { offset: 110 * pieceSize }))
      const content = yield* within("10 seconds", one.open({ url, contentId, isWhole: false }))
      const began = yield* Clock.currentTimeMillis
      yield* within("1 minute", expectRead(content, large, { offset: 0, length: 60 * pieceSize }))
      // Those in the other's share are waited for once or twice, not one by one.
      assert.isBelow((yield* Clock.currentTimeMillis) - began, 15_000)
    })
  )

  it.effect("is fetched once for all who want it on one device: readers, and downloads", () =>
    Effect.gen(function* () {
      const world = yield* behindLine(100_000)
      const { url } = yield* world.publish("/file", bytes)
      const client = yield* world.client()
      const lasting = yield* within("5 seconds", client.open({ url, isWhole: false }))
      yield* within("5 seconds", expectRead(lasting, bytes, { offset: 50 * pieceSize, length: pieceSize }))
      const active = yield* client.start({ url })
      const other = yield* within("5 seconds", client.open({ url, isWhole: false }))
      yield* within(
        "30 seconds",
        Effect.all(
          [
            expectFile(client, active, bytes),
            expectRead(lasting, bytes),
            expectRead(other, bytes, { offset: 30 * pieceSize })
          ],
          { concurrency: 3 }
        )
      )
      assert.isBelow(world.origin.sent("/file"), 1.05 * bytes.length + 2048)
    })
  )

  it.effect("goes on to be read when the download that fetched it is stopped", () =>
    Effect.gen(function* () {
      const large = World.bytesOf(400 * pieceSize)
      const world = yield* behindLine(200_000)
      const { url } = yield* world.publish("/file", large)
      const client = yield* world.client()
      const scope = yield* Scope.make()
      const active = yield* Scope.provide(client.start({ url }), scope)
      yield* until(() => active.progress().heldBytes > 0)
      const content = yield* within("5 seconds", client.open({ url, isWhole: false }))
      const reading = yield* Effect.forkScoped(expectRead(content, large))
      yield* TestClock.adjust("1 second")
      yield* Scope.close(scope, Exit.void)
      yield* within("1 minute", Fiber.join(reading))
      assert.isBelow(world.origin.sent("/file"), 1.15 * large.length)
    })
  )

  it.effect("ends the streams with the reason when no source is left, and when it is halted", () =>
    Effect.gen(function* () {
      const world = yield* behindLine(50_000)
      const { phf, url } = yield* world.publish("/file", bytes)
      const client = yield* world.client()
      const content = yield* within("5 seconds", client.open({ url, isWhole: false }))
      yield* within("5 seconds", expectRead(content, bytes, { offset: 0, length: 10 }))
      world.origin.remove("/file")
      const error = yield* within("10 minutes", Effect.flip(read(content)))
      assert.deepInclude(error, { _tag: "NoSourceError", reason: "NotFound" })
      const later = yield* within("1 second", Effect.flip(read(content, { offset: 4 * pieceSize })))
      assert.strictEqual(later, error)
      world.origin.put("/file", bytes)
      const second = yield* within("5 seconds", client.open({ url }))
      const reading = yield* Effect.forkScoped(Effect.flip(read(second)))
      yield* world.catalog.setHalted(phf.contentId, true)
      assert.strictEqual((yield* within("20 seconds", Fiber.join(reading)))._tag, "HaltedError")
      const pool = Context.get(client.services, BufferPool.BufferPool)
      yield* until(() => pool.available() === pool.capacity)
    })
  )

  it.effect("is checked piece by piece when the caller names it, though it is too small to ask peers for it", () =>
    Effect.gen(function* () {
      const world = yield* behindLine(1_000_000)
      const { phf, url } = yield* world.publish("/file", bytes)
      const client = yield* world.client({ config: { minContentSize: 10_000_000 } })
      const content = yield* within("5 seconds", client.open({ url, contentId: phf.contentId }))
      assert.strictEqual(content.contentId, phf.contentId)
      assert.strictEqual(content.progress().why?.reason, "TooSmall")
      yield* within("5 seconds", expectRead(content, bytes))
      const small = yield* within("5 seconds", client.open({ url }))
      assert.isUndefined(small.contentId)
      yield* within("5 seconds", expectRead(small, bytes))
    })
  )

  it.effect("has no bytes behind its end, and none that are not there", () =>
    Effect.gen(function* () {
      const world = yield* behindLine(1_000_000)
      const { url } = yield* world.publish("/file", bytes)
      const content = yield* within(
        "5 seconds",
        Effect.flatMap(world.client(), (client) => client.open({ url }))
      )
      for (const [range, reason] of [
        [{ offset: bytes.length }, "OutOfFile"],
        [{ offset: 5, length: bytes.length - 4 }, "OutOfFile"],
        [{ offset: 5, length: 0 }, "Invalid"],
        [{ offset: -1 }, "Invalid"],
        [{ offset: 0.5 }, "Invalid"],
        [{ offset: 0, length: Number.NaN }, "Invalid"]
      ] as const) {
        assert.deepInclude(yield* Effect.flip(read(content, range)), { _tag: "RangesError", reason })
      }
      yield* within("5 seconds", expectRead(content, bytes, { offset: bytes.length - 1 }))
    })
  )
})
