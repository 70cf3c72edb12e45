import { assert, layer, it } from "@effect/vitest"
import { Gate } from "@piecework/cloud/Gate"
import type { Identity } from "@piecework/cloud/Identity"
import { PolicyChange, PolicySettings } from "@piecework/cloud/PolicySettings"
import { DatabaseError } from "@piecework/database/DatabaseError"
import { Digest } from "@piecework/domain"
import { Phf } from "@piecework/hashing"
import { Clock, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Catalog } from "../src/Catalog.ts"
import * as CatalogConfig from "../src/CatalogConfig.ts"
import * as CatalogGate from "../src/CatalogGate.ts"

const contentOf = (byte: number) => Phf.make({ contentSize: 1000, digests: new Uint8Array(Digest.length).fill(byte) })
const anonymous: Identity = { _tag: "Anonymous" }
const device = (...groups: ReadonlyArray<string>): Identity => ({ _tag: "Device", id: "a", groups })
const setting = (set: ConstructorParameters<typeof PolicySettings>[0]) =>
  new PolicyChange({ set: new PolicySettings(set), reset: [] })

const gated = CatalogGate.layer.pipe(Layer.provideMerge(Catalog.layerMemory), Layer.provide(CatalogConfig.layer()))

layer(gated)("The gate of a catalog", (spec) => {
  spec.effect("lets everybody have what is published, at once, and nobody what is not", () =>
    Effect.gen(function* () {
      const gate = yield* Gate
      const { contentId } = contentOf(1)
      assert.strictEqual((yield* Effect.flip(gate.pass(anonymous, contentId)))._tag, "ContentUnknown")
      yield* Catalog.use((catalog) => catalog.publish(contentOf(1), []))
      yield* gate.pass(anonymous, contentId)
      assert.strictEqual(gate.verdict(anonymous, contentId), "Allowed")
    })
  )

  spec.effect("hears within a second that another process halted, resumed or unpublished", () =>
    Effect.gen(function* () {
      const gate = yield* Gate
      const catalog = yield* Catalog
      const { contentId } = contentOf(2)
      const after = (change: Effect.Effect<unknown, DatabaseError>) =>
        Effect.gen(function* () {
          yield* change
          yield* TestClock.adjust("1 second")
          return gate.verdict(anonymous, contentId)
        })
      assert.strictEqual(yield* after(catalog.publish(contentOf(2), [])), "Allowed")
      assert.strictEqual(yield* after(catalog.setHalted(contentId, true)), "Halted")
      assert.strictEqual((yield* Effect.flip(gate.pass(anonymous, contentId)))._tag, "ContentHalted")
      // Publishing the same bytes again is no way round it.
      assert.strictEqual(yield* after(catalog.publish(contentOf(2), [])), "Halted")
      assert.strictEqual(yield* after(catalog.setHalted(contentId, false)), "Allowed")
      assert.strictEqual(yield* after(catalog.unpublish(contentId)), "Unknown")
      assert.strictEqual(yield* after(catalog.publish(contentOf(2), [])), "Allowed")
    })
  )

  spec.effect("does not tell those who are of no group that a content is there, nor that it is halted", () =>
    Effect.gen(function* () {
      const gate = yield* Gate
      const catalog = yield* Catalog
      const { contentId } = contentOf(3)
      yield* catalog.publish(contentOf(3), [], setting({ groups: ["lab", "office"] }))
      yield* gate.pass(device("x", "office"), contentId)
      for (const other of [
        anonymous,
        device("x"),
        device(),
        { _tag: "Operator", id: "o", scopes: ["Admin"] } as const
      ]) {
        assert.strictEqual(gate.verdict(other, contentId), "Unknown")
      }
      yield* catalog.setHalted(contentId, true)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(gate.verdict(device("lab"), contentId), "Halted")
      assert.strictEqual(gate.verdict(device("x"), contentId), "Unknown")
    })
  )

  spec.effect("forgets a content at the second at which it expires, without being told", () =>
    Effect.gen(function* () {
      const gate = yield* Gate
      const second = Math.ceil((yield* Clock.currentTimeMillis) / 1000)
      yield* TestClock.setTime(second * 1000)
      const { contentId } = contentOf(4)
      const policy = setting({ expireAtSeconds: second + 60 })
      yield* Catalog.use((catalog) => catalog.publish(contentOf(4), [], policy))
      yield* gate.pass(anonymous, contentId)
      yield* TestClock.adjust("59999 millis")
      assert.strictEqual(gate.verdict(anonymous, contentId), "Allowed")
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(gate.verdict(anonymous, contentId), "Unknown")
    })
  )

  spec.effect("knows more contents than it reads at once", () =>
    Effect.gen(function* () {
      const gate = yield* Gate
      const contents = Array.from({ length: 1100 }, (_, n) => {
        const digests = new Uint8Array(Digest.length)
        new DataView(digests.buffer).setUint32(0, n + 1)
        return Phf.make({ contentSize: 1, digests })
      })
      const catalog = yield* Catalog
      for (const content of contents) yield* catalog.publish(content, [])
      yield* TestClock.adjust("1 second")
      assert.isTrue(contents.every(({ contentId }) => gate.verdict(anonymous, contentId) === "Allowed"))
    })
  )
})

it.effect("A gate that takes what is unknown still keeps a content to its groups", () =>
  Effect.gen(function* () {
    const catalog = yield* Catalog
    yield* catalog.publish(contentOf(5), [], setting({ groups: ["lab"] }))
    const gate = yield* Effect.provideContext(Gate, yield* Layer.build(CatalogGate.layer))
    yield* gate.pass(anonymous, contentOf(6).contentId)
    assert.strictEqual((yield* Effect.flip(gate.pass(anonymous, contentOf(5).contentId)))._tag, "ContentUnknown")
  }).pipe(Effect.provide([Catalog.layerMemory, CatalogConfig.layer({ unknownContents: "Take" })]))
)

it.effect("A gate goes by what it knew last while the database fails, and reads on when it is back", () =>
  Effect.gen(function* () {
    const real = yield* Catalog
    let isDown = false
    const failing = Layer.succeed(Catalog, {
      ...real,
      changes: (since) =>
        isDown
          ? Effect.fail(new DatabaseError({ operation: "look", reason: "Busy", database: "x" }))
          : real.changes(since)
    })
    yield* real.publish(contentOf(7), [])
    const gate = yield* Effect.provideContext(Gate, yield* Layer.build(Layer.provide(CatalogGate.layer, failing)))
    isDown = true
    yield* real.setHalted(contentOf(7).contentId, true)
    yield* TestClock.adjust("10 seconds")
    yield* gate.pass(anonymous, contentOf(7).contentId)
    assert.strictEqual((yield* Effect.flip(gate.pass(anonymous, contentOf(8).contentId)))._tag, "ContentUnknown")
    isDown = false
    yield* TestClock.adjust("1 second")
    assert.strictEqual(gate.verdict(anonymous, contentOf(7).contentId), "Halted")
  }).pipe(Effect.provide([Catalog.layerMemory, CatalogConfig.layer()]))
)

it.effect("A gate that was without the database for days hears also of what was unpublished long ago", () =>
  Effect.gen(function* () {
    const real = yield* Catalog
    let isDown = false
    const failing = Layer.succeed(Catalog, {
      ...real,
      changes: (since) =>
        isDown
          ? Effect.fail(new DatabaseError({ operation: "look", reason: "Busy", database: "x" }))
          : real.changes(since)
    })
    yield* real.publish(contentOf(9), [])
    yield* real.publish(contentOf(10), [])
    const gate = yield* Effect.provideContext(Gate, yield* Layer.build(Layer.provide(CatalogGate.layer, failing)))
    isDown = true
    yield* real.unpublish(contentOf(9).contentId)
    yield* TestClock.adjust("3 days")
    // With this the catalog forgets that the first one ever was there.
    yield* real.unpublish(contentOf(10).contentId)
    isDown = false
    yield* TestClock.adjust("1 second")
    assert.strictEqual(gate.verdict(anonymous, contentOf(9).contentId), "Unknown")
  }).pipe(Effect.provide([Catalog.layerMemory, CatalogConfig.layer({ unknownContents: "Refuse" })]))
)
