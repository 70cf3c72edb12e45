/**
 * A driver of `effect/sql` on Node's own SQLite. Several processes may have the same file open: readers never wait (WAL), a
 * writer waits for another one up to the busy timeout. Statements run on the calling thread, so keep them short; waiting for
 * another process does not hold the thread up, nor, as readers have a connection of their own, them.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { Context, Duration, Effect, Layer, Metric, Schedule, Semaphore, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, type SqlConnection, SqlError, Statement } from "effect/sql"

export interface Options {
  /** Path of the file, made when missing; ":memory:" for none. */
  readonly filename: string
  /** How long a writer waits for another process's. Default 5 seconds. */
  readonly busyTimeout?: Duration.Input
}

export const layer = (options: Options): Layer.Layer<SqlClient.SqlClient, SqlError.SqlError> =>
  Layer.effectContext(Effect.map(make(options), (client) => Context.make(SqlClient.SqlClient, client))).pipe(
    Layer.provide(Reactivity.layer)
  )

const make = Effect.fnUntraced(function* ({ busyTimeout = "5 seconds", filename }: Options) {
  const timeout = Duration.toMillis(Duration.fromInputUnsafe(busyTimeout))
  const database = yield* Effect.acquireRelease(
    // SQLite would wait on this thread.
    attempt("connect", () => new DatabaseSync(filename, { timeout: 0 })),
    (opened) => Effect.sync(() => opened.close())
  )
  const patience = { while: isBusy, schedule: Schedule.spaced(askAgain), times: Math.ceil(timeout / askAgain) }
  // Two processes that open a new file at once may both want to turn it to WAL, for which SQLite does not wait.
  yield* attempt("connect", () =>
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON")
  ).pipe(Effect.retry(patience))

  const write = <A>(effect: Effect.Effect<A, SqlError.SqlError>) => Effect.retry(effect, patience)
  const writer = runnerOn(database)
  const connection = connectionTo((sql, parameters) => write(writer(sql, parameters)))
  const lock = Semaphore.makeUnsafe(1)
  // One connection that writes: whoever else wants it waits while a transaction is open.
  const lease = Effect.as(lock.takeScoped(1), connection)
  const reader = filename === memory ? undefined : runnerOn(yield* readingFrom(filename))
  const alone = connectionTo((sql, parameters) =>
    reader !== undefined && onlyReads(sql) ? reader(sql, parameters) : write(lock.withPermit(writer(sql, parameters)))
  )
  return yield* SqlClient.make({
    acquirer: lease,
    transactionAcquirer: lease,
    borrower: (use) => use(alone),
    compiler: Statement.makeCompilerSqlite(),
    driver: "node:sqlite",
    spanAttributes: [["db.system.name", "sqlite"]],
    // A transaction that reads and then writes would fail at once, not wait, when another process wrote in between.
    beginTransaction: "BEGIN IMMEDIATE"
  })
})

/** A database in memory is there for the connection that made it, and for no other. */
const memory = ":memory:"
/** Milliseconds between two attempts to write while another process does. */
const askAgain = 15

const readingFrom = (filename: string) =>
  Effect.acquireRelease(
    attempt("connect", () => new DatabaseSync(filename, { timeout: 0, readOnly: true })),
    (opened) => Effect.sync(() => opened.close())
  )

const onlyReads = (sql: string): boolean => /^\s*SELECT\b/i.test(sql)

/** While a statement runs, nothing else in this process does. */
const busySeconds = Metric.counter("piecework_database_busy_seconds_total", {
  description: "Time in statements of the database.",
  incremental: true
})

/** Statements that stay prepared. */
const mostPrepared = 256

interface Done {
  readonly rows: ReadonlyArray<Record<string, unknown>>
  /** Of a statement that writes. */
  readonly changes?: unknown
}

type Run = (sql: string, parameters: ReadonlyArray<unknown>) => Effect.Effect<Done, SqlError.SqlError>

const runnerOn = (database: DatabaseSync): Run => {
  const prepared = new Map<string, StatementSync>()
  const prepare = (sql: string) => {
    const statement = prepared.get(sql) ?? database.prepare(sql)
    if (prepared.size >= mostPrepared && !prepared.has(sql)) prepared.delete(prepared.keys().next().value ?? "")
    prepared.set(sql, statement)
    return statement
  }
  return (sql, parameters) =>
    Effect.contextWith((context: Context.Context<never>) => {
      const safeIntegers = Context.get(context, SqlClient.SafeIntegers)
      const begun = performance.now()
      const done = attempt("execute", () => {
        const statement = prepare(sql)
        const reads = statement.columns().length > 0
        // What `run` answers has the last row's id, which may have 64 bits.
        statement.setReadBigInts(reads ? safeIntegers : true)
        const bound = parameters.map(toSqlite)
        return reads ? { rows: statement.all(...bound) } : { rows: [], changes: statement.run(...bound) }
      })
      return Effect.onExit(done, () =>
        Effect.sync(() => busySeconds.updateUnsafe((performance.now() - begun) / 1000, context))
      )
    })
}

const connectionTo = (run: Run): SqlConnection.Connection => {
  const rows = (sql: string, parameters: ReadonlyArray<unknown>) =>
    Effect.map(run(sql, parameters), (result): ReadonlyArray<Record<string, unknown>> => result.rows)
  const execute: SqlConnection.Connection["execute"] = (sql, parameters, transform) =>
    Effect.map(rows(sql, parameters), (found) => transform?.(found) ?? found)
  const executeValues: SqlConnection.Connection["executeValues"] = (sql, parameters) =>
    Effect.map(rows(sql, parameters), (found) => found.map((row) => Object.values(row)))
  return {
    execute,
    executeRaw: (sql, parameters) => Effect.map(run(sql, parameters), (result) => result.changes ?? result.rows),
    executeValues,
    executeValuesUnprepared: executeValues,
    executeUnprepared: execute,
    executeStream: (sql, parameters, transform) =>
      Stream.unwrap(Effect.map(execute(sql, parameters, transform), (found) => Stream.fromIterable(found)))
  }
}

/** What a statement takes: numbers, texts, bytes, null; anything else is a mistake, which SQLite tells. */
const toSqlite = (value: unknown): SQLInputValue => {
  if (typeof value === "boolean") return Number(value)
  return (value ?? null) as SQLInputValue
}

export const attempt = <A>(operation: string, evaluate: () => A) =>
  Effect.try({ try: evaluate, catch: (cause) => troubleOf(operation, cause) })

/** What SQLite threw, as `effect/sql` has it. */
export const troubleOf = (operation: string, cause: unknown): SqlError.SqlError => {
  // node:sqlite has the number in `errcode`; effect/sql classifies by a numeric `code`.
  const coded =
    cause instanceof Error && "errcode" in cause
      ? Object.assign(new Error(cause.message, { cause }), { code: cause.errcode })
      : cause
  return new SqlError.SqlError({
    reason: SqlError.classifySqliteError(coded, { message: String(cause), operation })
  })
}

/** SQLite's number for an error, without the detail in its upper bits; 0 when it is none of SQLite's. */
export const codeOf = (error: SqlError.SqlError): number => {
  const { cause } = error.reason
  return cause instanceof Error && "code" in cause && typeof cause.code === "number" ? cause.code & 0xff : 0
}

/** SQLITE_BUSY. Source: sqlite.org/rescode.html. */
const isBusy = (error: SqlError.SqlError): boolean => codeOf(error) === 5
