import { assert, describe, it } from "@effect/vitest"
import { World } from "@piecework/testkit"
import { Effect, Exit, Option, Scope } from "effect"
import { download, expectNoBufferLent, failure } from "./downloads.ts"
import { behindLine, partOf, type Range } from "./reads.ts"
import { until, within } from "./within.ts"

const pieceSize = 4096
const bytes = World.bytesOf(60 * pieceSize + 77)
const parts: ReadonlyArray<Range> = [
  { offset: 200_000 },
  { offset: 0, length: 100 },
  { offset: 4000, length: 9000 },
  { offset: 200, length: 1000 }
]
const joined = (ranges: ReadonlyArray<Range>, all = bytes) => Buffer.concat(ranges.map((range) => partOf(all, range)))

const expectParts = (client: World.TestClient, request: Parameters<World.TestClient["start"]>[0], all = bytes) =>
  Effect.gen(function* () {
    const wanted = joined(request.ranges ?? [], all)
    const active = yield* client.start(request)
    const result = yield* within("1 minute", active.result)
    const file = Option.getOrThrow(yield* client.file(request.path ?? "/out/file"))
    assert.strictEqual(Buffer.compare(file, wanted), 0, "the file holds the parts, one after the other")
    assert.strictEqual(result.requestedBytes, wanted.length)
    const { heldBytes, requestedBytes } = active.progress()
    assert.deepStrictEqual({ heldBytes, requestedBytes }, { heldBytes: wanted.length, requestedBytes: wanted.length })
    return result
  })

describe("parts of a content that the service knows", () => {
  const published = Effect.gen(function* () {
    const world = yield* behindLine(1_000_000)
    return { world, client: yield* world.client(), ...(yield* world.publish("/file", bytes)) }
  })

  it.effect("come as the pieces that they touch, and no others", () =>
    Effect.gen(function* () {
      const { client, phf, url, world } = yield* published
      const result = yield* expectParts(client, { url, ranges: parts })
      assert.strictEqual(result.fileBytes, bytes.length)
      assert.strictEqual(result.contentId, phf.contentId)
      assert.strictEqual(result.mode, "Lan")
      // The last 13 pieces and 4 at the beginning.
      assert.isAtMost(world.origin.sent("/file"), 1024 + 17 * pieceSize)
      expectNoBufferLent(client)
      yield* download(client, { url, path: "/out/whole" }, bytes)
      assert.isAtMost(world.origin.sent("/file"), 2048 + bytes.length, "the whole goes on from there")
      const before = world.origin.sent("/file")
      yield* expectParts(client, { url, ranges: [{ offset: 9, length: 70_000 }], path: "/out/more" })
      assert.isAtMost(world.origin.sent("/file"), before + 1024, "what is held is not fetched again")
    })
  )

  it.effect("come from a neighbour that holds just these", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* published
      yield* expectParts(client, { url, ranges: parts })
      const sent = world.origin.sent("/file")
      const other = yield* world.client()
      const result = yield* expectParts(other, { url, ranges: parts })
      assert.isAbove(result.bytes.Lan, 10 * pieceSize)
      assert.isAtMost(world.origin.sent("/file") - sent, 1024 + 4 * pieceSize)
    })
  )

  it.effect("that another device holds do not keep a whole download from its end", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* published
      yield* expectParts(client, { url, ranges: [{ offset: 0, length: 100_000 }] })
      const other = yield* world.client()
      yield* download(other, { url }, bytes)
      assert.isAtMost(world.origin.sent("/file"), 1.1 * bytes.length)
    })
  )

  it.effect("go on where they were stopped", () =>
    Effect.gen(function* () {
      const large = World.bytesOf(300 * pieceSize)
      const world = yield* behindLine(100_000)
      const { url } = yield* world.publish("/file", large)
      const client = yield* world.client()
      const ranges = [
        { offset: 500_000, length: 600_000 },
        { offset: 77, length: 100 }
      ]
      const scope = yield* Scope.make()
      const active = yield* Scope.provide(client.start({ url, ranges }), scope)
      yield* until(() => active.progress().heldBytes > 100_000)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Option.isNone(yield* client.file("/out/file")))
      const result = yield* expectParts(client, { url, ranges }, large)
      assert.isAbove(result.bytes.LocalCache, 100_000)
      assert.isBelow(world.origin.sent("/file"), 900_000)
    })
  )

  it.effect("that are none, overlap or lie behind the end are refused, and nothing is left", () =>
    Effect.gen(function* () {
      const { client, url } = yield* published
      for (const [ranges, reason, code] of [
        [
          [
            { offset: 0, length: 5 },
            { offset: 4, length: 2 }
          ],
          "Overlapping",
          0x80d05012
        ],
        [[{ offset: 7 }, { offset: 100_000, length: 2 }], "Overlapping", 0x80d05012],
        [[{ offset: -4, length: 5 }], "Invalid", 0x80d05010],
        [[{ offset: 4, length: 0 }], "Invalid", 0x80d05010],
        [[{ offset: bytes.length, length: 1 }], "OutOfFile", 0x80d05010],
        [[{ offset: bytes.length - 1, length: 2 }], "OutOfFile", 0x80d05010]
      ] as const) {
        const error = yield* failure(client, { url, ranges })
        assert.deepInclude(error, { _tag: "RangesError", reason, code })
      }
    })
  )

  it.effect("of no parts are all of it", () =>
    Effect.gen(function* () {
      const { client, url } = yield* published
      yield* download(client, { url, ranges: [] }, bytes)
    })
  )
})

describe("parts of a file that nobody vouches for", () => {
  const there = Effect.fnUntraced(function* (rate = 1_000_000) {
    const world = yield* behindLine(rate)
    world.origin.put("/file", bytes)
    return { world, client: yield* world.client({ noService: true }), url: world.urlOf("/file") }
  })

  it.effect("are asked for one by one", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* there()
      const result = yield* expectParts(client, { url, ranges: parts })
      assert.strictEqual(result.fileBytes, bytes.length)
      assert.strictEqual(result.mode, "Simple")
      assert.deepStrictEqual(world.origin.requests().slice(1), [
        "GET /file bytes=200000-245836",
        "GET /file bytes=0-99",
        "GET /file bytes=4000-12999",
        "GET /file bytes=200-1199"
      ])
      assert.isAtMost(world.origin.sent("/file"), 16_384 + joined(parts).length)
      expectNoBufferLent(client)
    })
  )

  for (const faults of [{ noRanges: true }, { noRanges: true, chunked: true }, { chunked: true }]) {
    it.effect(`are had from an origin, too, with ${Object.keys(faults).join(" and ")}`, () =>
      Effect.gen(function* () {
        const { client, url, world } = yield* there()
        world.origin.misbehave(faults)
        yield* expectParts(client, { url, ranges: parts })
      })
    )
  }

  it.effect("go on in the middle of a part when the origin breaks off, and when the download was stopped", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* there(20_000)
      world.origin.misbehave({ cutAfter: 9000 })
      const ranges = [
        { offset: 100_000, length: 60_000 },
        { offset: 50, length: 30_000 }
      ]
      const scope = yield* Scope.make()
      const active = yield* Scope.provide(client.start({ url, ranges }), scope)
      yield* until(() => active.progress().heldBytes > 30_000)
      yield* Scope.close(scope, Exit.void)
      const result = yield* expectParts(client, { url, ranges })
      assert.isAbove(result.bytes.LocalCache, 20_000)
    })
  )

  it.effect("that lie behind its end are refused, also where the origin did not say where that is", () =>
    Effect.gen(function* () {
      const { client, url, world } = yield* there()
      const ranges = [{ offset: bytes.length - 10, length: 11 }]
      assert.deepInclude(yield* failure(client, { url, ranges }), { _tag: "RangesError", reason: "OutOfFile" })
      world.origin.misbehave({ noRanges: true, chunked: true })
      assert.deepInclude(yield* failure(client, { url, ranges }), { _tag: "RangesError", reason: "OutOfFile" })
    })
  )

  it.effect("are not taken for parts of a content that the caller names", () =>
    Effect.gen(function* () {
      const { client, url } = yield* there()
      const { contentId } = World.phfOf(bytes, pieceSize)
      const error = yield* failure(client, { url, contentId, ranges: parts })
      assert.deepInclude(error, { _tag: "UnverifiableError", reason: "PhfMissing" })
    })
  )
})
