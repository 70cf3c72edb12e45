import { assert, describe, it } from "@effect/vitest"
import { Peer } from "@piecework/domain"
import { MemoryNetwork } from "@piecework/transport/MemoryNetwork"
import { Handshake } from "@piecework/wire"
import { Duration, Effect, Exit, Fiber, Queue, Scope } from "effect"
import { TestClock } from "effect/testing"
import { kindOfAddress } from "../src/internal/kindOfAddress.ts"
import { rawDial, rawSession } from "./rawPeer.ts"
import { client, content, contentOf, eventually, fetchInto, idOf, inNetwork, pair, port } from "./support.ts"

const other = contentOf(20_000, 7)
const hello = (id: Peer.PeerId, shared = content) => Handshake.encode({ swarm: shared.phf.hashOfHashes, peer: id })
const named = (id: Peer.PeerId, host: string) =>
  new Peer.Peer({ id, address: new Peer.PeerAddress({ host, port }), kind: "Lan" })

describe("PeerHost", () => {
  inNetwork("answers a handshake for a content that it serves", function* () {
    const seeder = yield* client("seeder", { id: idOf("a"), held: [0, 9] })
    const raw = yield* rawSession(seeder, { id: idOf("e") })
    assert.deepStrictEqual([...raw.bitfield], [0x80, 0x40])
    const session = yield* Queue.take(seeder.incoming)
    assert.strictEqual(session.peer, idOf("e"))
  })

  inNetwork("gives no byte to a peer that wants an unknown swarm", function* () {
    const seeder = yield* client("seeder", { id: idOf("a"), held: "all" })
    const raw = yield* rawDial(seeder)
    yield* raw.send(hello(idOf("e"), other))
    assert.strictEqual(yield* raw.toEnd, 0)
    const leecher = yield* client("leecher", { id: idOf("b"), content: other })
    const error = yield* Effect.flip(leecher.host.connect(seeder.peer, leecher.served))
    assert.strictEqual(error.reason, "Closed")
  })

  inNetwork("gives no byte to a peer that calls the protocol another name", function* () {
    const seeder = yield* client("seeder", { id: idOf("a"), held: "all" })
    const raw = yield* rawDial(seeder)
    const bytes = hello(idOf("e"))
    bytes[3] = 0x41
    yield* raw.send(bytes)
    assert.strictEqual(yield* raw.toEnd, 0)
  })

  inNetwork("gives up a peer that does not finish its handshake in 5 s", function* () {
    const seeder = yield* client("seeder", { id: idOf("a"), held: "all" })
    const raw = yield* rawDial(seeder)
    yield* raw.send(hello(idOf("e")).subarray(0, 74))
    const ended = yield* Effect.forkChild(raw.toEnd)
    yield* TestClock.adjust("4900 millis")
    assert.isUndefined(ended.pollUnsafe())
    yield* TestClock.adjust("100 millis")
    assert.strictEqual(yield* Fiber.join(ended), 0)
  })

  inNetwork("lets only so many in who have not said their names", function* () {
    const seeder = yield* client("seeder", { id: idOf("a"), held: "all", config: { maxHandshakes: 2 } })
    const first = yield* rawDial(seeder, "raw1")
    yield* rawDial(seeder, "raw2")
    const third = yield* rawDial(seeder, "raw3")
    assert.strictEqual(yield* third.toEnd, 0)
    yield* first.send(hello(idOf("1")))
    yield* Queue.take(seeder.incoming)
    yield* rawSession(seeder, { id: idOf("4"), machine: "raw4" })
  })

  inNetwork("dials nobody who answers for another swarm, speaks another protocol, or says nothing", function* () {
    const leecher = yield* client("leecher", { id: idOf("b") })
    const network = yield* MemoryNetwork
    const answers: ReadonlyArray<readonly [string, ReadonlyArray<Uint8Array>]> = [
      ["UnknownSwarm", [hello(idOf("c"), other)]],
      ["BadHandshake", [new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n".padEnd(75))]],
      ["BadHandshake", [hello(idOf("c")).subarray(0, 60)]],
      ["Closed", []]
    ]
    for (const [i, [reason, bytes]] of answers.entries()) {
      const host = `answer${i}`
      yield* network
        .transport(host)
        .listen({ host, port }, (stream) =>
          stream.write(bytes).pipe(Effect.andThen(stream.end), Effect.ignore, Effect.andThen(Effect.never))
        )
      const error = yield* Effect.flip(leecher.host.connect(named(idOf("c"), host), leecher.served))
      assert.strictEqual(error.reason, reason)
      assert.strictEqual(error.address, `answer${i}:7680`)
    }
    yield* network.transport("mute").listen({ host: "mute", port }, () => Effect.never)
    const dialling = yield* Effect.forkChild(
      Effect.flip(leecher.host.connect(named(idOf("c"), "mute"), leecher.served))
    )
    yield* TestClock.adjust("5 seconds")
    assert.strictEqual((yield* Fiber.join(dialling)).reason, "TimedOut")
  })

  inNetwork("says that a peer cannot be reached", function* () {
    const leecher = yield* client("leecher", { id: idOf("b") })
    const network = yield* MemoryNetwork
    network.transport("empty")
    const refused = yield* Effect.flip(leecher.host.connect(named(idOf("c"), "empty"), leecher.served))
    assert.strictEqual(refused.reason, "Unreachable")
    assert.strictEqual(refused.doCode, 0x80d06811)
    yield* client("gone", { id: idOf("d") })
    yield* network.cut("gone")
    const dialling = yield* Effect.forkChild(
      Effect.flip(leecher.host.connect(named(idOf("d"), "gone"), leecher.served))
    )
    yield* TestClock.adjust("5 seconds")
    assert.strictEqual((yield* Fiber.join(dialling)).reason, "TimedOut")
  })

  inNetwork("refuses itself, by its id and when another name leads to it", function* () {
    const lone = yield* client("lone", { id: idOf("a"), held: "all" })
    const byId = yield* Effect.flip(lone.host.connect(lone.peer, lone.served))
    assert.deepStrictEqual([byId.reason, byId.doCode], ["Self", 0x80d0680e])
    const byAnswer = yield* Effect.flip(lone.host.connect(named(idOf("c"), "lone"), lone.served))
    assert.strictEqual(byAnswer.reason, "Self")
    assert.strictEqual(yield* Queue.size(lone.incoming), 0)
  })

  inNetwork("refuses a second session with a peer about the same content, dialled by either", function* () {
    const { leecher, seeder } = yield* pair()
    yield* Queue.take(seeder.incoming)
    const again = yield* Effect.flip(leecher.host.connect(seeder.peer, leecher.served))
    assert.deepStrictEqual([again.reason, again.doCode], ["Duplicate", 0x80d0680f])
    const back = yield* Effect.flip(seeder.host.connect(leecher.peer, seeder.served))
    assert.strictEqual(back.reason, "Duplicate")
    const raw = yield* rawDial(seeder)
    yield* raw.send(hello(leecher.host.self))
    assert.strictEqual(yield* raw.toEnd, 0)
    const alias = yield* Effect.flip(leecher.host.connect(named(idOf("c"), "seeder"), leecher.served))
    assert.strictEqual(alias.reason, "Closed")
  })

  inNetwork("lets the same peer in for another content", function* () {
    const { leecher, seeder } = yield* pair()
    const ofOther = yield* client("third", { id: idOf("c"), content: other, held: "all" })
    yield* seeder.host.serve(ofOther.served)
    const session = yield* leecher.host.connect(seeder.peer, ofOther.served)
    assert.strictEqual(session.peer, idOf("a"))
  })

  inNetwork("takes whoever answers for the swarm, and says who it is", function* () {
    yield* client("seeder", { id: idOf("a"), held: "all" })
    const leecher = yield* client("leecher", { id: idOf("b") })
    const session = yield* leecher.host.connect(named(idOf("c"), "seeder"), leecher.served)
    assert.strictEqual(session.peer, idOf("a"))
    const again = yield* Effect.flip(leecher.host.connect(named(idOf("a"), "seeder"), leecher.served))
    assert.strictEqual(again.reason, "Duplicate")
  })

  for (const later of [0, 5, 15, 25]) {
    inNetwork(
      `of two that dial each other, the second ${later} ms after the first, one connection stays`,
      function* () {
        for (const [firstId, secondId] of [
          ["a", "b"],
          ["d", "c"]
        ] as const) {
          const first = yield* client(`first-${later}-${firstId}`, { id: idOf(firstId), held: [0] })
          const second = yield* client(`second-${later}-${secondId}`, { id: idOf(secondId), held: [1] })
          const dialling = yield* Effect.forkChild(
            Effect.all(
              [
                Effect.result(first.host.connect(second.peer, first.served)),
                Effect.delay(Effect.result(second.host.connect(first.peer, second.served)), later)
              ],
              { concurrency: 2 }
            )
          )
          yield* TestClock.adjust("100 millis")
          const results = yield* Fiber.join(dialling)
          // A connection takes 20 ms and a handshake 10: only a dial within 10 ms has sent its own when the other's comes.
          const winner = firstId < secondId || later > 10 ? 0 : 1
          const [won, lost] = [results[winner], results[1 - winner]]
          const [dialler, welcomer] = winner === 0 ? [first, second] : [second, first]
          assert.strictEqual(lost?.["_tag"] === "Failure" && lost.failure.reason, "Duplicate")
          assert.isTrue(won?.["_tag"] === "Success" && !won.success.incoming)
          assert.strictEqual(yield* Queue.size(dialler.incoming), 0)
          assert.strictEqual(yield* Queue.size(welcomer.incoming), 1)
          const fetching = yield* Effect.forkChild(
            fetchInto(yield* Queue.take(welcomer.incoming), welcomer, winner === 0 ? 0 : 1)
          )
          yield* TestClock.adjust("1 second")
          yield* Fiber.join(fetching)
        }
      },
      { link: () => ({ latency: "10 millis" }) }
    )
  }

  inNetwork("lets a peer in that it cannot reach itself, though it is dialling it", function* () {
    const network = yield* MemoryNetwork
    const low = yield* client("low", { id: idOf("a"), held: "all" })
    const high = yield* client("high", { id: idOf("b") })
    // Behind a firewall: what is sent to it does not get there.
    network.transport("wall")
    yield* network.cut("wall")
    const dialling = yield* Effect.forkChild(Effect.flip(low.host.connect(named(idOf("b"), "wall"), low.served)))
    yield* TestClock.adjust("1 second")
    const session = yield* high.host.connect(low.peer, high.served)
    yield* fetchInto(session, high, 4)
    assert.strictEqual((yield* Fiber.join(dialling)).reason, "Duplicate")
  })

  inNetwork("has no more connections than it may, dialled by whomever", function* () {
    const seeder = yield* client("seeder", { id: idOf("a"), held: "all", config: { maxConnections: 2 } })
    const first = yield* client("first", { id: idOf("1") })
    const second = yield* client("second", { id: idOf("2") })
    const third = yield* client("third", { id: idOf("3") })
    const scope = yield* Scope.make()
    const session = yield* Scope.provide(first.host.connect(seeder.peer, first.served), scope)
    yield* seeder.host.connect(second.peer, seeder.served)
    const refused = yield* Effect.flip(third.host.connect(seeder.peer, third.served))
    assert.strictEqual(refused.reason, "Closed")
    const tooMany = yield* Effect.flip(seeder.host.connect(third.peer, seeder.served))
    assert.deepStrictEqual([tooMany.reason, tooMany.doCode], ["TooManyConnections", 0x80d06810])

    const incoming = yield* Queue.take(seeder.incoming)
    yield* Scope.close(scope, Exit.void)
    yield* session.closed
    yield* incoming.closed
    yield* TestClock.adjust(0)
    yield* third.host.connect(seeder.peer, third.served)
  })

  inNetwork("frees the place of a dial that fails or is given up", function* () {
    const network = yield* MemoryNetwork
    const leecher = yield* client("leecher", { id: idOf("b"), config: { maxConnections: 1 } })
    const seeder = yield* client("seeder", { id: idOf("a"), held: "all" })
    network.transport("empty")
    yield* Effect.flip(leecher.host.connect(named(idOf("c"), "empty"), leecher.served))
    yield* network.cut("seeder")
    const given = yield* Effect.forkChild(leecher.host.connect(seeder.peer, leecher.served))
    yield* TestClock.adjust("1 second")
    yield* Fiber.interrupt(given)
    yield* network.restore("seeder")
    yield* leecher.host.connect(seeder.peer, leecher.served)
  })

  inNetwork("keeps banned devices and hosts out, and cuts off those that are in", function* () {
    const { leecher, seeder, session } = yield* pair()
    yield* eventually(session, "Held")
    const until = Duration.toMillis("3 hours")
    yield* seeder.bans.ban({ device: Peer.deviceOf(leecher.host.self), until })
    yield* TestClock.adjust("1 second")
    const incoming = yield* Queue.take(seeder.incoming)
    const end = yield* incoming.closed
    assert.deepStrictEqual([end.reason, end.doCode], ["Banned", 0x80d0680d])
    assert.strictEqual((yield* session.closed).reason, "Closed")
    assert.strictEqual((yield* Effect.flip(leecher.host.connect(seeder.peer, leecher.served))).reason, "Closed")
    assert.strictEqual((yield* Effect.flip(seeder.host.connect(leecher.peer, seeder.served))).reason, "Banned")

    yield* seeder.bans.ban({ device: Peer.deviceOf(idOf("9")), host: "evil", until })
    const raw = yield* rawDial(seeder, "evil")
    assert.strictEqual(yield* raw.toEnd, 0)
    const dialled = yield* Effect.flip(seeder.host.connect(named(idOf("8"), "evil"), seeder.served))
    assert.strictEqual(dialled.reason, "Banned")

    yield* TestClock.adjust("3 hours")
    yield* leecher.host.connect(seeder.peer, leecher.served)
  })

  inNetwork("asks the content how near a peer is that dialled", function* () {
    const seeder = yield* client("seeder", { id: idOf("a"), held: "all", serves: false })
    yield* seeder.host.serve({ ...seeder.served, kindOf: (peer) => (peer === idOf("b") ? "Group" : undefined) })
    const leecher = yield* client("leecher", { id: idOf("b") })
    yield* leecher.host.connect(seeder.peer, leecher.served)
    assert.strictEqual((yield* Queue.take(seeder.incoming)).kind, "Group")
  })

  inNetwork(
    "of a peer that nobody named believes the address, or the peer where it says that it is farther",
    function* () {
      const seeder = yield* client("seeder", { id: idOf("a"), held: "all" })
      const kindWhen = Effect.fnUntraced(function* (digit: string, said: Peer.PeerKind) {
        const leecher = yield* client(`leecher ${digit}`, { id: idOf(digit) })
        yield* leecher.host.connect(new Peer.Peer({ ...seeder.peer, kind: said }), leecher.served)
        return (yield* Queue.take(seeder.incoming)).kind
      })
      assert.deepStrictEqual(
        [yield* kindWhen("b", "Lan"), yield* kindWhen("c", "Group"), yield* kindWhen("d", "LinkLocal")],
        ["Lan", "Group", "Lan"]
      )
    }
  )

  it("takes private, link-local and loopback addresses for near, all others for the Internet", () => {
    for (const near of [
      "10.1.2.3",
      "172.31.0.1",
      "192.168.1.1",
      "169.254.7.7",
      "127.0.0.1",
      "::1",
      "fe80::1",
      "fd00::1"
    ]) {
      assert.strictEqual(kindOfAddress(near), "Lan", near)
    }
    for (const far of ["8.8.8.8", "172.32.0.1", "100.64.0.1", "2001:db8::1", "11.0.0.1"]) {
      assert.strictEqual(kindOfAddress(far), "Internet", far)
    }
  })
})
