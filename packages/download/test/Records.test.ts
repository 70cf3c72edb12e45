import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, layer } from "@effect/vitest"
import { ContentUrl } from "@piecework/domain"
import { ContentId } from "@piecework/domain/Content"
import { noBytes } from "@piecework/domain/SourceKind"
import { DownloadError, Records } from "@piecework/download"
import { Effect, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import * as Noting from "../src/Noting.ts"
import * as Passed from "../src/Passed.ts"

const record = (sent = 0) =>
  new Records.DownloadRecord({
    contentId: ContentId.make(`DO-${"a".repeat(43)}`),
    url: Result.getOrThrow(ContentUrl.parse("http://h/file")),
    path: "/out/file",
    fileBytes: 100,
    mode: "Lan",
    why: new DownloadError.Fallback({ reason: "Requested" }),
    bytes: { ...noBytes, Origin: 100 },
    wasted: 0,
    sent,
    durationMillis: 5,
    completedAt: 1_000
  })

const sent = (bytes: number): Passed.Passed => ({ ...Passed.none, sentTo: { ...Passed.none.sentTo, Lan: bytes } })

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "piecework-records-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

const onDisk = Layer.unwrap(Effect.map(folder, (path) => Records.Records.layer(join(path, "records")))).pipe(
  Layer.provide(NodeServices.layer)
)

for (const [name, live] of [
  ["in memory", Records.Records.layerMemory],
  ["on disk", onDisk]
] as const) {
  layer(live, { excludeTestServices: true })(`records ${name}`, (it) => {
    it.effect("give back what was put, the newest in the place of the older, and add up what was sent", () =>
      Effect.gen(function* () {
        const records = yield* Records.Records
        assert.deepStrictEqual((yield* records.list).records, [])
        yield* records.put(record())
        yield* records.put(record(7))
        assert.deepStrictEqual((yield* records.list).records, [record(7)])
        assert.isTrue(yield* records.add(record().contentId, sent(5)))
        assert.strictEqual((yield* records.list).records[0]?.sent, 12)
        yield* records.put(record(1))
        assert.strictEqual((yield* records.list).records[0]?.sent, 13)
        assert.isFalse(yield* records.add(ContentId.make(`DO-${"b".repeat(43)}`), sent(5)))
        yield* records.remove(record().contentId)
        yield* records.remove(record().contentId)
        assert.deepStrictEqual((yield* records.list).records, [])
      })
    )

    it.effect("keep where the bytes came from when the file was in the cache the next time", () =>
      Effect.gen(function* () {
        const records = yield* Records.Records
        yield* records.put(record(3))
        const again = {
          ...record(),
          bytes: { ...noBytes, LocalCache: 100 },
          mode: "HttpOnly",
          completedAt: 2_000
        } as const
        yield* records.put(new Records.DownloadRecord(again))
        const [kept] = (yield* records.list).records
        assert.deepStrictEqual([kept?.bytes.Origin, kept?.mode, kept?.sent], [100, "Lan", 3])
        assert.strictEqual(kept?.completedAt, 2_000)
      })
    )
  })
}

layer(Records.Records.layerMemory)("what was sent", (it) => {
  it.effect("is noted down within seconds", () =>
    Effect.gen(function* () {
      const records = yield* Records.Records
      yield* records.put(record())
      let bytes = 0
      const add = (more: Passed.Passed) => records.add(record().contentId, more)
      yield* Noting.keepUp(yield* Noting.make({ passed: () => sent(bytes), add }))
      yield* TestClock.adjust("1 second")
      bytes = 42
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* records.list).records[0]?.sent, 42)
    })
  )
})

describe("records on disk", () => {
  layer(NodeServices.layer, { excludeTestServices: true })("that are damaged", (it) => {
    it.effect("are left out and counted, and leave no drafts", () =>
      Effect.gen(function* () {
        const path = yield* folder
        yield* Effect.gen(function* () {
          const records = yield* Records.Records
          yield* records.put(record())
          yield* Effect.promise(() => writeFile(join(path, "torn.json"), '{"contentId":"DO-'))
          yield* Effect.promise(() => writeFile(join(path, "huge.json"), "x".repeat(100_000)))
          const listing = yield* records.list
          assert.strictEqual(listing.damaged, 2)
          assert.lengthOf(listing.records, 1)
          assert.lengthOf(yield* Effect.promise(() => readdir(path)), 3)
        }).pipe(Effect.provide(Records.Records.layer(path)))
      })
    )
  })
})
