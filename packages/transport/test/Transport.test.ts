/** One specification of what a stream does, over every layer that makes one; it is as long as that, so that each test runs over all of them. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Queue, Scope } from "effect"
import * as Tcp from "../src/internal/tcp.ts"
import { type ByteStream, TransportError } from "../src/ByteStream.ts"
import { Transport } from "../src/Transport.ts"

const eventsLayer = Layer.succeed(Transport, {
  dial: Tcp.dial,
  listen: (options, handler) => Tcp.listen(options, handler, "events")
})

const layers = [
  ["in memory", Transport.layerMemory],
  ["over TCP", Transport.layer],
  ["over TCP, accepted sockets read with events", eventsLayer]
] as const

const here = { host: "127.0.0.1", port: 0 }

/** Bytes whose value tells their place. */
const pattern = (length: number, from = 0) =>
  Uint8Array.from({ length }, (_, i) => ((from + i) * 31 + ((from + i) >> 8)) & 0xff)
const shared = (length: number) => new Uint8Array(new SharedArrayBuffer(length))
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

/** Both ends of a stream; the accepting one closes with the scope. */
const pair = Effect.gen(function* () {
  const transport = yield* Transport
  const accepted = yield* Queue.unbounded<ByteStream>()
  const address = yield* transport.listen(here, (stream) => Effect.andThen(Queue.offer(accepted, stream), Effect.never))
  const near = yield* transport.dial(address)
  return { near, far: yield* Queue.take(accepted), address }
})

const echo = (stream: ByteStream) =>
  Effect.gen(function* () {
    const buffer = new Uint8Array(10_000)
    for (let n = 1; n > 0;) {
      n = yield* stream.fill(buffer, 1)
      yield* stream.write([buffer.subarray(0, n)])
    }
    yield* stream.end
  }).pipe(Effect.ignore)

/** Lets sockets work until `condition` holds; the test's own time limit ends it. */
const until = (condition: () => boolean) =>
  Effect.gen(function* () {
    while (!condition()) yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
  })

/** Until a number has not moved for a while. */
const settled = (read: () => number) => {
  let last = -1
  let calm = 0
  return until(() => {
    calm = read() === last ? calm + 1 : 0
    last = read()
    return calm > 500
  })
}

for (const [name, layer] of layers) {
  const live = (sentence: string, test: Effect.Effect<void, unknown, Transport | Scope.Scope>) =>
    it.live(sentence, () => Effect.provide(test, layer).pipe(Effect.scoped))

  describe(`Transport ${name}`, () => {
    for (const length of [1, 65_536, 300_000]) {
      live(
        `brings back ${length} bytes from an echo`,
        Effect.gen(function* () {
          const transport = yield* Transport
          const address = yield* transport.listen(here, echo)
          const stream = yield* transport.dial(address)
          const sent = pattern(length)
          const writer = yield* Effect.forkChild(Effect.andThen(stream.write([sent]), stream.end))
          const target = new Uint8Array(length)
          assert.strictEqual(yield* stream.fill(target), length)
          assert.isTrue(same(target, sent))
          yield* Fiber.join(writer)
          assert.strictEqual(yield* stream.fill(target), 0)
          assert.deepStrictEqual({ ...stream.counters }, { received: length, sent: length })
        })
      )
    }

    live(
      "sends the parts of a write in order",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        yield* near.write([pattern(3), new Uint8Array(0), pattern(4, 3), shared(2)])
        const target = new Uint8Array(9)
        assert.strictEqual(yield* far.fill(target), 9)
        assert.deepStrictEqual([...target], [...pattern(7), 0, 0])
      })
    )

    live(
      "answers as soon as it holds the least that was asked for",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        yield* near.write([pattern(5)])
        const target = new Uint8Array(100)
        yield* until(() => far.counters.received === 5)
        assert.strictEqual(yield* far.fill(target, 4), 5)
        yield* near.write([pattern(2)])
        const fiber = yield* Effect.forkChild(far.fill(target, 3), { startImmediately: true })
        yield* until(() => far.counters.received === 7)
        assert.isUndefined(fiber.pollUnsafe())
        yield* near.write([pattern(1)])
        assert.strictEqual(yield* Fiber.join(fiber), 3)
      })
    )

    live(
      "keeps what does not fit for the next fill",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        yield* near.write([pattern(10)])
        const target = new Uint8Array(4)
        yield* until(() => far.counters.received === 10)
        for (const from of [0, 4]) {
          assert.strictEqual(yield* far.fill(target), 4)
          assert.deepStrictEqual(target, pattern(4, from))
        }
        yield* near.end
        assert.strictEqual(yield* far.fill(target), 2)
        assert.strictEqual(yield* far.fill(target), 0)
        assert.strictEqual(yield* far.fill(new Uint8Array(0)), 0)
      })
    )

    live(
      "lets the other direction go on after one has ended",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        yield* near.end
        const target = new Uint8Array(70_000)
        assert.strictEqual(yield* far.fill(target), 0)
        const writer = yield* Effect.forkChild(far.write([pattern(70_000)]))
        assert.strictEqual(yield* near.fill(target), 70_000)
        yield* Fiber.join(writer)
        assert.strictEqual((yield* Effect.flip(near.write([pattern(1)]))).reason, "Closed")
      })
    )

    live(
      "stays at the end once both directions have ended",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        yield* near.write([pattern(3)])
        yield* near.end
        yield* far.end
        assert.strictEqual(yield* near.fill(new Uint8Array(1)), 0)
        yield* settled(() => far.counters.received)
        assert.strictEqual(yield* far.fill(new Uint8Array(5)), 3)
        yield* settled(() => far.counters.received)
        assert.strictEqual(yield* far.fill(new Uint8Array(5)), 0)
        assert.strictEqual(yield* near.fill(new Uint8Array(1)), 0)
      })
    )

    live(
      "fills shared memory of a megabyte at a time with the right bytes",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        const all = pattern(8 << 20)
        const writer = yield* Effect.forkChild(near.write([all.subarray(0, 17), all.subarray(17)]))
        const head = new Uint8Array(17)
        yield* far.fill(head)
        const target = shared(1 << 20)
        for (let at = 17; at < all.length; at += target.length) {
          const n = yield* far.fill(target.subarray(0, Math.min(target.length, all.length - at)))
          assert.isTrue(same(target.subarray(0, n), all.subarray(at, at + n)), `bytes from ${at}`)
        }
        yield* Fiber.join(writer)
        assert.strictEqual(far.counters.received, all.length)
      })
    )

    live(
      "reads little while nobody fills, and loses nothing by it",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        const all = pattern(16 << 20)
        const writer = yield* Effect.forkChild(Effect.andThen(near.write([all]), near.end))
        const first = new Uint8Array(1)
        yield* far.fill(first)
        yield* settled(() => far.counters.received)
        assert.isBelow(far.counters.received, 200_000)
        assert.isUndefined(writer.pollUnsafe())
        const rest = new Uint8Array(all.length)
        assert.strictEqual(yield* far.fill(rest), all.length - 1)
        assert.isTrue(same(rest.subarray(0, all.length - 1), all.subarray(1)))
        yield* Fiber.join(writer)
      })
    )

    live(
      "stays right when small and large fills and pauses take turns",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        const all = pattern(6 << 20)
        const writer = yield* Effect.forkChild(near.write([all]))
        const sizes = [9, 65_536, 262_144, 1, 16_383, 16_384, 100_000, 4096, 1_000_000]
        const target = shared(1_000_000)
        for (let at = 0, i = 0; at < all.length; i++) {
          const wanted = Math.min(sizes[i % sizes.length] ?? 1, all.length - at)
          if (i % 4 === 3) yield* settled(() => far.counters.received)
          const n = yield* far.fill(target.subarray(0, wanted), i % 2 === 0 ? wanted : 1)
          assert.isTrue(same(target.subarray(0, n), all.subarray(at, at + n)), `${n} bytes from ${at}`)
          at += n
        }
        yield* Fiber.join(writer)
      })
    )

    live(
      "gives the bytes of an interrupted small fill to the next",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        yield* near.write([pattern(3)])
        const fiber = yield* Effect.forkChild(far.fill(new Uint8Array(10)), { startImmediately: true })
        yield* until(() => far.counters.received === 3)
        yield* Fiber.interrupt(fiber)
        yield* near.write([pattern(7, 3)])
        const target = new Uint8Array(10)
        assert.strictEqual(yield* far.fill(target), 10)
        assert.deepStrictEqual(target, pattern(10))
      })
    )

    live(
      "leaves the memory of an interrupted large fill alone, and gives its bytes to the next",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        const all = pattern(1 << 20)
        yield* near.write([all.subarray(0, 100_000)])
        const given = shared(1 << 20)
        const fiber = yield* Effect.forkChild(far.fill(given), { startImmediately: true })
        yield* until(() => far.counters.received === 100_000)
        yield* Fiber.interrupt(fiber)
        given.fill(0xee)
        const writer = yield* Effect.forkChild(near.write([all.subarray(100_000)]))
        yield* until(() => far.counters.received > 100_000)
        const head = new Uint8Array(7)
        yield* far.fill(head)
        const target = shared((1 << 20) - 7)
        assert.strictEqual(yield* far.fill(target), target.length)
        yield* Fiber.join(writer)
        assert.isTrue(same(head, all.subarray(0, 7)) && same(target, all.subarray(7)))
        assert.isTrue(given.every((byte) => byte === 0xee))
      })
    )

    live(
      "serves many connections at once",
      Effect.gen(function* () {
        const transport = yield* Transport
        const address = yield* transport.listen(here, echo)
        yield* Effect.forEach(
          Array.from({ length: 200 }, (_, i) => i),
          (i) =>
            Effect.gen(function* () {
              const stream = yield* transport.dial(address)
              const target = new Uint8Array(5000)
              yield* stream.write([pattern(5000, i)])
              yield* stream.fill(target)
              assert.deepStrictEqual(target, pattern(5000, i))
            }).pipe(Effect.scoped),
          { concurrency: "unbounded", discard: true }
        )
      })
    )

    live(
      "closes a stream when its handler ends",
      Effect.gen(function* () {
        const transport = yield* Transport
        const address = yield* transport.listen(here, (stream) => Effect.ignore(stream.write([pattern(5)])))
        const stream = yield* transport.dial(address)
        assert.strictEqual(yield* stream.fill(new Uint8Array(10)), 5)
      })
    )

    live(
      "breaks off when the other side closes without having read all",
      Effect.gen(function* () {
        const transport = yield* Transport
        const address = yield* transport.listen(here, (stream) => Effect.ignore(stream.fill(new Uint8Array(1))))
        const stream = yield* transport.dial(address)
        const writer = yield* Effect.forkChild(Effect.flip(stream.write([new Uint8Array(32 << 20)])))
        assert.strictEqual((yield* Effect.flip(stream.fill(new Uint8Array(1)))).reason, "Reset")
        assert.include(["Reset", "Closed"], (yield* Fiber.join(writer)).reason)
        assert.include(["Reset", "Closed"], (yield* Effect.flip(stream.write([pattern(1)]))).reason)
      })
    )

    live(
      "fails the fill and the write that are under way when the scope closes",
      Effect.gen(function* () {
        const transport = yield* Transport
        const address = yield* transport.listen(here, () => Effect.never)
        const scope = yield* Scope.make()
        const stream = yield* Scope.provide(transport.dial(address), scope)
        const reader = yield* Effect.forkChild(Effect.flip(stream.fill(new Uint8Array(1))))
        const writer = yield* Effect.forkChild(Effect.flip(stream.write([new Uint8Array(64 << 20)])))
        yield* settled(() => stream.counters.sent)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual((yield* Fiber.join(reader)).reason, "Closed")
        assert.strictEqual((yield* Fiber.join(writer)).reason, "Closed")
        assert.strictEqual((yield* Effect.flip(stream.fill(new Uint8Array(1)))).reason, "Closed")
        assert.strictEqual((yield* Effect.flip(stream.write([new Uint8Array(1)]))).reason, "Closed")
      })
    )

    live(
      "breaks the stream when a write is interrupted halfway",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        const writer = yield* Effect.forkChild(near.write([new Uint8Array(64 << 20)]), { startImmediately: true })
        yield* until(() => far.counters.received > 0)
        yield* Fiber.interrupt(writer)
        assert.strictEqual((yield* Effect.flip(near.write([pattern(1)]))).reason, "Closed")
        const target = new Uint8Array(64 << 20)
        const got = yield* Effect.orElseSucceed(far.fill(target), () => 0)
        assert.isBelow(got, target.length)
      })
    )

    live(
      "interrupts the handlers and frees the port when the listener's scope closes",
      Effect.gen(function* () {
        const transport = yield* Transport
        const interrupted = yield* Deferred.make<void>()
        const scope = yield* Scope.make()
        const handler = () => Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))
        const address = yield* Scope.provide(transport.listen(here, handler), scope)
        const stream = yield* transport.dial(address)
        yield* stream.write([pattern(1)])
        yield* settled(() => stream.counters.sent)
        yield* Scope.close(scope, Exit.void)
        yield* Deferred.await(interrupted)
        const left = yield* Effect.orElseSucceed(stream.fill(new Uint8Array(1)), () => 0)
        assert.strictEqual(left, 0)
        assert.strictEqual((yield* Effect.flip(transport.dial(address))).reason, "Refused")
        const again = yield* transport.listen(address, echo)
        assert.strictEqual(again.port, address.port)
        yield* transport.dial(again)
      })
    )

    live(
      "closes connections over the limit at once",
      Effect.gen(function* () {
        const transport = yield* Transport
        const address = yield* transport.listen({ ...here, maxConnections: 2 }, echo)
        const first = yield* Scope.make()
        yield* Scope.provide(transport.dial(address), first)
        yield* Effect.flatMap(transport.dial(address), (stream) => stream.write([pattern(1)]))
        const over = yield* transport.dial(address)
        assert.strictEqual(yield* Effect.orElseSucceed(over.fill(new Uint8Array(1)), () => 0), 0)
        yield* Scope.close(first, Exit.void)
        const target = new Uint8Array(1)
        const retry = Effect.gen(function* () {
          const stream = yield* transport.dial(address)
          yield* stream.write([pattern(1)])
          return yield* stream.fill(target)
        })
        let got = 0
        while (got === 0) got = yield* Effect.orElseSucceed(retry, () => 0)
      })
    )

    live(
      "says that nobody listens, or that somebody does already",
      Effect.gen(function* () {
        const transport = yield* Transport
        const address = yield* transport.listen(here, echo)
        const taken = yield* Effect.flip(transport.listen(address, echo))
        assert.deepStrictEqual([taken.operation, taken.reason], ["listen", "InUse"])
        const free = yield* Effect.scoped(transport.listen(here, echo))
        const refused = yield* Effect.flip(transport.dial(free))
        assert.deepStrictEqual([refused.operation, refused.reason], ["dial", "Refused"])
        assert.strictEqual(refused.address, free.toString())
      })
    )

    live(
      "tells both ends where they are",
      Effect.gen(function* () {
        const { near, far, address } = yield* pair
        assert.deepStrictEqual(near.remote, address)
        assert.deepStrictEqual(far.local, address)
        assert.deepStrictEqual(near.local, far.remote)
        assert.notStrictEqual(near.local.port, address.port)
      })
    )

    live(
      "answers plain calls at once where it can, else later and never within the call",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        const told: Array<unknown> = []
        const target = shared(100_000)
        const later = (result: unknown) => void told.push(result)
        assert.isUndefined(far.plain.fill(target, target.length, later))
        assert.isEmpty(told)
        const bytes = pattern(100_000)
        const sent = near.plain.write([bytes.subarray(0, 30_000), bytes.subarray(30_000)], later)
        yield* until(() => told.length === (sent === undefined ? 2 : 1))
        assert.include(told, 100_000)
        assert.isTrue(same(target, bytes))
        yield* near.write([pattern(10)])
        yield* until(() => far.counters.received === 100_010)
        assert.strictEqual(far.plain.fill(target, 1, later), 10)
        assert.strictEqual(far.plain.fill(new Uint8Array(0), 1, later), 0)
        yield* near.end
        yield* settled(() => far.counters.received)
        const atEnd = far.plain.fill(target, 1, later)
        assert.strictEqual(
          atEnd ??
            (yield* Effect.as(
              until(() => told.at(-1) === 0),
              0
            )),
          0
        )
        assert.instanceOf(near.plain.write([bytes], later), TransportError)
      })
    )

    live(
      "says later that a plain write went through, once the reader makes room",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        const bytes = pattern(32 << 20)
        let told: unknown
        const later = (result: unknown) => void (told = result)
        assert.isUndefined(near.plain.write([bytes], later))
        assert.throws(() => near.plain.write([bytes], later), "one writer")
        yield* settled(() => far.counters.received)
        assert.isUndefined(told)
        const target = new Uint8Array(bytes.length)
        yield* far.fill(target)
        yield* until(() => told === true)
        assert.isTrue(same(target, bytes))
      })
    )

    live(
      "gives a plain fill that was taken back nothing, and its bytes to the next",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        let told: unknown
        const later = (result: unknown) => void (told = result)
        const first = shared(50_000)
        assert.isUndefined(far.plain.fill(first, first.length, later))
        yield* near.write([pattern(20_000)])
        yield* until(() => far.counters.received === 20_000)
        far.plain.forget(later)
        first.fill(0)
        const second = shared(30_000)
        yield* near.write([pattern(10_000, 20_000)])
        assert.strictEqual(yield* far.fill(second), 30_000)
        assert.isTrue(same(second, pattern(30_000)))
        assert.isTrue(first.every((byte) => byte === 0))
        assert.isUndefined(told)
      })
    )

    live(
      "tells a plain fill and a plain write when the other side breaks the stream off",
      Effect.gen(function* () {
        const transport = yield* Transport
        const address = yield* transport.listen(here, (stream) =>
          Effect.andThen(Effect.ignore(stream.fill(new Uint8Array(1))), Effect.void)
        )
        const stream = yield* transport.dial(address)
        const told: Array<unknown> = []
        const later = (result: unknown) => void told.push(result)
        assert.isUndefined(stream.plain.fill(new Uint8Array(1), 1, later))
        // In memory the other side hears of it within the call.
        const now = stream.plain.write([new Uint8Array(64 << 20)], later)
        if (now !== undefined) later(now)
        yield* until(() => told.length === 2)
        assert.isTrue(told.some((result) => result instanceof TransportError && result.operation === "write"))
      })
    )

    live(
      "keeps the bytes in order, and loses none, where they come in drips and the reader waits for many",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        const parts = [100_000, 300_000, 20_000, 7]
        const length = parts.reduce((sum, part) => sum + part, 0)
        const bytes = pattern(length)
        yield* Effect.forkScoped(
          Effect.gen(function* () {
            for (let at = 0; at < length; at += 1448) {
              yield* far.write([bytes.subarray(at, at + 1448)])
              yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
            }
            yield* far.end
          })
        )
        const got: Array<number> = []
        const target = shared(length)
        for (let at = 0; at < length; at += got.at(-1) ?? length)
          got.push(yield* near.fill(target.subarray(at, at + (parts[got.length] ?? 1))))
        assert.deepStrictEqual(got, parts)
        assert.isTrue(same(target, bytes))
        assert.strictEqual(yield* near.fill(target), 0)
      })
    )

    live(
      "keeps the bytes in order when a valve is put on and taken off while they land",
      Effect.gen(function* () {
        const { near, far } = yield* pair
        const target = new Uint8Array(400_000)
        const sizes = [68, 17, 25, 90_000, 30, 50_000, 40_000, 100_000]
        let at = 0
        let granted = 0
        const valve = {
          room: () => granted,
          next: () => 5000,
          came: (bytes: number) => void (granted -= bytes)
        }
        const put = (part: number) => {
          if (part % 3 === 2) return near.regulate(undefined)
          granted = 700
          near.regulate(valve)
        }
        const going = setInterval(() => {
          granted += 20_000
          if (granted > 0) near.regulate(valve)
        }, 1)
        yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(going)))
        let part = 0
        const read = (): void => {
          for (; part < sizes.length; part++) {
            // Large memory for little, as a reader of messages has it; each goes on inside the step that brought the bytes.
            const room = new Uint8Array(65_536 + (sizes[part] ?? 0))
            const took = (n: unknown) => {
              target.set(room.subarray(0, Number(n)), at)
              at += Number(n)
              put(part)
            }
            const now = near.plain.fill(room, 1, (n) => {
              took(n)
              part++
              read()
            })
            if (now === undefined) return
            took(now)
          }
        }
        read()
        let sent = 0
        for (const size of sizes) {
          yield* far.write([pattern(size, sent)])
          sent += size
          yield* until(() => at === sent || part === sizes.length)
        }
        assert.isTrue(same(target.subarray(0, at), pattern(at)))
      })
    )

    live(
      "has one reader at a time",
      Effect.gen(function* () {
        const { far } = yield* pair
        yield* Effect.forkChild(far.fill(new Uint8Array(1)), { startImmediately: true })
        assert.isTrue(Exit.hasDies(yield* Effect.exit(far.fill(new Uint8Array(1)))))
      })
    )
  })
}
