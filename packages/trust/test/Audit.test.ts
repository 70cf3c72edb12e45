import { assert, layer } from "@effect/vitest"
import { Identity } from "@piecework/cloud"
import { Database, DatabaseConfig } from "@piecework/database"
import { TestPostgres } from "@piecework/testpostgres"
import { Effect, Layer, type Redacted } from "effect"
import { TestClock } from "effect/testing"
import { Audit } from "../src/Audit.ts"

const missing = await TestPostgres.missing()

const onServer = (url: Redacted.Redacted) => Database.Database.layer.pipe(Layer.provide(DatabaseConfig.layer({ url })))

const databases = {
  "in memory": Database.Database.layerMemory,
  ...(missing === undefined ? { "on PostgreSQL": Layer.unwrap(Effect.map(TestPostgres.url, onServer)) } : {})
}

for (const [name, database] of Object.entries(databases))
  layer(Audit.layer.pipe(Layer.provide(database)), { timeout: "60 seconds" })(`The audit log ${name}`, (it) => {
    it.effect("tells the latest first, page by page, with who did it and when", () =>
      Effect.gen(function* () {
        const audit = yield* Audit
        yield* TestClock.setTime(1000)
        yield* audit.record({ who: Identity.local, action: "content.publish", subject: "a", detail: { size: 7 } })
        yield* TestClock.setTime(2000)
        const device = { _tag: "Device", id: "lab-17", groups: [] } as const
        yield* audit.record({ who: device, action: "device.enrol", subject: "lab-17" })
        const [latest] = yield* audit.entries({ most: 1 })
        assert.deepStrictEqual(
          [latest?.at, latest?.who, latest?.action, latest?.detail],
          [2000, "device lab-17", "device.enrol", {}]
        )
        const earlier = yield* audit.entries({ most: 10, before: latest?.place ?? 0 })
        assert.deepStrictEqual(
          earlier.map(({ at, detail, who }) => [at, who, detail]),
          [[1000, "operator local", { size: 7 }]]
        )
      })
    )
  })
