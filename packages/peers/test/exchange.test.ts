import { assert, describe } from "@effect/vitest"
import { Bitfield } from "@piecework/domain"
import { Effect, Exit, Fiber, Queue, Scope } from "effect"
import { TestClock } from "effect/testing"
import { answerTo, block, rawDialled, rawSession } from "./rawPeer.ts"
import { at, client, content, drop, eventually, fetchInto, idOf, inNetwork, nextEvent, pair } from "./support.ts"

describe("exchange", () => {
  inNetwork("moves every piece of a content, and counts its bytes at both ends", function* () {
    const { leecher, seeder, session } = yield* pair()
    const all = [...content.phf.layout.indices()]
    const fetched = yield* Effect.forEach(all, (n) => fetchInto(session, leecher, n), { concurrency: 4 })
    for (const n of all) assert.deepStrictEqual(fetched[n], content.piece(n))
    assert.isTrue(Bitfield.isFull(leecher.store.verified()))

    const size = content.phf.layout.contentSize
    assert.deepStrictEqual(session.counters(), { received: size, sent: 0, wasted: 0 })
    const upload = yield* Queue.take(seeder.incoming)
    assert.deepStrictEqual(upload.counters(), { received: 0, sent: size, wasted: 0 })
    assert.strictEqual(leecher.pool.available(), leecher.pool.capacity)
  })

  inNetwork("says first what the peer holds, then that it answers requests", function* () {
    const { session } = yield* pair({ seeder: { held: [1, 3] } })
    const first = yield* nextEvent(session)
    assert.deepStrictEqual(first, { _tag: "Held", pieces: Bitfield.fromPieces(10, [at(1), at(3)]) })
    assert.deepStrictEqual(yield* nextEvent(session), { _tag: "Unchoked" })
    assert.isFalse(session.choked())
    assert.deepStrictEqual(session.held(), Bitfield.fromPieces(10, [at(1), at(3)]))
  })

  inNetwork("tells who is there: the peer, its address, how near it is, and who dialled", function* () {
    const { leecher, seeder, session } = yield* pair()
    const other = yield* Queue.take(seeder.incoming)
    assert.deepStrictEqual([session.peer, session.kind, session.incoming], [idOf("a"), "Lan", false])
    assert.strictEqual(session.address.toString(), "seeder:7680")
    assert.strictEqual(session.id, `peer:${idOf("a")}`)
    assert.deepStrictEqual([other.peer, other.kind, other.incoming], [leecher.host.self, "Lan", true])
    assert.strictEqual(other.address.host, "leecher")
  })

  inNetwork("hands over a run of pieces in its order", function* () {
    const { leecher, session } = yield* pair()
    yield* eventually(session, "Held")
    const order: Array<number> = []
    yield* session.fetch({ first: at(2), count: 7 }, content.phf.layout, (piece, buffer) =>
      Effect.sync(() => {
        order.push(piece)
        assert.deepStrictEqual(buffer.bytes.slice(0, 4096), content.piece(piece))
        buffer.release()
      })
    )
    assert.deepStrictEqual(order, [2, 3, 4, 5, 6, 7, 8])
    assert.strictEqual(leecher.pool.available(), leecher.pool.capacity)
  })

  inNetwork("exchanges in both directions at once over one connection", function* () {
    const { leecher, seeder, session } = yield* pair({
      seeder: { held: [0, 1, 2, 3, 4] },
      leecher: { held: [5, 6, 7, 8, 9] }
    })
    const other = yield* Queue.take(seeder.incoming)
    yield* Effect.all(
      [
        Effect.forEach([0, 1, 2, 3, 4], (n) => fetchInto(session, leecher, n), { concurrency: 5 }),
        Effect.forEach([5, 6, 7, 8, 9], (n) => fetchInto(other, seeder, n), { concurrency: 5 })
      ],
      { concurrency: 2 }
    )
    assert.isTrue(Bitfield.isFull(leecher.store.verified()))
    assert.isTrue(Bitfield.isFull(seeder.store.verified()))
  })

  inNetwork("tells the peer of a piece once, however often it is announced", function* () {
    const { leecher, seeder, session } = yield* pair({ seeder: { held: [0, 1] } })
    const other = yield* Queue.take(seeder.incoming)
    assert.deepStrictEqual(yield* eventually(other, "Held"), { _tag: "Held", pieces: Bitfield.empty(10) })
    yield* fetchInto(session, leecher, 0)
    session.announce(at(0))
    session.announce(at(0))
    yield* fetchInto(session, leecher, 1)
    session.announce(at(1))
    yield* TestClock.adjust("1 second")
    assert.deepStrictEqual(yield* eventually(other, "Have"), { _tag: "Have", piece: at(0) })
    assert.deepStrictEqual(yield* eventually(other, "Have"), { _tag: "Have", piece: at(1) })
    assert.deepStrictEqual(other.held(), Bitfield.fromPieces(10, [at(0), at(1)]))
  })

  inNetwork("tells of pieces that nobody announced within a second", function* () {
    const { seeder, session } = yield* pair({ seeder: { held: [0] } })
    yield* eventually(session, "Unchoked")
    yield* seeder.store.put(at(7), content.piece(7))
    yield* TestClock.adjust("1 second")
    assert.deepStrictEqual(yield* nextEvent(session), { _tag: "Have", piece: at(7) })
  })

  inNetwork("refuses to fetch a piece that the peer does not hold", function* () {
    const { leecher, session } = yield* pair({ seeder: { held: [0] } })
    yield* eventually(session, "Held")
    const error = yield* Effect.flip(session.fetch({ first: at(1), count: 1 }, content.phf.layout, drop))
    assert.strictEqual(error.reason, "NotFound")
    assert.strictEqual(leecher.pool.available(), leecher.pool.capacity)
  })

  inNetwork("ends the session rather than serve a piece that has gone from the cache", function* () {
    const { leecher, seeder } = yield* pair({ seeder: { held: [0] }, leecher: { serves: false } })
    const gone: typeof leecher.served = {
      ...seeder.served,
      store: { ...seeder.store, held: () => Bitfield.full(10) }
    }
    const another = yield* client("another", { id: idOf("c"), serves: false })
    yield* another.host.serve(gone)
    const session = yield* leecher.host.connect(another.peer, leecher.served)
    yield* eventually(session, "Held")
    const error = yield* Effect.flip(fetchInto(session, leecher, 5))
    assert.strictEqual(error["_tag"] === "SourceError" && error.reason, "Closed")
    assert.strictEqual((yield* session.closed).reason, "Closed")
  })

  inNetwork("closes both ends with the scope of the side that dialled", function* () {
    const seeder = yield* client("seeder", { id: idOf("a"), held: "all" })
    const leecher = yield* client("leecher", { id: idOf("b") })
    const scope = yield* Scope.make()
    const session = yield* Scope.provide(leecher.host.connect(seeder.peer, leecher.served), scope)
    const other = yield* Queue.take(seeder.incoming)
    yield* Scope.close(scope, Exit.void)
    assert.strictEqual((yield* other.closed).reason, "Closed")
    assert.strictEqual((yield* session.closed).reason, "Closed")
    const error = yield* Effect.flip(session.fetch({ first: at(0), count: 1 }, content.phf.layout, drop))
    assert.strictEqual(error.reason, "Closed")
    yield* leecher.host.connect(seeder.peer, leecher.served)
  })

  inNetwork("closes the sessions of a content that is not served any more", function* () {
    const seeder = yield* client("seeder", { id: idOf("a"), held: "all", serves: false })
    const leecher = yield* client("leecher", { id: idOf("b") })
    const scope = yield* Scope.make()
    yield* Scope.provide(seeder.host.serve(seeder.served), scope)
    const session = yield* leecher.host.connect(seeder.peer, leecher.served)
    yield* fetchInto(session, leecher, 0)
    yield* Scope.close(scope, Exit.void)
    assert.strictEqual((yield* session.closed).reason, "Closed")
    const error = yield* Effect.flip(leecher.host.connect(seeder.peer, leecher.served))
    assert.strictEqual(error.reason, "Closed")
  })

  inNetwork("closes a session on request", function* () {
    const { seeder, session } = yield* pair()
    const other = yield* Queue.take(seeder.incoming)
    yield* session.close
    assert.strictEqual((yield* session.closed).reason, "Closed")
    assert.strictEqual((yield* other.closed).reason, "Closed")
  })
})

describe("cancelling", () => {
  inNetwork("takes back what was not received, and counts what comes nevertheless as wasted", function* () {
    const leecher = yield* client("leecher", { id: idOf("b") })
    const { raw, session } = yield* rawDialled(leecher, { id: idOf("e") })
    yield* raw.send({ _tag: "Unchoke" })
    const fetching = yield* Effect.forkChild(fetchInto(session, leecher, 3))
    const first = yield* raw.until("Request")
    yield* raw.send(answerTo(first))
    for (const offset of [1024, 2048, 3072]) {
      assert.deepStrictEqual(yield* raw.next, { _tag: "Request", ...block(3, offset, 1024) })
    }
    while (session.received() < 1024) yield* Effect.yieldNow
    yield* Fiber.interrupt(fetching)
    assert.strictEqual(leecher.pool.available(), leecher.pool.capacity)
    for (const offset of [1024, 2048, 3072]) {
      assert.deepStrictEqual(yield* raw.next, { _tag: "Cancel", ...block(3, offset, 1024) })
    }
    assert.deepStrictEqual(session.counters(), { received: 1024, sent: 0, wasted: 1024 })

    yield* raw.send(answerTo(block(3, 2048, 1024)))
    const again = yield* Effect.forkChild(fetchInto(session, leecher, 3))
    for (const offset of [0, 1024, 2048, 3072]) {
      yield* raw.until("Request")
      yield* raw.send(answerTo(block(3, offset, 1024)))
    }
    assert.deepStrictEqual(yield* Fiber.join(again), content.piece(3))
    assert.deepStrictEqual(session.counters(), { received: 6144, sent: 0, wasted: 2048 })
  })

  inNetwork("keeps the buffer of a block that is coming until it is there", function* () {
    const leecher = yield* client("leecher", { id: idOf("b") })
    const { raw, session } = yield* rawDialled(leecher, { id: idOf("e") })
    yield* raw.send({ _tag: "Unchoke" })
    const fetching = yield* Effect.forkChild(fetchInto(session, leecher, 3))
    const answer = answerTo(yield* raw.until("Request"))
    yield* raw.send(answer.subarray(0, 13))
    yield* raw.send(answer.subarray(13, 500))
    while (session.received() === 0) yield* Effect.yieldNow
    yield* Fiber.interrupt(fetching)
    assert.strictEqual(leecher.pool.available(), leecher.pool.capacity - 1)
    yield* raw.send(answer.subarray(500))
    while (session.received() < 1024) yield* Effect.yieldNow
    assert.strictEqual(leecher.pool.available(), leecher.pool.capacity)
    assert.deepStrictEqual(session.counters(), { received: 1024, sent: 0, wasted: 1024 })
    yield* raw.until("Cancel")
  })

  inNetwork("does not send what was taken back in time", function* () {
    const seeder = yield* client("seeder", { id: idOf("a"), held: "all" })
    const raw = yield* rawSession(seeder, { id: idOf("e") })
    const { pieceCount } = content.phf.layout
    yield* raw.send({ _tag: "Bitfield", bytes: Bitfield.empty(pieceCount).bytes }, { _tag: "Interested" })
    yield* raw.until("Unchoke")
    yield* raw.send(
      { _tag: "Request", ...block(0, 0, 1024) },
      { _tag: "Request", ...block(0, 1024, 1024) },
      { _tag: "Request", ...block(0, 2048, 1024) },
      { _tag: "Cancel", ...block(0, 1024, 1024) }
    )
    const offsets = [yield* raw.until("Piece"), yield* raw.until("Piece")].map(({ offset }) => offset)
    assert.deepStrictEqual(offsets, [0, 2048])
    const session = yield* Queue.take(seeder.incoming)
    while (session.counters().sent < 2048) yield* Effect.yieldNow
    assert.strictEqual(session.counters().sent, 2048)
  })

  inNetwork("gives the waiting fetches the reason when the session ends, and their buffers back", function* () {
    const leecher = yield* client("leecher", { id: idOf("b") })
    const { raw, session } = yield* rawDialled(leecher, { id: idOf("e") })
    yield* raw.send({ _tag: "Unchoke" })
    const failing = yield* Effect.forEach(
      [1, 2],
      (n) => Effect.flip(session.fetch({ first: at(n), count: 1 }, content.phf.layout, drop)),
      { concurrency: 2 }
    ).pipe(Effect.forkChild)
    const answer = answerTo(yield* raw.until("Request"))
    yield* raw.send(answer.subarray(0, 13))
    yield* raw.send(answer.subarray(13, 700))
    while (session.received() === 0) yield* Effect.yieldNow
    yield* raw.stream.end
    const reasons = (yield* Fiber.join(failing)).map(({ reason }) => reason)
    assert.deepStrictEqual(reasons, ["Closed", "Closed"])
    assert.strictEqual(leecher.pool.available(), leecher.pool.capacity)
    const { received, wasted } = session.counters()
    assert.isAbove(received, 0)
    assert.strictEqual(wasted, received)
  })
})
