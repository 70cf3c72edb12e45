/** Whoever is asked how many bytes came and went, the answer is the same, to the byte: and it is what the servers counted. */
import { assert, describe, it } from "@effect/vitest"
import { PeerId } from "@piecework/domain/Peer"
import { Activity } from "@piecework/download/Activity"
import * as Figures from "@piecework/download/Figures"
import * as Sums from "@piecework/download/Sums"
import { TestCacheHosts, TestPeer, World } from "@piecework/testkit"
import { MemoryNetwork } from "@piecework/transport"
import { Transport } from "@piecework/transport/Transport"
import { Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import { download, expectFile } from "./downloads.ts"
import { expectRead } from "./reads.ts"
import { until, within } from "./within.ts"

/** A thin line from the origin, so that a download can be stopped in its middle. */
const thin = (bytesPerSecond: number): MemoryNetwork.Options => {
  const line = MemoryNetwork.line(bytesPerSecond)
  return {
    link: (from) => (from === World.originHost ? { latency: "10 millis", lines: [line] } : { latency: "1 millis" })
  }
}

/** All that a client has to say of itself, once it is done. */
const figuresOf = (client: World.TestClient) =>
  Effect.gen(function* () {
    const figures = yield* Figures.make()
    const activity = yield* Activity
    return {
      files: yield* figures.files,
      perf: yield* figures.perf,
      month: yield* figures.month,
      totals: activity.totals(),
      connected: activity.connected(),
      running: activity.downloads()
    }
  }).pipe(Effect.provide(client.services))

type Told = Effect.Success<ReturnType<typeof figuresOf>>

/** Status, snapshot, month and the sums of the process (which metrics are made of) say the same, and each byte once. */
const expectOne = ({ connected, files, month, perf, running, totals }: Told) => {
  const sum = (of: (file: Told["files"][number]) => number) => files.reduce((all, file) => all + of(file), 0)
  const columns = [
    ["fromOrigin", sum((file) => file.BytesFromHttp), perf.BytesFromHttp, month.DownloadHttpBytes],
    [
      "fromCacheServer",
      sum((file) => file.BytesFromCacheServer),
      perf.BytesFromCacheServer,
      month.DownloadCacheHostBytes
    ],
    ["fromLan", sum((file) => file.BytesFromLanPeers), perf.BytesFromLanPeers, month.DownloadLanBytes],
    [
      "fromLinkLocal",
      sum((file) => file.BytesFromLinkLocalPeers),
      perf.BytesFromLinkLocalPeers,
      month.DownloadLinkLocalBytes
    ],
    ["fromGroup", sum((file) => file.BytesFromGroupPeers), perf.BytesFromGroupPeers, month.DownloadGroupBytes],
    [
      "fromInternet",
      sum((file) => file.BytesFromInternetPeers),
      perf.BytesFromInternetPeers,
      month.DownloadInternetBytes
    ],
    ["toLan", sum((file) => file.BytesToLanPeers), perf.BytesToLanPeers, month.UploadLanBytes],
    ["toLinkLocal", sum((file) => file.BytesToLinkLocalPeers), perf.BytesToLinkLocalPeers, month.UploadLinkLocalBytes],
    ["toGroup", sum((file) => file.BytesToGroupPeers), perf.BytesToGroupPeers, month.UploadGroupBytes],
    ["toInternet", sum((file) => file.BytesToInternetPeers), perf.BytesToInternetPeers, month.UploadInternetBytes]
  ] as const
  for (const [name, ...said] of columns)
    assert.deepStrictEqual(
      said,
      said.map(() => totals[name]),
      name
    )
  assert.strictEqual(perf.TotalBytesDownloaded, Sums.downloaded(totals))
  assert.strictEqual(perf.TotalBytesUploaded, Sums.uploaded(totals))
  assert.strictEqual(
    sum((file) => file.TotalBytesDownloaded),
    perf.TotalBytesDownloaded
  )
  assert.strictEqual(perf.BytesWasted, totals.wasted, "wasted")
  assert.strictEqual(totals.foregroundBytes + totals.backgroundBytes, Sums.downloaded(totals))
  for (const file of files) {
    const { BytesFromCacheServer, BytesFromHttp, BytesFromPeers, TotalBytesDownloaded } = file
    assert.strictEqual(BytesFromHttp + BytesFromCacheServer + BytesFromPeers, TotalBytesDownloaded)
    assert.isAtMost(file.PercentPeerCaching, 100)
    assert.isAtMost(file.BytesWasted, TotalBytesDownloaded)
  }
  // Nothing goes on, so nothing is counted as going on.
  assert.deepStrictEqual(Object.values(connected), [0, 0, 0, 0, 0, 0])
  assert.lengthOf(running, 0)
}

/** The same, and what the service was told. */
const expectReported = (world: World.World, all: ReadonlyArray<Told>) =>
  Effect.gen(function* () {
    for (const told of all) expectOne(told)
    const sum = (column: Sums.Column) => all.reduce((bytes, { totals }) => bytes + totals[column], 0)
    const summary = yield* world.reports.summary(28)
    assert.strictEqual(summary.BytesFromCDN, sum("fromOrigin"))
    assert.strictEqual(summary.BytesFromCache, sum("fromCacheServer"))
    assert.strictEqual(summary.BytesFromLanPeers, sum("fromLan"))
    assert.strictEqual(summary.BytesWasted, sum("wasted"))
  })

describe("the figures of a device agree with those of the service and of the servers, to the byte,", () => {
  it.effect("of devices that feed each other", () =>
    Effect.gen(function* () {
      const world = yield* World.make({ network: thin(400_000) })
      const bytes = World.bytesOf(60 * world.pieceSize + 123)
      const { url } = yield* world.publish("/file", bytes)
      const clients = yield* Effect.forEach([1, 2, 3, 4], () => world.client({ reports: true }))
      const scope = yield* Scope.make()
      yield* within(
        "2 minutes",
        Effect.forEach(
          clients,
          (client) =>
            Scope.provide(
              Effect.flatMap(client.start({ url, priority: "Background" }), (active) =>
                expectFile(client, active, bytes)
              ),
              scope
            ),
          { concurrency: "unbounded" }
        )
      )
      yield* Scope.close(scope, Exit.void)
      for (const client of clients) yield* client.report
      const told = yield* Effect.forEach(clients, figuresOf)
      yield* expectReported(world, told)
      const sum = (column: Sums.Column) => told.reduce((all, { totals }) => all + totals[column], 0)
      assert.strictEqual(sum("fromOrigin"), world.origin.sent("/file"))
      assert.isAbove(sum("fromLan"), 0)
      // What was on its way when everybody left was sent and did not arrive.
      assert.isAtLeast(sum("toLan"), sum("fromLan"))
      assert.strictEqual(sum("files"), 4)
      assert.isAbove(sum("backgroundMillis"), 0)
      for (const { files } of told) assert.strictEqual(files[0]?.Priority, "Background")
    })
  )

  it.effect("where a peer lies", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      const bytes = World.bytesOf(40 * world.pieceSize)
      const { phf, url } = yield* world.publish("/file", bytes)
      const host = "10.8.0.1"
      const id = PeerId.make("f".repeat(40))
      const liar = yield* TestPeer.make({
        host,
        port: 7680,
        id,
        swarm: phf.hashOfHashes,
        layout: phf.layout,
        answer: ({ length }) => new Uint8Array(length)
      }).pipe(Effect.provideService(Transport, world.network.transport(host)))
      yield* world.introduce(phf.contentId, id, liar.address)
      const client = yield* world.client({ reports: true })
      const result = yield* Effect.scoped(download(client, { url }, bytes))
      yield* client.report
      const told = yield* figuresOf(client)
      yield* expectReported(world, [told])
      assert.strictEqual(told.totals.fromOrigin, world.origin.sent("/file"))
      assert.isAbove(result.waste.bad, 0)
      assert.isAtLeast(told.totals.wasted, result.waste.bad)
      assert.strictEqual(told.perf.TotalBytesDownloaded, bytes.length + told.totals.wasted)
    })
  )

  it.effect("when a download is stopped in its middle, goes on, and is fetched once more", () =>
    Effect.gen(function* () {
      const world = yield* World.make({ network: thin(100_000) })
      const bytes = World.bytesOf(60 * world.pieceSize)
      const { url } = yield* world.publish("/file", bytes)
      const client = yield* world.client({ reports: true })
      const scope = yield* Scope.make()
      const active = yield* Scope.provide(client.start({ url }), scope)
      yield* until(() => active.progress().heldBytes > bytes.length / 3)
      yield* Scope.close(scope, Exit.void)
      yield* client.report
      const before = yield* figuresOf(client)
      yield* expectReported(world, [before])
      assert.strictEqual(before.files[0]?.Status, "Paused")
      // What was on its way is not here.
      const sentBefore = world.origin.sent("/file")
      assert.isAtMost(before.totals.fromOrigin, sentBefore)
      assert.isAbove(before.totals.fromOrigin, bytes.length / 3)
      assert.strictEqual(before.totals.files, 0)

      yield* Effect.scoped(download(client, { url }, bytes))
      yield* client.report
      const after = yield* figuresOf(client)
      yield* expectReported(world, [after])
      const came = after.totals.fromOrigin - before.totals.fromOrigin
      assert.strictEqual(came, world.origin.sent("/file") - sentBefore)
      assert.strictEqual(after.files[0]?.TotalBytesDownloaded, before.totals.fromOrigin + came)

      // From the cache nothing is fetched, and nothing is forgotten.
      yield* Effect.scoped(download(client, { url, path: "/out/again" }, bytes))
      const again = yield* figuresOf(client)
      expectOne(again)
      assert.deepStrictEqual(again.files[0]?.BytesFromHttp, after.files[0]?.BytesFromHttp)
      assert.strictEqual(again.totals.files, 2)
    })
  )

  it.effect("over a cache server", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      const bytes = World.bytesOf(50 * world.pieceSize + 9)
      const { url } = yield* world.publish("/file", bytes)
      const server = yield* world.cacheServer({ "/file": bytes })
      const { service } = yield* TestCacheHosts.make([World.cacheAt(World.cacheHost)])
      const client = yield* world.client({ reports: true, cacheHosts: service })
      yield* Effect.scoped(download(client, { url, mode: "HttpOnly" }, bytes))
      yield* client.report
      const told = yield* figuresOf(client)
      yield* expectReported(world, [told])
      assert.strictEqual(told.totals.fromCacheServer, server.sent(World.cachePathOf("/file")))
      assert.strictEqual(told.totals.fromOrigin, world.origin.sent("/file"))
      assert.isAbove(told.totals.fromCacheServer, 0)
      assert.isAbove(told.files[0]?.CacheServerConnectionCount ?? 0, 0)
    })
  )

  it.effect("of parts, and of what is read", () =>
    Effect.gen(function* () {
      const world = yield* World.make()
      const bytes = World.bytesOf(50 * world.pieceSize)
      const { url } = yield* world.publish("/file", bytes)
      const client = yield* world.client({ reports: true })
      const ranges = [{ offset: 10_000, length: 50_000 }]
      yield* Effect.scoped(
        within(
          "1 minute",
          Effect.flatMap(client.start({ url, ranges }), ({ result }) => result)
        )
      )
      const other = yield* world.client({ reports: true })
      yield* Effect.scoped(
        Effect.gen(function* () {
          const content = yield* other.open({ url })
          yield* within("1 minute", expectRead(content, bytes))
        })
      )
      yield* client.report
      yield* other.report
      const told = yield* Effect.forEach([client, other], figuresOf)
      yield* expectReported(world, told)
      assert.strictEqual(
        told.reduce((sum, { totals }) => sum + totals.fromOrigin, 0),
        world.origin.sent("/file")
      )
    })
  )

  it.effect("over plain HTTP, whole and given up", () =>
    Effect.gen(function* () {
      const world = yield* World.make({ network: thin(100_000) })
      const bytes = World.bytesOf(60 * world.pieceSize + 1)
      world.origin.put("/plain", bytes)
      const url = world.urlOf("/plain")
      const client = yield* world.client({ reports: true })
      const scope = yield* Scope.make()
      const active = yield* Scope.provide(client.start({ url, mode: "Simple" }), scope)
      yield* until(() => active.progress().heldBytes > bytes.length / 3)
      yield* Scope.close(scope, Exit.void)
      yield* client.report
      const before = yield* figuresOf(client)
      yield* expectReported(world, [before])
      const sentBefore = world.origin.sent("/plain")
      assert.isAtMost(before.totals.fromOrigin, sentBefore)
      assert.deepStrictEqual(
        before.files.map(({ FileId }) => FileId),
        [""]
      )
      yield* Effect.scoped(download(client, { url, mode: "Simple" }, bytes))
      yield* client.report
      const told = yield* figuresOf(client)
      yield* expectReported(world, [told])
      assert.strictEqual(told.totals.fromOrigin - before.totals.fromOrigin, world.origin.sent("/plain") - sentBefore)
      assert.lengthOf(told.files, 2)
    })
  )
})

describe("while a download goes on", () => {
  it.effect("its file is shown as downloading, with rates, and sums agree at every moment", () =>
    Effect.gen(function* () {
      const world = yield* World.make({ network: thin(50_000) })
      const bytes = World.bytesOf(100 * world.pieceSize)
      const { url } = yield* world.publish("/file", bytes)
      const client = yield* world.client()
      const active = yield* client.start({ url, asker: { door: "job", name: "the store" } })
      yield* until(() => active.progress().heldBytes > 30_000)
      for (let n = 0; n < 12; n++) {
        yield* TestClock.adjust("500 millis")
        const { files, perf, totals } = yield* figuresOf(client)
        const [file] = files
        if (active.progress().phase === "Done") break
        assert.strictEqual(file?.Status, "Downloading")
        assert.strictEqual(file?.PredefinedCallerApplication, "the store")
        assert.strictEqual(file?.BytesFromHttp, totals.fromOrigin)
        assert.strictEqual(perf.ForegroundDownloadCount, 1)
        assert.isAtMost(file?.BytesDone ?? 0, file?.BytesRequested ?? 0)
        assert.isAtMost(file?.DownloadRateBytes ?? 0, 60_000)
      }
      const { files, perf } = yield* figuresOf(client)
      assert.isAbove(files[0]?.DownloadRateBytes ?? 0, 20_000)
      assert.isAbove(perf.DownlinkUsageBps, 20_000)
    })
  )
})
