import { assert, describe, it } from "@effect/vitest"
import type { Progress } from "@piecework/download"
import { type SourceKind, total } from "@piecework/domain/SourceKind"
import { wasted } from "@piecework/download/Tally"
import { World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Effect, Exit, Scope } from "effect"
import { expectFile, failure } from "./downloads.ts"
import { expectRead } from "./reads.ts"
import { within } from "./within.ts"

/** One thin line between the origin and the site, and a fat network inside. */
const site = (bytesPerSecond: number): MemoryNetwork.Options => {
  const thin = MemoryNetwork.line(bytesPerSecond)
  return {
    link: (from, to) =>
      from === World.originHost || to === World.originHost
        ? { latency: "10 millis", ...(from === World.originHost ? { lines: [thin] } : {}) }
        : { latency: "1 millis" }
  }
}

const sum = (results: ReadonlyArray<Progress.DownloadResult>, kind: SourceKind) =>
  results.reduce((bytes, { received }) => bytes + received[kind], 0)

describe("what a service is told", () => {
  it.effect("of eight clients that start together is what they measured and what the origin sent, to the byte", () =>
    Effect.gen(function* () {
      const world = yield* World.make({ network: site(1_000_000) })
      const bytes = World.bytesOf(100 * world.pieceSize + 123)
      const { phf, url } = yield* world.publish("/image", bytes)
      const clients = yield* Effect.forEach(Array.from({ length: 8 }), () => world.client({ reports: true }))
      const results = yield* within(
        "30 seconds",
        Effect.forEach(
          clients,
          (client) => Effect.flatMap(client.start({ url }), (active) => expectFile(client, active, bytes)),
          { concurrency: "unbounded" }
        )
      )
      for (const client of clients) assert.strictEqual(yield* client.report, 2)
      for (const client of clients) assert.strictEqual(yield* client.report, 0)

      const summary = yield* world.reports.summary(28)
      assert.strictEqual(summary.BytesFromCDN, sum(results, "Origin"))
      assert.strictEqual(summary.BytesFromCDN, world.origin.sent("/image"))
      assert.strictEqual(summary.BytesFromLanPeers, sum(results, "Lan"))
      assert.strictEqual(summary.BytesFromPeers, summary.BytesFromLanPeers)
      assert.strictEqual(
        summary.BytesWasted,
        results.reduce((all, { waste }) => all + wasted(waste), 0)
      )
      // What was fetched is eight files and the waste.
      assert.strictEqual(summary.BytesFetched, 8 * bytes.length + summary.BytesWasted)
      assert.deepStrictEqual([summary.DeviceCount, summary.TotalTransfers, summary.TransfersStarted], [8, 8, 8])
      assert.strictEqual(summary.PeersSuccessCount, 8)
      assert.isAbove(summary.BWOptPercent28Days, 70)

      const [content] = yield* world.reports.contents({ days: 7, most: 1 })
      assert.deepStrictEqual(
        [content?.ContentId, content?.SourceURL, content?.FileSize, content?.DeviceCount, content?.BytesFetched],
        [phf.contentId, url, bytes.length, 8, summary.BytesFetched]
      )
      const { rows } = yield* world.reports.devices({ days: 7, most: 100 })
      assert.deepStrictEqual(
        rows.map(({ BytesFetched }) => BytesFetched),
        results.map(({ received }) => total(received))
      )
    })
  )

  it.effect("of contents that are read is what came in for them, to the byte", () =>
    Effect.gen(function* () {
      const world = yield* World.make({ network: site(1_000_000) })
      const bytes = World.bytesOf(100 * world.pieceSize + 123)
      const { url } = yield* world.publish("/image", bytes)
      const client = yield* world.client({ reports: true })
      for (const range of [{ offset: 100_000, length: 50_000 }, undefined]) {
        yield* within(
          "30 seconds",
          Effect.scoped(
            Effect.flatMap(client.open({ url, isWhole: false }), (content) => expectRead(content, bytes, range))
          )
        )
      }
      assert.strictEqual(yield* client.report, 4)
      const summary = yield* world.reports.summary(28)
      assert.strictEqual(summary.BytesFromCDN, world.origin.sent("/image"))
      assert.strictEqual(summary.TotalTransfers, 2)
    })
  )

  it.effect("of a download that is interrupted and goes on has each byte once", () =>
    Effect.gen(function* () {
      const world = yield* World.make({ network: site(500_000) })
      const bytes = World.bytesOf(100 * world.pieceSize)
      const { url } = yield* world.publish("/image", bytes)
      const client = yield* world.client({ reports: true })
      const first = yield* Scope.make()
      const begun = yield* Scope.provide(client.start({ url }), first)
      yield* within("400 millis", Effect.sleep("400 millis"))
      const before = begun.progress().received.Origin
      assert.isAbove(before, 0)
      assert.isBelow(before, bytes.length)
      yield* Scope.close(first, Exit.void)
      const result = yield* within(
        "30 seconds",
        Effect.flatMap(client.start({ url }), (active) => expectFile(client, active, bytes))
      )
      assert.isAbove(result.received.LocalCache, 0)
      assert.strictEqual(yield* client.report, 4)
      const summary = yield* world.reports.summary(7)
      assert.deepStrictEqual(
        [summary.TransfersStarted, summary.TransfersPaused, summary.TotalTransfers, summary.DeviceCount],
        [2, 1, 1, 1]
      )
      assert.strictEqual(summary.BytesFetched, bytes.length + summary.BytesWasted)
      assert.strictEqual(summary.BytesFromLocalCache, result.received.LocalCache)
    })
  )

  it.effect("of a download that fails says why, and what it had brought", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      const client = yield* world.client({ reports: true })
      yield* failure(client, { url: world.urlOf("/missing") })
      assert.strictEqual(yield* client.report, 3)
      const summary = yield* world.reports.summary(7)
      assert.deepStrictEqual(
        [summary.TransfersCanceled, summary.ErrorCount, summary.TotalTransfers, summary.BytesFetched],
        [1, 1, 0, 0]
      )
      const events = yield* world.reports.events({ most: 10 })
      const said = events.map(({ event }) => [event["_tag"], event["errorCode"] ?? event["reasonCode"]])
      assert.deepInclude(said, ["FailureCdnCommunication", "NotFound"])
      assert.deepInclude(said, ["DownloadCanceled", "NoSourceError"])
    })
  )

  it.effect("has nothing that is secret: no query of a URL, no path, no id of a group", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      const client = yield* world.client({ reports: true, config: { groupId: "secret-group" } })
      const url = world.urlOf("/file?token=secret-query")
      world.origin.put("/file?token=secret-query", World.bytesOf(1000))
      yield* within(
        "10 seconds",
        Effect.flatMap(client.start({ url, path: "/home/secret-person/file" }), (active) => active.result)
      )
      assert.strictEqual(yield* client.report, 2)
      const events = yield* world.reports.events({ most: 10 })
      assert.strictEqual(events.at(-1)?.event["cdnUrl"], `http://${World.originHost}/file`)
      assert.notInclude(JSON.stringify(events), "secret")
    })
  )
})
