import { assert, describe } from "@effect/vitest"
import { Bitfield } from "@piecework/domain"
import { MemoryNetwork } from "@piecework/transport/MemoryNetwork"
import { Duration, Effect, Fiber, Queue } from "effect"
import { TestClock } from "effect/testing"
import { answerTo, block, rawDialled, rawSession } from "./rawPeer.ts"
import { at, client, content, contentOf, drop, fetchInto, idOf, inNetwork, pair } from "./support.ts"

const { pieceCount } = content.phf.layout
const none = Bitfield.empty(pieceCount).bytes

describe("timeouts", () => {
  inNetwork("a session with nothing to say is kept alive by both sides", function* () {
    const { session } = yield* pair()
    yield* TestClock.adjust("20 minutes")
    assert.isFalse(Bitfield.count(session.held()) === 0)
    const ended = yield* Effect.forkChild(session.closed)
    yield* TestClock.adjust("1 minute")
    assert.isUndefined(ended.pollUnsafe())
  })

  inNetwork("a keep-alive comes after 45 s of silence, and not sooner", function* () {
    const leecher = yield* client("leecher", { id: idOf("b") })
    const { raw, session } = yield* rawDialled(leecher, { id: idOf("e") })
    assert.deepStrictEqual(yield* raw.next, { _tag: "Interested" })
    for (let n = 0; n < 3; n++) {
      yield* raw.send({ _tag: "KeepAlive" })
      const heard = yield* Effect.forkChild(raw.next)
      // That the last one went out is seen a second later, so they are 46 s apart.
      yield* TestClock.adjust("44 seconds")
      assert.isUndefined(heard.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* Fiber.join(heard), { _tag: "KeepAlive" })
    }
    session.announce(at(5))
    yield* TestClock.adjust("1 second")
    assert.deepStrictEqual(yield* raw.next, { _tag: "Have", piece: at(5) })
    const heard = yield* Effect.forkChild(raw.next)
    yield* TestClock.adjust("44 seconds")
    assert.isUndefined(heard.pollUnsafe())
  })

  inNetwork("a peer that is silent for 150 s is given up, with what was asked of it", function* () {
    const leecher = yield* client("leecher", { id: idOf("b") })
    const { raw, session } = yield* rawDialled(leecher, { id: idOf("e") })
    yield* raw.send({ _tag: "Unchoke" })
    const fetching = yield* Effect.forkChild(
      Effect.flip(session.fetch({ first: at(3), count: 1 }, content.phf.layout, drop))
    )
    yield* TestClock.adjust("149 seconds")
    assert.isUndefined(fetching.pollUnsafe())
    yield* TestClock.adjust("3 seconds")
    assert.strictEqual((yield* Fiber.join(fetching)).reason, "Stalled")
    assert.strictEqual((yield* session.closed).reason, "TimedOut")
    assert.strictEqual(leecher.pool.available(), leecher.pool.capacity)
  })

  inNetwork("a keep-alive from the peer is a sign of life", function* () {
    const leecher = yield* client("leecher", { id: idOf("b") })
    const { raw, session } = yield* rawDialled(leecher, { id: idOf("e") })
    const ended = yield* Effect.forkChild(session.closed)
    for (let n = 0; n < 5; n++) {
      yield* TestClock.adjust("120 seconds")
      yield* raw.send({ _tag: "KeepAlive" })
    }
    assert.isUndefined(ended.pollUnsafe())
    yield* TestClock.adjust("152 seconds")
    assert.strictEqual((yield* Fiber.join(ended)).reason, "TimedOut")
  })

  inNetwork("a message that stands still half-way ends the session after 30 s", function* () {
    const leecher = yield* client("leecher", { id: idOf("b") })
    const { raw, session } = yield* rawDialled(leecher, { id: idOf("e") })
    yield* raw.send(Uint8Array.of(0, 0, 0, 5, 4, 0))
    const ended = yield* Effect.forkChild(session.closed)
    yield* TestClock.adjust("29 seconds")
    assert.isUndefined(ended.pollUnsafe())
    yield* TestClock.adjust("3 seconds")
    assert.strictEqual((yield* Fiber.join(ended)).reason, "TimedOut")
  })

  inNetwork("a message that trickles in is waited for", function* () {
    const leecher = yield* client("leecher", { id: idOf("b") })
    const { raw, session } = yield* rawDialled(leecher, { id: idOf("e") })
    yield* raw.send({ _tag: "Unchoke" })
    const fetching = yield* Effect.forkChild(fetchInto(session, leecher, 9))
    const answer = answerTo(yield* raw.until("Request"))
    for (const byte of answer) {
      yield* raw.send(Uint8Array.of(byte))
      yield* TestClock.adjust("20 seconds")
    }
    assert.deepStrictEqual(yield* Fiber.join(fetching), content.piece(9))
  })

  inNetwork("a peer that asks and does not read is given up after 30 s", function* () {
    const big = contentOf(1_048_576, 1, 65_536)
    const seeder = yield* client("seeder", { id: idOf("a"), held: "all", content: big })
    const raw = yield* rawSession(seeder, { id: idOf("e"), content: big })
    yield* raw.send({ _tag: "Bitfield", bytes: Bitfield.empty(16).bytes }, { _tag: "Interested" })
    yield* raw.until("Unchoke")
    yield* raw.send(...Array.from({ length: 16 }, (_, n) => ({ _tag: "Request" as const, ...block(n, 0, 65_536) })))
    const session = yield* Queue.take(seeder.incoming)
    const ended = yield* Effect.forkChild(session.closed)
    // As much as the network takes.
    while (session.counters().sent < 4 * 65_536) yield* Effect.yieldNow
    // Its keep-alives do not count: what it asked for does not get on.
    for (let n = 0; n < 5; n++) {
      yield* TestClock.adjust("5 seconds")
      yield* raw.send({ _tag: "KeepAlive" })
    }
    assert.isUndefined(ended.pollUnsafe())
    assert.isBelow(session.counters().sent, 1_048_576)
    yield* TestClock.adjust("7 seconds")
    assert.strictEqual((yield* Fiber.join(ended)).reason, "TimedOut")
  })

  inNetwork("a long silence before a block is no stall of its sending", function* () {
    const seeder = yield* client("seeder", {
      id: idOf("a"),
      held: "all",
      config: { keepAliveEvery: Duration.hours(1) }
    })
    const raw = yield* rawSession(seeder, { id: idOf("e") })
    yield* raw.send({ _tag: "Bitfield", bytes: none }, { _tag: "Interested" })
    yield* raw.until("Unchoke")
    yield* TestClock.adjust("100 seconds")
    yield* raw.send({ _tag: "Request", ...block(0, 0, 1024) })
    yield* TestClock.adjust("2 seconds")
    assert.strictEqual((yield* raw.until("Piece")).length, 1024)
  })

  inNetwork("a block that nobody waits for any more may stand still for 5 s, as it holds a buffer", function* () {
    const leecher = yield* client("leecher", { id: idOf("b") })
    const { raw, session } = yield* rawDialled(leecher, { id: idOf("e") })
    yield* raw.send({ _tag: "Unchoke" })
    const fetching = yield* Effect.forkChild(fetchInto(session, leecher, 3))
    const answer = answerTo(yield* raw.until("Request"))
    yield* raw.send(answer.subarray(0, 13))
    yield* raw.send(answer.subarray(13, 500))
    yield* TestClock.adjust("1 second")
    yield* Fiber.interrupt(fetching)
    const ended = yield* Effect.forkChild(session.closed)
    yield* TestClock.adjust("3 seconds")
    assert.isUndefined(ended.pollUnsafe())
    assert.strictEqual(leecher.pool.available(), leecher.pool.capacity - 1)
    yield* TestClock.adjust("4 seconds")
    assert.strictEqual((yield* Fiber.join(ended)).reason, "TimedOut")
    assert.strictEqual(leecher.pool.available(), leecher.pool.capacity)
  })

  inNetwork("a network that breaks off ends the sessions of both sides", function* () {
    const { leecher, seeder, session } = yield* pair()
    const network = yield* MemoryNetwork
    const other = yield* Queue.take(seeder.incoming)
    yield* network.reset("seeder")
    assert.strictEqual((yield* session.closed).reason, "Closed")
    assert.strictEqual((yield* other.closed).reason, "Closed")
    yield* leecher.host.connect(seeder.peer, leecher.served)
  })

  inNetwork("a network that goes silent ends them after the idle time", function* () {
    const { seeder, session } = yield* pair()
    const network = yield* MemoryNetwork
    const other = yield* Queue.take(seeder.incoming)
    yield* network.cut("seeder")
    yield* TestClock.adjust("152 seconds")
    assert.strictEqual((yield* session.closed).reason, "TimedOut")
    assert.strictEqual((yield* other.closed).reason, "TimedOut")
  })
})
