import { assert, describe, it } from "@effect/vitest"
import type { PeerKind } from "@piecework/domain/Peer"
import { line, MemoryNetwork } from "@piecework/transport/MemoryNetwork"
import { Codec, Extension } from "@piecework/wire"
import { Arbitrary, Clock, Effect, Fiber, Queue, Schema } from "effect"
import { TestClock } from "effect/testing"
import { block, rawSession } from "./rawPeer.ts"
import { at, client, type Client, contentOf, fetchInto, idOf, inNetwork } from "./support.ts"

const sizeOfPiece = 131_072
const content = contentOf(16 * sizeOfPiece, 1, sizeOfPiece)
const config = { blockSize: sizeOfPiece }

/** 1 MB a second either way, 20 ms there and back. */
const thin = () => {
  const lines = new Map<string, ReturnType<typeof line>>()
  const link = (from: string, to: string) => {
    const way = lines.get(`${from} ${to}`) ?? line(1_000_000)
    lines.set(`${from} ${to}`, way)
    return { latency: "10 millis", lines: [way] } as const
  }
  return { link }
}

const fetchAll = (session: Parameters<typeof fetchInto>[0], to: Client, pieces: ReadonlyArray<number>) =>
  Effect.forkChild(Effect.forEach(pieces, (n) => fetchInto(session, to, n), { concurrency: "unbounded" }))

/** Lets time pass, at most a minute, until the fiber is done; answers how many milliseconds that took. */
const pass = Effect.fnUntraced(function* (fiber: Fiber.Fiber<unknown, unknown>, each: () => void = () => {}) {
  const from = yield* Clock.currentTimeMillis
  for (let millis = 0; millis < 60_000 && fiber.pollUnsafe() === undefined; millis++) {
    yield* TestClock.adjust("1 millis")
    each()
  }
  yield* Fiber.join(fiber)
  return (yield* Clock.currentTimeMillis) - from
})

/** The session of both when one client has dialled another over a line that takes time. */
const joined = Effect.fnUntraced(function* (from: Client, to: Client, kind: PeerKind) {
  const connecting = yield* Effect.forkChild(from.host.connect({ ...to.peer, kind }, from.served))
  yield* TestClock.adjust("1 second")
  return { session: yield* Fiber.join(connecting), other: yield* Queue.take(to.incoming) }
})

/** One client fetches all from another over a thin line: how long that took, and how much was under way at most and in the middle. */
const upload = Effect.fnUntraced(function* (kind: PeerKind) {
  const seeder = yield* client("seeder", { id: idOf("a"), held: "all", content, config })
  const leecher = yield* client("leecher", { id: idOf("b"), content, config })
  const { other, session } = yield* joined(leecher, seeder, kind)
  const fetching = yield* fetchAll(session, leecher, [...content.phf.layout.indices()])
  const underWay: Array<number> = []
  const millis = yield* pass(fetching, () => underWay.push(other.counters().sent - session.counters().received))
  return { millis, most: Math.max(...underWay), middle: underWay[underWay.length >> 1] ?? 0, kind: other.kind }
})

describe("an upload beyond the site", () => {
  for (const kind of ["Internet", "Group"] as const) {
    inNetwork(
      `to a peer of kind ${kind} keeps little under way and fills the line all the same`,
      function* () {
        const { kind: taken, middle, millis, most } = yield* upload(kind)
        assert.strictEqual(taken, kind)
        // Two MiB at 1 MB/s, and the start.
        assert.isBelow(millis, 2097 * 1.2)
        // What is on the line in 20 ms and in the time to a receipt, and what may wait; a slow start is over by then.
        assert.isBelow(middle, 90_000)
        assert.isBelow(most, 160_000)
      },
      thin()
    )
  }

  inNetwork(
    "holds nothing back within the site",
    function* () {
      assert.isAbove((yield* upload("Lan")).middle, 150_000)
    },
    thin()
  )

  inNetwork(
    "goes both ways at once, though receipts wait for the end of a block",
    function* () {
      const half = [...content.phf.layout.indices()].map(Number)
      const [first, second] = [half.slice(0, 8), half.slice(8)]
      const one = yield* client("one", { id: idOf("a"), held: first, content, config })
      const two = yield* client("two", { id: idOf("b"), held: second, content, config })
      const { other, session } = yield* joined(two, one, "Internet")
      const there = yield* fetchAll(session, two, first)
      const back = yield* fetchAll(other, one, second)
      const millis = (yield* pass(there)) + (yield* pass(back))
      assert.isBelow(millis, 5000)
    },
    thin()
  )

  inNetwork(
    "goes by the requests of a peer that gives no receipts, which keeps some open, and fills the line in the end",
    function* () {
      const seeder = yield* client("seeder", { id: idOf("a"), held: "all", content, config })
      const dialling = yield* Effect.forkChild(rawSession(seeder, { id: idOf("e"), content, kind: "Internet" }))
      yield* TestClock.adjust("1 second")
      const raw = yield* Fiber.join(dialling)
      const other = yield* Queue.take(seeder.incoming)
      let received = 0
      const fetching = Effect.gen(function* () {
        yield* raw.send({ _tag: "Interested" })
        yield* raw.until("Unchoke")
        const asks = Array.from({ length: 128 }, (_, n) => block(n >> 3, (n & 7) * 16_384, 16_384))
        for (const ask of asks.slice(0, 16)) yield* raw.send({ _tag: "Request", ...ask })
        for (const [n, ask] of asks.entries()) {
          const { data = new Uint8Array(0), piece } = yield* raw.until("Piece")
          assert.strictEqual(piece, ask.piece)
          assert.deepStrictEqual(data, content.piece(piece).subarray(ask.offset, ask.offset + ask.length))
          received += data.length
          const next = asks[n + 16]
          if (next !== undefined) yield* raw.send({ _tag: "Request", ...next })
        }
      })
      const underWay: Array<number> = []
      const millis = yield* pass(yield* Effect.forkChild(fetching), () =>
        underWay.push(other.counters().sent - received)
      )
      assert.isBelow(millis, 2 * 2097)
      assert.isBelow(Math.max(...underWay), 200_000)
    },
    thin()
  )

  inNetwork("ends when a peer that gave receipts gives none for 30 s", function* () {
    const seeder = yield* client("seeder", { id: idOf("a"), held: "all", content, config })
    const raw = yield* rawSession(seeder, { id: idOf("e"), content, kind: "Internet" })
    const session = yield* Queue.take(seeder.incoming)
    yield* raw.until("Extension")
    yield* raw.send(Extension.encode({ _tag: "Receipt", received: 80, at: 0, held: 0 }))
    yield* raw.send({ _tag: "Interested" })
    yield* raw.until("Unchoke")
    yield* raw.send({ _tag: "Request", ...block(0, 0, sizeOfPiece) })
    const closed = yield* Effect.forkChild(session.closed)
    yield* TestClock.adjust("29 seconds")
    assert.isUndefined(closed.pollUnsafe())
    yield* TestClock.adjust("3 seconds")
    assert.strictEqual((yield* Fiber.join(closed)).reason, "TimedOut")
    assert.isBelow(session.counters().sent, Codec.maxBlockLength / 20)
  })

  inNetwork("gives a peer that asks for it a receipt at once, and a little after more has come", function* () {
    const leecher = yield* client("leecher", { id: idOf("a"), content, config })
    const raw = yield* rawSession(leecher, { id: idOf("e"), content, kind: "Internet" })
    yield* raw.until("Extension")
    const receipt = Effect.map(raw.until("Extension"), ({ data = new Uint8Array() }) => Extension.decode(data))
    yield* raw.send(Extension.encode({ _tag: "Wish" }))
    const first = yield* receipt
    assert.include(first, { _tag: "Receipt", received: 75 + 9, held: 0 })
    yield* TestClock.adjust("1 second")
    yield* raw.send(...Array.from({ length: 200 }, () => ({ _tag: "KeepAlive" }) as const))
    yield* TestClock.adjust("12 millis")
    const second = yield* receipt
    assert.include(second, { _tag: "Receipt", received: 75 + 9 + 800, held: 12_000 })
  })

  it.effect.prop(
    "goes on whatever the peer sends in messages of id 20",
    {
      payloads: Arbitrary.schema(Schema.Array(Schema.Uint8Array)),
      kinds: Arbitrary.schema(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))))
    },
    ({ kinds, payloads }) =>
      Effect.gen(function* () {
        const seeder = yield* client("seeder", { id: idOf("a"), held: "all", content, config })
        const raw = yield* rawSession(seeder, { id: idOf("e"), content, kind: "Internet" })
        for (const [i, payload] of payloads.entries()) {
          const marked = Uint8Array.of(0x50, 0x57, kinds[i] ?? 2, ...payload)
          for (const data of [payload, marked])
            yield* raw.send(Codec.encode({ _tag: "Extension", length: data.length }), data)
        }
        yield* raw.send({ _tag: "Interested" })
        yield* raw.until("Unchoke")
        yield* raw.send({ _tag: "Request", ...block(3, 0, 1000) })
        assert.strictEqual((yield* raw.until("Piece")).piece, at(3))
      }).pipe(Effect.scoped, Effect.provide(MemoryNetwork.layer())),
    { arbitrary: { runs: 30 } }
  )
})
