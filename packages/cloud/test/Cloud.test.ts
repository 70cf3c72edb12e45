import { assert, it, layer } from "@effect/vitest"
import { Content, ContentUrl, Digest, Peer } from "@piecework/domain"
import { Duration, Effect, Fiber, Layer, Option, Ref, Result } from "effect"
import { TestClock } from "effect/testing"
import { ArrayRpcs, Handout, JoinRequest, LeaveRequest } from "../src/ArrayRpcs.ts"
import * as Caller from "../src/Caller.ts"
import { Cloud } from "../src/Cloud.ts"
import * as CloudConfig from "../src/CloudConfig.ts"
import { CheckReply, ContentPolicyReply, ContentPolicyRpcs, Policies } from "../src/ContentPolicyRpcs.ts"
import { ArrayInstance, DiscoveryRpcs } from "../src/DiscoveryRpcs.ts"
import { EndpointUrl } from "../src/Fields.ts"
import { GeoReply, GeoRpcs } from "../src/GeoRpcs.ts"
import { KeyValueReply, KeyValueRpcs } from "../src/KeyValueRpcs.ts"
import { LeaseReply, LeaseRequest } from "../src/LeaseRpc.ts"
import { ReportRpcs } from "../src/ReportRpcs.ts"
import { ContentUnknown, RequestRefused } from "../src/RoleError.ts"

const digest = Option.getOrThrow(Option.fromUndefinedOr(Digest.fromBytes(new Uint8Array(32).fill(7))))
const contentId = Content.idOf(digest)
const url = Result.getOrThrow(ContentUrl.parse("http://origin.test/a.iso"))
const policy = new ContentPolicyReply({
  contentId,
  hashOfHashes: digest,
  phfUrls: [Result.getOrThrow(ContentUrl.parse("http://in.process/phf/a"))],
  contentUrls: [url],
  contentSize: 5_000_000,
  peersAllowed: true,
  isSecure: false,
  isInternal: false,
  policies: new Policies({
    foregroundQosBps: 1,
    backgroundQosBps: 1,
    maxCacheAgeSeconds: 1,
    downloadToExpireSeconds: 1
  }),
  rank: 0
})
const peerId = (n: number) => Peer.idOf(Peer.DeviceId.make("a".repeat(32)), n)
const peer = (n: number) =>
  new Peer.Peer({ id: peerId(n), address: new Peer.PeerAddress({ host: `10.0.0.${n}`, port: 7680 }), kind: "Lan" })
const array = EndpointUrl.make("http://in.process/rpc/array")
const joining = (n: number, peersWanted = 50) =>
  new JoinRequest({
    contentId,
    peerId: peerId(n),
    reportedIp: `10.0.0.${n}`,
    port: 7680,
    left: 1,
    event: "Started",
    scope: "Lan",
    peersWanted
  })
const leasing = new LeaseRequest({
  contentId,
  peerId: peerId(1),
  reportedIp: "10.0.0.1",
  scope: "Lan",
  pieceCount: 10,
  pieceSize: 1024,
  held: new Uint8Array(2),
  keep: [{ first: 1, count: 2 }],
  most: 2,
  originRate: 0,
  seq: 0
})

layer(Cloud.layerTest({ contents: [policy], peers: [1, 2, 3].map(peer) }).pipe(Layer.provide(CloudConfig.layer())))(
  "Cloud",
  (roles) => {
    roles.effect("finds a content by its URL and by its id", () =>
      Effect.gen(function* () {
        const cloud = yield* Cloud
        const byUrl = yield* cloud.lookup({ url })
        const byId = yield* cloud.lookup({ contentId })
        assert.strictEqual(byUrl.policy.contentId, contentId)
        assert.strictEqual(byId.policy.contentSize, 5_000_000)
        assert.strictEqual(byId.geo.externalIp, "127.0.0.1")
      })
    )

    roles.effect("says so when the service does not know a content", () =>
      Effect.gen(function* () {
        const cloud = yield* Cloud
        const other = Result.getOrThrow(ContentUrl.parse("http://origin.test/b.iso"))
        const error = yield* Effect.flip(cloud.lookup({ url: other }))
        assert.deepStrictEqual([error.role, error.reason], ["ContentPolicy", "ContentUnknown"])
      })
    )

    roles.effect("discovers an Array, joins there and gets the others", () =>
      Effect.gen(function* () {
        const cloud = yield* Cloud
        const [instance] = yield* cloud.discover(yield* cloud.whereabouts, contentId)
        const handout = yield* cloud.join(instance.url, joining(1))
        assert.deepStrictEqual(
          handout.peers.map(({ id }) => id),
          [peerId(2), peerId(3)]
        )
        yield* cloud.leave(instance.url, new LeaveRequest({ contentId, peerId: peerId(1) }))
      })
    )
  }
)

/** A service of which a test can change every answer. */
interface Service {
  readonly asked: Ref.Ref<ReadonlyArray<string>>
  readonly policyAt: Ref.Ref<string>
  readonly expiresInSeconds: number
  readonly policy: ContentPolicyReply
  readonly handout: Handout
  readonly checked: CheckReply
}

const start = (overrides?: Partial<Service>) =>
  Effect.gen(function* () {
    const self: Service = {
      asked: yield* Ref.make<ReadonlyArray<string>>([]),
      policyAt: yield* Ref.make("http://in.process/old"),
      expiresInSeconds: 600,
      policy,
      handout: new Handout({ peers: [], nextJoin: Duration.seconds(3), candidates: 0 }),
      checked: new CheckReply({ halted: [], again: Duration.seconds(2) }),
      ...overrides
    }
    const note = (what: string) => Ref.update(self.asked, (all) => [...all, what])
    const handlers = Layer.mergeAll(
      GeoRpcs.toLayer({
        Geo: () =>
          Effect.as(
            Effect.delay(note("Geo"), 10),
            new GeoReply({
              externalIp: "203.0.113.1",
              keyValueUrl: EndpointUrl.make("http://in.process/kv"),
              version: ""
            })
          ),
        GeoVersion: () => Effect.succeed({ version: "" })
      }),
      KeyValueRpcs.toLayer({
        KeyValue: () =>
          Effect.gen(function* () {
            yield* note("KeyValue")
            return new KeyValueReply({
              contentPolicyUrl: EndpointUrl.make(yield* Ref.get(self.policyAt)),
              discoveryUrl: EndpointUrl.make("http://in.process/disc"),
              expiresInSeconds: self.expiresInSeconds,
              settings: {}
            })
          })
      }),
      ContentPolicyRpcs.toLayer({
        ContentPolicy: () =>
          Effect.gen(function* () {
            yield* note("ContentPolicy")
            // The role has moved: at the old place nobody is left to answer.
            const moved = (yield* Ref.get(self.policyAt)) === "http://in.process/moving"
            if (moved) {
              yield* Ref.set(self.policyAt, "http://in.process/new")
              return yield* Effect.die("gone")
            }
            return self.policy
          }),
        Check: () => Effect.succeed(self.checked)
      }),
      DiscoveryRpcs.toLayer({ Discover: () => Effect.succeed([new ArrayInstance({ url: array })] as const) }),
      ArrayRpcs.toLayer({
        Join: () => Effect.succeed(self.handout),
        Leave: ({ groupId }) =>
          Effect.fail(new RequestRefused({ reason: groupId === undefined ? "NotAllowed" : "Overloaded" })),
        Lease: ({ keep }) =>
          Effect.succeed(
            new LeaseReply({
              runs: [...keep, { first: 9, count: 2 }, { first: 9, count: 1 }],
              again: Duration.millis(1)
            })
          )
      }),
      ReportRpcs.toLayer({ Report: () => new RequestRefused({ reason: "NotAllowed" }) }),
      Caller.layerInProcess()
    )
    const cloud = Cloud.layerHandlers().pipe(Layer.provide([handlers, CloudConfig.layer()]))
    return { ...self, cloud: yield* Effect.provideContext(Cloud, yield* Layer.build(cloud)) }
  })

/** The clock moves while `self` runs: handlers here take ten milliseconds. */
const soon = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(self)
    yield* TestClock.adjust("1 second")
    return yield* Fiber.join(fiber)
  })

it.effect("asks Geo and KeyValue once for many lookups at one time, and not again while they hold", () =>
  Effect.gen(function* () {
    const { cloud, asked } = yield* start()
    yield* soon(
      Effect.all(
        [1, 2, 3].map(() => cloud.lookup({ url })),
        { concurrency: "unbounded" }
      )
    )
    yield* soon(cloud.lookup({ contentId }))
    const times = (what: string) => Effect.map(Ref.get(asked), (all) => all.filter((a) => a === what).length)
    assert.deepStrictEqual([yield* times("Geo"), yield* times("KeyValue"), yield* times("ContentPolicy")], [1, 1, 4])
    yield* TestClock.adjust("10 minutes")
    yield* soon(cloud.lookup({ url }))
    assert.deepStrictEqual([yield* times("Geo"), yield* times("KeyValue")], [2, 2])
  })
)

it.effect("keeps whereabouts a minute at least, however soon the service wants them forgotten", () =>
  Effect.gen(function* () {
    const { cloud, asked } = yield* start({ expiresInSeconds: 0 })
    yield* soon(cloud.whereabouts)
    yield* TestClock.adjust("30 seconds")
    yield* soon(cloud.whereabouts)
    assert.deepStrictEqual(yield* Ref.get(asked), ["Geo", "KeyValue"])
  })
)

it.effect("asks where everything is once more when a role is not where it was", () =>
  Effect.gen(function* () {
    const { cloud, asked, policyAt } = yield* start()
    yield* Ref.set(policyAt, "http://in.process/moving")
    const found = yield* soon(cloud.lookup({ url }))
    assert.strictEqual(found.keyValue.contentPolicyUrl, "http://in.process/new")
    assert.deepStrictEqual(yield* Ref.get(asked), [
      "Geo",
      "KeyValue",
      "ContentPolicy",
      "Geo",
      "KeyValue",
      "ContentPolicy"
    ])
  })
)

it.effect("takes no answer about another content, nor one whose id and hash of hashes differ", () =>
  Effect.gen(function* () {
    const other = Option.getOrThrow(Option.fromUndefinedOr(Digest.fromBytes(new Uint8Array(32).fill(8))))
    const lying = yield* start({ policy: new ContentPolicyReply({ ...policy, hashOfHashes: other }) })
    assert.strictEqual((yield* Effect.flip(soon(lying.cloud.lookup({ url })))).reason, "Unintelligible")
    const wrong = yield* start({
      policy: new ContentPolicyReply({ ...policy, contentId: Content.idOf(other), hashOfHashes: other })
    })
    assert.strictEqual((yield* Effect.flip(soon(wrong.cloud.lookup({ contentId })))).reason, "Unintelligible")
  })
)

/** What the client makes of the time that the service names until the next join, in milliseconds. */
const nextJoin = (said: Duration.Input) =>
  Effect.gen(function* () {
    const handout = new Handout({ peers: [], nextJoin: Duration.fromInputUnsafe(said), candidates: 0 })
    const { cloud } = yield* start({ handout })
    return Duration.toMillis((yield* cloud.join(array, joining(1))).nextJoin)
  })

it.effect("joins again neither sooner than half a second nor later than an hour, whatever the service says", () =>
  Effect.gen(function* () {
    assert.deepStrictEqual(
      [yield* nextJoin(0), yield* nextJoin("3 seconds"), yield* nextJoin("2 days")],
      [500, 3000, 3_600_000]
    )
  })
)

it.effect("takes no more peers than it wanted, and never itself", () =>
  Effect.gen(function* () {
    const handout = new Handout({ peers: [1, 2, 3, 4].map(peer), nextJoin: Duration.seconds(3), candidates: 4 })
    const { cloud } = yield* start({ handout })
    const { peers } = yield* cloud.join(array, joining(1, 2))
    assert.deepStrictEqual(
      peers.map(({ id }) => id),
      [peerId(2), peerId(3)]
    )
  })
)

it.effect("takes leases of pieces that there are, and asks again no sooner than a tenth of a second", () =>
  Effect.gen(function* () {
    const { cloud } = yield* start()
    const reply = yield* cloud.lease(array, leasing)
    assert.deepStrictEqual(reply.runs, [
      { first: 1, count: 2 },
      { first: 9, count: 1 }
    ])
    assert.strictEqual(Duration.toMillis(reply.again), 100)
  })
)

it.effect("gets no leases from a service that gives none", () =>
  Effect.gen(function* () {
    const error = yield* Effect.flip((yield* Cloud).lease(array, leasing))
    assert.deepStrictEqual([error.role, error.reason], ["Array", "Refused"])
  }).pipe(Effect.provide(Cloud.layerTest().pipe(Layer.provide(CloudConfig.layer()))))
)

it.effect("takes a content for halted only if it asked about it, and checks again no sooner than in a second", () =>
  Effect.gen(function* () {
    const other = Content.idOf(Option.getOrThrow(Option.fromUndefinedOr(Digest.fromBytes(new Uint8Array(32).fill(8)))))
    const checked = new CheckReply({ halted: [other, contentId], again: Duration.millis(1) })
    const { cloud } = yield* start({ checked })
    const reply = yield* soon(Effect.flatMap(cloud.whereabouts, (known) => cloud.check(known, [contentId])))
    assert.deepStrictEqual(reply.halted, [contentId])
    assert.strictEqual(Duration.toMillis(reply.again), 1000)
  })
)

it.effect("says that the service refused", () =>
  Effect.gen(function* () {
    const { cloud } = yield* start()
    const error = yield* Effect.flip(cloud.leave(array, new LeaveRequest({ contentId, peerId: peerId(1) })))
    assert.deepStrictEqual([error.role, error.reason], ["Array", "Refused"])
  })
)

it.effect("says that a service which has more to do than it can did not answer in time, for that passes", () =>
  Effect.gen(function* () {
    const { cloud } = yield* start()
    const leaving = new LeaveRequest({ contentId, peerId: peerId(1), groupId: "g" })
    const error = yield* Effect.flip(cloud.leave(array, leaving))
    assert.deepStrictEqual([error.role, error.reason], ["Array", "TimedOut"])
    assert.instanceOf(error.cause, RequestRefused)
  })
)

it.effect("fails as it is told to, a silent role only once the time is over", () =>
  Effect.gen(function* () {
    const failing = yield* Ref.make<"Unreachable" | "TimedOut" | undefined>("Unreachable")
    const cloud = yield* Layer.build(
      Cloud.layerTest({
        contents: [policy],
        failing: (role) => (role === "KeyValue" ? Ref.getUnsafe(failing) : undefined)
      }).pipe(Layer.provide(CloudConfig.layer({ timeout: Duration.seconds(3) })))
    ).pipe(Effect.flatMap((context) => Effect.provideContext(Cloud, context)))
    assert.strictEqual((yield* Effect.flip(cloud.lookup({ url }))).role, "KeyValue")
    yield* Ref.set(failing, "TimedOut")
    const silent = yield* Effect.forkChild(Effect.flip(cloud.lookup({ url })))
    yield* TestClock.adjust("2 seconds")
    assert.isUndefined(silent.pollUnsafe())
    yield* TestClock.adjust("1 second")
    assert.strictEqual((yield* Fiber.join(silent)).reason, "TimedOut")
    yield* Ref.set(failing, undefined)
    assert.strictEqual((yield* cloud.lookup({ url })).policy.contentId, contentId)
  })
)

it.effect("handlers see the address that the client is given", () =>
  Effect.gen(function* () {
    const geo = GeoRpcs.toLayer({
      Geo: () =>
        Effect.map(
          Caller.Caller,
          ({ externalIp }) =>
            new GeoReply({ externalIp, keyValueUrl: EndpointUrl.make("http://in.process/kv"), version: "" })
        ),
      GeoVersion: () => Effect.succeed({ version: "" })
    })
    const rest = Layer.mergeAll(
      KeyValueRpcs.toLayer({ KeyValue: () => Effect.die("not asked") }),
      ContentPolicyRpcs.toLayer({
        ContentPolicy: ({ contentId: content = "" }) => new ContentUnknown({ content }),
        Check: () => Effect.die("not asked")
      }),
      DiscoveryRpcs.toLayer({ Discover: () => new RequestRefused({ reason: "NotAllowed" }) }),
      ArrayRpcs.toLayer({
        Join: () => Effect.die("not asked"),
        Leave: () => Effect.void,
        Lease: () => Effect.die("not asked")
      }),
      ReportRpcs.toLayer({ Report: () => new RequestRefused({ reason: "NotAllowed" }) }),
      Caller.layerInProcess()
    )
    const seen = yield* Cloud.use((cloud) => cloud.geo).pipe(
      Effect.provide(
        Cloud.layerHandlers({ externalIp: "198.51.100.9" }).pipe(Layer.provide([geo, rest, CloudConfig.layer()]))
      )
    )
    assert.strictEqual(seen.externalIp, "198.51.100.9")
  })
)
