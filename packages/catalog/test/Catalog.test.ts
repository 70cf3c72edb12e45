import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it, layer } from "@effect/vitest"
import { PolicyChange, PolicySettings } from "@piecework/cloud/PolicySettings"
import { Database, DatabaseConfig } from "@piecework/database"
import { ContentUrl, Digest } from "@piecework/domain"
import { Phf } from "@piecework/hashing"
import { TestPostgres } from "@piecework/testpostgres"
import { Effect, Layer, Option, Result } from "effect"
import { TestClock } from "effect/testing"
import { Catalog, type Page } from "../src/Catalog.ts"
import { migrations } from "../src/internal/migrations.ts"

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

    spec.effect("lists page by page, each content once", () =>
      Effect.gen(function* () {
        const self = yield* Catalog
        const all = (yield* self.list).map(({ contentId }) => contentId)
        const seen: Array<string> = []
        let after: number | undefined = 0
        while (after !== undefined) {
          const page: Page = yield* self.page({ after, most: 2 })
          assert.isAtMost(page.contents.length, 2)
          seen.push(...page.contents.map(({ contentId }) => contentId))
          after = page.next
        }
        assert.deepStrictEqual(seen, all)
      })
    )

    spec.effect("keeps a policy until it is changed, through a second publication too", () =>
      Effect.gen(function* () {
        const self = yield* Catalog
        const { contentId } = contentOf(12)
        const set = new PolicySettings({ groups: ["lab"], peersAllowed: false })
        yield* self.publish(contentOf(12), [url("o")], new PolicyChange({ set, reset: [] }))
        const again = yield* self.publish(contentOf(12), [url("o")])
        assert.deepStrictEqual({ ...again.content.policy }, { groups: ["lab"], peersAllowed: false })
        const change = new PolicyChange({ set: new PolicySettings({ rank: 3 }), reset: ["groups"] })
        const changed = Option.getOrThrow(yield* self.setPolicy(contentId, change))
        assert.deepStrictEqual({ ...changed.policy }, { peersAllowed: false, rank: 3 })
        assert.deepStrictEqual(Option.getOrThrow(yield* self.byId(contentId)), changed)
        assert.isTrue(Option.isNone(yield* self.setPolicy(contentOf(98).contentId, change)))
      })
    )

    spec.effect("tells in their order which contents changed, and nothing of what stayed the same", () =>
      Effect.gen(function* () {
        const self = yield* Catalog
        const [a, b] = [contentOf(13), contentOf(14)]
        const before = (yield* self.changes({ version: 0, most: 1000 })).at(-1)?.version ?? 0
        yield* self.publish(a, [])
        yield* self.publish(b, [])
        yield* self.setHalted(a.contentId, true)
        yield* self.setHalted(a.contentId, true)
        yield* self.publish(b, [url("p")])
        const since = yield* self.changes({ version: before, most: 1000 })
        assert.deepStrictEqual(
          since.map(({ contentId, terms }) => [contentId, terms?.haltedAt !== null]),
          [
            [b.contentId, false],
            [a.contentId, true]
          ]
        )
        yield* self.unpublish(b.contentId)
        const [gone] = yield* self.changes({ version: since[1]?.version ?? 0, most: 1000 })
        assert.deepStrictEqual([gone?.contentId, gone?.terms], [b.contentId, undefined])
        assert.isFalse(yield* self.unpublish(b.contentId))
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

  it.live("made by the version before is brought up to date, with nothing lost", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const first = "0001_contents"
      const old = yield* Layer.build(
        Layer.effectDiscard(
          Effect.gen(function* () {
            const { migrate, sql } = yield* Database.Database
            yield* migrate("catalog", { [first]: migrations[first] ?? Effect.die("gone") })
            for (const n of [1, 2]) {
              const phf = contentOf(n)
              const bytes = Phf.encode(phf)
              yield* sql`INSERT INTO contents (id, content_size, piece_size, phf, phf_digest, published_at)
                VALUES (${phf.contentId}, 2500000, 1048576, ${bytes}, ${Phf.fileDigest(bytes)}, ${n})`
              yield* sql`INSERT INTO urls (url, content_id, published_at) VALUES (${url(`old/${n}`)}, ${phf.contentId}, ${n})`
            }
          })
        ).pipe(Layer.provide(Database.Database.layer), Layer.provide(DatabaseConfig.layer({ directory })))
      ).pipe(Effect.scoped)
      assert.isDefined(old)
      const self = yield* Effect.provideContext(Catalog, yield* Layer.build(at({ directory })))
      const found = Option.getOrThrow(yield* self.byUrl(url("old/2")))
      assert.deepStrictEqual([found.contentId, found.haltedAt, { ...found.policy }], [contentOf(2).contentId, null, {}])
      const changes = yield* self.changes({ version: 0, most: 10 })
      assert.deepStrictEqual(
        changes.map(({ contentId }) => contentId),
        [contentOf(1).contentId, contentOf(2).contentId]
      )
      yield* self.publish(contentOf(3), [])
      const [later] = yield* self.changes({ version: changes[1]?.version ?? 0, most: 10 })
      assert.strictEqual(later?.contentId, contentOf(3).contentId)
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
