import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, layer } from "@effect/vitest"
import { Database, DatabaseConfig } from "@piecework/database"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Places } from "../src/Places.ts"
import { Reports } from "../src/Reports.ts"
import * as ReportsConfig from "../src/ReportsConfig.ts"
import { completed, contentId, delivery, noon } from "./support/events.ts"

/** A folder that is gone with the scope. */
const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-reports-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const at = (directory: string) =>
  Reports.layer.pipe(
    Layer.provide([Database.Database.layer, Places.layerNone, ReportsConfig.layer()]),
    Layer.provide(DatabaseConfig.layer({ directory }))
  )

const layers = {
  "in memory": Layer.fresh(Reports.layerMemory.pipe(Layer.provide(ReportsConfig.layer()))),
  "in a file": Layer.fresh(Layer.unwrap(Effect.map(folder, at)))
}

for (const [name, store] of Object.entries(layers)) {
  layer(store)(`Reports ${name}`, (spec) => {
    spec.effect("count an event once, however often and in whatever batches it comes", () =>
      Effect.gen(function* () {
        const reports = yield* Reports
        yield* TestClock.setTime(noon)
        const [a, b, c] = [1, 2, 3].map((n) =>
          completed({ bytesFromCDN: 100 * n, bytesFromPeers: 10 * n, fileID: contentId(n) })
        )
        if (a === undefined || b === undefined || c === undefined) return assert.fail("three")
        const first = yield* reports.take(delivery([a, b]))
        assert.deepStrictEqual(first.taken, [a.eventId, b.eventId])
        yield* Effect.all([reports.take(delivery([b, c])), reports.take(delivery([c, a, b, b]))], {
          concurrency: "unbounded"
        })
        const summary = yield* reports.summary(28)
        assert.deepStrictEqual(
          [summary.BytesFromCDN, summary.BytesFromPeers, summary.BytesFetched, summary.TotalTransfers],
          [600, 60, 660, 3]
        )
        assert.deepStrictEqual([summary.DeviceCount, summary.DevicesPeeringOn], [1, 1])
        assert.strictEqual(summary.BWOptPercent28Days, 9.09)
        assert.strictEqual(summary.Efficiency, "Error")
        const contents = yield* reports.contents({ days: 28, most: 2 })
        assert.deepStrictEqual(
          contents.map(({ BytesFetched, ContentId, DeviceCount }) => [ContentId, BytesFetched, DeviceCount]),
          [
            [contentId(3), 330, 1],
            [contentId(2), 220, 1]
          ]
        )
        const { rows } = yield* reports.devices({ days: 28, most: 10 })
        assert.deepStrictEqual(
          rows.map(({ BytesFetched, PeeringStatus }) => [BytesFetched, PeeringStatus]),
          [[660, "On"]]
        )
      })
    )
  })
}
