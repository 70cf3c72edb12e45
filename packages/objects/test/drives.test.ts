/** Files on several drives, and beside contents that the service knows. */
import { assert, describe, it } from "@effect/vitest"
import * as DrivenCache from "@piecework/cache/DrivenCache"
import { Drives } from "@piecework/cache/Drives"
import { PieceCache } from "@piecework/cache/PieceCache"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import * as Phf from "@piecework/hashing/Phf"
import { Host, type Space } from "@piecework/host/Host"
import { Context, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { Objects } from "../src/Objects.ts"
import { bytesOf, factsOf, pieceSize, urlOf } from "./support/files.ts"
import { canMount, tempFolder, tinyDisk } from "./support/folders.ts"
import { roomy } from "./support/harness.ts"

const first = 0 as PieceIndex
const slack = 512 * 1024

/** What programs of a cache server have. */
const start = Effect.fnUntraced(function* (
  drives: ReadonlyArray<{ readonly folder: string; readonly size: number }>,
  space: (folder: string) => Space | undefined = roomy
) {
  const layer = Layer.mergeAll(Objects.layer, DrivenCache.layer).pipe(
    Layer.provideMerge(Drives.layer(drives)),
    Layer.provide([PieceHasher.layerMemory, Host.layerTest({ space })])
  )
  const context = yield* Layer.build(Layer.fresh(layer))
  const all = Context.get(context, Drives)
  yield* Effect.forEach(all.all, (drive) => drive.scanned)
  return { objects: Context.get(context, Objects), cache: Context.get(context, PieceCache), drives: all }
})

const keep = (objects: Objects["Service"], name: string) =>
  Effect.scoped(
    Effect.flatMap(objects.create(factsOf(name, pieceSize)), (stored) => stored.put(first, bytesOf(pieceSize, 0)))
  )

const contentBytes = bytesOf(pieceSize, 0, 99)
const content = Phf.make({
  contentSize: pieceSize,
  digests: createHash("sha256").update(contentBytes).digest()
})
const keepContent = (cache: PieceCache["Service"]) =>
  Effect.scoped(Effect.flatMap(cache.open(content), (stored) => stored.put(first, contentBytes)))

const use = (objects: Objects["Service"], name: string) => Effect.scoped(objects.find(urlOf(name)))
const namesOf = (objects: Objects["Service"]) =>
  Effect.map(objects.list, (listed) => listed.map(({ facts }) => facts.url.split("/").at(-1)).toSorted())

describe("Files on several drives", () => {
  it.effect("lie where there is most room, and are found on any", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const settings = ["a", "b"].map((name) => ({ folder: path.join(root, name), size: 100 * pieceSize }))
      const { objects } = yield* start(settings)
      for (const name of ["1", "2", "3", "4"]) yield* keep(objects, name)
      const listed = yield* objects.list
      for (const { folder } of settings) assert.strictEqual(listed.filter(({ drive }) => drive === folder).length, 2)
      const again = yield* start(settings)
      for (const name of ["1", "2", "3", "4"]) {
        const stored = Option.getOrThrow(yield* again.objects.find(urlOf(name)))
        const target = new Uint8Array(10)
        yield* stored.read(first, 0, target)
        assert.deepStrictEqual(target, bytesOf(pieceSize, 0).slice(0, 10))
      }
    })
  )

  it.effect("share each drive with contents: whichever is less useful leaves", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const { cache, objects } = yield* start([{ folder: root, size: 3 * pieceSize + slack }])
      yield* keepContent(cache)
      yield* TestClock.adjust("1 minute")
      yield* keep(objects, "a")
      yield* keep(objects, "b")
      yield* use(objects, "a")
      yield* use(objects, "b")
      // The content is the oldest, and was used no more than the others.
      yield* keep(objects, "c")
      assert.deepStrictEqual(yield* cache.list, [])
      assert.deepStrictEqual(yield* namesOf(objects), ["a", "b", "c"])
      // A file that nobody asked for again is less useful than those that somebody did.
      yield* TestClock.adjust("1 minute")
      yield* keepContent(cache)
      assert.strictEqual((yield* cache.list).length, 1)
      assert.deepStrictEqual(yield* namesOf(objects), ["a", "b"])
    })
  )

  it.effect("are known after a start by how useful they are, contents too", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const settings = [{ folder: root, size: 3 * pieceSize + slack }]
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { cache, objects } = yield* start(settings)
          yield* keepContent(cache)
          yield* keep(objects, "seldom")
          yield* keep(objects, "often")
          for (let i = 0; i < 8; i++) yield* use(objects, "often")
          for (let i = 0; i < 8; i++) yield* Effect.scoped(cache.open(content))
        })
      )
      const { cache, drives, objects } = yield* start(settings)
      assert.isAtLeast((yield* drives.spaces)[0]?.used ?? 0, 3 * pieceSize)
      assert.strictEqual((yield* objects.list).find(({ facts }) => facts.url === urlOf("often"))?.uses, 8)
      yield* keep(objects, "new")
      assert.deepStrictEqual(yield* namesOf(objects), ["new", "often"])
      assert.strictEqual((yield* cache.list).length, 1)
    })
  )

  it.effect("go on while a drive is away, and the newer of two wins when it is back", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const settings = ["a", "b"].map((name) => ({ folder: path.join(root, name), size: 100 * pieceSize }))
      const away = path.join(root, "away")
      const put = (confirmedAt: number, seed: number) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { objects } = yield* start(settings)
            const stored = yield* objects.create(factsOf("file", pieceSize, { confirmedAt }))
            yield* stored.put(first, bytesOf(pieceSize, 0, seed))
            return (yield* objects.list)[0]?.drive ?? ""
          })
        )
      const folder = yield* put(1, 1)
      fs.renameSync(folder, away)
      fs.writeFileSync(folder, "in its place")
      assert.notStrictEqual(yield* put(2, 2), folder)
      fs.rmSync(folder)
      fs.renameSync(away, folder)
      const { objects } = yield* start(settings)
      const stored = Option.getOrThrow(yield* objects.find(urlOf("file")))
      assert.strictEqual(stored.facts().confirmedAt, 2)
      const target = new Uint8Array(100)
      yield* stored.read(first, 0, target)
      assert.deepStrictEqual(target, bytesOf(pieceSize, 0, 2).slice(0, 100))
      assert.strictEqual((yield* objects.list).length, 1)
    })
  )

  it.effect("are not there while their drive is away, and are there again with it", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const drive = path.join(root, "drive")
      const { drives, objects } = yield* start([{ folder: drive, size: 0 }])
      yield* keep(objects, "file")
      yield* objects.remove(urlOf("other"))
      fs.renameSync(drive, path.join(root, "away"))
      fs.writeFileSync(drive, "in its place")
      // One that is not open: what is kept open is read as long as its disk gives it.
      assert.isTrue(Option.isNone(yield* use(objects, "other")))
      const error = yield* Effect.flip(Effect.scoped(objects.create(factsOf("new", 1))))
      assert.strictEqual(error.reason, "Failed")
      assert.match((yield* drives.spaces)[0]?.problem ?? "", /gone/)
      fs.rmSync(drive)
      fs.renameSync(path.join(root, "away"), drive)
      yield* TestClock.adjust("61 seconds")
      yield* use(objects, "file")
      yield* Effect.gen(function* () {
        while ((yield* drives.spaces)[0]?.problem !== undefined) yield* Effect.sleep("5 millis")
      }).pipe(Effect.timeout("20 seconds"), TestClock.withLive)
      assert.isTrue(Option.isSome(yield* use(objects, "file")))
      yield* keep(objects, "new")
    })
  )

  it.effect("are refused with a reason when no drive can be used", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const { drives, objects } = yield* start([{ folder: root, size: 0 }])
      yield* drives.all[0]?.report({ code: "EIO" }) ?? Effect.void
      const error = yield* Effect.flip(Effect.scoped(objects.create(factsOf("a", 1))))
      assert.strictEqual(error.reason, "Failed")
      assert.isTrue(Option.isNone(yield* objects.find(urlOf("a"))))
      assert.strictEqual((yield* objects.drives)[0]?.problem, "its disk says EIO")
    })
  )

  it.effect("go to another drive when the one that would be taken refuses", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const settings = ["a", "b"].map((name, n) => ({ folder: path.join(root, name), size: (9 - n) * pieceSize }))
      const { objects } = yield* start(settings)
      const [gone] = settings
      fs.rmSync(gone?.folder ?? "", { recursive: true })
      fs.writeFileSync(gone?.folder ?? "", "")
      yield* keep(objects, "file")
      assert.deepStrictEqual(
        (yield* objects.list).map(({ drive }) => drive),
        [settings[1]?.folder]
      )
    })
  )

  it.effect.skipIf(process.platform !== "linux")("stay open after their last reader, but not very many of them", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const { objects } = yield* start([{ folder: root, size: 0 }])
      const names = Array.from({ length: 300 }, (_, n) => `file-${n}`)
      for (const name of names) yield* Effect.scoped(objects.create(factsOf(name, 10)))
      const open = fs.readdirSync("/proc/self/fd").filter((fd) => {
        try {
          return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(root)
        } catch {
          return false
        }
      })
      assert.isAtLeast(open.length, 100)
      assert.isAtMost(open.length, 2 * 256)
      const [one, other] = yield* Effect.all([use(objects, "file-299"), use(objects, "file-299")])
      assert.strictEqual(Option.getOrThrow(one), Option.getOrThrow(other))
    })
  )

  it.effect.skipIf(!canMount)(
    "make room when the disk is full although they are not, and pass through when none can be made (needs root on Linux)",
    () =>
      Effect.gen(function* () {
        const disk = yield* tinyDisk(5 * 1024)
        const { drives, objects } = yield* start([{ folder: path.join(disk, "drive"), size: 0 }])
        for (const name of ["a", "b", "c", "d", "e", "f"]) {
          yield* keep(objects, name)
          yield* TestClock.adjust("1 minute")
        }
        const names = yield* namesOf(objects)
        assert.isAtLeast(names.length, 3)
        assert.include(names, "f")
        assert.isUndefined((yield* drives.spaces)[0]?.problem)
        const large = yield* objects.create(factsOf("large", 9 * pieceSize))
        const put = (piece: PieceIndex) => large.put(piece, bytesOf(9 * pieceSize, piece))
        const error = yield* Effect.flip(Effect.forEach(large.layout.indices(), put))
        assert.strictEqual(error.reason, "Full")
        // What it has is still read, from a drive that takes nothing now.
        const target = new Uint8Array(pieceSize)
        yield* large.read(first, 0, target)
        assert.deepStrictEqual(target, bytesOf(9 * pieceSize, 0))
        assert.strictEqual((yield* drives.spaces)[0]?.problem, "its disk is full")
        assert.isTrue(Option.isSome(yield* objects.find(urlOf("large"))))
      })
  )

  it.effect("do not wait for each other, whatever leaves for them", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const { drives, objects } = yield* start([{ folder: root, size: 6 * pieceSize + slack }])
      const names = Array.from({ length: 40 }, (_, n) => `file-${n}`)
      yield* Effect.forEach(names, (name) => keep(objects, name), { concurrency: 4 })
      const [drive] = yield* drives.spaces
      assert.isAtMost(drive?.used ?? 0, drive?.size ?? 0)
      assert.isAtLeast((yield* objects.list).length, 4)
      assert.deepStrictEqual(
        fs.readdirSync(path.join(root, "objects")).filter((name) => name.startsWith(".")),
        []
      )
    })
  )
})
