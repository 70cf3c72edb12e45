import { assert, it } from "@effect/vitest"
import { KnownContents } from "@piecework/objects/KnownContents"
import { Effect, Fiber, Layer, Option } from "effect"
import * as MemoryContents from "./MemoryContents.ts"
import { allow, ask, begin, bytesOf, rest, start, until, urlOf } from "./Scene.ts"

const url = "http://files.test/a.cab"
const path = "/a.cab?cacheHostOrigin=files.test"
const mebibyte = 1_048_576
const bytes = bytesOf(8 * mebibyte + 5)
const headers = { etag: '"v1"', "content-type": "application/x-cab" }
const file = { [url]: { bytes, headers } }
const config = { minContentSize: 1000 }

const service = (contents = new Map([[url, bytes]])) => MemoryContents.make(contents)

/** A client that has the first piece while the origin stands still after `mebibytes`, and the service is silent. */
const begun = (contents: MemoryContents.MemoryContents, mebibytes = 3, more = file) =>
  Effect.gen(function* () {
    contents.service.closeUnsafe()
    const scene = yield* start(more, config, contents.layer)
    scene.fills.stopAt = mebibytes * mebibyte
    const response = yield* begin(scene.port, path)
    const body = yield* Effect.forkChild(rest(response), { startImmediately: true })
    yield* until(() => scene.fills.sent() >= mebibytes * mebibyte)
    return { ...scene, response, body }
  })

it.live("begins before the service has spoken, and goes on from the swarm at the same byte: nothing comes twice", () =>
  Effect.gen(function* () {
    const contents = service()
    const { body, fills } = yield* begun(contents)
    contents.service.openUnsafe()
    yield* until(() => fills.surrendered() === 1)
    fills.stopAt = Infinity
    fills.gate.openUnsafe()
    assert.isTrue((yield* Fiber.join(body))?.equals(bytes))
    assert.isAtMost(fills.sent(), 4 * mebibyte)
    assert.strictEqual(fills.sent() + contents.sent(), bytes.length)
  })
)

it.live("takes ten clients along, each at its own byte", () =>
  Effect.gen(function* () {
    const contents = service()
    const { body, fills, port } = yield* begun(contents)
    const others = yield* Effect.forEach(Array.from({ length: 9 }), (_, i) =>
      Effect.forkChild(ask(port, path, { headers: { Range: `bytes=${i * 700_001}-` } }), { startImmediately: true })
    )
    contents.service.openUnsafe()
    yield* until(() => fills.surrendered() === 1)
    fills.stopAt = Infinity
    fills.gate.openUnsafe()
    assert.isTrue((yield* Fiber.join(body))?.equals(bytes))
    for (const [i, other] of others.entries()) {
      assert.isTrue((yield* Fiber.join(other)).body.equals(bytes.subarray(i * 700_001)), `client ${i}`)
    }
    assert.isAtMost(fills.sent() + contents.sent(), bytes.length)
  })
)

it.live(
  "has whoever comes while the last pieces are under way wait for them, and opens the file for nobody again",
  () =>
    Effect.gen(function* () {
      const contents = service()
      const { body, fills, port } = yield* begun(contents)
      contents.service.openUnsafe()
      yield* until(() => fills.surrendered() === 1)
      const opened = fills.opened.length
      const late = yield* Effect.forkChild(ask(port, path, { headers: { Range: "bytes=3145728-" } }), {
        startImmediately: true
      })
      fills.stopAt = Infinity
      fills.gate.openUnsafe()
      assert.isTrue((yield* Fiber.join(late)).body.equals(bytes.subarray(3 * mebibyte)))
      assert.isTrue((yield* Fiber.join(body))?.equals(bytes))
      assert.strictEqual(fills.opened.length, opened)
      assert.strictEqual(fills.sent() + contents.sent(), bytes.length)
    })
)

it.live("answers from what it has while the service is away, by what it said once", () =>
  Effect.gen(function* () {
    const contents = service()
    const { fills, port } = yield* start(file, config, contents.layer)
    yield* ask(port, path)
    yield* until(() => fills.surrendered() === 1)
    const opened = fills.opened.length
    // Whatever the origin did not send the swarm does.
    const whole = yield* ask(port, path)
    assert.isTrue(whole.body.equals(bytes))
    contents.service.closeUnsafe()
    const sent = contents.sent()
    const part = yield* ask(port, path, { headers: { Range: "bytes=5000000-" } })
    assert.strictEqual(part.status, 206)
    assert.isTrue(part.body.equals(bytes.subarray(5_000_000)))
    assert.strictEqual(part.headers.etag, '"v1"')
    assert.strictEqual(part.headers["cache-status"], 'piecework; hit; detail="verified"')
    assert.strictEqual(contents.sent(), sent)
    assert.strictEqual(fills.opened.length, opened)
  })
)

it.live("never asks for a file that nobody named one by one where its name may lead to this machine", () =>
  Effect.gen(function* () {
    for (const [entry, unguarded] of [
      ["*.test", 0],
      ["files.test", 2]
    ] as const) {
      const contents = service()
      const scene = yield* start(file, { ...config, allow: allow(entry) }, contents.layer)
      assert.isTrue((yield* ask(scene.port, path)).body.equals(bytes))
      yield* until(() => scene.fills.opened.length >= 2)
      assert.lengthOf(scene.fills.unguarded, unguarded)
    }
  })
)

it.live("leaves a file to its servers of which the service knows another size", () =>
  Effect.gen(function* () {
    const contents = service(new Map([[url, bytes.subarray(0, 5_000_000)]]))
    const { body, fills } = yield* begun(contents)
    contents.service.openUnsafe()
    fills.stopAt = Infinity
    fills.gate.openUnsafe()
    assert.isTrue((yield* Fiber.join(body))?.equals(bytes))
    assert.strictEqual(fills.surrendered(), 0)
    assert.strictEqual(contents.opened(), 0)
  })
)

it.live("leaves a file to its servers whose bytes are not those of the content", () =>
  Effect.gen(function* () {
    const contents = service(new Map([[url, bytes.map((byte) => byte ^ 1)]]))
    const { body, fills, port } = yield* begun(contents)
    contents.service.openUnsafe()
    yield* until(() => contents.opened() === 1)
    fills.stopAt = Infinity
    fills.gate.openUnsafe()
    assert.isTrue((yield* Fiber.join(body))?.equals(bytes))
    assert.isTrue((yield* ask(port, path)).body.equals(bytes))
    assert.strictEqual(contents.sent(), 0)
  })
)

it.live("goes on from the origin when the piece under way was another file's", () =>
  Effect.gen(function* () {
    const other = bytes.slice()
    other[3 * mebibyte + 7] = 99
    const contents = service(new Map([[url, other]]))
    const { body, fills } = yield* begun(contents)
    contents.service.openUnsafe()
    yield* until(() => fills.surrendered() === 1)
    fills.stopAt = Infinity
    fills.gate.openUnsafe()
    assert.isTrue((yield* Fiber.join(body))?.equals(bytes))
  })
)

it.live("ends all answers of a content that the service halts, and refuses it from then on", () =>
  Effect.gen(function* () {
    const contents = service()
    contents.said.set(url, { _tag: "Halted" })
    const { body, fills, port } = yield* begun(contents)
    contents.service.openUnsafe()
    assert.isUndefined(yield* Fiber.join(body))
    fills.gate.openUnsafe()
    const after = yield* ask(port, path)
    assert.strictEqual(after.status, 403)
    assert.match(after.body.toString(), /halted this content/)
  })
)

it.live("waits for no service: the head comes while it is silent", () =>
  Effect.gen(function* () {
    const contents = service()
    contents.service.closeUnsafe()
    const { port } = yield* start(file, config, contents.layer)
    const got = yield* ask(port, path)
    assert.isTrue(got.body.equals(bytes))
    assert.isAtLeast(contents.asked(), 1)
  })
)

it.live("does not ask about small files", () =>
  Effect.gen(function* () {
    const contents = service()
    const { port } = yield* start(file, { minContentSize: bytes.length + 1 }, contents.layer)
    assert.isTrue((yield* ask(port, path)).body.equals(bytes))
    assert.strictEqual(contents.asked(), 0)
  })
)

it.live("begins anew with its servers where nothing of a content that it knew is left", () =>
  Effect.gen(function* () {
    const contents = service()
    const { contentId } = MemoryContents.phfOf(bytes)
    const known = yield* Layer.build(KnownContents.layerMemory)
    yield* Effect.provideContext(
      KnownContents.use((files) => files.remember(urlOf(url), { contentId, size: bytes.length, headers: new Map() })),
      known
    )
    const { fills, port } = yield* start(file, config, Layer.merge(contents.layer, Layer.succeedContext(known)))
    assert.isTrue((yield* ask(port, path)).body.equals(bytes))
    assert.isAtLeast(fills.opened.length, 1)
    const found = yield* Effect.provideContext(
      KnownContents.use((files) => files.find(urlOf(url))),
      known
    )
    assert.isTrue(Option.isSome(found))
  })
)
