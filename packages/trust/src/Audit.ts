/** Who did what: every change that an operator makes, in the order made. Entries are added and read, never changed. */
import { describe, type Identity } from "@piecework/cloud/Identity"
import { Database } from "@piecework/database/Database"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import { Clock, Context, Effect, Layer, Schema } from "effect"
import { SqlSchema } from "effect/sql"
import { auditMigrations } from "./internal/migrations.ts"

export class Entry extends Schema.Class<Entry>("@piecework/trust/Entry")({
  /** Counts up; later entries have larger ones. */
  place: Schema.Natural,
  /** Epoch milliseconds. */
  at: Schema.Natural,
  /** As `Identity.describe` says it. */
  who: Schema.String,
  /** What was done, as "content.publish". */
  action: Schema.String,
  /** To what: a content id, a URL, a device. */
  subject: Schema.String,
  /** What else there is to know; never a secret. */
  detail: Schema.Record(Schema.String, Schema.Unknown)
}) {}

export interface Deed {
  readonly who: Identity
  readonly action: `${string}.${string}`
  readonly subject: string
  readonly detail?: { readonly [name: string]: unknown }
}

export class Audit extends Context.Service<
  Audit,
  {
    readonly record: (deed: Deed) => Effect.Effect<void, DatabaseError>
    /** The latest first: at most so many, and only those before that place. */
    readonly entries: (page: {
      readonly most: number
      readonly before?: number
    }) => Effect.Effect<ReadonlyArray<Entry>, DatabaseError>
  }
>()("@piecework/trust/Audit") {
  static readonly layer: Layer.Layer<Audit, DatabaseError, Database> = Layer.effect(
    Audit,
    Effect.gen(function* () {
      const { during, migrate, sql } = yield* Database
      yield* migrate("audit", auditMigrations)
      const find = SqlSchema.findAll({
        Request: Schema.Struct({ most: Schema.Natural, before: Schema.Natural }),
        Result: Row,
        execute: ({ before, most }) =>
          sql`SELECT place, at, who, action, subject, detail FROM audit WHERE place < ${before} ORDER BY place DESC LIMIT ${most}`
      })
      return Audit.of({
        record: Effect.fn("Audit.record")(function* ({ action, detail, subject, who }) {
          const at = yield* Clock.currentTimeMillis
          const row = { at, who: describe(who), action, subject, detail: JSON.stringify(detail ?? {}) }
          yield* sql`INSERT INTO audit ${sql.insert(row)}`
        }, during("write to the audit log")),
        entries: Effect.fn("Audit.entries")(
          ({ before = Number.MAX_SAFE_INTEGER, most }) => find({ before, most }),
          during("read the audit log")
        )
      })
    })
  )
}

const Row = Schema.Struct({
  ...Entry.fields,
  detail: Schema.fromJsonString(Entry.fields.detail)
}).pipe(Schema.decodeTo(Entry))
