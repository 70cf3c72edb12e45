import { assert, describe, it } from "@effect/vitest"
import { Digest } from "@piecework/domain"
import { DeviceId, idOf, type Peer, type PeerId } from "@piecework/domain/Peer"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Lan } from "../src/Lan.ts"
import { layerMulticast, MemoryMulticast } from "../src/MemoryMulticast.ts"
import * as Names from "../src/Names.ts"
import type { Presence } from "../src/Presence.ts"
import type * as Services from "../src/Services.ts"

const swarm = Digest.Digest.make(new Uint8Array(32).fill(7))
const idFor = (n: number): PeerId => idOf(DeviceId.make(n.toString(16).padStart(32, "0")), 0)
const presenceOf = (n: number, groupId?: string): Presence => ({ swarm, peer: idFor(n), port: 7680, groupId })

/** A device of the network, with the scope that its life is in. */
const device = Effect.fnUntraced(function* (n: number) {
  const life = yield* Scope.fork(yield* Effect.scope)
  const build = Layer.buildWithScope(Lan.layer.pipe(Layer.provide(layerMulticast(`10.0.0.${n}`))), life)
  const lan = yield* Effect.flatMap(build, (context) => Effect.provideContext(Lan, context))
  const found = new Map<PeerId, Peer>()
  return {
    found,
    announce: (groupId?: string) => Scope.provide(lan.announce(presenceOf(n, groupId)), life),
    browse: (groupId?: string) =>
      Scope.provide(
        lan.browse({ swarm, self: idFor(n), groupId }, (peers) =>
          Effect.sync(() => peers.forEach((peer) => found.set(peer.id, peer)))
        ),
        life
      ),
    leave: Scope.close(life, Exit.void)
  }
})

const inMemory = Effect.provide(MemoryMulticast.layer)
const responses = Effect.map(MemoryMulticast, (network) =>
  network.sent().filter(({ message }) => message._tag === "Response")
)

describe("On a local network", () => {
  it.effect("who comes later finds who was there, where its datagrams come from", () =>
    Effect.gen(function* () {
      const first = yield* device(1)
      yield* first.announce()
      yield* TestClock.adjust("10 minutes")
      const second = yield* device(2)
      yield* second.browse()
      yield* TestClock.adjust("200 millis")
      const [peer] = [...second.found.values()]
      assert.deepStrictEqual([peer?.id, peer?.address.toString(), peer?.kind], [idFor(1), "10.0.0.1:7680", "LinkLocal"])
    }).pipe(inMemory)
  )

  it.effect("who was looking hears of who comes, and nobody finds itself", () =>
    Effect.gen(function* () {
      const first = yield* device(1)
      yield* first.browse()
      yield* first.announce()
      const second = yield* device(2)
      yield* second.announce()
      yield* TestClock.adjust("200 millis")
      assert.deepStrictEqual([...first.found.keys()], [idFor(2)])
    }).pipe(inMemory)
  )

  it.effect("a device of a group finds those of its group alone, and one of none finds all", () =>
    Effect.gen(function* () {
      const devices = yield* Effect.forEach([1, 2, 3], device)
      const [lab, office, guest] = devices
      yield* Effect.forEach(
        [lab?.announce("lab"), office?.announce("office"), guest?.announce()],
        (one) => one ?? Effect.void
      )
      const other = yield* device(4)
      yield* other.browse("lab")
      const anyone = yield* device(5)
      yield* anyone.browse()
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([...other.found.keys()], [idFor(1)])
      assert.deepStrictEqual([...anyone.found.keys()].toSorted(), [1, 2, 3].map(idFor))
    }).pipe(inMemory)
  )

  it.effect("a content that went is not told of any more", () =>
    Effect.gen(function* () {
      const first = yield* device(1)
      yield* first.announce()
      yield* first.leave
      const second = yield* device(2)
      yield* second.browse()
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(second.found.size, 0)
      const last = (yield* responses).at(-1)?.message
      assert.strictEqual(last?._tag === "Response" ? last.answers[0]?.ttl : undefined, 0)
    }).pipe(inMemory)
  )

  it.effect("a lost datagram costs a second, for what is new is told twice", () =>
    Effect.gen(function* () {
      const network = yield* MemoryMulticast
      const second = yield* device(2)
      yield* second.browse()
      const first = yield* device(1)
      yield* network.cut("10.0.0.1")
      yield* first.announce()
      yield* network.restore("10.0.0.1")
      assert.strictEqual(second.found.size, 0)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(second.found.size, 1)
    }).pipe(inMemory)
  )

  it.effect("a flood of questions is answered once a second, and questions are asked less and less often", () =>
    Effect.gen(function* () {
      const network = yield* MemoryMulticast
      const first = yield* device(1)
      yield* first.announce()
      yield* TestClock.adjust("10 seconds")
      const before = (yield* responses).length
      const question = { _tag: "Query", questions: [{ name: Names.subtype(swarm), type: "PTR" }] } as const
      for (let n = 0; n < 100; n++) {
        for (let k = 0; k < 50; k++) yield* network.machine("10.0.0.9").send(question)
        yield* TestClock.adjust("100 millis")
      }
      assert.isAtMost((yield* responses).length - before, 11)

      const asker = yield* device(3)
      yield* asker.browse()
      yield* TestClock.adjust("1 hour")
      const questions = network.sent().filter(({ from, message }) => from === "10.0.0.3" && message._tag === "Query")
      assert.isAtMost(questions.length, 66)
      assert.isAtLeast(questions.length, 55)
    }).pipe(inMemory)
  )

  it.effect("what many are told of goes into several messages, none of them too long for a datagram", () =>
    Effect.gen(function* () {
      const network = yield* MemoryMulticast
      const context = yield* Layer.build(Lan.layer.pipe(Layer.provide(layerMulticast("10.0.0.1"))))
      yield* Effect.forEach(
        Array.from({ length: 100 }, (_, n) => n),
        (n) =>
          Effect.forkScoped(
            Context.get(context, Lan).announce({
              ...presenceOf(1),
              swarm: Digest.Digest.make(new Uint8Array(32).fill(n))
            })
          )
      )
      yield* TestClock.adjust("10 seconds")
      const before = network.sent().length
      yield* network.machine("10.0.0.9").send({ _tag: "Query", questions: [{ name: Names.service, type: "PTR" }] })
      yield* TestClock.adjust(1)
      yield* TestClock.adjust("2 seconds")
      const answers = network.sent().slice(before + 1)
      assert.deepStrictEqual(
        answers.map(({ message }) => (message._tag === "Response" ? message.answers.length : 0)),
        [24, 24, 24, 24, 4]
      )
    }).pipe(inMemory)
  )

  it.effect("a device that comes to a network asks at once, however long it has asked elsewhere", () =>
    Effect.gen(function* () {
      const network = yield* MemoryMulticast
      const first = yield* device(1)
      yield* first.announce()
      yield* network.cut("10.0.0.2")
      const second = yield* device(2)
      yield* second.browse()
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(second.found.size, 0)
      yield* network.restore("10.0.0.2")
      yield* TestClock.adjust(1)
      yield* TestClock.adjust("200 millis")
      assert.strictEqual(second.found.size, 1)
    }).pipe(inMemory)
  )

  it.effect("services are found while they are there, with what was not told along", () =>
    Effect.gen(function* () {
      const network = yield* MemoryMulticast
      const type = "_test._tcp.local"
      const seeker = yield* Layer.build(Lan.layer.pipe(Layer.provide(layerMulticast("10.0.0.2"))))
      let found: ReadonlyArray<Services.Found> = []
      let calls = 0
      yield* Context.get(seeker, Lan).find(type, (services) =>
        Effect.sync(() => {
          found = services
          calls++
        })
      )
      yield* TestClock.adjust("1 second")
      const life = yield* Scope.fork(yield* Effect.scope)
      const host = yield* Layer.buildWithScope(Lan.layer.pipe(Layer.provide(layerMulticast("10.0.0.7"))), life)
      yield* Scope.provide(Context.get(host, Lan).offer({ type, instance: "one", port: 80, texts: [] }), life)
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(found, [{ name: `one.${type}`, port: 80, texts: [""], addresses: ["10.0.0.7"] }])
      assert.strictEqual(calls, 1)
      yield* Scope.close(life, Exit.void)
      yield* TestClock.adjust(1)
      assert.isEmpty(found)

      // One that tells its name alone is asked for the rest, once a second however often it repeats itself.
      const before = network.sent().length
      for (let n = 0; n < 100; n++) {
        yield* network.machine("10.0.0.9").send({
          _tag: "Response",
          answers: [{ type: "PTR", name: type, ttl: 60, target: `two.${type}` }],
          additionals: []
        })
        yield* TestClock.adjust("10 millis")
      }
      const asked = network
        .sent()
        .slice(before)
        .filter(({ from }) => from === "10.0.0.2")
      assert.strictEqual(asked.length, 1)
      assert.deepStrictEqual(asked[0]?.message._tag === "Query" ? asked[0].message.questions : [], [
        { name: `two.${type}`, type: "SRV" },
        { name: `two.${type}`, type: "TXT" }
      ])
    }).pipe(inMemory)
  )
})
