import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Database } from "@piecework/database"
import { Effect, Redacted } from "effect"
import * as ClusterKey from "../src/ClusterKey.ts"

describe("The key of a cluster", () => {
  it.effect("is the same for all who ask, also at once, and another for each cluster", () =>
    Effect.gen(function* () {
      const ask = Effect.map(ClusterKey.get, (key) => Buffer.from(Redacted.value(key)).toString("hex"))
      const keysOf = Effect.all([ask, ask, ask], { concurrency: "unbounded" }).pipe(
        Effect.provide(Database.Database.layerMemory, { local: true })
      )
      const [one, two] = [yield* keysOf, yield* keysOf]
      assert.lengthOf(one[0], 64)
      assert.lengthOf(new Set(one), 1)
      assert.notStrictEqual(one[0], two[0])
    })
  )

  it.effect("is not printed by accident", () =>
    Effect.gen(function* () {
      const key = yield* ClusterKey.get
      const bytes = Redacted.value(key)
      for (const shown of [String(key), JSON.stringify({ key }), inspect(key)]) {
        assert.notInclude(shown, bytes.join(","))
        assert.notInclude(shown, Buffer.from(bytes).toString("hex"))
        assert.isBelow(shown.length, 100)
      }
    }).pipe(Effect.provide(Database.Database.layerMemory))
  )
})
