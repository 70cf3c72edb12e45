/** The catalog's tables, and how each version makes them out of the one before. A migration that was released is never changed. */
import type { Migrations } from "@piecework/database/Database"
import * as Dialect from "@piecework/database/Dialect"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export const migrations: Migrations = {
  "0001_contents": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { bytes, integer, serial, strict } = Dialect.of(sql)
    yield* sql`CREATE TABLE contents (
      place ${serial},
      id TEXT NOT NULL UNIQUE,
      content_size ${integer} NOT NULL,
      piece_size ${integer} NOT NULL,
      phf ${bytes} NOT NULL,
      phf_digest ${bytes} NOT NULL,
      published_at ${integer} NOT NULL
    )${strict}`
    yield* sql`CREATE TABLE urls (
      place ${serial},
      url TEXT NOT NULL UNIQUE,
      content_id TEXT NOT NULL REFERENCES contents (id) ON DELETE CASCADE,
      published_at ${integer} NOT NULL
    )${strict}`
    yield* sql`CREATE INDEX urls_by_content ON urls (content_id)`
  })
}
