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
  }),

  /** What may be done with a content, whether it is halted, and in which order contents changed. */
  "0002_policies": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { integer, strict } = Dialect.of(sql)
    yield* sql`ALTER TABLE contents ADD COLUMN policy TEXT NOT NULL DEFAULT '{}'`
    yield* sql`ALTER TABLE contents ADD COLUMN halted_at ${integer}`
    // Counts the changes of what the gate goes by; no two contents have the same.
    yield* sql`ALTER TABLE contents ADD COLUMN version ${integer} NOT NULL DEFAULT 0`
    yield* sql`UPDATE contents SET version = place`
    yield* sql`CREATE INDEX contents_by_version ON contents (version)`
    // One row: the latest of these numbers. Whoever changes it holds its lock to the end, so versions are committed in their order.
    yield* sql`CREATE TABLE catalog_version (version ${integer} NOT NULL)${strict}`
    yield* sql`INSERT INTO catalog_version (version) SELECT coalesce(max(version), 0) FROM contents`
    yield* sql`CREATE TABLE removed_contents (
      id TEXT PRIMARY KEY,
      version ${integer} NOT NULL,
      removed_at ${integer} NOT NULL
    )${strict}`
    yield* sql`CREATE INDEX removed_contents_by_version ON removed_contents (version)`
  }),

  /** Which URLs are published when somebody first asks, and what was last seen at the origins of those that were. */
  "0003_rules": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { integer, serial, strict } = Dialect.of(sql)
    yield* sql`CREATE TABLE rules (
      place ${serial},
      pattern TEXT NOT NULL UNIQUE,
      counts_query ${integer} NOT NULL,
      max_bytes ${integer} NOT NULL,
      policy TEXT NOT NULL,
      created_at ${integer} NOT NULL
    )${strict}`
    yield* sql`CREATE TABLE origins (
      url TEXT PRIMARY KEY REFERENCES urls (url) ON DELETE CASCADE,
      etag TEXT,
      last_modified TEXT,
      checked_at ${integer} NOT NULL
    )${strict}`
  }),

  /** What the operator says of settings to all devices; values as JSON. */
  "0004_client_settings": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { integer, strict } = Dialect.of(sql)
    yield* sql`CREATE TABLE client_settings (
      name TEXT PRIMARY KEY,
      value TEXT NOT NULL,
      set_at ${integer} NOT NULL
    )${strict}`
  })
}
