/** What the log says of downloads, held against what they were. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { fromPeers, total } from "@piecework/domain/SourceKind"
import { DownloadConfig, Downloader, LoggedDownloads } from "@piecework/download"
import { Analysis, Events, LogConfig, type LogEntry, LogFolder, LogReader, Logs } from "@piecework/logs"
import { World } from "@piecework/testkit"
import { Context, Effect, Exit, Layer, Scope } from "effect"
import { expectFile } from "./downloads.ts"
import { within } from "./within.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-log-"))),
  (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true }))
).pipe(Effect.map((made) => join(made, "logs")))

/** The device as programs have it: its downloads leave entries. */
const logged = Effect.fnUntraced(function* (client: World.TestClient) {
  const inner = Layer.succeed(Downloader.Downloader, Context.get(client.services, Downloader.Downloader))
  const layer = LoggedDownloads.layer.pipe(Layer.provide([inner, DownloadConfig.layer({ minContentSize: 1 })]))
  const downloader = Context.get(yield* Layer.build(layer), Downloader.Downloader)
  const start: World.TestClient["start"] = (request) => downloader.start({ path: "/out/file", mode: "Lan", ...request })
  return { ...client, start }
})

const read = Effect.fnUntraced(function* (made: string) {
  const entries: Array<LogEntry.LogEntry> = []
  yield* LogReader.forEach({ folder: made, wanted: { level: 5 } }, (one) => Effect.sync(() => void entries.push(one)))
  const analyst = Analysis.make()
  for (const entry of entries) {
    const ended = Events.of(entry)
    if (ended !== undefined) analyst.take(ended)
  }
  return { entries, analysis: analyst.result(), connections: analyst.connections() }
})

const sum = <A>(all: ReadonlyArray<A>, of: (one: A) => number) => all.reduce((so, one) => so + of(one), 0)

describe("The log of a site", () => {
  it.effect("has the bytes of its downloads and connections, as these counted them", () =>
    Effect.gen(function* () {
      const made = yield* folder
      yield* Effect.promise(() => LogFolder.setVerbose(made, true))
      const world = yield* World.make()
      const [large, small] = [World.bytesOf(40 * 4096 + 5, 1), World.bytesOf(3 * 4096, 2)]
      yield* world.publish("/large", large)
      world.origin.put("/small", small)
      const results = yield* Effect.gen(function* () {
        const scope = yield* Scope.make()
        const found = yield* within(
          "5 minutes",
          Effect.gen(function* () {
            const get = Effect.fnUntraced(function* (path: string, bytes: Uint8Array, isBackground = false) {
              const device = yield* logged(yield* world.client())
              const priority = isBackground ? "Background" : "Foreground"
              const url = world.urlOf(path)
              return yield* expectFile(device, yield* device.start({ url, priority }), bytes)
            })
            const first = yield* get("/large", large)
            const others = yield* Effect.all([get("/large", large, true), get("/large", large)], { concurrency: 2 })
            return [first, ...others, yield* get("/small", small, true)]
          }).pipe(Scope.provide(scope))
        )
        yield* Scope.close(scope, Exit.void)
        return found
      }).pipe(Logs.kept({ program: "test", folder: made, format: "text", config: LogConfig.defaults, minimum: "None" }))

      const { analysis, connections, entries } = yield* read(made)
      const all = sum(results, ({ received }) => total(received) - received.LocalCache)
      const peers = sum(results, ({ received }) => fromPeers(received))
      assert.isAbove(peers, 0)
      assert.deepStrictEqual(analysis, {
        Files: 2,
        ForegroundFiles: 1,
        FilesOverMinSize: 2,
        FilesEligibleForPeers: 1,
        FilesWithPeersFound: 1,
        FilesWithPeerBytes: 1,
        EfficiencyPercent: Math.round((1000 * peers) / all) / 10,
        EfficiencyPercentInPeeringFiles: Math.round((1000 * peers) / (all - small.length)) / 10,
        TotalBytesDownloaded: all,
        BytesFromPeers: peers
      })

      const lan = connections.filter(({ PeerType }) => PeerType === "LAN")
      const http = connections.filter(({ PeerType }) => PeerType === "Http")
      assert.strictEqual(
        sum(http, ({ BytesReceived }) => BytesReceived),
        sum(results, ({ received }) => received.Origin)
      )
      assert.strictEqual(
        sum(http, ({ BytesReceived }) => BytesReceived),
        world.origin.sent("/large") + world.origin.sent("/small")
      )
      assert.strictEqual(
        sum(lan, ({ BytesReceived }) => BytesReceived),
        peers
      )
      // What one took another gave.
      assert.strictEqual(
        sum(lan, ({ BytesSent }) => BytesSent),
        peers
      )
      assert.isTrue(lan.every(({ Destination }) => /^10\.0\.0\.\d+:\d+$/.test(Destination)))

      const said = new Set(entries.map(({ Message }) => Message))
      for (const text of ["A swarm was joined.", "Peers were named.", "A source is there.", "A download decided."]) {
        assert.include([...said], text)
      }
      // Nothing is said of single pieces: what is said is about the downloads, which are four.
      assert.isBelow(entries.length, 200)
    }).pipe(Effect.scoped)
  )

  it.effect("says of a download that failed or was interrupted what came in until then", () =>
    Effect.gen(function* () {
      const made = yield* folder
      const world = yield* World.make()
      world.origin.put("/file", World.bytesOf(40 * 4096, 1))
      yield* Effect.gen(function* () {
        const device = yield* logged(yield* world.client({ noService: true }))
        const scope = yield* Scope.make()
        const missing = yield* Scope.provide(device.start({ url: world.urlOf("/missing") }), scope)
        yield* within("1 minute", Effect.flip(missing.result))
        world.origin.misbehave({ cutAfter: 9_000 })
        const active = yield* Scope.provide(device.start({ url: world.urlOf("/file") }), scope)
        yield* within("1 minute", Effect.ignore(Effect.timeoutOption(active.result, "200 millis")))
        const { received } = active.progress()
        yield* Scope.close(scope, Exit.void)
        assert.isAbove(received.Origin, 0)
      }).pipe(
        Effect.scoped,
        Logs.kept({ program: "test", folder: made, format: "text", config: LogConfig.defaults, minimum: "None" })
      )
      const { entries } = yield* read(made)
      const ends = entries.filter(({ Annotations }) => Annotations["event"] === "download")
      assert.deepStrictEqual(
        ends.map(({ Annotations, ErrorCode, LevelName }) => [LevelName, ErrorCode, Annotations["outcome"]]),
        [
          ["Warning", "NoSourceError.NotFound", "Failed"],
          ["Info", "", "Interrupted"]
        ]
      )
    }).pipe(Effect.scoped)
  )
})
