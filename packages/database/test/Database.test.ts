import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { inspect } from "node:util"
import { assert, describe, it, layer } from "@effect/vitest"
import { TestPostgres } from "@piecework/testpostgres"
import { Context, Effect, Fiber, Latch, Layer, Redacted, Schema } from "effect"
import { SqlClient, SqlSchema } from "effect/sql"
import { Database, fileName, type Migrations } from "../src/Database.ts"
import * as DatabaseConfig from "../src/DatabaseConfig.ts"
import type { DatabaseError } from "../src/DatabaseError.ts"
import * as Dialect from "../src/Dialect.ts"

const migrations: Migrations = {
  "0001_things": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { bytes, integer, serial, strict } = Dialect.of(sql)
    yield* sql`CREATE TABLE things (place ${serial}, name TEXT NOT NULL, size ${integer}, data ${bytes})${strict}`
  })
}

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-database-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

interface Thing {
  readonly place: number
  readonly name: string
  readonly size: number
  readonly data: Uint8Array
}

const missing = await TestPostgres.missing()

const at = (where: Partial<DatabaseConfig.DatabaseConfig["Service"]>) =>
  Layer.effectDiscard(Effect.flatMap(Database, ({ migrate }) => migrate("things", migrations))).pipe(
    Layer.provideMerge(Database.layer),
    Layer.provide(DatabaseConfig.layer(where))
  )

const opening = (where: Parameters<typeof at>[0]): Effect.Effect<DatabaseError, unknown> =>
  Effect.flip(Effect.scoped(Layer.build(at(where))))

const onServer = (url: Redacted.Redacted) => Database.layer.pipe(Layer.provide(DatabaseConfig.layer({ url })))

const layers = {
  "in memory": Database.layerMemory,
  ...(missing === undefined ? { "on PostgreSQL": Layer.unwrap(Effect.map(TestPostgres.url, onServer)) } : {})
}

for (const [place, database] of Object.entries(layers)) {
  layer(database, { timeout: "60 seconds" })(`A database ${place}`, (spec) => {
    spec.effect("keeps what rooms write in tables of their own, with whole numbers to 2^53", () =>
      Effect.gen(function* () {
        const { migrate, sql } = yield* Database
        yield* migrate("things", migrations)
        yield* migrate("things", migrations)
        const data = new Uint8Array([1, 2])
        for (const [name, size] of [
          ["b", 2 ** 53 - 1],
          ["a", 3]
        ] as const) {
          yield* sql`INSERT INTO things ${sql.insert({ name, size, data })}`
        }
        const rows = yield* sql<Thing>`SELECT place, name, size, data FROM things ORDER BY place`
        assert.deepStrictEqual(
          rows.map((row) => ({ ...row, data: [...row.data] })),
          [
            { place: 1, name: "b", size: 2 ** 53 - 1, data: [1, 2] },
            { place: 2, name: "a", size: 3, data: [1, 2] }
          ]
        )
        const [gathered] = yield* sql`SELECT ${Dialect.of(sql).gather("name")} AS names FROM things`
        assert.deepStrictEqual(JSON.parse(String(gathered?.["names"])), ["b", "a"])
        const [counted] = yield* sql`SELECT count(*) AS n, sum(size) AS total FROM things WHERE size < ${4}`
        assert.deepStrictEqual({ ...counted }, { n: 1, total: 3 })
      })
    )

    spec.effect("calls rows that do not decode damage, and names what it was doing when a statement is wrong", () =>
      Effect.gen(function* () {
        const { during, sql } = yield* Database
        const find = SqlSchema.findAll({
          Request: Schema.Void,
          Result: Schema.Struct({ n: Schema.String }),
          execute: () => sql`SELECT 1 AS n`
        })
        const damaged = yield* Effect.flip(find(undefined).pipe(during("find things")))
        assert.strictEqual(damaged.reason, "Damaged")
        const failed = yield* Effect.flip(sql`SELECT nonsense`.pipe(during("find nonsense")))
        assert.match(failed.message, /^The database [^ ]+ failed to find nonsense\.$/)
      })
    )

    spec.effect("lets nobody write between what a transaction reads and what it writes", () =>
      Effect.gen(function* () {
        const { migrate, sql } = yield* Database
        yield* migrate("counts", {
          "0001_counts": Effect.flatMap(SqlClient.SqlClient, (own) => own`CREATE TABLE counts (n INTEGER NOT NULL)`)
        })
        yield* sql`INSERT INTO counts ${sql.insert({ n: 0 })}`
        const increment = sql.withTransaction(
          Effect.gen(function* () {
            const [row] = yield* sql<{ readonly n: number }>`SELECT n FROM counts`
            yield* Effect.yieldNow
            yield* sql`UPDATE counts SET n = ${(row?.n ?? 0) + 1}`
          })
        )
        yield* Effect.all(
          Array.from({ length: 20 }, () => increment),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          (yield* sql`SELECT n FROM counts`).map((row) => ({ ...row })),
          [{ n: 20 }]
        )
      })
    )

    spec.effect("undoes all of a transaction that fails", () =>
      Effect.gen(function* () {
        const { migrate, sql } = yield* Database
        yield* migrate("undone", {
          "0001_undone": Effect.flatMap(SqlClient.SqlClient, (own) => own`CREATE TABLE undone (n INTEGER NOT NULL)`)
        })
        const failing = sql.withTransaction(
          Effect.andThen(sql`INSERT INTO undone ${sql.insert({ n: 1 })}`, Effect.fail("no"))
        )
        assert.strictEqual(yield* Effect.flip(failing), "no")
        assert.deepStrictEqual(yield* sql`SELECT n FROM undone`, [])
      })
    )
  })
}

describe.skipIf(missing !== undefined)("A database's server", () => {
  it.live("is asked for its tables by several at once, and by none twice", () =>
    Effect.gen(function* () {
      const url = yield* TestPostgres.url
      const opened = Layer.build(at({ url }))
      yield* Effect.all([opened, opened, opened, opened], { concurrency: "unbounded" })
    })
  )

  it.live("that is away is said to be away, without who wanted in; back again it serves as before", () =>
    Effect.gen(function* () {
      const server = yield* TestPostgres.make
      const url = yield* server.database
      const { during, sql } = Context.get(yield* Layer.build(at({ url })), Database)
      const ask = sql`SELECT 1 AS n`.pipe(during("ask"))
      yield* ask
      yield* server.crash
      const away = yield* Effect.flip(ask)
      assert.strictEqual(away.reason, "Away")
      assert.match(away.message, /^The database postgres:\/\/127\.0\.0\.1:\d+\/test_1 cannot be reached/)
      const secret = new URL(Redacted.value(url)).password
      assert.notInclude(JSON.stringify(away), secret)
      assert.notInclude(inspect(away, { depth: 20 }), secret)
      assert.strictEqual((yield* opening({ url })).reason, "Away")
      yield* server.start
      yield* ask
    })
  )

  it.live("that does not know the user, or has no such database, lets nobody in", () =>
    Effect.gen(function* () {
      const url = Redacted.value(yield* TestPostgres.url)
      const denied = yield* opening({ url: Redacted.make(url.replace(/:[0-9a-f]+@/, ":wrong@")) })
      assert.strictEqual(denied.reason, "Denied")
      assert.include(denied.message, "does not let this user in")
      assert.strictEqual((yield* opening({ url: Redacted.make(url.replace(/test_1$/, "none")) })).reason, "Denied")
    })
  )

  it.live("is not waited for longer than five seconds when others hold what is wanted", () =>
    Effect.gen(function* () {
      const { during, sql } = Context.get(yield* Layer.build(at({ url: yield* TestPostgres.url })), Database)
      const held = yield* Latch.make()
      yield* sql.withTransaction(Effect.andThen(held.open, Effect.never)).pipe(Effect.forkScoped)
      yield* held.await
      const busy = yield* Effect.flip(sql.withTransaction(Effect.void).pipe(during("wait")))
      assert.strictEqual(busy.reason, "Busy")
    })
  )
})

describe("A database's file", () => {
  it.live("that is no database is called damaged", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      writeFileSync(join(directory, fileName), "this is no database, but long enough to be one ".repeat(50))
      assert.strictEqual((yield* opening({ directory })).reason, "Damaged")
    })
  )

  it.live("that a later version has changed is left alone", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      yield* Effect.scoped(Layer.build(at({ directory })))
      const database = new DatabaseSync(join(directory, fileName))
      database.exec("INSERT INTO things_migrations (migration_id, name) VALUES (900, 'later')")
      database.close()
      const error = yield* opening({ directory })
      assert.strictEqual(error.reason, "TooNew")
      assert.include(error.message, "later version")
    })
  )

  it.live("cannot be where a file is, nor where nobody may write", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const file = join(directory, "file")
      writeFileSync(file, "")
      assert.strictEqual((yield* opening({ directory: file })).reason, "Denied")
      assert.strictEqual((yield* opening({ directory: join(file, "below") })).reason, "Denied")
      if (process.getuid?.() !== 0) {
        chmodSync(directory, 0o500)
        assert.strictEqual((yield* opening({ directory: join(directory, "new") })).reason, "Denied")
        chmodSync(directory, 0o700)
      }
    })
  )
})

describe("While another process writes", () => {
  it.live("a writer waits its turn, and neither its readers nor its process wait with it", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const { sql } = Context.get(yield* Layer.build(at({ directory })), Database)
      const other = new DatabaseSync(join(directory, fileName))
      yield* Effect.addFinalizer(() => Effect.sync(() => other.close()))
      other.exec("BEGIN IMMEDIATE")
      const writing = yield* Effect.forkScoped(
        sql.withTransaction(sql`INSERT INTO things ${sql.insert({ name: "late", size: 1, data: null })}`)
      )
      const alone = yield* Effect.forkScoped(
        sql`INSERT INTO things ${sql.insert({ name: "alone", size: 1, data: null })}`
      )
      yield* Effect.sleep("50 millis")
      const begun = performance.now()
      assert.deepStrictEqual(yield* sql`SELECT name FROM things`, [])
      assert.isBelow(performance.now() - begun, 1000)
      other.exec("COMMIT")
      yield* Fiber.join(writing)
      yield* Fiber.join(alone)
      assert.strictEqual((yield* sql`SELECT name FROM things`).length, 2)
    })
  )
})
