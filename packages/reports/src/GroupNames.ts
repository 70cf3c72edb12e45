/** What the service calls groups, in reports and wherever else operators see them; see `GroupHash`. */
import { Database } from "@piecework/database/Database"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import { Context, Effect, Layer, Schema } from "effect"
import { SqlSchema } from "effect/sql"
import * as GroupHash from "./GroupHash.ts"
import { migrations } from "./internal/migrations.ts"

export class GroupNames extends Context.Service<
  GroupNames,
  {
    /** The salt is read once; opening this reads nothing: the tables may not be there yet for who only looks at what is to be migrated. */
    readonly salt: Effect.Effect<Uint8Array, DatabaseError>
    readonly of: (groupId: string) => Effect.Effect<string, DatabaseError>
  }
>()("@piecework/reports/GroupNames") {
  static readonly layer: Layer.Layer<GroupNames, DatabaseError, Database> = Layer.effect(
    GroupNames,
    Effect.gen(function* () {
      const { during, migrate, sql } = yield* Database
      yield* migrate("reports", migrations)
      let known: Uint8Array | undefined
      const salt = Effect.suspend(() =>
        known === undefined
          ? Effect.tap(saltIn(sql).pipe(during("read the salt of groups")), (found) =>
              Effect.sync(() => void (known = found))
            )
          : Effect.succeed(known)
      )
      return GroupNames.of({ salt, of: (groupId) => Effect.map(salt, (found) => GroupHash.of(found, groupId)) })
    })
  )
}

/** Made with the tables, so all that share the database have the same. */
const saltIn = (sql: Database["Service"]["sql"]) =>
  SqlSchema.findOne({
    Request: Schema.Void,
    Result: Schema.Struct({ salt: Schema.Uint8Array }),
    execute: () => sql`SELECT salt FROM report_salt WHERE one = 1`
  })(undefined).pipe(
    Effect.map(({ salt }) => salt),
    Effect.catchTag("NoSuchElementError", Effect.die)
  )
