/** Reports in all the places where they may be kept, on one PostgreSQL server for each file of tests where there can be one. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, it } from "@effect/vitest"
import type { Identity } from "@piecework/cloud/Identity"
import { Database, DatabaseConfig } from "@piecework/database"
import { TestPostgres } from "@piecework/testpostgres"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Places } from "../../src/Places.ts"
import { Reports } from "../../src/Reports.ts"
import * as ReportsConfig from "../../src/ReportsConfig.ts"
import { noon } from "./events.ts"

/** A folder that is gone with the scope. */
export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-reports-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const places = Places.layer([
  { network: "203.0.113.0/24", city: "Bonn", country: "DE", isp: "one" },
  { network: "198.51.100.0/24", city: "Oslo", country: "NO", isp: "two" }
])
const rules = ReportsConfig.layer({ sweepStep: 10 })

export const at = (where: Partial<DatabaseConfig.DatabaseConfig["Service"]>) =>
  Reports.layer.pipe(
    Layer.provide([Database.Database.layer, places, rules]),
    Layer.provide(DatabaseConfig.layer(where)),
    Layer.fresh
  )

/** One server for the tests below, each of which has a database of its own; none where there can be none. */
const serving = Effect.runSync(Scope.make())
export const server =
  (await TestPostgres.missing()) === undefined
    ? await Effect.runPromise(Scope.provide(TestPostgres.make, serving))
    : undefined
afterAll(() => Effect.runPromise(Scope.close(serving, Exit.void)))

export const stores = {
  "in memory": Layer.fresh(Reports.layer.pipe(Layer.provide([Database.Database.layerMemory, places, rules]))),
  "in a file": Layer.unwrap(Effect.map(folder, (directory) => at({ directory }))),
  ...(server === undefined ? {} : { "on PostgreSQL": Layer.unwrap(Effect.map(server.database, (url) => at({ url }))) })
}

export const enrolled = (id: string): Identity => ({ _tag: "Device", id, groups: [] })

/** Tests that have a store of their own each, at noon. */
export const storedIn =
  (store: Layer.Layer<Reports, unknown>) =>
  (what: string, test: (reports: Reports["Service"]) => Effect.Effect<void, unknown>) =>
    it.effect(`${what}`, () =>
      Effect.andThen(
        TestClock.setTime(noon),
        Effect.scoped(Effect.flatMap(Layer.build(store), (context) => test(Context.get(context, Reports))))
      )
    )
