/** The tables of the nodes, and how each version makes them out of the one before. A migration that was released is never changed. */
import type { Migrations } from "@piecework/database/Database"
import * as Dialect from "@piecework/database/Dialect"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Columns of what is summed up, in minutes, hours and the minutes of all nodes. */
export const columns = ["hits", "misses", "bytes_out", "bytes_cache", "bytes_in", "max_out", "max_in"] as const

export const migrations: Migrations = {
  "0001_nodes": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { integer, strict } = Dialect.of(sql)
    const figures = sql.csv(columns.map((name) => sql`${sql(name)} ${integer} NOT NULL`))
    // `enrolment` is the token by which the node's next device comes, `told_at` when others were last told of its heartbeats.
    yield* sql`CREATE TABLE nodes (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      settings TEXT NOT NULL,
      enrolment TEXT UNIQUE,
      device TEXT UNIQUE,
      last_heartbeat TEXT,
      told_at ${integer},
      version ${integer} NOT NULL,
      created_at ${integer} NOT NULL,
      updated_at ${integer} NOT NULL
    )${strict}`
    yield* sql`CREATE INDEX nodes_by_version ON nodes (version)`
    // One row. Each change of a node takes the next number; `removed` is that of the last node that went.
    yield* sql`CREATE TABLE node_version (version ${integer} NOT NULL, removed ${integer} NOT NULL)${strict}`
    yield* sql`INSERT INTO node_version (version, removed) VALUES (0, 0)`
    yield* sql`CREATE TABLE node_minutes (
      node TEXT NOT NULL,
      span ${integer} NOT NULL,
      ${figures},
      PRIMARY KEY (node, span)
    )${strict}`
    yield* sql`CREATE INDEX node_minutes_by_span ON node_minutes (span)`
    yield* sql`CREATE TABLE node_hours (
      node TEXT NOT NULL,
      span ${integer} NOT NULL,
      ${figures},
      PRIMARY KEY (node, span)
    )${strict}`
    yield* sql`CREATE INDEX node_hours_by_span ON node_hours (span)`
    yield* sql`CREATE TABLE node_totals (span ${integer} PRIMARY KEY, ${figures})${strict}`
  })
}
