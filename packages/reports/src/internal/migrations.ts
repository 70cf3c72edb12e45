/** The tables of the reports, and how each version makes them out of the one before. A migration that was released is never changed. */
import { randomBytes } from "node:crypto"
import type { Migrations } from "@piecework/database/Database"
import * as Dialect from "@piecework/database/Dialect"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import * as Figures from "../Figures.ts"

export const migrations: Migrations = {
  "0001_reports": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { bytes, integer, serial, strict } = Dialect.of(sql)
    // Figures that a later version adds come with a migration of their own.
    const sums = sql.csv(Figures.names.map((name) => sql`${sql(name)} ${integer} NOT NULL`))
    yield* sql`CREATE TABLE report_salt (one ${integer} PRIMARY KEY CHECK (one = 1), salt ${bytes} NOT NULL)${strict}`
    yield* sql`INSERT INTO report_salt ${sql.insert({ one: 1, salt: new Uint8Array(randomBytes(32)) })}`
    yield* sql`CREATE TABLE report_events (
      place ${serial},
      id TEXT NOT NULL UNIQUE,
      device TEXT NOT NULL,
      moment ${integer} NOT NULL,
      received_at ${integer} NOT NULL,
      body TEXT
    )${strict}`
    yield* sql`CREATE TABLE report_cells (
      facet TEXT NOT NULL,
      name TEXT NOT NULL,
      day ${integer} NOT NULL,
      part TEXT NOT NULL,
      ${sums},
      PRIMARY KEY (facet, name, day, part)
    )${strict}`
    yield* sql`CREATE INDEX report_cells_by_day ON report_cells (day)`
    yield* sql`CREATE TABLE report_members (
      facet TEXT NOT NULL,
      name TEXT NOT NULL,
      device TEXT NOT NULL,
      last_day ${integer} NOT NULL,
      PRIMARY KEY (facet, name, device)
    )${strict}`
    yield* sql`CREATE INDEX report_members_by_day ON report_members (last_day)`
    yield* sql`CREATE TABLE report_devices (
      device TEXT PRIMARY KEY,
      last_day ${integer} NOT NULL,
      seen_at ${integer} NOT NULL,
      told_at ${integer} NOT NULL,
      mode ${integer},
      mode_reason TEXT NOT NULL,
      group_hash TEXT NOT NULL,
      client_version TEXT NOT NULL,
      os_version TEXT NOT NULL
    )${strict}`
    yield* sql`CREATE INDEX report_devices_by_day ON report_devices (last_day, mode)`
    yield* sql`CREATE TABLE report_contents (
      content TEXT PRIMARY KEY,
      last_day ${integer} NOT NULL,
      told_at ${integer} NOT NULL,
      url TEXT NOT NULL,
      size ${integer} NOT NULL
    )${strict}`
    yield* sql`CREATE INDEX report_contents_by_day ON report_contents (last_day)`
  }),
  "0002_events_by_device": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`CREATE INDEX report_events_by_device ON report_events (device, place)`
  })
}
