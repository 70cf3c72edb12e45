/** Whether the database can be written now, found out by writing nothing new and without holding anybody up. */
import { DatabaseSync } from "node:sqlite"
import { Effect, Schedule } from "effect"
import type { Database } from "./Database.ts"
import { DatabaseError, fromTrouble } from "./DatabaseError.ts"
import { attempt } from "./Sqlite.ts"

/**
 * Fails with `Busy` when another process has been writing for 0.8 s, and otherwise with what a write would fail with. A
 * statement of the service's own would wait for the other process, and everything in this process with it; so SQLite is asked
 * over a connection that does not wait.
 */
export const writable = ({ during, sql }: Database["Service"]): Effect.Effect<void, DatabaseError> =>
  sql
    .onDialectOrElse({
      sqlite: () =>
        Effect.gen(function* () {
          const files = yield* sql<{ readonly name: string; readonly file: string }>`PRAGMA database_list`
          const file = files.find(({ name }) => name === "main")?.file ?? ""
          // In memory nobody else can have it.
          if (file !== "") yield* inFile(file)
        }),
      // A temporary table needs a server that takes writes, and leaves nothing behind.
      orElse: () => sql.withTransaction(Effect.asVoid(sql`CREATE TEMPORARY TABLE probe (n INTEGER) ON COMMIT DROP`))
    })
    .pipe(during("write"))

const inFile = (file: string): Effect.Effect<void, DatabaseError> =>
  attempt("connect", () => rewrite(file)).pipe(
    Effect.mapError((cause) => fromTrouble("write", file, cause)),
    Effect.retry({
      while: ({ reason }) => reason === "Busy",
      schedule: Schedule.spaced("50 millis"),
      times: 16
    })
  )

/** Writes the number of the file's header that nobody uses, as it is: a whole transaction, to the disk. */
const rewrite = (file: string): void => {
  const database = new DatabaseSync(file, { timeout: 0 })
  try {
    const { user_version: number = 0 } = database.prepare("PRAGMA user_version").get() ?? {}
    database.exec(`PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE; PRAGMA user_version = ${Number(number)}; COMMIT`)
  } finally {
    database.close()
  }
}
