/** What the rooms would do to a database's tables, found out without doing it. */
import { Effect, Layer } from "effect"
import { Database } from "./Database.ts"

/** A room's tables. */
export interface Standing {
  readonly room: string
  /** Number of the last migration that was done; 0 when none was. */
  readonly at: number
  /** Number of the last that this program knows. */
  readonly newest: number
}

/** The same database, to which rooms may be opened: each is noted in `found`, and none changes anything. */
export const noting = (found: Array<Standing>): Layer.Layer<Database, never, Database> =>
  Layer.effect(
    Database,
    Effect.map(Database, (database) =>
      Database.of({
        ...database,
        migrate: (room, migrations) =>
          Effect.gen(function* () {
            const { sql } = database
            const table = `${room}_migrations`
            const isThere = yield* sql.onDialectOrElse({
              pg: () => sql`SELECT 1 FROM information_schema.tables WHERE table_name = ${table}`,
              orElse: () => sql`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ${table}`
            })
            const [last] =
              isThere.length === 0
                ? []
                : yield* sql<{ readonly id: number | null }>`SELECT max(migration_id) AS id FROM ${sql(table)}`
            const newest = Math.max(...Object.keys(migrations).map((key) => Number.parseInt(key, 10)))
            found.push({ room, at: Number(last?.id ?? 0), newest })
          }).pipe(database.during(`look at the tables of ${room}`))
      })
    )
  )
