/** Why the catalog could not do something. */
import { Effect, Schema } from "effect"
import { Migrator, SqlError } from "effect/sql"
import { codeOf } from "./Sqlite.ts"

export class CatalogError extends Schema.TaggedError<CatalogError>()("CatalogError", {
  operation: Schema.Literals(["open", "publish", "find", "list", "unpublish"]),
  reason: Schema.Literals([
    /** Another process writes for longer than the busy timeout. */
    "Busy",
    "DiskFull",
    /** The file or its folder may not be read or written, or is none. */
    "Denied",
    /** The file is no database, or a broken one. */
    "Damaged",
    /** A later version of this program has made it into something this one does not know. */
    "TooNew",
    "Failed"
  ]),
  /** The database's file. */
  file: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    switch (this.reason) {
      case "Busy":
        return `The catalog ${this.file} is in use by another process that does not finish; try again.`
      case "DiskFull":
        return `The disk of the catalog ${this.file} is full.`
      case "Denied":
        return `The catalog ${this.file} cannot be opened for writing; check the folder and its owner.`
      case "Damaged":
        return `The catalog ${this.file} is damaged or no database; move it away and publish again.`
      case "TooNew":
        return `The catalog ${this.file} was made by a later version; use that version, or another data folder.`
      case "Failed":
        return `The catalog ${this.file} failed to ${this.operation}.`
    }
  }
}

/** Puts what the database says into the catalog's words. */
export const fromSql =
  (operation: CatalogError["operation"], file: string) =>
  <A, R>(
    self: Effect.Effect<A, SqlError.SqlError | Schema.SchemaError | Migrator.MigrationError | CatalogError, R>
  ): Effect.Effect<A, CatalogError, R> =>
    Effect.mapError(self, (cause) =>
      cause instanceof CatalogError ? cause : new CatalogError({ operation, reason: reasonOf(cause), file, cause })
    )

const reasonOf = (error: unknown): CatalogError["reason"] => {
  if (error instanceof Migrator.MigrationError) return reasonOf(error.cause)
  // A row that does not decode was not written by us.
  if (Schema.isSchemaError(error)) return "Damaged"
  return error instanceof SqlError.SqlError ? (reasons[codeOf(error)] ?? "Failed") : "Failed"
}

/** By SQLite's primary result codes. Source: sqlite.org/rescode.html. */
const reasons: { readonly [code: number]: CatalogError["reason"] } = {
  3: "Denied", // PERM
  5: "Busy", // BUSY
  6: "Busy", // LOCKED
  8: "Denied", // READONLY
  11: "Damaged", // CORRUPT
  13: "DiskFull", // FULL
  14: "Denied", // CANTOPEN
  26: "Damaged" // NOTADB
}
