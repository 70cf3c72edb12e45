import { assert, describe } from "@effect/vitest"
import { Bitfield } from "@piecework/domain"
import type { PeerError } from "@piecework/peers"
import { Codec, type Message } from "@piecework/wire"
import { Effect, Fiber, Queue } from "effect"
import { TestClock } from "effect/testing"
import { answerTo, block, rawDialled, type RawPeer, rawSession } from "./rawPeer.ts"
import { at, client, content, drop, eventually, fetchInto, idOf, inNetwork } from "./support.ts"

const { pieceCount } = content.phf.layout
const bitfield: Message.Message = { _tag: "Bitfield", bytes: Bitfield.empty(pieceCount).bytes }
const request = (piece: number, offset: number, length: number): Message.Message => ({
  _tag: "Request",
  ...block(piece, offset, length)
})
const bytesOf = (...bytes: ReadonlyArray<number>) => Uint8Array.of(...bytes)

/** A raw peer in the session with a client that holds the first five pieces. */
const attack = Effect.gen(function* () {
  const victim = yield* client("victim", { id: idOf("a"), held: [0, 1, 2, 3, 4] })
  const raw = yield* rawSession(victim, { id: idOf("e") })
  const session = yield* Queue.take(victim.incoming)
  return { victim, raw, session }
})

const ends: ReadonlyArray<
  readonly [
    name: string,
    violation: PeerError.Violation,
    code: number,
    attack: (raw: RawPeer) => Effect.Effect<unknown>
  ]
> = [
  ["a frame longer than any message", "FrameTooLong", 0x80d06815, (raw) => raw.send(bytesOf(0, 0x1f, 0x40, 1, 7))],
  ["a frame of 4 GiB", "FrameTooLong", 0x80d06815, (raw) => raw.send(bytesOf(255, 255, 255, 255))],
  [
    "a have with too much behind it",
    "BadMessage",
    0x80d06816,
    (raw) => raw.send(bytesOf(0, 0, 0, 6, 4, 0, 0, 0, 0, 0))
  ],
  ["a request that is too short", "BadMessage", 0x80d06816, (raw) => raw.send(bytesOf(0, 0, 0, 5, 6, 0, 0, 0, 0))],
  ["a piece without its numbers", "BadMessage", 0x80d06816, (raw) => raw.send(bytesOf(0, 0, 0, 5, 7, 0, 0, 0, 0))],
  ["a choke of two bytes", "BadMessage", 0x80d06816, (raw) => raw.send(bytesOf(0, 0, 0, 2, 0, 0))],
  [
    "a have of a piece past the last",
    "BadMessage",
    0x80d06816,
    (raw) => raw.send({ _tag: "Have", piece: at(pieceCount) })
  ],
  ["a bitfield twice", "BadBitfield", 0x80d06816, (raw) => raw.send(bitfield, bitfield)],
  [
    "a bitfield behind another message",
    "BadBitfield",
    0x80d06816,
    (raw) => raw.send({ _tag: "Have", piece: at(0) }, bitfield)
  ],
  [
    "a bitfield with spare bits",
    "BadBitfield",
    0x80d06816,
    (raw) => raw.send({ _tag: "Bitfield", bytes: bytesOf(0, 1) })
  ],
  [
    "a bitfield of one byte less",
    "BadBitfield",
    0x80d06816,
    (raw) => raw.send({ _tag: "Bitfield", bytes: bytesOf(0) })
  ],
  [
    "a bitfield of one byte more",
    "BadBitfield",
    0x80d06816,
    (raw) => raw.send({ _tag: "Bitfield", bytes: bytesOf(0, 0, 0) })
  ],
  ["a bitfield of 1 MiB", "BadBitfield", 0x80d06816, (raw) => raw.send(bytesOf(0, 16, 0, 1, 5))],
  [
    "a block that nobody asked for",
    "BlockNotAsked",
    0x80d06816,
    (raw) => raw.send(bitfield, answerTo(block(7, 0, 1024)))
  ],
  [
    "a block of a piece past the last",
    "BlockNotAsked",
    0x80d06816,
    (raw) => raw.send(bytesOf(0, 0, 0, 10, 7, 255, 255, 255, 255, 0, 0, 0, 0, 1))
  ],
  ["a request past the last piece", "BadMessage", 0x80d06816, (raw) => raw.send(bitfield, request(pieceCount, 0, 1))],
  [
    "a request past the end of a piece",
    "BadMessage",
    0x80d06816,
    (raw) => raw.send(bitfield, request(0, 4096 - 1024, 1025))
  ],
  [
    "a request whose end does not fit 32 bits",
    "BadMessage",
    0x80d06816,
    (raw) => raw.send(bitfield, request(0, 0xffffffff, 0xffffffff))
  ],
  [
    "a request past the end of the short last piece",
    "BadMessage",
    0x80d06816,
    (raw) => raw.send(bitfield, request(9, 0, 101))
  ],
  ["a request of no bytes", "BadMessage", 0x80d06816, (raw) => raw.send(bitfield, request(0, 0, 0))],
  [
    "a request for a piece that was not announced",
    "PieceNotHeld",
    0x80d06816,
    (raw) => raw.send(bitfield, request(7, 0, 1024))
  ],
  [
    "a flood of the same have",
    "TooManyHaves",
    0x80d06816,
    (raw) => Effect.forEach(Array.from({ length: 1026 }), () => raw.send({ _tag: "Have", piece: at(0) }))
  ],
  [
    "a flood of requests",
    "TooManyRequests",
    0x80d06816,
    (raw) =>
      Effect.gen(function* () {
        yield* raw.send(bitfield, { _tag: "Interested" })
        yield* raw.until("Unchoke")
        // One more than the 128 that may wait, and another for the one that is being answered.
        yield* raw.send(...Array.from({ length: 130 }, (_, i) => request(0, i, 1)))
      })
  ]
]

describe("a hostile peer", () => {
  for (const [name, violation, code, perform] of ends) {
    inNetwork(`is disconnected for ${name}`, function* () {
      const { raw, session, victim } = yield* attack
      yield* perform(raw)
      const end = yield* session.closed
      assert.deepStrictEqual([end.reason, end.violation, end.doCode], ["Protocol", violation, code])
      assert.include(end.message, violation)
      yield* raw.toEnd
      assert.strictEqual(victim.pool.available(), victim.pool.capacity)
      yield* rawSession(victim, { id: idOf("e"), machine: "again" })
    })
  }

  for (const [name, bad] of [
    ["past the end of its piece", () => answerTo({ ...block(3, 4096, 1024) })],
    ["longer than it was asked for", () => answerTo(block(3, 0, 2048))],
    ["shorter than it was asked for", () => answerTo(block(3, 0, 512))],
    ["of another piece", () => answerTo(block(4, 0, 1024))],
    ["that overlaps two others", () => answerTo(block(3, 512, 1024))],
    ["of no bytes", () => answerTo(block(3, 0, 0))]
  ] as const) {
    inNetwork(`is disconnected for a block ${name}`, function* () {
      const victim = yield* client("victim", { id: idOf("a") })
      const { raw, session } = yield* rawDialled(victim, { id: idOf("e") })
      yield* raw.send({ _tag: "Unchoke" })
      const fetching = yield* Effect.forkChild(
        Effect.flip(session.fetch({ first: at(3), count: 1 }, content.phf.layout, drop))
      )
      yield* raw.until("Request")
      yield* raw.send(bad())
      assert.strictEqual((yield* Fiber.join(fetching)).reason, "Protocol")
      assert.strictEqual((yield* session.closed).violation, "BlockNotAsked")
      assert.strictEqual(victim.pool.available(), victim.pool.capacity)
    })
  }

  inNetwork("is disconnected for a block that it sends twice", function* () {
    const victim = yield* client("victim", { id: idOf("a") })
    const { raw, session } = yield* rawDialled(victim, { id: idOf("e") })
    yield* raw.send({ _tag: "Unchoke" })
    yield* Effect.forkChild(Effect.flip(session.fetch({ first: at(3), count: 1 }, content.phf.layout, drop)))
    yield* raw.until("Request")
    yield* raw.send(answerTo(block(3, 0, 1024)), answerTo(block(3, 0, 1024)))
    assert.strictEqual((yield* session.closed).violation, "BlockNotAsked")
    assert.deepStrictEqual(session.counters(), { received: 1024, sent: 0, wasted: 1024 })
  })

  inNetwork("may answer out of order, which is no attack", function* () {
    const victim = yield* client("victim", { id: idOf("a") })
    const { raw, session } = yield* rawDialled(victim, { id: idOf("e") })
    yield* raw.send({ _tag: "Unchoke" })
    const fetching = yield* Effect.forkChild(fetchInto(session, victim, 3))
    for (let n = 0; n < 4; n++) yield* raw.until("Request")
    for (const offset of [3072, 0, 2048, 1024]) yield* raw.send(answerTo(block(3, offset, 1024)))
    assert.deepStrictEqual(yield* Fiber.join(fetching), content.piece(3))
  })

  inNetwork("gets its bad bytes checked by whoever takes the piece", function* () {
    const victim = yield* client("victim", { id: idOf("a") })
    const { raw, session } = yield* rawDialled(victim, { id: idOf("e") })
    yield* raw.send({ _tag: "Unchoke" })
    const fetching = yield* Effect.forkChild(Effect.flip(fetchInto(session, victim, 3)))
    for (let n = 0; n < 4; n++) yield* raw.until("Request")
    for (const offset of [0, 1024, 2048, 3072]) {
      const answer = answerTo(block(3, offset, 1024))
      answer[500] = 0
      yield* raw.send(answer)
    }
    assert.strictEqual((yield* Fiber.join(fetching))["_tag"], "PieceMismatch")
  })

  inNetwork("ends the session when it ends in the middle of a message", function* () {
    const { raw, session } = yield* attack
    yield* raw.send(bitfield, bytesOf(0, 0, 0, 13, 6, 0, 0))
    yield* raw.stream.end
    assert.strictEqual((yield* session.closed).reason, "Closed")
  })

  inNetwork("may send messages that nobody knows, which are skipped", function* () {
    const { raw, session } = yield* attack
    yield* raw.send(
      { _tag: "KeepAlive" },
      { _tag: "Extension", length: 100_000 },
      new Uint8Array(100_000),
      { _tag: "Unknown", id: 77, length: 3 },
      bytesOf(1, 2, 3),
      bitfield,
      { _tag: "Have", piece: at(8) }
    )
    assert.deepStrictEqual(yield* eventually(session, "Have"), { _tag: "Have", piece: at(8) })
  })

  inNetwork("that begins without a bitfield holds nothing yet", function* () {
    const { raw, session } = yield* attack
    yield* raw.send({ _tag: "Have", piece: at(8) })
    assert.deepStrictEqual(yield* eventually(session, "Held"), { _tag: "Held", pieces: Bitfield.empty(pieceCount) })
    assert.deepStrictEqual(yield* eventually(session, "Have"), { _tag: "Have", piece: at(8) })
  })

  inNetwork("cannot fill the memory with events: what nobody takes is summed up", function* () {
    const victim = yield* client("victim", { id: idOf("a"), config: { maxEvents: 8 } })
    const { raw, session } = yield* rawDialled(victim, { id: idOf("e"), held: "none" })
    for (let n = 0; n < 500; n++) yield* raw.send({ _tag: "Unchoke" }, { _tag: "Choke" })
    yield* raw.send({ _tag: "Have", piece: at(6) }, { _tag: "Unchoke" })
    while (session.choked() || !Bitfield.has(session.held(), 6)) yield* Effect.yieldNow
    const events = session.takeEvents()
    assert.isAtMost(events.length, 8)
    const held = events.filter(({ _tag }) => _tag === "Held" || _tag === "Have")
    assert.isNotEmpty(held)
    const states = events.filter(({ _tag }) => _tag === "Choked" || _tag === "Unchoked")
    assert.strictEqual(states.at(-1)?.["_tag"], "Unchoked")
  })

  inNetwork("that asks three hundred times at once for one block gets it once", function* () {
    const { raw } = yield* attack
    yield* raw.send(bitfield, { _tag: "Interested" })
    yield* raw.until("Unchoke")
    yield* raw.send(...Array.from({ length: 300 }, () => request(1, 0, 1024)))
    assert.strictEqual((yield* raw.until("Piece")).piece, 1)
    yield* TestClock.adjust("5 seconds")
    assert.strictEqual(raw.stream.counters.received, 75 + 7 + 5 + Codec.pieceHeaderLength + 1024)
  })

  inNetwork("that turns its interest on and off a thousand times makes nothing grow", function* () {
    const { raw } = yield* attack
    yield* raw.send(bitfield)
    yield* raw.send(
      ...Array.from({ length: 1001 }, (_, i): Message.Message => ({
        _tag: i % 2 === 0 ? "Interested" : "NotInterested"
      }))
    )
    yield* TestClock.adjust("5 seconds")
    assert.deepStrictEqual(yield* raw.next, { _tag: "Unchoke" })
    assert.strictEqual(raw.stream.counters.received, 75 + 7 + 5)
  })
})
