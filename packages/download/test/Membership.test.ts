import { assert, describe, it } from "@effect/vitest"
import { Cloud, CloudConfig } from "@piecework/cloud"
import { Handout, type JoinRequest } from "@piecework/cloud/ArrayRpcs"
import { CloudError } from "@piecework/cloud/CloudError"
import { ContentId } from "@piecework/domain/Content"
import { PeerAddress, PeerId } from "@piecework/domain/Peer"
import { Membership } from "@piecework/download"
import { Context, Duration, Effect, Exit, Layer, Logger, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as Reach from "../src/Reach.ts"

/** A cloud whose Array answers what the test says, and a list of the joins and leaves it saw. */
const cloudOf = (answer: (n: number) => "fail" | Duration.Input) =>
  Effect.gen(function* () {
    const joins: Array<JoinRequest> = []
    let leaves = 0
    const built = yield* Layer.build(Cloud.Cloud.layerTest().pipe(Layer.provide(CloudConfig.layer())))
    const real = Context.get(built, Cloud.Cloud)
    const cloud = Cloud.Cloud.of({
      ...real,
      join: (_, request) => {
        joins.push(request)
        const next = answer(joins.length)
        return next === "fail"
          ? new CloudError({ role: "Array", url: "http://a", reason: "Unreachable" })
          : Effect.succeed(new Handout({ peers: [], nextJoin: Duration.fromInputUnsafe(next), candidates: 0 }))
      },
      leave: () => Effect.sync(() => void leaves++)
    })
    return { cloud, joins, leaves: () => leaves }
  })

const away = Effect.fail(new CloudError({ role: "Geo", url: "http://a", reason: "Unreachable" }))

const about = (n: number) => ({ peerId: PeerId.make(String(n).padStart(40, "0")), reason: "Bad" }) as const

const joined = (cloud: Cloud.Cloud["Service"], more?: Partial<Membership.MembershipOptions>) =>
  Effect.gen(function* () {
    return yield* Membership.join({
      contentId: ContentId.make(`DO-${"a".repeat(43)}`),
      url: undefined,
      self: PeerId.make("1".repeat(40)),
      address: new PeerAddress({ host: "10.0.0.1", port: 7680 }),
      scope: "Lan",
      groupId: undefined,
      peersWanted: 10,
      standing: Effect.succeed({ uploaded: 0, downloaded: 0, fromOrigin: 0, fromCache: 0, left: 5 }),
      onHandout: () => Effect.void,
      ...more
    })
  }).pipe(Effect.provideService(Cloud.Cloud, cloud))

describe("a membership", () => {
  it.effect("of a device that serves is told of once when the service fails, and once when it is back", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const listening = Logger.layer([
        Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))
      ])
      const reach = Reach.make()
      const [one, two] = [ContentId.make(`DO-${"a".repeat(43)}`), ContentId.make(`DO-${"b".repeat(43)}`)] as const
      const failure = new CloudError({ role: "Geo", url: "http://a", reason: "Unreachable" })
      yield* Effect.gen(function* () {
        for (let n = 0; n < 3; n++) {
          yield* reach.attempted(one, failure)
          yield* reach.attempted(two, failure)
        }
        yield* reach.attempted(one, undefined)
        yield* reach.attempted(two, undefined)
        yield* reach.attempted(one, undefined)
      }).pipe(Effect.provide(listening))
      assert.lengthOf(lines, 2)
      assert.match(lines[0] ?? "", /^Warn The Geo service at http:\/\/a cannot be reached\./)
      assert.match(lines[1] ?? "", /^Info The service answers again\./)
    })
  )

  it.effect("joins when told to, and at once when the download is complete", () =>
    Effect.gen(function* () {
      const { cloud, joins } = yield* cloudOf(() => "10 seconds")
      const membership = yield* joined(cloud)
      yield* TestClock.adjust("25 seconds")
      assert.deepStrictEqual(
        joins.map((join) => join.event),
        ["Started", "Periodic", "Periodic"]
      )
      yield* membership.completed
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(joins.at(-1)?.event, "Completed")
      assert.deepStrictEqual(
        joins.map((join) => join.seq),
        [0, 1, 2, 3]
      )
    })
  )

  it.effect("says who fed it since the last join that was answered, and what it received from how near", () =>
    Effect.gen(function* () {
      const { cloud, joins } = yield* cloudOf((n) => (n === 2 ? "fail" : "10 seconds"))
      const peer = PeerId.make("2".repeat(40))
      let bytes = 0
      const fromPeers = () => ({ linkLocal: 0, lan: bytes, group: 0, internet: 0 })
      yield* joined(cloud, {
        standing: Effect.sync(() => {
          bytes += 1000
          const received = { uploaded: 0, downloaded: bytes, fromOrigin: 0, fromCache: 0, fromPeers: fromPeers() }
          return { ...received, left: 5, contentSize: 9000, fedBy: new Map([[peer, bytes]]) }
        })
      })
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(
        joins
          .slice(0, 3)
          .map(({ contentSize, downloadedPeers, fedBy }) => [
            contentSize,
            downloadedPeers?.lan,
            fedBy?.map((one) => [one.peerId, one.bytes])
          ]),
        [
          [9000, 1000, [[peer, 1000]]],
          [9000, 2000, [[peer, 1000]]],
          // The one before was lost.
          [9000, 3000, [[peer, 2000]]]
        ]
      )
    })
  )

  it.effect("complains about as many peers as the service hears of, and about none when there is nothing", () =>
    Effect.gen(function* () {
      const { cloud, joins } = yield* cloudOf(() => "10 seconds")
      let count = 20
      yield* joined(cloud, { complaints: Effect.sync(() => Array.from({ length: count }, (_, n) => about(n))) })
      yield* TestClock.adjust("1 millis")
      count = 0
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(joins[0]?.complaints?.[0], about(0))
      assert.lengthOf(joins[0]?.complaints ?? [], 16)
      assert.isUndefined(joins[1]?.complaints)
    })
  )

  it.effect("asks a service that fails again, later and later, and says what is wrong meanwhile", () =>
    Effect.gen(function* () {
      const { cloud, joins } = yield* cloudOf((n) => (n <= 4 ? "fail" : "1 minute"))
      const membership = yield* joined(cloud)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* membership.failure)?.reason, "Unreachable")
      assert.isFalse(membership.isAnswered())
      // At most 1 + 2 + 4 + 8 seconds, at least half of that.
      yield* TestClock.adjust("7 seconds")
      assert.isBelow(joins.length, 5)
      yield* TestClock.adjust("8 seconds")
      assert.lengthOf(joins, 5)
      assert.isUndefined(yield* membership.failure)
      assert.isTrue(membership.isAnswered())
    })
  )

  it.effect("leaves when its scope closes, though not when it never got in", () =>
    Effect.gen(function* () {
      const { cloud, leaves } = yield* cloudOf(() => "1 minute")
      const scope = yield* Scope.make()
      yield* Scope.provide(joined(cloud), scope)
      yield* TestClock.adjust("1 millis")
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(leaves(), 1)

      const failing = yield* cloudOf(() => "fail")
      const other = yield* Scope.make()
      yield* Scope.provide(joined(failing.cloud), other)
      yield* TestClock.adjust("10 seconds")
      yield* Scope.close(other, Exit.void)
      assert.strictEqual(failing.leaves(), 0)
    })
  )

  it.effect("does not wait long for a service that does not take its farewell", () =>
    Effect.gen(function* () {
      const { cloud } = yield* cloudOf(() => "1 minute")
      const scope = yield* Scope.make()
      yield* Scope.provide(joined({ ...cloud, leave: () => Effect.never }), scope)
      yield* TestClock.adjust("1 millis")
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("500 millis")
      assert.isDefined(closing.pollUnsafe())
    })
  )

  it.effect(
    "tells that it is complete also when that was so before it got in, and when it was not heard at first",
    () =>
      Effect.gen(function* () {
        const { cloud, joins } = yield* cloudOf((n) => (n === 2 ? "fail" : "1 minute"))
        const membership = yield* joined(cloud)
        yield* membership.completed
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual(
          joins.map((join) => join.event),
          ["Started", "Completed", "Completed"]
        )
      })
  )

  it.effect("follows a service that moves", () =>
    Effect.gen(function* () {
      const { cloud, joins } = yield* cloudOf(() => "10 seconds")
      let asked = 0
      const whereabouts = Effect.suspend(() => (asked++ === 1 ? away : cloud.whereabouts))
      yield* joined({ ...cloud, whereabouts })
      yield* TestClock.adjust("25 seconds")
      // Asked before each join; when it cannot be told, what was known last serves.
      assert.strictEqual(asked, 3)
      assert.lengthOf(joins, 3)
    })
  )
})
