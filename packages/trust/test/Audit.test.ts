import { assert, layer } from "@effect/vitest"
import { Identity } from "@piecework/cloud"
import { Database } from "@piecework/database"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Audit } from "../src/Audit.ts"

layer(Audit.layer.pipe(Layer.provide(Database.Database.layerMemory)))("The audit log", (it) => {
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
