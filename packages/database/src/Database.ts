/**
 * The database of the service: one for every room that has something to keep, so that there is one thing to back up and
 * one to move to a server. Each room has its own tables and its own row of migrations, and never reads another's.
 */
import { join } from "node:path"
import * as Folders from "@piecework/host/Folders"
import { Context, Effect, Layer, Redacted } from "effect"
import { Migrator, SqlClient, type SqlError } from "effect/sql"
import { DatabaseConfig } from "./DatabaseConfig.ts"
import { DatabaseError, fromTrouble, type Trouble } from "./DatabaseError.ts"
import * as Sqlite from "./Sqlite.ts"

/** By number and name ("0001_contents"), what makes a room's tables out of the version before. Never changed once released. */
export interface Migrations {
  readonly [numberAndName: string]: Effect.Effect<unknown, unknown, SqlClient.SqlClient>
}

export class Database extends Context.Service<
  Database,
  {
    readonly sql: SqlClient.SqlClient
    /** Brings the tables of a room up to date. `TooNew` when a later version has been here. */
    readonly migrate: (room: string, migrations: Migrations) => Effect.Effect<void, DatabaseError>
    /** Puts the database's troubles into words; `operation` as "publish a content". */
    readonly during: (
      operation: string
    ) => <A, R>(self: Effect.Effect<A, Trouble, R>) => Effect.Effect<A, DatabaseError, R>
  }
>()("@piecework/database/Database") {
  /** On the configured PostgreSQL, else in the file of the configured folder. Several processes may have it open. */
  static readonly layer: Layer.Layer<Database, DatabaseError, DatabaseConfig> = Layer.unwrap(
    Effect.gen(function* () {
      const { directory, maxConnections, url } = yield* DatabaseConfig
      if (url !== undefined) return yield* onServer(url, maxConnections)
      const file = join(directory, fileName)
      yield* Effect.tryPromise({
        try: () => Folders.make(directory),
        catch: (cause) => new DatabaseError({ operation: "open", reason: "Denied", database: file, cause })
      })
      return inFile(file)
    })
  )

  /** In memory, gone with its scope; another one each time it is built. */
  static readonly layerMemory: Layer.Layer<Database, DatabaseError> = Layer.suspend(() => inFile(":memory:"))
}

/** Name of the file in the folder. */
export const fileName = "service.sqlite"

const inFile = (file: string): Layer.Layer<Database, DatabaseError> => on(Sqlite.layer({ filename: file }), file)

/** The driver is loaded only where there is a server: it would make every command start later. */
const onServer = (url: Redacted.Redacted, maxConnections: number) =>
  Effect.map(
    Effect.promise(() => import("./Postgres.ts")),
    (Postgres) => on(Postgres.layer({ url, maxConnections }), nameOf(url))
  )

const on = (
  client: Layer.Layer<SqlClient.SqlClient, SqlError.SqlError>,
  name: string
): Layer.Layer<Database, DatabaseError> =>
  Layer.effect(
    Database,
    Layer.build(client).pipe(
      Effect.map((context) => make(Context.get(context, SqlClient.SqlClient), name)),
      Effect.mapError((cause) => fromTrouble("open", name, cause))
    )
  )

/** Where a server is, without who connects to it: "postgres://host:5432/database". */
export const nameOf = (url: Redacted.Redacted): string => {
  const text = Redacted.value(url)
  if (!URL.canParse(text)) return "postgres"
  const { host, pathname, protocol } = new URL(text)
  return `${protocol}//${host}${pathname}`
}

const make = (sql: SqlClient.SqlClient, name: string): Database["Service"] => {
  const during: Database["Service"]["during"] = (operation) =>
    Effect.mapError((cause) => fromTrouble(operation, name, cause))
  return Database.of({
    sql,
    during,
    migrate: (room, migrations) =>
      Effect.gen(function* () {
        const table = `${room}_migrations`
        yield* Migrator.make({})({ loader: Migrator.fromRecord(migrations), table })
        const [latest] = yield* sql<{ readonly id: number }>`SELECT max(migration_id) AS id FROM ${sql(table)}`
        const newest = Math.max(...Object.keys(migrations).map((key) => Number.parseInt(key, 10)))
        if ((latest?.id ?? 0) > newest) {
          return yield* new DatabaseError({ operation: "open", reason: "TooNew", database: name })
        }
      }).pipe(Effect.provideService(SqlClient.SqlClient, sql), during(`make the tables of ${room}`))
  })
}
