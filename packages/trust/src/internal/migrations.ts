/** The tables of trust, and how each version makes them out of the one before. A migration that was released is never changed. */
import type { Migrations } from "@piecework/database/Database"
import * as Dialect from "@piecework/database/Dialect"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export const auditMigrations: Migrations = {
  "0001_audit": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { integer, serial, strict } = Dialect.of(sql)
    yield* sql`CREATE TABLE audit (
      place ${serial},
      at ${integer} NOT NULL,
      who TEXT NOT NULL,
      action TEXT NOT NULL,
      subject TEXT NOT NULL,
      detail TEXT NOT NULL
    )${strict}`
    yield* sql`CREATE INDEX audit_by_time ON audit (at)`
  })
}

export const trustMigrations: Migrations = {
  "0001_credentials": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { integer, strict } = Dialect.of(sql)
    yield* sql`CREATE TABLE credentials (
      id TEXT PRIMARY KEY,
      kind TEXT NOT NULL,
      name TEXT NOT NULL,
      scopes TEXT NOT NULL,
      member_of TEXT NOT NULL,
      hash TEXT NOT NULL,
      former_hash TEXT,
      created_at ${integer} NOT NULL,
      created_by TEXT NOT NULL,
      expires_at ${integer},
      revoked_at ${integer},
      used_at ${integer},
      uses_left ${integer}
    )${strict}`
    yield* sql`CREATE INDEX credentials_by_kind ON credentials (kind, created_at)`
    // One row: counts the changes after which what somebody remembers of a credential may be wrong.
    yield* sql`CREATE TABLE credential_changes (count ${integer} NOT NULL)${strict}`
    yield* sql`INSERT INTO credential_changes (count) VALUES (0)`
  })
}

export const signingMigrations: Migrations = {
  "0001_signing_keys": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { bytes, integer, strict } = Dialect.of(sql)
    yield* sql`CREATE TABLE signing_keys (
      id TEXT PRIMARY KEY,
      secret ${bytes} NOT NULL,
      created_at ${integer} NOT NULL
    )${strict}`
  })
}
