import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
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

const at = (directory: string) =>
  Layer.effectDiscard(Effect.flatMap(Database, ({ migrate }) => migrate("things", migrations))).pipe(
    Layer.provideMerge(Database.layer),
    Layer.provide(DatabaseConfig.layer({ directory }))
  )

const opening = (directory: string): Effect.Effect<DatabaseError, unknown> =>
  Effect.flip(Effect.scoped(Layer.build(at(directory))))

describe("A database", () => {
  it.effect("keeps what rooms write in tables of their own", () =>
    Effect.gen(function* () {
      const { migrate, sql } = yield* Database
      yield* migrate("things", migrations)
      yield* migrate("things", migrations)
      for (const name of ["b", "a"]) yield* sql`INSERT INTO things ${sql.insert({ name, size: 2 ** 40, data: null })}`
      const rows = yield* sql`SELECT place, name, size FROM things ORDER BY place`
      assert.deepStrictEqual(
        rows.map((row) => ({ ...row })),
        [
          { place: 1, name: "b", size: 2 ** 40 },
          { place: 2, name: "a", size: 2 ** 40 }
        ]
      )
      const [gathered] = yield* sql`SELECT ${Dialect.of(sql).gather("name")} AS names FROM things`
      assert.strictEqual(gathered?.["names"], '["b","a"]')
    }).pipe(Effect.provide(Database.layerMemory))
  )

  it.effect("calls rows that do not decode damage, and names what it was doing when a statement is wrong", () =>
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
      assert.strictEqual(failed.message, "The database :memory: failed to find nonsense.")
    }).pipe(Effect.provide(Database.layerMemory))
  )
})

describe("A database's file", () => {
  it.live("that is no database is called damaged", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      writeFileSync(join(directory, fileName), "this is no database, but long enough to be one ".repeat(50))
      assert.strictEqual((yield* opening(directory)).reason, "Damaged")
    })
  )

  it.live("that a later version has changed is left alone", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      yield* Effect.scoped(Layer.build(at(directory)))
      const database = new DatabaseSync(join(directory, fileName))
      database.exec("INSERT INTO things_migrations (migration_id, name) VALUES (900, 'later')")
      database.close()
      const error = yield* opening(directory)
      assert.strictEqual(error.reason, "TooNew")
      assert.include(error.message, "later version")
    })
  )

  it.live("cannot be where a file is, nor where nobody may write", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const file = join(directory, "file")
      writeFileSync(file, "")
      assert.strictEqual((yield* opening(file)).reason, "Denied")
      assert.strictEqual((yield* opening(join(file, "below"))).reason, "Denied")
      if (process.getuid?.() !== 0) {
        chmodSync(directory, 0o500)
        assert.strictEqual((yield* opening(join(directory, "new"))).reason, "Denied")
        chmodSync(directory, 0o700)
      }
    })
  )
})
