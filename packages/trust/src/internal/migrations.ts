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
