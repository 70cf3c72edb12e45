/**
 * PostgreSQL behind the same statements: whole numbers come as numbers, and a transaction has the database's writers to
 * itself, as it has in SQLite, so that what a room read in it stays true until it ends. The pool is bounded, a connection
 * that does not come up in time is an error, and a lock that is not given in time is `Busy`.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as PgTypes from "@effect/sql-pg/PgTypes"
import { Clock, Effect, Layer, type Redacted, Result } from "effect"
import { SqlClient, type SqlError } from "effect/sql"

export interface Options {
  /** postgres://user:password@host:port/database?sslmode=… */
  readonly url: Redacted.Redacted
  /** Most connections of this process. Default 10. */
  readonly maxConnections?: number
}

/** Fails when the server cannot be reached now; later it is connected to again whenever it is needed. */
export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.effect(SqlClient.SqlClient, Effect.map(PgClient.PgClient, withOneWriter)).pipe(
    Layer.tap((context) =>
      Effect.provideContext(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT 1`),
        context
      )
    ),
    Layer.provide(
      PgClient.layer({
        url: options.url,
        maxConnections: options.maxConnections ?? 10,
        connectTimeout: "3 seconds",
        keepAlive: "10 seconds",
        applicationName: "piecework-service",
        startupParameters: { lock_timeout: "5000", statement_timeout: "30000" },
        types: numbers()
      }).pipe(Layer.provide(realTime))
    )
  )

/** Connections live and die by real time, whatever clock the rest of the program goes by. */
const realTime = Layer.sync(Clock.Clock, Clock.Clock.defaultValue)

/** Number of the lock that a transaction takes; ours alone in the database. */
const writersLock = 0x70696563

/**
 * SQLite has one writer at a time, and rooms count on it: they look and then write. PostgreSQL would let two look at once.
 * A lock that ends with the transaction gives the same here.
 */
const withOneWriter = (client: PgClient.PgClient): SqlClient.SqlClient => {
  const alone = client`SELECT pg_advisory_xact_lock(${writersLock})`
  const { withTransaction } = client
  return Object.assign(client, {
    withTransaction: <R, E, A>(self: Effect.Effect<A, E, R>) => withTransaction(Effect.andThen(alone, self))
  })
}

/** The format of values that PostgreSQL calls 1. */
const binary = 1

/** `BIGINT` and what sums it up, as numbers: no room has any beyond 2^53. */
const numbers = (): PgTypes.Registry => {
  const types = PgTypes.makeRegistry()
  const { int8, numeric } = PgTypes.OID
  types.register(int8, {
    encode: (value: unknown) => PgTypes.encode(whole(value), int8),
    decode: (bytes) => Result.map(PgTypes.decode(bytes, int8, binary), Number)
  })
  types.register(numeric, {
    encode: (value: unknown) => PgTypes.encode(String(value), numeric),
    decode: (bytes) => Result.map(PgTypes.decode(bytes, numeric, binary), Number)
  })
  return types
}

const whole = (value: unknown): bigint | string =>
  typeof value === "bigint" ? value : typeof value === "number" ? BigInt(value) : String(value)
