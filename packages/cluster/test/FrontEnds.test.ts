import { assert, describe, it } from "@effect/vitest"
import { Database, DatabaseConfig } from "@piecework/database"
import { TestPostgres } from "@piecework/testpostgres"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { FrontEnds } from "../src/FrontEnds.ts"

const missing = await TestPostgres.missing()

const databases = {
  "in memory": Database.Database.layerMemory,
  ...(missing === undefined
    ? {
        "on PostgreSQL": Layer.unwrap(
          Effect.map(TestPostgres.url, (url) =>
            Database.Database.layer.pipe(Layer.provide(DatabaseConfig.layer({ url })))
          )
        )
      }
    : {})
}

/** Processes over one database, and a way to end one: with its farewell, or without. */
const makeScene = (layer: Layer.Layer<Database.Database, unknown>) =>
  Effect.gen(function* () {
    const context = yield* Layer.build(layer)
    const { sql } = Context.get(context, Database.Database)
    let isAway = false
    let waiting = 0
    // A database that is away gives no answer, so nobody may wait for one either.
    const { during, ...real } = Context.get(context, Database.Database)
    const flaky = Database.Database.of({
      ...real,
      during: (operation) => (self) =>
        Effect.suspend(() => {
          if (isAway) return Effect.never
          waiting++
          return Effect.ensuring(
            self,
            Effect.sync(() => waiting--)
          )
        }).pipe(during(operation))
    })
    /** Time passes a little at a time, and what is asked of the database is answered in between. */
    const pass = (seconds: number) =>
      Effect.forEach(Array.from({ length: seconds * 2 }), () =>
        TestClock.adjust("500 millis").pipe(
          Effect.andThen(turn),
          Effect.andThen(
            Effect.repeat(turn, {
              until: () => waiting === 0
            })
          )
        )
      )
    return {
      sql,
      pass,
      away: (is: boolean) => void (isAway = is),
      process: Effect.fnUntraced(function* (url?: string) {
        const scope = yield* Scope.make()
        const built = yield* Layer.build(Layer.fresh(FrontEnds.layer)).pipe(
          Effect.provideService(Database.Database, flaky),
          Scope.provide(scope)
        )
        const frontEnds = Context.get(built, FrontEnds)
        if (url !== undefined) yield* frontEnds.announce(url).pipe(Scope.provide(scope))
        return { urls: frontEnds.urls, end: Scope.close(scope, Exit.void) }
      })
    }
  })

/** A turn of the event loop, in which sockets are heard. */
const turn = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 1)))

for (const [name, database] of Object.entries(databases)) {
  describe(`Front ends ${name}`, () => {
    it.effect("know each other within two seconds, and also who is none knows them", () =>
      Effect.gen(function* () {
        const { pass, process } = yield* makeScene(database)
        const one = yield* process("http://one")
        assert.deepStrictEqual(yield* one.urls, ["http://one"])
        yield* process("http://two")
        const other = yield* process()
        assert.deepStrictEqual(yield* other.urls, ["http://one", "http://two"])
        yield* pass(3)
        assert.deepStrictEqual(yield* one.urls, ["http://one", "http://two"])
      })
    )

    it.effect("that end are no longer named two seconds later, and those that die after six at most", () =>
      Effect.gen(function* () {
        const { pass, process, sql } = yield* makeScene(database)
        const one = yield* process("http://one")
        const two = yield* process("http://two")
        // A row that nobody counts up: as its process left it when it was killed.
        yield* sql`INSERT INTO front_ends ${sql.insert({ url: "http://dead", beat: 9 })}`
        yield* two.end
        yield* pass(3)
        assert.deepStrictEqual(yield* one.urls, ["http://dead", "http://one"])
        yield* pass(4)
        assert.deepStrictEqual(yield* one.urls, ["http://one"])
        yield* pass(50)
        assert.deepStrictEqual(
          (yield* sql`SELECT url FROM front_ends`).map((row) => row["url"]),
          ["http://one"]
        )
      })
    )

    it.effect("are those that were there last, however long the database is away, and nobody dies of that", () =>
      Effect.gen(function* () {
        const { away, pass, process } = yield* makeScene(database)
        const one = yield* process("http://one")
        yield* process("http://two")
        yield* pass(3)
        away(true)
        yield* pass(60)
        assert.deepStrictEqual(yield* one.urls, ["http://one", "http://two"])
        away(false)
        for (let n = 0; n < 10; n++) {
          yield* pass(1)
          assert.deepStrictEqual(yield* one.urls, ["http://one", "http://two"])
        }
      })
    )
  })
}
