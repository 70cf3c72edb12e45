/** How many events a second the store takes, in a file of a temporary folder: `npm exec -- node --conditions=source packages/reports/test/support/measure.ts`. */
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Database, DatabaseConfig } from "@piecework/database"
import { Effect, Layer } from "effect"
import { Places } from "../../src/Places.ts"
import { Reports } from "../../src/Reports.ts"
import * as ReportsConfig from "../../src/ReportsConfig.ts"
import { completed, contentId, delivery } from "./events.ts"

const directory = mkdtempSync(join(tmpdir(), "piecework-measure-"))
const now = Date.now()

/** Batches of 5,000 devices, 200 contents and 50 groups. */
const batches = (count: number, size: number) =>
  Array.from({ length: count }, (_, n) => {
    const events = Array.from({ length: size }, () =>
      completed({
        time: now,
        bytesFromCDN: 1000,
        bytesFromPeers: 5000,
        fileID: contentId(n % 200),
        groupID: `group ${n % 50}`,
        cdnUrl: "http://origin.example/some/path/image.iso"
      })
    )
    return delivery(events, { device: n % 5000, sentAt: now })
  })

const measure = Effect.gen(function* () {
  const reports = yield* Reports
  const loads = [
    { size: 2, count: 10_000, atOnce: 64 },
    { size: 64, count: 300, atOnce: 8 },
    { size: 1, count: 5_000, atOnce: 1 }
  ]
  for (const { atOnce, count, size } of loads) {
    const all = batches(count, size)
    const began = performance.now()
    yield* Effect.forEach(all, (batch) => reports.take(batch), { concurrency: atOnce, discard: true })
    const seconds = (performance.now() - began) / 1000
    console.log(`${size} in a batch, ${atOnce} batches at once: ${Math.round((count * size) / seconds)} events/s`)
  }
  const asked = {
    summary: reports.summary(28),
    "500 devices": reports.devices({ days: 28, most: 500 }),
    "100 contents": reports.contents({ days: 28, most: 100 })
  }
  for (const [what, question] of Object.entries(asked)) {
    const began = performance.now()
    yield* question
    console.log(`${what}: ${(performance.now() - began).toFixed(1)} ms`)
  }
  const events = loads.reduce((sum, { count, size }) => sum + count * size, 0)
  console.log(`${Math.round(statSync(join(directory, Database.fileName)).size / events)} bytes an event on the disk`)
})

const store = Reports.layer.pipe(
  Layer.provide([Database.Database.layer, Places.layerNone, ReportsConfig.layer()]),
  Layer.provide(DatabaseConfig.layer({ directory }))
)
await Effect.runPromise(Effect.provide(measure, store)).finally(() => rmSync(directory, { recursive: true }))
