import { assert, layer } from "@effect/vitest"
import { JoinRequest, LeaveRequest } from "@piecework/cloud/ArrayRpcs"
import { LeaseRequest } from "@piecework/cloud/LeaseRpc"
import { Content, Digest, Peer } from "@piecework/domain"
import { Duration, Effect, Layer, Option } from "effect"
import { TestRunner } from "effect/cluster"
import { TestClock } from "effect/testing"
import * as LeaseTable from "../src/LeaseTable.ts"
import * as SwarmConfig from "../src/SwarmConfig.ts"
import { Swarms } from "../src/Swarms.ts"

const contentOf = (byte: number) =>
  Content.idOf(Option.getOrThrow(Option.fromUndefinedOr(Digest.fromBytes(new Uint8Array(32).fill(byte)))))
const idOf = (n: number) => Peer.idOf(Peer.DeviceId.make("c".repeat(32)), n)

const joining = (n: number, content: number, overrides?: Partial<ConstructorParameters<typeof JoinRequest>[0]>) =>
  new JoinRequest({
    contentId: contentOf(content),
    peerId: idOf(n),
    reportedIp: `10.0.0.${n}`,
    port: 7680,
    left: 100,
    event: "Started",
    scope: "Lan",
    ...overrides
  })

const leasing = (n: number, content: number, overrides?: Partial<ConstructorParameters<typeof LeaseRequest>[0]>) =>
  new LeaseRequest({
    contentId: contentOf(content),
    peerId: Peer.idOf(Peer.DeviceId.make(String(n).padStart(32, "0")), 0),
    reportedIp: `10.0.0.${n}`,
    scope: "Lan",
    pieceCount: 8,
    pieceSize: 1000,
    held: new Uint8Array(1),
    keep: [],
    most: 1,
    originRate: 0,
    seq: 0,
    ...overrides
  })

const { member, table } = LeaseTable.bytesOf(8)
/** Room for two contents with one member each. */
const config = SwarmConfig.layer({ maxLeaseBytesInAll: 2 * (table + member) })
const layers = {
  "on a test runner": Swarms.layer.pipe(Layer.provide(TestRunner.layer), Layer.provide(config)),
  embedded: Swarms.layerEmbedded.pipe(Layer.provide(config))
}

for (const [name, swarms] of Object.entries(layers)) {
  layer(swarms)(`Swarms ${name}`, (spec) => {
    const site = "203.0.113.1"
    const join = (request: JoinRequest, from = site) =>
      Effect.gen(function* () {
        // A cluster gets going on its first tick.
        yield* TestClock.adjust(1)
        const handout = yield* (yield* Swarms).join(request, from)
        return { ...handout, ids: handout.peers.map(({ id }) => id) }
      })

    spec.effect("the second to join gets the first, and the first the second at its next join", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual((yield* join(joining(1, 1))).ids, [])
        assert.deepStrictEqual((yield* join(joining(2, 1))).ids, [idOf(1)])
        assert.deepStrictEqual((yield* join(joining(1, 1, { event: "Periodic" }))).ids, [idOf(2)])
      })
    )

    spec.effect("one content's members never meet another's", () =>
      Effect.gen(function* () {
        yield* join(joining(1, 2))
        assert.deepStrictEqual((yield* join(joining(2, 3))).ids, [])
      })
    )

    spec.effect("a group's members meet each other wherever they are, and nobody else", () =>
      Effect.gen(function* () {
        const group = { scope: "Group", groupId: "office" } as const
        yield* join(joining(1, 4))
        yield* join(joining(2, 4, group))
        const { peers } = yield* join(joining(3, 4, group), "198.51.100.1")
        assert.deepStrictEqual(
          peers.map(({ id, kind }) => [id, kind]),
          [[idOf(2), "Group"]]
        )
      })
    )

    spec.effect("whoever leaves is not handed out any more", () =>
      Effect.gen(function* () {
        yield* join(joining(1, 5))
        yield* (yield* Swarms).leave(new LeaveRequest({ contentId: contentOf(5), peerId: idOf(1) }), site)
        assert.deepStrictEqual((yield* join(joining(2, 5))).ids, [])
      })
    )

    spec.effect(
      "joins come fast while a download is young and alone, slowly afterwards, and the silent are forgotten",
      () =>
        Effect.gen(function* () {
          const seconds = (request: JoinRequest) =>
            Effect.map(join(request), ({ nextJoin }) => Duration.toMillis(nextJoin) / 1000)
          const young = yield* seconds(joining(1, 6))
          assert.isTrue(young >= 1 && young <= 3, String(young))
          yield* TestClock.adjust("61 seconds")
          const older = yield* seconds(joining(2, 6, { event: "Started" }))
          assert.isTrue(older >= 1 && older <= 3, String(older))
          // The first has said nothing for a minute.
          assert.deepStrictEqual((yield* join(joining(2, 6, { event: "Periodic" }))).ids, [])
          yield* TestClock.adjust("20 seconds")
          yield* join(joining(2, 6, { event: "Periodic" }))
          yield* TestClock.adjust("20 seconds")
          yield* join(joining(2, 6, { event: "Periodic" }))
          yield* TestClock.adjust("21 seconds")
          const old = yield* seconds(joining(2, 6, { event: "Periodic" }))
          assert.isTrue(old >= 24 && old <= 36, String(old))
          const source = yield* seconds(joining(2, 6, { event: "Completed", left: 0 }))
          assert.isTrue(source >= 240 && source <= 360, String(source))
        })
    )

    spec.effect("a source is still known at its next join, minutes later", () =>
      Effect.gen(function* () {
        yield* join(joining(1, 7, { left: 0, event: "Completed" }))
        yield* TestClock.adjust("6 minutes")
        assert.deepStrictEqual((yield* join(joining(2, 7))).ids, [idOf(1)])
      })
    )

    const lease = (request: LeaseRequest, from = site) =>
      Effect.gen(function* () {
        yield* TestClock.adjust(1)
        const { runs } = yield* (yield* Swarms).lease(request, from)
        return runs.map(({ first }) => first)
      })
    const leaving = (n: number, content: number) =>
      Effect.flatMap(Swarms, (all) =>
        all.leave(new LeaveRequest({ contentId: contentOf(content), peerId: leasing(n, content).peerId }), site)
      )

    spec.effect("a lease is its member's until it leaves", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* lease(leasing(1, 10, { pieceCount: 1 })), [0])
        assert.deepStrictEqual(yield* lease(leasing(2, 10, { pieceCount: 1 })), [])
        yield* leaving(1, 10)
        assert.deepStrictEqual(yield* lease(leasing(2, 10, { pieceCount: 1 })), [0])
        yield* leaving(2, 10)
      })
    )

    spec.effect("there are no leases where somebody has everything, unless that may not upload", () =>
      Effect.gen(function* () {
        yield* join(joining(1, 11, { left: 0, event: "Completed" }))
        assert.deepStrictEqual(yield* lease(leasing(2, 11)), [])
        yield* join(joining(1, 11, { left: 0, event: "Completed", restrictedUpload: true }))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* lease(leasing(2, 11)), [0])
        yield* leaving(2, 11)
      })
    )

    spec.effect("what a member holds that may not upload is missing", () =>
      Effect.gen(function* () {
        const { peerId } = leasing(1, 12)
        yield* join(joining(1, 12, { peerId, restrictedUpload: true }))
        yield* lease(leasing(1, 12, { pieceCount: 1, held: Uint8Array.of(0x80), most: 0 }))
        assert.deepStrictEqual(yield* lease(leasing(2, 12, { pieceCount: 1 })), [0])
        yield* leaving(1, 12)
        yield* leaving(2, 12)
      })
    )

    spec.effect("the leases of all contents together have a bound, and what is given back can be used again", () =>
      Effect.gen(function* () {
        yield* lease(leasing(1, 13))
        yield* lease(leasing(1, 14))
        const refused = yield* Effect.flip(lease(leasing(1, 15)))
        assert.strictEqual(refused._tag, "RequestRefused")
        yield* leaving(1, 13)
        assert.deepStrictEqual(yield* lease(leasing(1, 15)), [0])
        yield* leaving(1, 14)
        yield* leaving(1, 15)
      })
    )

    spec.effect("a clock that is set back does not keep the leases of one that is gone", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("2 hours")
        yield* lease(leasing(1, 16, { pieceCount: 1 }))
        yield* TestClock.setTime(3_600_000)
        for (let n = 0; n < 5; n++) {
          yield* lease(leasing(2, 16, { pieceCount: 1 }))
          yield* TestClock.adjust("2 seconds")
        }
        assert.deepStrictEqual(yield* lease(leasing(2, 16, { pieceCount: 1 })), [0])
        yield* leaving(2, 16)
      })
    )

    spec.effect("fifty that join in the same second all know others", () =>
      Effect.gen(function* () {
        const handouts = yield* Effect.forEach(
          Array.from({ length: 50 }, (_, n) => n + 1),
          (n) => join(joining(n, 8)),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(handouts.filter(({ ids }) => ids.length === 0).length, 1)
        const known = new Set(handouts.flatMap(({ ids }) => ids))
        assert.isAtLeast(known.size, 49)
      })
    )
  })
}
