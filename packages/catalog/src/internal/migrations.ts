/** The tables, and how each version makes them out of the one before. A migration that was released is never changed. */
import { Effect } from "effect"
import { Migrator, SqlClient } from "effect/sql"

const migrations = {
  "0001_contents": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`CREATE TABLE contents (
      id TEXT PRIMARY KEY,
      content_size INTEGER NOT NULL,
      piece_size INTEGER NOT NULL,
      phf BLOB NOT NULL,
      phf_digest BLOB NOT NULL,
      published_at INTEGER NOT NULL
    ) STRICT`
    yield* sql`CREATE TABLE urls (
      url TEXT PRIMARY KEY,
      content_id TEXT NOT NULL REFERENCES contents (id) ON DELETE CASCADE,
      published_at INTEGER NOT NULL
    ) STRICT`
    yield* sql`CREATE INDEX urls_by_content ON urls (content_id)`
  })
}

const newest = Math.max(...Object.keys(migrations).map((name) => Number.parseInt(name, 10)))

/** Brings the tables up to date; answers whether a later version has been here already. */
export const migrate = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* Migrator.make({})({ loader: Migrator.fromRecord(migrations), table: "migrations" })
  const [latest] = yield* sql<{ readonly id: number }>`SELECT max(migration_id) AS id FROM migrations`
  return { tooNew: (latest?.id ?? 0) > newest }
})
