/** Where SQLite and PostgreSQL say the same in other words. Statements use these, and otherwise what both understand. */
import type { SqlClient, Statement } from "effect/sql"

export interface Dialect {
  /** Type of a column of bytes. */
  readonly bytes: Statement.Fragment
  /** Type of a column of whole numbers to 2^53. */
  readonly integer: Statement.Fragment
  /** Type of a column that counts rows up by itself, which it is the primary key of. */
  readonly serial: Statement.Fragment
  /** What follows a table's closing parenthesis, so that no value of another type gets in. */
  readonly strict: Statement.Fragment
  /** The values of a column of texts, gathered into the text of one JSON array. */
  readonly gather: (column: string) => Statement.Fragment
}

/**
 * What a text is like that has that one in it: `lower(column) LIKE lower(${hasText(text)}) ESCAPE '!'`. An empty text is in every text.
 * SQLite takes the case of ASCII letters for none, PostgreSQL that of all.
 */
export const hasText = (text: string): string => `%${text.replaceAll(/[!%_]/g, "!$&")}%`

export const of = (sql: SqlClient.SqlClient): Dialect =>
  sql.onDialectOrElse({
    pg: () => ({
      bytes: sql.literal("BYTEA"),
      integer: sql.literal("BIGINT"),
      serial: sql.literal("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
      strict: sql.literal(""),
      gather: (column) => sql`coalesce(json_agg(${sql(column)}), '[]')::text`
    }),
    orElse: () => ({
      bytes: sql.literal("BLOB"),
      integer: sql.literal("INTEGER"),
      serial: sql.literal("INTEGER PRIMARY KEY AUTOINCREMENT"),
      strict: sql.literal(" STRICT"),
      gather: (column) => sql`json_group_array(${sql(column)})`
    })
  })
