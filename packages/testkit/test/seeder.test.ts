import { assert, describe, it } from "@effect/vitest"
import { PieceCache } from "@piecework/cache/PieceCache"
import { Cloud } from "@piecework/cloud"
import { CloudError } from "@piecework/cloud/CloudError"
import { Records, Seeder } from "@piecework/download"
import { fromPeers } from "@piecework/domain/SourceKind"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { download } from "./downloads.ts"
import { until } from "./within.ts"

const bytes = World.bytesOf(40 * 4096)

const seed = (client: World.TestClient) =>
  Context.get(client.services, Seeder.Seeder).start({ scope: "Lan", rescan: "10 seconds" })

/** A client that has fetched the file and does not serve it any more, and an origin that does not give it any more. */
const fetched = Effect.gen(function* () {
  const world = yield* World.make()
  const { url, phf } = yield* world.publish("/file", bytes)
  const client = yield* world.client()
  yield* Effect.scoped(download(client, { url }, bytes))
  world.origin.misbehave({ status: 403 })
  return { world, url, phf, client }
})

describe("a seeder", () => {
  it.effect("serves what is held, and notes what it sent", () =>
    Effect.gen(function* () {
      const { world, url, phf, client } = yield* fetched
      const scope = yield* Scope.make()
      const seeding = yield* Scope.provide(seed(client), scope)
      const result = yield* Effect.scoped(download(yield* world.client(), { url }, bytes))
      assert.strictEqual(fromPeers(result.bytes), bytes.length)
      assert.strictEqual(seeding.contents()[0]?.sent, bytes.length)
      yield* Scope.close(scope, Exit.void)
      const noted = yield* Context.get(client.services, Records.Records).list
      assert.strictEqual(noted.records[0]?.sent, bytes.length)
      assert.strictEqual(noted.records[0]?.contentId, phf.contentId)
    })
  )

  it.effect("remembers what it sent when somebody else adds to the content and it is opened anew", () =>
    Effect.gen(function* () {
      const lines = [MemoryNetwork.line(100_000)]
      const world = yield* World.make({ network: { link: (from) => (from === World.originHost ? { lines } : {}) } })
      const { url } = yield* world.publish("/file", bytes)
      const client = yield* world.client()
      const begun = yield* Scope.make()
      const half = yield* Scope.provide(client.start({ url }), begun)
      yield* until(() => half.progress().heldBytes > bytes.length / 2)
      yield* Scope.close(begun, Exit.void)

      const seeding = yield* seed(client)
      const heldBytes = seeding.contents()[0]?.heldBytes ?? 0
      yield* Effect.scoped(download(yield* world.client(), { url }, bytes))
      const sent = seeding.contents()[0]?.sent ?? 0
      assert.isAbove(sent, 0)
      yield* Effect.scoped(download(client, { url }, bytes))
      yield* TestClock.adjust("10 seconds")
      assert.isAbove(seeding.contents()[0]?.heldBytes ?? 0, heldBytes)
      assert.isAtLeast(seeding.contents()[0]?.sent ?? 0, sent)
    })
  )

  it.effect("lets go of a content that was deleted under its hands, and serves what was fetched anew", () =>
    Effect.gen(function* () {
      const { client, phf, url, world } = yield* fetched
      const seeding = yield* seed(client)
      const cache = Context.get(client.services, PieceCache)
      yield* cache.drop(phf.contentId)
      world.origin.misbehave({})
      yield* Effect.scoped(download(client, { url, overwrite: true }, bytes))
      world.origin.misbehave({ status: 403 })
      yield* seeding.look
      const result = yield* Effect.scoped(download(yield* world.client(), { url }, bytes))
      assert.strictEqual(fromPeers(result.bytes), bytes.length)
      yield* cache.drop(phf.contentId)
      yield* seeding.look
      assert.deepStrictEqual(seeding.contents(), [])
    })
  )

  it.effect("serves what comes into the cache later, and nothing that is gone", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      const client = yield* world.client()
      const scope = yield* Scope.make()
      const seeding = yield* Scope.provide(seed(client), scope)
      assert.deepStrictEqual(seeding.contents(), [])
      const { url, phf } = yield* world.publish("/file", bytes)
      yield* Effect.scoped(download(client, { url }, bytes))
      world.origin.misbehave({ status: 403 })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(seeding.contents()[0]?.heldBytes, bytes.length)
      yield* Effect.scoped(download(yield* world.client(), { url }, bytes))
      yield* Scope.close(scope, Exit.void)
      const cache = Context.get(client.services, PieceCache)
      yield* cache.remove(phf.contentId)
      const empty = yield* seed(client)
      assert.deepStrictEqual(empty.contents(), [])
    })
  )

  it.effect("is found once a service that was away at its start is there", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      const { url } = yield* world.publish("/file", bytes)
      let isAway = false
      const cloud = Layer.effect(
        Cloud.Cloud,
        Effect.map(Cloud.Cloud, (real) => {
          const away = new CloudError({ role: "Geo", url: "http://service", reason: "Unreachable" })
          const unlessAway = <A>(effect: Effect.Effect<A, CloudError>) =>
            Effect.suspend(() => (isAway ? Effect.fail(away) : effect))
          return { ...real, whereabouts: unlessAway(real.whereabouts) }
        })
      ).pipe(Layer.provide(world.cloud))
      const client = yield* world.client({ cloud })
      yield* Effect.scoped(download(client, { url }, bytes))
      world.origin.misbehave({ status: 403 })
      isAway = true
      yield* seed(client)
      yield* TestClock.adjust("2 minutes")
      isAway = false
      yield* TestClock.adjust("1 minute")
      const result = yield* download(yield* world.client(), { url }, bytes)
      assert.strictEqual(fromPeers(result.bytes), bytes.length)
    })
  )

  it.effect(
    "tells the service of four idle contents at a time, of each in its turn, and of what is asked for at once",
    () =>
      Effect.gen(function* () {
        const world = yield* World.make()
        const client = yield* world.client()
        const files = yield* Effect.forEach(Array.from({ length: 7 }), (_, n) =>
          Effect.gen(function* () {
            const content = World.bytesOf(4096, n + 1)
            const { phf, url } = yield* world.publish(`/file${n}`, content)
            yield* Effect.scoped(download(client, { url, path: `/out/${n}` }, content))
            return { content, id: phf.contentId, url }
          })
        )
        world.origin.misbehave({ status: 403 })
        // What was fetched within the hour is told of.
        const first = yield* Scope.make()
        const fresh = yield* Scope.provide(seed(client), first)
        assert.deepStrictEqual(new Set(fresh.contents().map(({ offer }) => offer.why)), new Set(["Asked"]))
        yield* Scope.close(first, Exit.void)

        yield* TestClock.adjust("61 minutes")
        const seeding = yield* seed(client)
        const turns = () => seeding.contents().filter(({ offer }) => offer.why === "Turn")
        const waiting = () => seeding.contents().filter(({ offer }) => offer.why === "Waiting")
        assert.lengthOf(turns(), 4)
        assert.lengthOf(waiting(), 3)
        // The service names this device for those, and for no others.
        const isFound = (file: (typeof files)[number]) =>
          Effect.gen(function* () {
            const other = yield* world.client({
              config: { firstByteTimeout: "2 seconds", noProgressTimeout: "2 seconds" }
            })
            const got = yield* Effect.exit(
              Effect.scoped(download(other, { url: file.url }, file.content, "10 seconds"))
            )
            return Exit.isSuccess(got)
          })
        const [next] = waiting()
        const unseen = files.find(({ id }) => id === next?.contentId)
        const seen = files.find(({ id }) => id === turns()[0]?.contentId)
        assert.isDefined(unseen && seen)
        if (unseen === undefined || seen === undefined || next?.offer.until === undefined) return
        assert.isFalse(yield* isFound(unseen))
        assert.isTrue(yield* isFound(seen))
        // What was asked for keeps its place, and leaves its slot to another.
        assert.strictEqual(seeding.contents().find(({ contentId }) => contentId === seen.id)?.offer.why, "Asked")
        yield* TestClock.adjust("10 seconds")
        assert.lengthOf(turns(), 4)
        assert.lengthOf(waiting(), 2)

        const had = new Set<string>()
        for (let n = 0; n < 2 * 30; n++) {
          for (const { contentId } of turns()) had.add(contentId)
          yield* TestClock.adjust("10 seconds")
        }
        assert.sameMembers(
          [...had, seen.id],
          files.map(({ id }) => id)
        )
      })
  )
})
