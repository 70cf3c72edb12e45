/**
 * The front ends that are there: processes at which devices may join swarms. Each counts up its own row every second
 * and a half, and each watches the others' counts: whoever did not count on for three looks in a row is gone. So no two clocks are
 * compared, and a database that is away, which nobody can look at, makes nobody look dead.
 */
import { Database, type Migrations } from "@piecework/database/Database"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import * as Dialect from "@piecework/database/Dialect"
import { Context, Duration, Effect, Layer, Schema, type Scope } from "effect"
import { SqlClient, SqlSchema } from "effect/sql"
import * as Members from "./Members.ts"
import { sign } from "./Timing.ts"

const migrations: Migrations = {
  "0001_front_ends": Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const { integer, strict } = Dialect.of(sql)
    yield* sql`CREATE TABLE front_ends (url TEXT PRIMARY KEY, beat ${integer} NOT NULL)${strict}`
  })
}

export class FrontEnds extends Context.Service<
  FrontEnds,
  {
    /** What stands before the path of the Array role at each, in no order. What was last seen, while the database is away. */
    readonly urls: Effect.Effect<ReadonlyArray<string>>
    /** Says that this process is one, for as long as the scope is open. Several processes may have one URL. */
    readonly announce: (url: string) => Effect.Effect<void, DatabaseError, Scope.Scope>
  }
>()("@piecework/cluster/FrontEnds") {
  static readonly layer: Layer.Layer<FrontEnds, DatabaseError, Database> = Layer.effect(
    FrontEnds,
    Effect.gen(function* () {
      const { during, migrate, sql } = yield* Database
      yield* migrate("front_ends", migrations)
      let members = Members.none
      const find = SqlSchema.findAll({
        Request: Schema.Void,
        Result: Schema.Struct({ url: Schema.String, beat: Schema.Natural }),
        execute: () => sql`SELECT url, beat FROM front_ends ORDER BY url LIMIT ${most}`
      })
      const look = Effect.gen(function* () {
        members = Members.looked(members, yield* find(undefined))
        for (const { beat, url } of Members.forgotten(members)) {
          yield* sql`DELETE FROM front_ends WHERE url = ${url} AND beat = ${beat}`
        }
      }).pipe(during("look for the front ends"))
      const beat = (url: string) =>
        sql`INSERT INTO front_ends ${sql.insert({ url, beat: 1 })}
          ON CONFLICT (url) DO UPDATE SET beat = front_ends.beat + 1`.pipe(during("announce a front end"))

      yield* look
      yield* again(look)
      return FrontEnds.of({
        urls: Effect.sync(() => Members.alive(members)),
        announce: Effect.fn("FrontEnds.announce")(function* (url) {
          yield* beat(url)
          // The others would find out by themselves, five seconds later.
          const goodbye = Effect.timeoutOption(sql`DELETE FROM front_ends WHERE url = ${url}`, farewell)
          yield* Effect.addFinalizer(() => Effect.ignore(goodbye))
          yield* again(beat(url))
          yield* look
        })
      })
    })
  )
}

/** More front ends than this are not looked at. */
const most = 1000

/** The end of a process does not wait longer than this for its farewell. */
const farewell = Duration.millis(500)

/** Does it again and again; what fails is done with the next. */
const again = (self: Effect.Effect<unknown, DatabaseError>) =>
  self.pipe(
    Effect.timeoutOption(sign),
    Effect.catch((error) => Effect.logDebug(error)),
    Effect.delay(sign),
    Effect.forever,
    Effect.forkScoped
  )
