import { assert, it } from "@effect/vitest"
import * as Bitfield from "@piecework/domain/Bitfield"
import { Objects } from "@piecework/objects/Objects"
import { Effect, Exit, Fiber, Latch, Layer, Result, Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Fills } from "../src/Fills.ts"
import {
  answerWith,
  client,
  head,
  isSame,
  MiB,
  open,
  openFile,
  pattern,
  read,
  running,
  serve,
  settled,
  spanOf,
  url
} from "./support.ts"

const bytes = pattern(40 * MiB + 123)

const small = pattern(1000)

it.effect(
  "gives a cold file with one request, which is the client's own",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(answerWith(bytes))
      const cold = yield* client()
      assert.isTrue(isSame(cold.bytes, bytes))
      assert.strictEqual(cold.file.outcome, "Miss")
      assert.strictEqual(origin.requests.length, 1)
      assert.isUndefined(origin.requests[0]?.header("range"))
      const warm = yield* client()
      assert.strictEqual(warm.file.outcome, "Hit")
      assert.isTrue(isSame(warm.bytes, bytes))
      assert.strictEqual(origin.requests.length, 1)
      assert.deepStrictEqual(yield* Fills.use((fills) => Effect.succeed(fills.received())), {
        origin: bytes.length,
        parent: 0
      })
    })
  )
)

it.effect(
  "joins thirty clients that come at once into one request",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(answerWith(bytes.subarray(0, 5 * MiB + 1)))
      const all = yield* Effect.all(
        Array.from({ length: 30 }, () => client()),
        { concurrency: "unbounded" }
      )
      for (const one of all) assert.isTrue(isSame(one.bytes, bytes, 0, 5 * MiB + 1))
      assert.strictEqual(origin.requests.length, 1)
      assert.strictEqual(origin.sent, 5 * MiB + 1)
    })
  )
)

it.effect(
  "hands out the first bytes of a piece before the piece is whole",
  running(
    Effect.gen(function* () {
      yield* serve(() => ({
        parts: [head("200 OK", [`Content-Length: ${small.length}`]), small.subarray(0, 10)],
        after: "Silence"
      }))
      const file = yield* openFile()
      const first = yield* Stream.runHead(Stream.map(file.read({ offset: 0, length: 1000 }), (part) => part.slice()))
      assert.deepStrictEqual(first._tag === "Some" ? first.value : undefined, small.slice(0, 10))
    })
  )
)

it.effect(
  "fetches the pieces of a range and nothing else",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(answerWith(bytes))
      const part = { offset: 10 * MiB + 5, length: 2 * MiB }
      const one = yield* client({ part })
      assert.isTrue(isSame(one.bytes, bytes, part.offset, part.length))
      assert.deepStrictEqual(
        origin.requests.map((request) => request.header("range")),
        [`bytes=${10 * MiB}-${13 * MiB - 1}`]
      )
      assert.deepStrictEqual(Array.from(Bitfield.pieces(one.file.held()), Number), [10, 11, 12])
      const other = yield* client({ part: { offset: 11 * MiB, length: 3 * MiB } })
      assert.strictEqual(other.file.outcome, "Partial")
      assert.strictEqual(origin.requests[1]?.header("range"), `bytes=${13 * MiB}-${14 * MiB - 1}`)
    })
  )
)

it.effect(
  "reads a range to the end, the last bytes, and a range past the end",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(answerWith(bytes))
      const rest = yield* client({ part: { offset: 39 * MiB + 7 } })
      assert.isTrue(isSame(rest.bytes, bytes, 39 * MiB + 7))
      const last = yield* client({ url: url("/other"), part: { offset: -200 } })
      assert.isTrue(isSame(last.bytes, bytes, bytes.length - 200))
      assert.deepStrictEqual(
        origin.requests.map((request) => request.header("range")),
        [`bytes=${39 * MiB}-`, "bytes=0-0", `bytes=${39 * MiB}-${bytes.length - 1}`]
      )
      const beyond = yield* openFile({ url: url("/third"), part: { offset: 100 * MiB, length: 5 } })
      assert.strictEqual(beyond.facts.size, bytes.length)
      assert.strictEqual((yield* read(beyond, 0, 10)).length, 10)
    })
  )
)

it.effect(
  "looks at a file for HEAD without fetching it, and gives an empty one",
  running(
    Effect.gen(function* () {
      const origin = yield* serve((request) =>
        answerWith(request.path === "/empty" ? new Uint8Array(0) : bytes)(request)
      )
      const file = yield* openFile({ isHead: true })
      yield* settled
      assert.strictEqual(file.facts.size, bytes.length)
      assert.isAtMost(origin.sent, 1)
      const empty = yield* client({ url: url("/empty"), part: { offset: 5, length: 5 } })
      assert.strictEqual(empty.file.facts.size, 0)
      assert.strictEqual(empty.bytes.length, 0)
    })
  )
)

it.effect(
  "goes on for the others when the client that began it leaves",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(answerWith(bytes, { pause: 100 }))
      const first = yield* Effect.forkChild(client())
      yield* settled
      const second = yield* Effect.forkChild(client())
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("10 seconds")
      assert.isTrue(isSame((yield* Fiber.join(second)).bytes, bytes))
      assert.strictEqual(origin.requests.length, 1)
    })
  )
)

it.effect(
  "stops soon after the last reader has left",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(answerWith(bytes, { pause: 100 }))
      const only = yield* Effect.forkChild(client())
      yield* TestClock.adjust("550 millis")
      yield* Fiber.interrupt(only)
      yield* TestClock.adjust("60 seconds")
      assert.isAtLeast(origin.sent, 5 * MiB)
      assert.isAtMost(origin.sent, 12 * MiB)
      const rest = yield* Effect.forkChild(client())
      yield* TestClock.adjust("60 seconds")
      assert.isTrue(isSame((yield* Fiber.join(rest)).bytes, bytes))
      assert.match(origin.requests[1]?.header("range") ?? "", /^bytes=\d+-/)
      assert.strictEqual(origin.requests[1]?.header("if-range"), '"1"')
    })
  )
)

it.effect(
  "reads at distant places with a request each, and fetches no piece twice",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(answerWith(bytes, { pause: 10 }))
      const whole = yield* Effect.forkChild(client())
      yield* TestClock.adjust("20 millis")
      const far = yield* Effect.forkChild(client({ part: { offset: 30 * MiB } }))
      yield* TestClock.adjust("60 seconds")
      assert.isTrue(isSame((yield* Fiber.join(whole)).bytes, bytes))
      assert.isTrue(isSame((yield* Fiber.join(far)).bytes, bytes, 30 * MiB))
      assert.deepStrictEqual(
        origin.requests.map((request) => request.header("range")),
        [undefined, `bytes=${30 * MiB}-${bytes.length - 1}`]
      )
      const { origin: came } = yield* Fills.use((fills) => Effect.succeed(fills.received()))
      assert.isAtMost(came, bytes.length + 2 * MiB)
    })
  )
)

it.effect(
  "reads further and further ahead of a client that takes a file part by part",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(answerWith(bytes))
      for (let at = 0; at < bytes.length; at += 2 * MiB) {
        const length = Math.min(2 * MiB, bytes.length - at)
        const one = yield* client({ part: { offset: at, length } })
        assert.isTrue(isSame(one.bytes, bytes, at, length))
        yield* settled
      }
      assert.isAtMost(origin.requests.length, 8)
      assert.strictEqual(origin.sent, bytes.length)
    })
  )
)

it.effect(
  "ends with the pieces under way when it is surrendered, and says so to who wants more",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(answerWith(bytes, { pause: 100 }))
      const file = yield* openFile()
      const reading = yield* Effect.forkChild(Effect.result(read(file)))
      yield* TestClock.adjust("250 millis")
      const ending = yield* Effect.forkChild(file.surrender, { startImmediately: true })
      yield* TestClock.adjust("60 seconds")
      yield* Fiber.join(ending)
      const got = yield* Fiber.join(reading)
      assert.isTrue(Result.isFailure(got) && got.failure.reason === "Surrendered")
      assert.isAtMost(origin.sent, 5 * MiB)
      const held = Bitfield.count(file.held())
      assert.isAtLeast(held, 2)
      assert.isTrue(isSame(yield* read(file, 0, held * MiB), bytes, 0, held * MiB))
    })
  )
)

it.effect(
  "passes a file through that no drive takes, to all who read it at one speed",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(answerWith(bytes, { pause: 10 }))
      const reading = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 5 }, () => client()),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust("10 seconds")
      const all = yield* Fiber.join(reading)
      for (const one of all) {
        assert.isUndefined(one.file.stored)
        assert.isTrue(isSame(one.bytes, bytes))
      }
      assert.strictEqual(origin.requests.length, 1)
    }),
    { objects: Objects.layerMemoryOf(MiB), fills: { pieceBuffers: 8 } }
  )
)

it.effect(
  "keeps within its buffers however many readers stand still",
  running(
    Effect.gen(function* () {
      yield* serve(answerWith(bytes))
      const scope = yield* Scope.make()
      const still = Effect.gen(function* () {
        const file = yield* openFile()
        const pull = yield* Stream.toPull(file.read({ offset: 0, length: bytes.length }))
        yield* pull
      })
      for (let i = 0; i < 20; i++) yield* Scope.provide(still, scope)
      assert.isTrue(isSame((yield* client()).bytes, bytes))
      yield* Scope.close(scope, Exit.void)
    }),
    { fills: { pieceBuffers: 4 } }
  )
)

it.effect(
  "passes a client's own login to the origin, and the answer to that client alone",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(answerWith(small))
      for (let i = 0; i < 2; i++) {
        const answered = yield* open({ authorization: "Basic abc" })
        assert.strictEqual(answered._tag, "Passing")
      }
      assert.deepStrictEqual(
        origin.requests.map((request) => request.header("authorization")),
        ["Basic abc", "Basic abc"]
      )
    })
  )
)

it.effect(
  "closes files that nobody reads when others are opened, and has no more open than it may",
  running(
    Effect.gen(function* () {
      yield* serve(answerWith(small))
      for (let i = 0; i < 10; i++) {
        assert.isTrue(isSame((yield* client({ url: url(`/${i}`) })).bytes, small))
        yield* settled
      }
      yield* openFile({ url: url("/0") })
      yield* openFile({ url: url("/1") })
      const third = yield* Effect.result(openFile({ url: url("/2") }))
      assert.isTrue(Result.isFailure(third) && third.failure.detail === "too many files are open at a time")
    }),
    { fills: { maxFiles: 2 } }
  )
)

it.effect(
  "fetches what two clients want at both ends of a cold file of 4 GiB, at once, and not what lies between",
  running(
    Effect.gen(function* () {
      const size = 4096 * MiB
      const origin = yield* serve((request) => {
        const [start, end] = spanOf(request, size) ?? [0, 0]
        // Each piece has its number in all its bytes.
        const parts = Array.from({ length: (end - start) / MiB }, (_, i) => new Uint8Array(MiB).fill(start / MiB + i))
        const range = [`Content-Range: bytes ${start}-${end - 1}/${size}`, `Content-Length: ${end - start}`]
        return { parts: [head("206 Partial Content", ['ETag: "1"', ...range]), ...parts], delay: 1000 }
      })
      const places = [0, 4094 * MiB + 5]
      const reading = yield* Effect.forkChild(
        Effect.forEach(places, (offset) => client({ part: { offset, length: MiB } }), { concurrency: 2 })
      )
      // As long as two questions after each other take, and no more.
      yield* TestClock.adjust("2 seconds")
      const [first, last] = yield* Fiber.join(reading)
      assert.isTrue(first?.bytes.equals(new Uint8Array(MiB)))
      assert.strictEqual(last?.bytes.length, MiB)
      assert.deepStrictEqual([last?.bytes[0], last?.bytes[MiB - 5], last?.bytes[MiB - 6]], [4094 % 256, 255, 254])
      assert.isAtMost(origin.sent, 6 * MiB)
    })
  )
)

{
  const gate = Latch.makeUnsafe(false)
  const slow: Layer.Layer<Objects> = Layer.effect(
    Objects,
    Effect.map(Objects, (objects) =>
      Objects.of({ ...objects, create: (facts) => Effect.andThen(gate.await, objects.create(facts)) })
    )
  ).pipe(Layer.provide(Objects.layerMemory))
  it.effect(
    "waits for no drive: all bytes come before the file has its place there, and are kept once it has",
    running(
      Effect.gen(function* () {
        const origin = yield* serve(answerWith(bytes))
        const first = yield* client()
        assert.isTrue(isSame(first.bytes, bytes))
        assert.isTrue(first.file.stored === undefined && first.file.isKept)
        yield* gate.open
        yield* settled
        assert.strictEqual(Bitfield.count(first.file.held()), first.file.stored?.layout.pieceCount)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* client()).file.outcome, "Hit")
        assert.strictEqual(origin.requests.length, 1)
      }),
      { objects: slow }
    )
  )
}
