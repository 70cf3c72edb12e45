/**
 * The key that processes of one cluster know each other by. Whoever can read the database is of the cluster, so the key lies
 * there: the first process makes it, nobody has to think of a secret, and there is none by default.
 */
import { randomBytes } from "node:crypto"
import { Database, type Migrations } from "@piecework/database/Database"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import * as Dialect from "@piecework/database/Dialect"
import { Effect, Redacted, Schema } from "effect"
import { SqlClient, SqlSchema } from "effect/sql"

/** Bytes of the key. */
const length = 32

const migrations: Migrations = {
  "0001_key": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { bytes, integer, strict } = Dialect.of(sql)
    yield* sql`CREATE TABLE cluster_key (one ${integer} PRIMARY KEY, secret ${bytes} NOT NULL)${strict}`
  })
}

/** The cluster's key; made when there is none yet. */
export const get: Effect.Effect<Redacted.Redacted<Uint8Array>, DatabaseError, Database> = Effect.gen(function* () {
  const { during, migrate, sql } = yield* Database
  yield* migrate("cluster_key", migrations)
  const find = SqlSchema.findAll({
    Request: Schema.Void,
    Result: Schema.Struct({ secret: Schema.Uint8Array.check(Schema.makeFilter((key) => key.length === length)) }),
    execute: () => sql`SELECT secret FROM cluster_key WHERE one = 1`
  })
  const fresh = sql.insert({ one: 1, secret: new Uint8Array(randomBytes(length)) })
  return yield* sql`INSERT INTO cluster_key ${fresh} ON CONFLICT (one) DO NOTHING`.pipe(
    Effect.andThen(find(undefined)),
    Effect.flatMap(([row]) =>
      row === undefined ? Effect.die("the key was written and is gone") : Effect.succeed(row)
    ),
    Effect.map(({ secret }) => Redacted.make(secret, { label: "cluster key" })),
    during("agree on the cluster's key")
  )
})
