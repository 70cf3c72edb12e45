/** Why the database could not do something. */
import { Schema } from "effect"
import { Migrator, SqlError } from "effect/sql"
import { codeOf } from "./Sqlite.ts"

export class DatabaseError extends Schema.TaggedError<DatabaseError>()("DatabaseError", {
  /** What was wanted, as a verb with its object: "publish a content". */
  operation: Schema.String,
  reason: Schema.Literals([
    /** Another process writes for longer than the busy timeout. */
    "Busy",
    "DiskFull",
    /** The file or its folder may not be read or written, or is none; or the server lets nobody in with this name and password. */
    "Denied",
    /** The server cannot be reached, is starting or stopping, or takes no more connections. */
    "Away",
    /** The file is no database, or a broken one, or has rows that nobody of ours wrote. */
    "Damaged",
    /** A later version of this program has made it into something this one does not know. */
    "TooNew",
    "Failed"
  ]),
  /** The database's file, or where its server is. */
  database: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    const what = `The database ${this.database}`
    switch (this.reason) {
      case "Busy":
        return `${what} is in use by another process that does not finish; try again.`
      case "DiskFull":
        return `${what} has no room left on its disk.`
      case "Denied":
        return isServer(this.database)
          ? `${what} does not let this user in; check the name, the password and its rights.`
          : `${what} cannot be opened for writing; check the folder and its owner.`
      case "Away":
        return `${what} cannot be reached; check that it runs, and where.`
      case "Damaged":
        return `${what} is damaged or no database; move it away and publish again.`
      case "TooNew":
        return `${what} was made by a later version; use that version, or another data folder.`
      case "Failed":
        return `${what} failed to ${this.operation}.`
    }
  }
}

/** What can go wrong between a statement and its rows as values. */
export type Trouble = SqlError.SqlError | Schema.SchemaError | Migrator.MigrationError | DatabaseError

export const fromTrouble = (operation: string, database: string, cause: Trouble): DatabaseError =>
  cause instanceof DatabaseError ? cause : new DatabaseError({ operation, reason: reasonOf(cause), database, cause })

const reasonOf = (error: unknown): DatabaseError["reason"] => {
  if (error instanceof Migrator.MigrationError) return reasonOf(error.cause)
  if (Schema.isSchemaError(error)) return "Damaged"
  if (!SqlError.isSqlError(error)) return "Failed"
  const state = stateOf(error)
  if (state !== undefined) return states[state] ?? classes[state.slice(0, 2)] ?? "Failed"
  if (error.reason._tag === "ConnectionError") return "Away"
  if (error.reason._tag === "AuthenticationError") return "Denied"
  return reasons[codeOf(error)] ?? "Failed"
}

const isServer = (database: string): boolean => /^postgres(ql)?:/.test(database)

/** The SQLSTATE that PostgreSQL gave; nothing when it gave none. */
const stateOf = ({ reason: { cause } }: SqlError.SqlError): string | undefined =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" && /^[0-9A-Z]{5}$/.test(cause.code)
    ? cause.code
    : undefined

/** By PostgreSQL's error codes. Source: postgresql.org/docs/current/errcodes-appendix.html. */
const states: { readonly [state: string]: DatabaseError["reason"] } = {
  "25006": "Denied", // read_only_sql_transaction, as on a standby
  "3D000": "Denied", // invalid_catalog_name: no such database
  "40001": "Busy", // serialization_failure
  "40P01": "Busy", // deadlock_detected
  "42501": "Denied", // insufficient_privilege
  "53100": "DiskFull",
  "53300": "Away", // too_many_connections
  "55P03": "Busy", // lock_not_available
  "57014": "Busy", // query_canceled, by statement_timeout
  "57P01": "Away", // admin_shutdown
  "57P02": "Away", // crash_shutdown
  "57P03": "Away" // cannot_connect_now
}

/** By their first two characters. */
const classes: { readonly [start: string]: DatabaseError["reason"] } = {
  "08": "Away",
  "28": "Denied",
  XX: "Damaged"
}

/** By SQLite's primary result codes. Source: sqlite.org/rescode.html. */
const reasons: { readonly [code: number]: DatabaseError["reason"] } = {
  3: "Denied", // PERM
  5: "Busy", // BUSY
  6: "Busy", // LOCKED
  8: "Denied", // READONLY
  11: "Damaged", // CORRUPT
  13: "DiskFull", // FULL
  14: "Denied", // CANTOPEN
  26: "Damaged" // NOTADB
}
