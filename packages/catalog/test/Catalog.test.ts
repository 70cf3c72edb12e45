import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it, layer } from "@effect/vitest"
import { Database, DatabaseConfig } from "@piecework/database"
import { ContentUrl, Digest } from "@piecework/domain"
import { Phf } from "@piecework/hashing"
import { TestPostgres } from "@piecework/testpostgres"
import { Effect, Layer, Option, Result } from "effect"
import { TestClock } from "effect/testing"
import { Catalog } from "../src/Catalog.ts"

const url = (name: string) => Result.getOrThrow(ContentUrl.parse(`http://origin.test/${name}`))

/** A content of three pieces, another one for each `byte`. */
const contentOf = (byte: number) =>
  Phf.make({ contentSize: 2_500_000, digests: new Uint8Array(3 * Digest.length).fill(byte) })

/** A folder that is gone with the scope. */
const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-catalog-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const missing = await TestPostgres.missing()

const at = (where: Partial<DatabaseConfig.DatabaseConfig["Service"]>) =>
  Catalog.layer.pipe(Layer.provide(Database.Database.layer), Layer.provide(DatabaseConfig.layer(where)))

const layers = {
  "in memory": Catalog.layerMemory,
  "in a file": Layer.unwrap(
    Effect.map(folder, (directory) => at({ directory: join(directory, "made", "when missing") }))
  ),
  ...(missing === undefined
    ? { "on PostgreSQL": Layer.unwrap(Effect.map(TestPostgres.url, (server) => at({ url: server }))) }
    : {})
}

for (const [name, catalog] of Object.entries(layers)) {
  layer(catalog, { timeout: "60 seconds" })(`A catalog ${name}`, (spec) => {
    spec.effect("leads from a URL and from an id to what was published", () =>
      Effect.gen(function* () {
        const self = yield* Catalog
        const phf = contentOf(1)
        yield* TestClock.setTime(1_700_000_000_000)
        yield* self.publish(phf, [url("a"), url("b")])
        const byUrl = Option.getOrThrow(yield* self.byUrl(url("b")))
        assert.strictEqual(byUrl.contentId, phf.contentId)
        assert.deepStrictEqual(byUrl.urls, [url("a"), url("b")])
        assert.strictEqual(byUrl.contentSize, 2_500_000)
        assert.strictEqual(byUrl.publishedAt, 1_700_000_000_000)
        assert.deepStrictEqual(Option.getOrThrow(yield* self.byId(phf.contentId)), byUrl)
        const bytes = Option.getOrThrow(yield* self.phf(phf.contentId))
        assert.deepStrictEqual([...bytes], [...Phf.encode(phf)])
        assert.deepStrictEqual([...byUrl.phfDigest], [...Phf.fileDigest(bytes)])
      })
    )

    spec.effect("knows nothing that was not published", () =>
      Effect.gen(function* () {
        const self = yield* Catalog
        assert.isTrue(Option.isNone(yield* self.byUrl(url("nothing"))))
        assert.isTrue(Option.isNone(yield* self.byId(contentOf(99).contentId)))
        assert.isTrue(Option.isNone(yield* self.phf(contentOf(99).contentId)))
      })
    )

    spec.effect("is the same after the same is published again, even later", () =>
      Effect.gen(function* () {
        const self = yield* Catalog
        const first = yield* self.publish(contentOf(2), [url("c"), url("c")])
        assert.deepStrictEqual([first.isNew, first.added, first.moved], [true, [url("c")], []])
        yield* TestClock.adjust("1 day")
        const second = yield* self.publish(contentOf(2), [url("c")])
        assert.deepStrictEqual([second.isNew, second.added, second.moved], [false, [], []])
        assert.deepStrictEqual(second.content, first.content)
      })
    )

    spec.effect("gives a content one more URL", () =>
      Effect.gen(function* () {
        const self = yield* Catalog
        yield* self.publish(contentOf(3), [url("d")])
        const { added, content, isNew } = yield* self.publish(contentOf(3), [url("e"), url("d")])
        assert.deepStrictEqual([isNew, added, content.urls], [false, [url("e")], [url("d"), url("e")]])
      })
    )

    spec.effect("moves a URL to other bytes, and keeps the old ones under their id", () =>
      Effect.gen(function* () {
        const self = yield* Catalog
        yield* self.publish(contentOf(4), [url("f")])
        const { added, isNew, moved } = yield* self.publish(contentOf(5), [url("f")])
        assert.deepStrictEqual([isNew, added, moved], [true, [], [{ url: url("f"), from: contentOf(4).contentId }]])
        assert.strictEqual(Option.getOrThrow(yield* self.byUrl(url("f"))).contentId, contentOf(5).contentId)
        assert.deepStrictEqual(Option.getOrThrow(yield* self.byId(contentOf(4).contentId)).urls, [])
        const back = yield* self.publish(contentOf(4), [url("f")])
        assert.deepStrictEqual([back.isNew, back.moved.length], [false, 1])
      })
    )

    spec.effect("forgets a content with all its URLs", () =>
      Effect.gen(function* () {
        const self = yield* Catalog
        yield* self.publish(contentOf(6), [url("g"), url("h")])
        assert.isTrue(yield* self.unpublish(contentOf(6).contentId))
        assert.isFalse(yield* self.unpublish(contentOf(6).contentId))
        assert.isTrue(Option.isNone(yield* self.byUrl(url("g"))))
        assert.isTrue(Option.isNone(yield* self.phf(contentOf(6).contentId)))
      })
    )

    spec.effect("forgets a URL, and the content with the last one", () =>
      Effect.gen(function* () {
        const self = yield* Catalog
        const id = contentOf(7).contentId
        yield* self.publish(contentOf(7), [url("i"), url("j")])
        assert.deepStrictEqual(yield* self.unpublishUrl(url("i")), Option.some(id))
        assert.deepStrictEqual(Option.getOrThrow(yield* self.byId(id)).urls, [url("j")])
        assert.deepStrictEqual(yield* self.unpublishUrl(url("j")), Option.some(id))
        assert.isTrue(Option.isNone(yield* self.byId(id)))
        assert.isTrue(Option.isNone(yield* self.unpublishUrl(url("j"))))
      })
    )

    spec.effect("lists what there is, the latest last", () =>
      Effect.gen(function* () {
        const self = yield* Catalog
        yield* self.publish(contentOf(8), [url("k")])
        yield* TestClock.adjust("1 second")
        yield* self.publish(contentOf(9), [url("l")])
        const ids = (yield* self.list).map(({ contentId }) => contentId)
        assert.deepStrictEqual(ids.slice(-2), [contentOf(8).contentId, contentOf(9).contentId])
      })
    )

    spec.effect("takes names that mean something to SQL for names", () =>
      Effect.gen(function* () {
        const self = yield* Catalog
        const odd = url("x?'; DROP TABLE contents; --\"%00")
        yield* self.publish(contentOf(10), [odd])
        assert.strictEqual(Option.getOrThrow(yield* self.byUrl(odd)).contentId, contentOf(10).contentId)
      })
    )

    spec.effect("has all or none of a publication that many make at once", () =>
      Effect.gen(function* () {
        const self = yield* Catalog
        const outcomes = yield* Effect.forEach(
          [1, 2, 3, 4, 5],
          () => self.publish(contentOf(11), [url("m"), url("n")]),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(outcomes.filter(({ isNew }) => isNew).length, 1)
      })
    )
  })
}

describe("A catalog's file", () => {
  it.live("is shared by two that have it open, each seeing at once what the other published", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const [one, two] = yield* Effect.all(
        [1, 2].map(() =>
          Effect.flatMap(Layer.build(at({ directory })), (context) => Effect.provideContext(Catalog, context))
        ),
        { concurrency: "unbounded" }
      )
      if (one === undefined || two === undefined) return yield* Effect.die("two were opened")
      yield* one.publish(contentOf(1), [url("a")])
      assert.strictEqual((yield* two.list).length, 1)
      yield* two.publish(contentOf(2), [url("a")])
      assert.strictEqual(Option.getOrThrow(yield* one.byUrl(url("a"))).contentId, contentOf(2).contentId)
    })
  )

  it.live("keeps what was published", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const publish = Catalog.use((catalog) => catalog.publish(contentOf(1), [url("a")]))
      yield* Effect.provide(publish, at({ directory }))
      const list = yield* Effect.provide(
        Catalog.use((catalog) => catalog.list),
        at({ directory })
      )
      assert.deepStrictEqual(list[0]?.contentId, contentOf(1).contentId)
    })
  )

  it.live("can be read while another process is in the middle of writing", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const self = yield* Effect.flatMap(Layer.build(at({ directory })), (context) =>
        Effect.provideContext(Catalog, context)
      )
      yield* self.publish(contentOf(1), [url("a")])
      const other = new DatabaseSync(join(directory, Database.fileName))
      other.exec("BEGIN IMMEDIATE; DELETE FROM urls")
      assert.isTrue(Option.isSome(yield* self.byUrl(url("a"))))
      other.exec("COMMIT")
      other.close()
      assert.isTrue(Option.isNone(yield* self.byUrl(url("a"))))
    })
  )
})
