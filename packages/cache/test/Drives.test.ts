import { assert, describe, it } from "@effect/vitest"
import { Drives, PieceCache } from "@piecework/cache"
import type { Drive } from "@piecework/cache/Drive"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { Space } from "@piecework/host/Host"
import { Context, Effect, Layer, Option, Schedule } from "effect"
import { TestClock } from "effect/testing"
import * as fs from "node:fs"
import * as path from "node:path"
import { contentOf, type TestContent } from "./support/contents.ts"
import { canMount, tempFolder, tinyDisk } from "./support/folders.ts"
import { drivenLayer, roomy } from "./support/harness.ts"

/** What the records of a content are counted as. */
const overhead = 16 * 1024

const start = Effect.fnUntraced(function* (
  settings: ReadonlyArray<{ readonly folder: string; readonly size: number }>,
  space?: (folder: string) => Space | undefined
) {
  const context = yield* Layer.build(drivenLayer(settings, space))
  const drives = Context.get(context, Drives.Drives)
  yield* Effect.forEach(drives.all, (drive) => drive.scanned)
  return { cache: Context.get(context, PieceCache.PieceCache), drives }
})

const fill = Effect.fnUntraced(function* (cache: PieceCache.PieceCache["Service"], content: TestContent) {
  const stored = yield* cache.open(content.phf)
  yield* Effect.forEach(content.pieces, (piece) => stored.put(piece, content.piece(piece)))
}, Effect.scoped)

const contents = Array.from({ length: 8 }, (_, n) => contentOf(64 * 1024, { seed: n + 1, pieceSize: 16 * 1024 }))
const nth = (n: number): TestContent => {
  const content = contents[n]
  if (content === undefined) throw new RangeError(`no content ${n}`)
  return content
}
const larger = (n: number) => contentOf(300_000, { seed: n, pieceSize: 100_000 })
const each = 64 * 1024 + overhead

const lie = (folder: string, content: TestContent) =>
  fs.existsSync(path.join(folder, "contents", content.phf.contentId))
const indices = (cache: PieceCache.PieceCache["Service"]) =>
  Effect.map(cache.list, (listed) =>
    listed.map(({ contentId }) => contents.findIndex(({ phf }) => phf.contentId === contentId)).toSorted()
  )

/** Until it holds; fibers that work with files end when they end, whatever the clock of the test says. */
const eventually = (condition: () => boolean) =>
  Effect.suspend(() => (condition() ? Effect.void : Effect.fail("not yet"))).pipe(
    Effect.retry(Schedule.spaced("5 millis")),
    Effect.timeout("20 seconds"),
    TestClock.withLive
  )

describe("Several drives", () => {
  it.effect("take contents in turn of their room, each as a part of its size", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const large = { folder: path.join(root, "large"), size: 12 * each }
      const small = { folder: path.join(root, "small"), size: 4 * each }
      const { cache, drives } = yield* start([small, large])
      for (const content of contents) yield* fill(cache, content)
      assert.strictEqual(contents.filter((content) => lie(large.folder, content)).length, 6)
      assert.strictEqual(contents.filter((content) => lie(small.folder, content)).length, 2)
      const used = (yield* drives.spaces).map((space) => space.used)
      assert.deepStrictEqual(used, [2 * each, 6 * each])
    })
  )

  it.effect("keep a content in one place, however many open it at a time", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const settings = ["a", "b"].map((name) => ({ folder: path.join(root, name), size: 0 }))
      const { cache } = yield* start(settings)
      yield* Effect.forEach(Array.from({ length: 10 }), () => Effect.scoped(cache.open(nth(0).phf)), {
        concurrency: "unbounded"
      })
      assert.strictEqual(settings.filter(({ folder }) => lie(folder, nth(0))).length, 1)
    })
  )

  it.effect("know after a start what lies on them and how useful it is", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const settings = [{ folder: path.join(root, "a"), size: 3 * each }]
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { cache } = yield* start(settings)
          for (const n of [0, 1, 2]) {
            yield* fill(cache, nth(n))
            yield* TestClock.adjust("1 minute")
          }
          // The oldest is the most useful.
          for (let i = 0; i < 4; i++) yield* Effect.scoped(cache.open(nth(0).phf))
        })
      )
      const { cache, drives } = yield* start(settings)
      assert.isAtLeast((yield* drives.spaces)[0]?.used ?? 0, 3 * 64 * 1024)
      yield* fill(cache, nth(3))
      assert.deepStrictEqual(yield* indices(cache), [0, 2, 3])
    })
  )

  it.effect("let nothing leave that is open, and say that they are full", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const { cache } = yield* start([{ folder: path.join(root, "a"), size: 2 * each - 1 }])
      yield* fill(cache, nth(0))
      const content = nth(1)
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* cache.open(nth(0).phf)
          const stored = yield* cache.open(content.phf)
          const put = Effect.forEach(content.pieces, (piece) => stored.put(piece, content.piece(piece)))
          const error = yield* Effect.flip(put)
          assert.strictEqual(error._tag === "CacheError" ? error.code : undefined, "ENOSPC")
          assert.strictEqual(Bitfield.count(stored.held()), 3)
        })
      )
      yield* fill(cache, content)
      assert.deepStrictEqual(yield* indices(cache), [1])
    })
  )

  it.effect("refuse a content that is larger than each of them", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const { cache } = yield* start([{ folder: path.join(root, "a"), size: 60 * 1024 }])
      const error = yield* Effect.flip(Effect.scoped(cache.open(nth(0).phf)))
      assert.strictEqual(error.code, "ENOSPC")
      assert.deepStrictEqual(yield* cache.list, [])
    })
  )

  it.effect("leave a part of the disk free, also when others fill it", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      let free = 50 * each
      const space = (): Space => ({ total: 20 * each, free, device: 1 })
      const { cache, drives } = yield* start([{ folder: path.join(root, "a"), size: 0 }], space)
      assert.strictEqual((yield* drives.spaces)[0]?.size, 49 * each)
      yield* fill(cache, nth(0))
      yield* fill(cache, nth(1))
      free = each
      yield* TestClock.adjust("2 seconds")
      yield* fill(cache, nth(2))
      assert.deepStrictEqual(yield* indices(cache), [0, 1, 2].slice(1))
    })
  )

  it.effect("go on without one whose folder is gone, and with it when it is there again", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const a = { folder: path.join(root, "a"), size: 100 * each }
      const b = { folder: path.join(root, "b"), size: 10 * each }
      const { cache, drives } = yield* start([a, b])
      yield* fill(cache, nth(0))
      assert.isTrue(lie(a.folder, nth(0)))
      // A drive that was taken away, with a file in the way of making the folder anew.
      fs.renameSync(a.folder, `${a.folder}.away`)
      fs.writeFileSync(a.folder, "")
      // The first look finds out.
      assert.deepStrictEqual(yield* cache.list, [])
      const problem = (yield* drives.spaces)[0]?.problem
      assert.match(problem ?? "", /gone|ENOTDIR/)
      yield* fill(cache, nth(0))
      assert.isTrue(lie(b.folder, nth(0)))
      yield* TestClock.adjust("61 seconds")
      yield* fill(cache, nth(1))
      assert.isTrue(lie(b.folder, nth(1)))
      fs.rmSync(a.folder)
      fs.renameSync(`${a.folder}.away`, a.folder)
      yield* TestClock.adjust("61 seconds")
      yield* Effect.option(cache.load(nth(5).phf.contentId))
      yield* eventually(() => drives.all[0]?.space().problem === undefined)
      yield* fill(cache, nth(2))
      assert.isTrue(lie(a.folder, nth(2)))
      assert.deepStrictEqual(yield* indices(cache), [0, 1, 2])
    })
  )

  it.effect("take a content that another refuses only when it comes", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const a = { folder: path.join(root, "a"), size: 100 * each }
      const b = { folder: path.join(root, "b"), size: 10 * each }
      const { cache, drives } = yield* start([a, b])
      // The one that would be taken is gone, and nobody knows.
      fs.rmSync(a.folder, { recursive: true })
      fs.writeFileSync(a.folder, "")
      yield* fill(cache, nth(1))
      assert.isTrue(lie(b.folder, nth(1)))
      assert.match((yield* drives.spaces)[0]?.problem ?? "", /gone/)
    })
  )

  it.effect("say why nothing is kept when none of them can be used, and look again a minute later", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const { cache, drives } = yield* start([{ folder: path.join(root, "a"), size: 0 }])
      const [drive] = drives.all
      yield* drive?.report({ code: "EIO" }) ?? Effect.void
      assert.strictEqual((yield* drives.spaces)[0]?.problem, "its disk says EIO")
      assert.strictEqual((yield* Effect.flip(Effect.scoped(cache.open(nth(0).phf)))).code, "EIO")
      yield* TestClock.adjust("61 seconds")
      yield* Effect.exit(Effect.scoped(cache.open(nth(0).phf)))
      yield* eventually(() => drive?.space().problem === undefined)
      yield* fill(cache, nth(0))
    })
  )

  it.effect("take failures of what is no disk for none", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const { drives } = yield* start([{ folder: path.join(root, "a"), size: 0 }])
      const drive = drives.all[0] as Drive
      for (const failure of [{ code: "ENOENT" }, { code: "EMFILE" }, {}, { code: 7 }]) yield* drive.report(failure)
      assert.isUndefined(drive.space().problem)
    })
  )

  it.effect("are not written when another disk lies at the folder, as when it was unmounted", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      let device = 1
      const { cache, drives } = yield* start([{ folder: path.join(root, "a"), size: 0 }], () => ({
        ...roomy(),
        device
      }))
      device = 2
      yield* TestClock.adjust("2 seconds")
      const error = yield* Effect.flip(Effect.scoped(cache.open(nth(0).phf)))
      assert.strictEqual(error.code, "EIO")
      assert.strictEqual((yield* drives.spaces)[0]?.problem, "another disk lies at its folder")
    })
  )

  it.effect.skipIf(!canMount)("make room when the disk is full although they are not (needs root on Linux)", () =>
    Effect.gen(function* () {
      const disk = yield* tinyDisk(1024)
      const { cache, drives } = yield* start([{ folder: path.join(disk, "a"), size: 0 }], roomy)
      for (const n of [1, 2, 3, 4, 5]) {
        yield* fill(cache, larger(n))
        yield* TestClock.adjust("1 minute")
      }
      const listed = yield* cache.list
      assert.isAtLeast(listed.length, 2)
      assert.isTrue(listed.every(({ complete }) => complete))
      assert.isTrue(Option.isSome(yield* cache.load(larger(5).phf.contentId)))
      assert.isUndefined((yield* drives.spaces)[0]?.problem)
    })
  )
})
