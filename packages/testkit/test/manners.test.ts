/** How origins are treated that want something: a login, a rest, to be left for a mirror, or to send another file than before. */
import { assert, describe, it } from "@effect/vitest"
import { BufferPool } from "@piecework/hashing"
import { TestOrigin, World } from "@piecework/testkit"
import { Transport } from "@piecework/transport/Transport"
import { MemoryNetwork } from "@piecework/transport"
import * as ContentUrl from "@piecework/domain/ContentUrl"
import { Context, Effect, Option, Result } from "effect"
import { download, expectFile, failure } from "./downloads.ts"
import { until, within } from "./within.ts"

const bytes = World.bytesOf(30 * 4096 + 77)

/** A world whose origins are behind lines that take a good second for the file. */
const published = Effect.gen(function* () {
  const lines = [MemoryNetwork.line(100_000)]
  const mirrorLines = [MemoryNetwork.line(100_000)]
  const world = yield* World.make({
    network: {
      link: (from) => (from === World.originHost ? { lines } : from === mirrorHost ? { lines: mirrorLines } : {})
    }
  })
  const mirror = yield* Effect.provideService(
    TestOrigin.make({ host: mirrorHost, port: 80 }),
    Transport,
    world.network.transport(mirrorHost)
  )
  return { world, mirror, mirrorUrl: Result.getOrThrow(ContentUrl.parse(`http://${mirrorHost}/copy`)) }
})
const mirrorHost = "10.9.0.7"

/** The same in Simple mode: a client without a service. */
const simple = Effect.gen(function* () {
  const { mirror, mirrorUrl, world } = yield* published
  world.origin.put("/file", bytes)
  return { mirror, mirrorUrl, world, url: world.urlOf("/file"), client: yield* world.client({ noService: true }) }
})

const reasonOf = (error: { readonly _tag: string; readonly reason?: string }) => error.reason ?? error._tag

describe("An origin that asks to be left alone", () => {
  it.effect("is, for as long as it says, before the first byte", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* simple
      world.origin.misbehave({ status: 503, headers: { "retry-after": "45" } })
      const active = yield* client.start({ url })
      yield* within("44 seconds", Effect.flip(Effect.timeout(active.result, "43 seconds")))
      assert.strictEqual(world.origin.requests().length, 1, "it is not asked again meanwhile")
      world.origin.misbehave({})
      yield* within("10 seconds", expectFile(client, active, bytes))
      assert.isAtMost(world.origin.requests().length, 3)
    })
  )

  it.effect("and never answers otherwise is given up after five minutes, and said why", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* simple
      world.origin.misbehave({ status: 429, headers: { "retry-after": "600" } })
      const error = yield* failure(client, { url }, "6 minutes")
      assert.strictEqual(reasonOf(error), "Refused")
      assert.strictEqual(world.origin.requests().length, 1)
    })
  )

  it.effect("is left alone in the middle of a file as well", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* simple
      world.origin.misbehave({ cutAfter: 60_000 })
      const active = yield* client.start({ url })
      yield* until(() => active.progress().heldBytes > 40_000)
      world.origin.misbehave({ status: 503, headers: { "retry-after": "90" } })
      yield* within("30 seconds", Effect.flip(Effect.timeout(active.result, "29 seconds")))
      const asked = world.origin.requests().length
      yield* within("55 seconds", Effect.flip(Effect.timeout(active.result, "54 seconds")))
      assert.strictEqual(world.origin.requests().length, asked)
      world.origin.misbehave({})
      yield* within("30 seconds", expectFile(client, active, bytes))
    })
  )

  it.effect("is left alone by a swarm, whose peers deliver meanwhile", () =>
    Effect.gen(function* () {
      const { world } = yield* published
      const { url } = yield* world.publish("/file", bytes)
      world.origin.misbehave({ status: 429, headers: { "retry-after": "60" } })
      const active = yield* (yield* world.client()).start({ url })
      yield* within("50 seconds", Effect.flip(Effect.timeout(active.result, "49 seconds")))
      // Two requests may be under way at a time, and one was the first look.
      assert.isAtMost(world.origin.requests().length, 4)
      world.origin.misbehave({})
      const client = yield* world.client()
      yield* download(client, { url }, bytes, "2 minutes")
    })
  )
})

describe("A file that changes on the way is begun again", () => {
  const other = World.bytesOf(bytes.length, 9)
  for (const [name, before, after, file] of [
    ["by its ETag", { etag: '"1"' }, { etag: '"2"' }, other],
    ["by a weak ETag", { etag: 'W/"1"' }, { etag: 'W/"2"' }, other],
    ["by an ETag that is gone", { etag: '"1"' }, { "x-nothing": "1" }, other],
    [
      "by its date alone",
      { "last-modified": "Sun, 06 Nov 1994 08:49:37 GMT" },
      { "last-modified": "Mon, 07 Nov 1994 08:49:37 GMT" },
      other
    ],
    ["by its length", {}, {}, World.bytesOf(bytes.length - 5000, 9)]
  ] as const) {
    for (const noRanges of [false, true]) {
      it.effect(`${name}${noRanges ? ", from an origin that sends whole files from then on" : ""}`, () =>
        Effect.gen(function* () {
          const { client, url, world } = yield* simple
          world.origin.misbehave({ cutAfter: 60_000, noValidator: true, headers: before })
          const active = yield* client.start({ url })
          yield* until(() => active.progress().heldBytes > 40_000)
          world.origin.put("/file", file)
          world.origin.misbehave({ noValidator: true, headers: after, noRanges })
          yield* within("1 minute", expectFile(client, active, file))
        })
      )
    }
  }

  it.effect("but not for ever", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* simple
      let version = 0
      world.origin.misbehave({ cutAfter: 20_000 })
      const active = yield* client.start({ url })
      const changing = Effect.forever(
        Effect.andThen(
          Effect.sync(() => world.origin.put("/file", World.bytesOf(bytes.length, ++version))),
          Effect.sleep("100 millis")
        )
      )
      const error = yield* within("5 minutes", Effect.flip(Effect.raceFirst(active.result, changing)))
      assert.strictEqual(reasonOf(error), "ContentChanged")
      assert.isTrue(Option.isNone(yield* client.file("/out/file")))
    })
  )
})

describe("Other URLs of a content", () => {
  it.effect("are tried in Simple mode when the first is gone before it began", () =>
    Effect.gen(function* () {
      const { client, mirror, mirrorUrl, url, world } = yield* simple
      world.origin.remove("/file")
      mirror.put("/copy", bytes)
      const result = yield* download(client, { url, others: [world.urlOf("/gone"), mirrorUrl] }, bytes)
      assert.strictEqual(result.url, url)
      assert.deepStrictEqual(
        world.origin.requests().map((request) => request.split(" ")[1]),
        ["/file", "/gone"]
      )
    })
  )

  it.effect("are tried from the beginning when it goes in the middle, since nobody says that it is the same file", () =>
    Effect.gen(function* () {
      const { client, mirror, mirrorUrl, url, world } = yield* simple
      const other = World.bytesOf(bytes.length, 5)
      mirror.put("/copy", other)
      world.origin.misbehave({ cutAfter: 60_000 })
      const active = yield* client.start({ url, others: [mirrorUrl] })
      yield* until(() => active.progress().heldBytes > 40_000)
      world.origin.remove("/file")
      const result = yield* within("1 minute", expectFile(client, active, other))
      assert.isAtLeast(result.waste.cancelled, 40_000)
    })
  )

  it.effect("say what the first one said when none has it", () =>
    Effect.gen(function* () {
      const { client, mirrorUrl, url, world } = yield* simple
      world.origin.misbehave({ status: 403 })
      assert.strictEqual(reasonOf(yield* failure(client, { url, others: [mirrorUrl] })), "Forbidden")
    })
  )

  it.effect("are sources of their own in a swarm: each brings a part, verified by the same hashes", () =>
    Effect.gen(function* () {
      const { mirror, mirrorUrl, world } = yield* published
      const large = World.bytesOf(300 * 4096)
      const { url } = yield* world.publish("/file", large)
      mirror.put("/copy", large)
      const result = yield* download(yield* world.client(), { url, others: [mirrorUrl, url, mirrorUrl] }, large)
      assert.strictEqual(result.bytes.Origin, large.length)
      for (const sent of [world.origin.sent("/file"), mirror.sent("/copy")]) assert.isAbove(sent, large.length / 4)
      assert.isBelow(world.origin.sent("/file") + mirror.sent("/copy"), 1.1 * large.length)
    })
  )

  for (const [name, faults] of [
    ["has the wrong bytes", { corrupt: true }],
    ["is gone", { status: 410 }],
    ["never answers", { silent: true }]
  ] as const) {
    it.effect(`of which one ${name} leave a swarm the others`, () =>
      Effect.gen(function* () {
        const { mirror, mirrorUrl, world } = yield* published
        const { url } = yield* world.publish("/file", bytes)
        mirror.put("/copy", bytes)
        world.origin.misbehave(faults)
        yield* download(yield* world.client(), { url, others: [mirrorUrl] }, bytes, "2 minutes")
      })
    )
  }

  it.effect("are not more than sixteen", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* simple
      const others = Array.from({ length: 17 }, (_, n) => world.urlOf(`/${n}`))
      const error = yield* failure(client, { url, others })
      assert.include(error.message, "more than 16 other URLs")
      assert.deepStrictEqual(world.origin.requests(), [])
    })
  )
})

describe("What goes with a download", () => {
  it.effect("goes to its own server, and to nobody else who has a part in it", () =>
    Effect.gen(function* () {
      const { mirror, mirrorUrl, world } = yield* published
      const { url } = yield* world.publish("/file", bytes)
      mirror.put("/copy", bytes)
      const headers = { Authorization: "Bearer x", "X-Api-Key": "k" }
      yield* download(yield* world.client(), { url, others: [mirrorUrl], headers }, bytes)
      assert.isTrue(world.origin.heads().every((head) => head.includes("Bearer x") && head.includes("X-Api-Key: k")))
      for (const place of [mirror, world.metadata]) {
        assert.isAbove(place.heads().length, 0)
        assert.isFalse(place.heads().some((head) => /Bearer|X-Api-Key/i.test(head)))
      }
    })
  )

  it.effect("goes for its hashes as well, where they lie beside it", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* simple
      const phf = World.phfOf(bytes, 4096)
      world.origin.put("/file.phf", World.hashesOf(bytes, 4096))
      const { contentId } = phf
      yield* download(client, { url, contentId, headers: { Authorization: "Bearer x" } }, bytes)
      assert.isTrue(world.origin.requests().some((request) => request.startsWith("GET /file.phf")))
      assert.isTrue(world.origin.heads().every((head) => head.includes("Authorization: Bearer x")))
    })
  )

  it.effect("is refused before anything is asked when it cannot be sent", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* simple
      const error = yield* failure(client, { url, headers: { Range: "bytes=0-1" } })
      assert.strictEqual(reasonOf(error), "BadRequest")
      assert.include(error.message, '"Range"')
      assert.deepStrictEqual(world.origin.requests(), [])
    })
  )

  it.effect("is told about by what the server said last", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* simple
      world.origin.misbehave({ headers: { "content-type": "application/x-iso" } })
      const active = yield* client.start({ url })
      assert.strictEqual(active.facts(), undefined)
      yield* within("1 minute", active.result)
      const facts = active.facts()
      assert.deepStrictEqual([facts?.url, facts?.address], [url, World.originHost])
      assert.strictEqual(facts?.headers.get("content-type"), "application/x-iso")
      assert.include(facts?.lines ?? [], "content-type: application/x-iso")
      const gone = yield* client.start({ url: world.urlOf("/gone"), path: "/out/gone" })
      yield* within("1 minute", Effect.flip(gone.result))
      assert.strictEqual(gone.facts()?.status, 404)
      const pool = Context.get(client.services, BufferPool.BufferPool)
      assert.strictEqual(pool.available(), pool.capacity)
    })
  )
})
