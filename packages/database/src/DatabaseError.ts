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
    /** The file or its folder may not be read or written, or is none. */
    "Denied",
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
        return `${what} cannot be opened for writing; check the folder and its owner.`
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
  return error instanceof SqlError.SqlError ? (reasons[codeOf(error)] ?? "Failed") : "Failed"
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
