import { assert, describe } from "@effect/vitest"
import { Bitfield } from "@piecework/domain"
import { Duration, Effect, Fiber, Latch, Queue } from "effect"
import { TestClock } from "effect/testing"
import { answerTo, block, rawDialled, rawSession } from "./rawPeer.ts"
import { at, client, content, eventually, fetchInto, idOf, inNetwork } from "./support.ts"

const none = Bitfield.empty(content.phf.layout.pieceCount).bytes

describe("choked by the peer", () => {
  inNetwork("a fetch waits, and asks once it is let", function* () {
    const leecher = yield* client("leecher", { id: idOf("b") })
    const { raw, session } = yield* rawDialled(leecher, { id: idOf("e") })
    const fetching = yield* Effect.forkChild(fetchInto(session, leecher, 3))
    assert.deepStrictEqual(yield* raw.next, { _tag: "Interested" })
    assert.isTrue(session.choked())
    yield* TestClock.adjust("10 seconds")
    assert.strictEqual(raw.stream.counters.received, 75 + 4 + 3 + 5)
    yield* raw.send({ _tag: "Unchoke" })
    for (const offset of [0, 1024, 2048, 3072]) {
      assert.deepStrictEqual(yield* raw.next, { _tag: "Request", ...block(3, offset, 1024) })
      yield* raw.send(answerTo(block(3, offset, 1024)))
    }
    assert.deepStrictEqual(yield* Fiber.join(fetching), content.piece(3))
  })

  inNetwork("a fetch that was half answered asks for the rest again", function* () {
    const leecher = yield* client("leecher", { id: idOf("b") })
    const { raw, session } = yield* rawDialled(leecher, { id: idOf("e") })
    yield* raw.send({ _tag: "Unchoke" })
    const fetching = yield* Effect.forkChild(fetchInto(session, leecher, 3))
    for (let n = 0; n < 4; n++) yield* raw.until("Request")
    yield* raw.send(answerTo(block(3, 2048, 1024)), { _tag: "Choke" })
    yield* eventually(session, "Choked")
    assert.isTrue(session.choked())
    yield* raw.send({ _tag: "Unchoke" })
    for (const offset of [0, 1024, 3072]) {
      assert.deepStrictEqual(yield* raw.next, { _tag: "Request", ...block(3, offset, 1024) })
      yield* raw.send(answerTo(block(3, offset, 1024)))
    }
    assert.deepStrictEqual(yield* Fiber.join(fetching), content.piece(3))
    assert.strictEqual(session.counters().wasted, 0)
  })

  inNetwork(
    "takes a block that crossed with the choke, and one that comes twice for being asked for twice",
    function* () {
      const leecher = yield* client("leecher", { id: idOf("b") })
      const { raw, session } = yield* rawDialled(leecher, { id: idOf("e") })
      yield* raw.send({ _tag: "Unchoke" })
      const fetching = yield* Effect.forkChild(fetchInto(session, leecher, 3))
      for (let n = 0; n < 4; n++) yield* raw.until("Request")
      // The first block comes while choked; the second is asked for again and answered for both requests.
      yield* raw.send({ _tag: "Choke" }, answerTo(block(3, 0, 1024)), { _tag: "Unchoke" })
      for (const offset of [1024, 2048, 3072]) {
        assert.deepStrictEqual(yield* raw.until("Request"), { _tag: "Request", ...block(3, offset, 1024) })
      }
      for (const offset of [1024, 1024, 2048, 3072]) yield* raw.send(answerTo(block(3, offset, 1024)))
      assert.deepStrictEqual(yield* Fiber.join(fetching), content.piece(3))
      assert.deepStrictEqual(session.counters(), { received: 5120, sent: 0, wasted: 1024 })
    }
  )

  inNetwork("asks for no more blocks at a time than it may", function* () {
    const leecher = yield* client("leecher", { id: idOf("b"), config: { maxRequests: 3 } })
    const { raw, session } = yield* rawDialled(leecher, { id: idOf("e") })
    yield* raw.send({ _tag: "Unchoke" })
    const fetching = yield* Effect.forkChild(
      Effect.forEach([3, 4], (n) => fetchInto(session, leecher, n), { concurrency: 2 })
    )
    const asked = [yield* raw.until("Request"), yield* raw.next, yield* raw.next]
    yield* TestClock.adjust("10 seconds")
    assert.deepStrictEqual(asked.at(-1), { _tag: "Request", ...block(3, 2048, 1024) })
    assert.strictEqual(raw.stream.counters.received, 75 + 7 + 5 + 3 * 17)
    yield* raw.send(answerTo(block(3, 1024, 1024)))
    assert.deepStrictEqual(yield* raw.next, { _tag: "Request", ...block(3, 3072, 1024) })
    for (const offset of [0, 2048, 3072]) yield* raw.send(answerTo(block(3, offset, 1024)))
    for (const offset of [0, 1024, 2048, 3072]) {
      assert.deepStrictEqual(yield* raw.next, { _tag: "Request", ...block(4, offset, 1024) })
      yield* raw.send(answerTo(block(4, offset, 1024)))
    }
    assert.deepStrictEqual(yield* Fiber.join(fetching), [content.piece(3), content.piece(4)])
  })

  inNetwork("says that it wants nothing once it holds everything, and not before", function* () {
    const leecher = yield* client("leecher", { id: idOf("b"), held: [0, 1, 2, 3, 4, 5, 6, 7] })
    const { raw, session } = yield* rawDialled(leecher, { id: idOf("e"), held: "none" })
    yield* raw.send({ _tag: "Have", piece: at(8) })
    assert.deepStrictEqual(yield* raw.next, { _tag: "Interested" })
    yield* leecher.store.put(at(8), content.piece(8))
    session.announce(at(8))
    yield* leecher.store.put(at(9), content.piece(9))
    session.announce(at(9))
    assert.deepStrictEqual(yield* raw.next, { _tag: "NotInterested" })
    assert.deepStrictEqual(yield* raw.next, { _tag: "Have", piece: at(9) })
    // The peer holds this one itself, so it was in no hurry.
    assert.deepStrictEqual(yield* raw.next, { _tag: "Have", piece: at(8) })
  })
})

describe("choking the peer", () => {
  inNetwork("nobody is let who does not ask for it", function* () {
    const seeder = yield* client("seeder", { id: idOf("a"), held: "all" })
    const raw = yield* rawSession(seeder, { id: idOf("e") })
    yield* raw.send({ _tag: "Bitfield", bytes: none }, { _tag: "Request", ...block(0, 0, 1024) })
    yield* TestClock.adjust("30 seconds")
    assert.strictEqual(raw.stream.counters.received, 75 + 7)
    yield* raw.send({ _tag: "Interested" }, { _tag: "Request", ...block(0, 0, 1024) })
    assert.deepStrictEqual(yield* raw.next, { _tag: "Unchoke" })
    yield* raw.send({ _tag: "Request", ...block(0, 1024, 1024) })
    const { data, offset } = yield* raw.until("Piece")
    assert.strictEqual(offset, 1024)
    assert.deepStrictEqual(data, Buffer.from(content.piece(0).subarray(1024, 2048)))
  })

  inNetwork("those who wait get the slots of those who have had them longest", function* () {
    const seeder = yield* client("seeder", {
      id: idOf("a"),
      held: "all",
      config: { uploadSlots: 2, rotateEvery: Duration.seconds(10) }
    })
    const [a, b, c] = yield* Effect.forEach(["1", "2", "3"], (digit) =>
      Effect.gen(function* () {
        const raw = yield* rawSession(seeder, { id: idOf(digit), machine: `raw${digit}` })
        yield* raw.send({ _tag: "Bitfield", bytes: none }, { _tag: "Interested" })
        yield* Queue.take(seeder.incoming)
        return raw
      })
    )
    assert.isDefined(a && b && c)
    if (a === undefined || b === undefined || c === undefined) return
    assert.deepStrictEqual(yield* a.next, { _tag: "Unchoke" })
    assert.deepStrictEqual(yield* b.next, { _tag: "Unchoke" })
    assert.strictEqual(c.stream.counters.received, 75 + 7)
    yield* TestClock.adjust("10 seconds")
    assert.deepStrictEqual(yield* a.next, { _tag: "Choke" })
    assert.deepStrictEqual(yield* c.next, { _tag: "Unchoke" })
    yield* TestClock.adjust("10 seconds")
    assert.deepStrictEqual(yield* b.next, { _tag: "Choke" })
    assert.deepStrictEqual(yield* a.next, { _tag: "Unchoke" })
    yield* c.send({ _tag: "NotInterested" })
    assert.deepStrictEqual(yield* c.next, { _tag: "Choke" })
    assert.deepStrictEqual(yield* b.next, { _tag: "Unchoke" })
  })

  inNetwork("forgets the requests of a peer that it chokes", function* () {
    const gate = yield* Latch.make(false)
    const seeder = yield* client("seeder", { id: idOf("a"), held: "all", serves: false })
    yield* seeder.host.serve({
      ...seeder.served,
      store: { ...seeder.store, read: (...args) => gate.whenOpen(seeder.store.read(...args)) }
    })
    const raw = yield* rawSession(seeder, { id: idOf("e") })
    yield* raw.send({ _tag: "Bitfield", bytes: none }, { _tag: "Interested" })
    yield* raw.until("Unchoke")
    yield* raw.send({ _tag: "Request", ...block(0, 0, 1024) }, { _tag: "Request", ...block(0, 1024, 1024) })
    yield* TestClock.adjust("1 second")
    yield* raw.send({ _tag: "NotInterested" })
    yield* TestClock.adjust("1 second")
    yield* gate.open
    assert.deepStrictEqual(yield* raw.next, { _tag: "Choke" })
    yield* TestClock.adjust("10 seconds")
    assert.strictEqual(raw.stream.counters.received, 75 + 7 + 5 + 5)
  })
})
