/**
 * Many rows in one parameter: a statement with a JSON text of all of them is the same statement for any number of them, so it is
 * prepared once, and SQLite and PostgreSQL both take it.
 */
import type { SqlClient, Statement } from "effect/sql"

export type Value = string | number | null

export interface Rows {
  /** For FROM; `column` is of it. */
  readonly from: (rows: ReadonlyArray<ReadonlyArray<Value>>) => Statement.Fragment
  readonly text: (index: number) => Statement.Fragment
  readonly integer: (index: number) => Statement.Fragment
}

export const of = (sql: SqlClient.SqlClient): Rows => ({
  from: (rows) => {
    const json = JSON.stringify(rows)
    return sql.onDialectOrElse({
      pg: () => sql`json_array_elements(${json}::json) AS r(value)`,
      orElse: () => sql`json_each(${json}) AS r`
    })
  },
  text: (index) => sql.literal(`(r.value ->> ${index})`),
  integer: (index) => sql.literal(`CAST(r.value ->> ${index} AS BIGINT)`)
})
