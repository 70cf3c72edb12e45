import { assert, describe, it } from "@effect/vitest"
import { Cloud } from "@piecework/cloud"
import type { CloudError } from "@piecework/cloud/CloudError"
import { CheckReply } from "@piecework/cloud/ContentPolicyRpcs"
import { JoinRequest } from "@piecework/cloud/ArrayRpcs"
import { LeaseRequest } from "@piecework/cloud/LeaseRpc"
import type { Identity } from "@piecework/cloud/Identity"
import { PolicyChange, PolicySettings } from "@piecework/cloud/PolicySettings"
import { Peer } from "@piecework/domain"
import { fromPeers } from "@piecework/domain/SourceKind"
import { Seeder } from "@piecework/download"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Clock, Context, Duration, Effect, Exit, Layer, Option, Result, Scope } from "effect"
import { TestClock } from "effect/testing"
import { download, failure } from "./downloads.ts"
import { until, within } from "./within.ts"

const bytes = World.bytesOf(60 * 4096)

/** A site whose line takes twelve seconds for the file. */
const slowly = Effect.gen(function* () {
  const lines = [MemoryNetwork.line(20_000)]
  const world = yield* World.make({
    network: { link: (from) => (from === World.originHost ? { lines } : { latency: "1 millis" }) }
  })
  return { world, ...(yield* world.publish("/file", bytes)) }
})

const seed = (client: World.TestClient) => Context.get(client.services, Seeder.Seeder).start({ scope: "Lan" })

/** How long it takes until this is so, in seconds. */
const secondsUntil = (isSo: () => boolean) =>
  Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    yield* until(isSo)
    return ((yield* Clock.currentTimeMillis) - began) / 1000
  })

const unlessHalted = <A>(answer: Effect.Effect<A, CloudError>) =>
  Effect.catchIf(
    answer,
    ({ reason }) => reason === "ContentHalted",
    () => Effect.never
  )

/** The services of a client that takes no notice of a halt. */
const deaf = (world: World.World) =>
  Layer.effect(
    Cloud.Cloud,
    Effect.map(Cloud.Cloud, (real) => {
      return {
        ...real,
        check: () => Effect.succeed(new CheckReply({ halted: [], again: Duration.seconds(2) })),
        join: (array, request) => unlessHalted(real.join(array, request)),
        lease: (array, request) => unlessHalted(real.lease(array, request))
      } satisfies Cloud.Cloud["Service"]
    })
  ).pipe(Layer.provide(world.cloud))

describe("a content that is halted", () => {
  for (const mode of ["Lan", "HttpOnly"] as const) {
    it.effect(`ends a download that runs (${mode}) within five seconds, without a file`, () =>
      Effect.gen(function* () {
        const { world, url, phf } = yield* slowly
        const clients = yield* Effect.forEach([1, 2], () => world.client())
        const running = yield* Effect.forEach(clients, (client) => client.start({ url, mode }))
        yield* until(() => running.every(({ progress }) => progress().heldBytes > 20_000))
        if (mode === "Lan") assert.isTrue(running.some(({ progress }) => progress().peers > 0))
        const haltedAt = yield* Clock.currentTimeMillis
        yield* world.catalog.setHalted(phf.contentId, true)
        const ends = running.map(({ result }) =>
          Effect.flatMap(Effect.flip(result), (error) => Effect.map(Clock.currentTimeMillis, (at) => ({ at, error })))
        )
        for (const { at, error } of yield* within("10 seconds", Effect.all(ends, { concurrency: "unbounded" }))) {
          assert.strictEqual(error._tag, "HaltedError")
          assert.include(error.message, `has halted ${url}`)
          assert.isAtMost(at - haltedAt, 5000)
        }
        for (const client of clients) assert.isTrue(Option.isNone(yield* client.file("/out/file")))
        for (const { progress } of running) assert.strictEqual(progress().peers, 0)
      })
    )
  }

  it.effect(
    "is no longer served by one that served it, even to a peer that goes on, and is again when it is resumed",
    () =>
      Effect.gen(function* () {
        const { world, url, phf } = yield* slowly
        const holder = yield* world.client()
        yield* Effect.scoped(download(holder, { url }, bytes))
        const seeding = yield* seed(holder)
        yield* TestClock.adjust("10 seconds")
        const peers = () => seeding.contents()[0]?.peers ?? 0

        const other = yield* world.client({ cloud: deaf(world) })
        const scope = yield* Scope.make()
        yield* Scope.provide(download(other, { url }, bytes), scope)
        assert.strictEqual(peers(), 1)
        yield* world.catalog.setHalted(phf.contentId, true)
        assert.isAtMost(yield* secondsUntil(() => peers() === 0), 5)
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual((yield* failure(yield* world.client(), { url }))._tag, "HaltedError")

        yield* world.catalog.setHalted(phf.contentId, false)
        yield* TestClock.adjust("3 minutes")
        world.origin.misbehave({ status: 403 })
        const again = yield* download(yield* world.client(), { url }, bytes)
        assert.strictEqual(fromPeers(again.bytes), bytes.length)
      })
  )

  it.effect("costs a download that renews its leases no check", () =>
    Effect.gen(function* () {
      const { world, url } = yield* slowly
      let checks = 0
      const counting = Layer.effect(
        Cloud.Cloud,
        Effect.map(Cloud.Cloud, (real) => ({
          ...real,
          check: (...asked: Parameters<typeof real.check>) => {
            checks++
            return real.check(...asked)
          }
        }))
      ).pipe(Layer.provide(world.cloud))
      const client = yield* world.client({ cloud: counting })
      yield* Effect.scoped(download(client, { url }, bytes))
      assert.strictEqual(checks, 0)
      // Nobody is connected: it need not know.
      yield* seed(client)
      const before = checks
      yield* TestClock.adjust("3 minutes")
      assert.strictEqual(checks, before)
    })
  )
})

describe("a content that is unpublished", () => {
  it.effect("lets the download that runs come to its end, and is unknown to the next", () =>
    Effect.gen(function* () {
      const { world, url, phf } = yield* slowly
      const client = yield* world.client()
      const running = yield* client.start({ url })
      yield* until(() => running.progress().heldBytes > 20_000)
      yield* world.catalog.unpublish(phf.contentId)
      const result = yield* within("1 minute", running.result)
      assert.strictEqual(result.fileBytes, bytes.length)
      const next = yield* download(yield* world.client(), { url }, bytes)
      assert.deepStrictEqual([next.mode, next.why.reason], ["Simple", "ContentUnknown"])
    })
  )
})

const device = (id: string, ...groups: ReadonlyArray<string>): Identity => ({ _tag: "Device", id, groups })

describe("a content for a group", () => {
  const limited = Effect.gen(function* () {
    const world = yield* World.make()
    const { url, phf } = yield* world.publish("/file", bytes)
    const set = new PolicySettings({ groups: ["lab", "office"] })
    yield* world.catalog.setPolicy(phf.contentId, new PolicyChange({ set, reset: [] }))
    yield* TestClock.adjust("2 seconds")
    return { world, url, phf }
  })

  it.effect("is shared by its devices, and unknown to all others, who get it from the origin if that lets them", () =>
    Effect.gen(function* () {
      const { world, url } = yield* limited
      const first = yield* download(yield* world.client({ identity: device("a", "lab") }), { url }, bytes)
      assert.strictEqual(first.mode, "Lan")
      const nobody = yield* download(yield* world.client(), { url }, bytes)
      assert.deepStrictEqual([nobody.mode, nobody.why.reason], ["Simple", "ContentUnknown"])
      world.origin.misbehave({ status: 403 })
      const stranger = yield* world.client({ identity: device("b", "plant") })
      assert.strictEqual((yield* failure(stranger, { url }))._tag, "NoSourceError")
      const second = yield* download(yield* world.client({ identity: device("c", "office") }), { url }, bytes)
      assert.strictEqual(fromPeers(second.bytes), bytes.length)
    })
  )

  it.effect("has no swarm and no halt for others, whoever told them its id", () =>
    Effect.gen(function* () {
      const { world, phf } = yield* limited
      yield* world.catalog.setHalted(phf.contentId, true)
      yield* TestClock.adjust("2 seconds")
      const { contentId } = phf
      const cloud = Context.get(yield* Layer.build(world.cloud), Cloud.Cloud)
      const known = yield* cloud.whereabouts
      const policy = yield* Effect.result(cloud.contentPolicy(known, { contentId }))
      assert.strictEqual(Result.isFailure(policy) && policy.failure.reason, "ContentUnknown")
      assert.deepStrictEqual((yield* cloud.check(known, [contentId])).halted, [])
      const [array] = yield* cloud.discover(known, contentId)
      const peerId = Peer.idOf(Peer.DeviceId.make("e".repeat(32)), 1)
      const member = { contentId, peerId, reportedIp: "10.0.0.9", scope: "Lan" } as const
      const joining = cloud.join(array.url, new JoinRequest({ ...member, port: 7680, left: 1, event: "Started" }))
      assert.strictEqual((yield* Effect.flip(joining)).reason, "ContentUnknown")
      const asking = {
        pieceCount: 1,
        pieceSize: 4096,
        held: new Uint8Array(1),
        keep: [],
        most: 1,
        originRate: 0,
        seq: 0
      }
      const leasing = cloud.lease(array.url, new LeaseRequest({ ...member, ...asking }))
      assert.strictEqual((yield* Effect.flip(leasing)).reason, "ContentUnknown")
    })
  )
})
