/** What a cache makes of data that somebody changes while the content is open. */
import { assert, describe, it } from "@effect/vitest"
import { CacheConfig, CacheError, PieceCache, type StoredContent } from "@piecework/cache"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Context, Effect, Layer, Logger, Result, type Scope } from "effect"
import { TestClock } from "effect/testing"
import builtinFs, * as fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import * as path from "node:path"
import { vi } from "vitest"
import { contentOf, pieceSize } from "./support/contents.ts"
import { namesIn, tempFolder } from "./support/folders.ts"
import { cacheIn } from "./support/harness.ts"

const content = contentOf(5 * pieceSize + 100)
const { phf } = content
const pieces = [...content.pieces]
const zero = 0 as PieceIndex
const one = 1 as PieceIndex
const two = 2 as PieceIndex

const piecesOf = (bitfield: Bitfield.Bitfield): ReadonlyArray<number> => [...Bitfield.pieces(bitfield)]
const allBut = (...bad: ReadonlyArray<number>) => pieces.filter((piece) => !bad.includes(piece))
const put = (stored: StoredContent.StoredContent, which: ReadonlyArray<PieceIndex> = pieces) =>
  Effect.forEach(which, (piece) => stored.put(piece, content.piece(piece)), { concurrency: 4 })

/** The pieces that can be read; fails when one of them is not what it should be. */
const served = Effect.fnUntraced(function* (stored: StoredContent.StoredContent) {
  const found: Array<number> = []
  for (const piece of pieces) {
    const expected = content.piece(piece)
    // Only the end, so that it is not for the bytes that are read that a piece is found bad.
    const target = new Uint8Array(50)
    const result = yield* Effect.result(stored.read(piece, expected.length - 50, target))
    if (Result.isFailure(result)) {
      assert.instanceOf(result.failure, CacheError.NotHeld)
    } else {
      assert.deepStrictEqual(target, expected.slice(-50))
      found.push(piece)
    }
  }
  return found
})

/** Waits until a change of the file would get another time than the file has. */
const untilTick = (file: string) => {
  const { ctimeNs } = fs.statSync(file, { bigint: true })
  const probe = `${file}.tick`
  do fs.writeFileSync(probe, "")
  while (fs.statSync(probe, { bigint: true }).ctimeNs <= ctimeNs)
  fs.rmSync(probe)
}

/** Somebody else changes a byte in place; no piece has a zero in it. */
const scribble = (file: string, position: number) => {
  untilTick(file)
  const fd = fs.openSync(file, "r+")
  fs.writeSync(fd, Uint8Array.of(0), 0, 1, position)
  fs.closeSync(fd)
}

/** The same, and the second passes for which the cache does not look. */
const spoil = (file: string, position: number) =>
  Effect.andThen(
    Effect.sync(() => scribble(file, position)),
    TestClock.adjust("1 second")
  )

/** A cache in a folder of its own with all of the content, and what it hashed in files. */
const filled = Effect.gen(function* () {
  const folder = yield* tempFolder
  const directory = path.join(folder, "cache")
  const hashed: Array<number> = []
  const counting = Layer.effect(
    PieceHasher,
    Effect.map(PieceHasher, (hasher) =>
      PieceHasher.of({
        ...hasher,
        digestAt: (options) => {
          hashed.push(options.position / pieceSize)
          return hasher.digestAt(options)
        }
      })
    )
  ).pipe(Layer.provide(PieceHasher.layerMemory))
  const layer = PieceCache.PieceCache.layer.pipe(Layer.provide([CacheConfig.layer({ directory }), counting]))
  const cache = Context.get(yield* Layer.build(Layer.fresh(layer)), PieceCache.PieceCache)
  const stored = yield* cache.open(phf)
  yield* put(stored)
  const file = (name: string) => path.join(directory, phf.contentId, name)
  return { folder, directory, stored, hashed, data: file("data"), held: file("held") }
})

const live = <A, E>(name: string, body: Effect.Effect<A, E, Scope.Scope>) => it.effect(name, () => Effect.scoped(body))

describe("A piece that somebody spoiled while the content is open", () => {
  live(
    "through a linked export is served no more, while the others are",
    Effect.gen(function* () {
      const { folder, stored, held } = yield* filled
      const linked = path.join(folder, "linked")
      yield* stored.export(linked, { link: true })
      assert.deepStrictEqual(yield* served(stored), pieces)
      yield* spoil(linked, 3 * pieceSize + 17)
      assert.deepStrictEqual(yield* served(stored), allBut(3))
      assert.deepStrictEqual(piecesOf(stored.held()), allBut(3))
      assert.deepStrictEqual(piecesOf(stored.verified()), allBut(3))
      assert.strictEqual(fs.readFileSync(held)[3], 0)
      // It comes again, and the file of the user stays what the user made of it.
      const mine = fs.readFileSync(linked)
      yield* put(stored)
      assert.deepStrictEqual(yield* served(stored), pieces)
      assert.isTrue(fs.readFileSync(linked).equals(mine))
    })
  )

  live(
    "in the cache's own file is served no more, whatever time the file was given afterwards",
    Effect.gen(function* () {
      const { stored, data } = yield* filled
      const { atime, mtime } = fs.statSync(data)
      scribble(data, 0)
      fs.utimesSync(data, atime, mtime)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* served(stored), allBut(0))
      yield* spoil(data, pieceSize)
      assert.deepStrictEqual(yield* served(stored), allBut(0, 1))
    })
  )

  live(
    "between two of our writes, or before a link to the file, is not taken for our doing",
    Effect.gen(function* () {
      const { folder, stored, data } = yield* filled
      yield* spoil(data, 4 * pieceSize)
      yield* served(stored)
      // The cache looks at the file no more within this second.
      scribble(data, pieceSize)
      untilTick(data)
      yield* put(stored, [4 as PieceIndex])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* served(stored), allBut(1))
      yield* put(stored)
      scribble(data, 2 * pieceSize)
      const failed = yield* Effect.flip(stored.export(path.join(folder, "linked"), { link: true }))
      assert.strictEqual(failed.reason, "Incomplete")
      assert.deepStrictEqual(yield* served(stored), allBut(2))
    })
  )

  live(
    "is put again by who has it, and told of once",
    Effect.gen(function* () {
      const lines: Array<unknown> = []
      const logger = Logger.make(({ message }) => void lines.push(message))
      yield* Effect.gen(function* () {
        const { stored, data } = yield* filled
        yield* spoil(data, 0)
        yield* spoil(data, pieceSize)
        yield* put(stored, [zero])
        assert.deepStrictEqual(yield* served(stored), allBut(1))
        yield* put(stored, [one])
        assert.deepStrictEqual(yield* served(stored), pieces)
        assert.isTrue(fs.readFileSync(data).equals(content.bytes))
      }).pipe(Effect.provide(Logger.layer([logger])))
      assert.strictEqual(lines.length, 1)
      assert.include(String(lines[0]), "somebody changed the file")
    })
  )

  live(
    "is found by a check of what is held, and is not exported",
    Effect.gen(function* () {
      const { folder, stored, data } = yield* filled
      scribble(data, pieceSize)
      const before = namesIn(folder)
      for (const link of [true, false]) {
        const failed = yield* Effect.flip(stored.export(path.join(folder, "file"), { link }))
        assert.strictEqual(failed.reason, "Incomplete")
      }
      assert.deepStrictEqual(namesIn(folder), before)
      scribble(data, 2 * pieceSize)
      assert.deepStrictEqual(piecesOf(yield* stored.verifyHeld), allBut(1, 2))
    })
  )

  live(
    "by cutting the file short is served no more, and comes back at its place",
    Effect.gen(function* () {
      const { folder, stored, data } = yield* filled
      fs.truncateSync(data, 2 * pieceSize)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* served(stored), [0, 1])
      yield* put(stored)
      yield* stored.export(path.join(folder, "file"))
      assert.isTrue(fs.readFileSync(path.join(folder, "file")).equals(content.bytes))
    })
  )
})

describe("A file that changed without harm", () => {
  live(
    "costs its pieces a hash each, and may be exported",
    Effect.gen(function* () {
      const { folder, stored, hashed, data } = yield* filled
      fs.utimesSync(data, 1, 1)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* served(stored), pieces)
      assert.deepStrictEqual(yield* served(stored), pieces)
      assert.deepStrictEqual(hashed, pieces)
      untilTick(data)
      fs.utimesSync(data, 2, 2)
      yield* stored.export(path.join(folder, "file"))
      assert.isTrue(Bitfield.isFull(stored.verified()))
    })
  )

  live(
    "by the hand of another cache on the folder goes on being served by both",
    Effect.gen(function* () {
      const directory = path.join(yield* tempFolder, "cache")
      const [mine, theirs] = yield* Effect.all([
        Effect.flatMap(cacheIn(directory), (cache) => cache.open(phf)),
        Effect.flatMap(cacheIn(directory), (cache) => cache.open(phf))
      ])
      for (const piece of pieces) {
        yield* mine.put(piece, content.piece(piece))
        yield* theirs.put(piece, content.piece(piece))
        yield* TestClock.adjust("1 second")
        const target = new Uint8Array(10)
        for (const stored of [mine, theirs]) yield* stored.read(zero, 0, target)
        assert.deepStrictEqual(target, content.bytes.slice(0, 10))
      }
      for (const stored of [mine, theirs]) assert.deepStrictEqual(yield* served(stored), pieces)
    })
  )

  live(
    "by our own puts and exports costs nothing",
    Effect.gen(function* () {
      const { folder, stored, hashed } = yield* filled
      for (const link of [true, false]) {
        yield* stored.export(path.join(folder, `link ${link}`), { link })
        yield* TestClock.adjust("1 second")
        yield* served(stored)
        yield* put(stored)
        yield* TestClock.adjust("1 second")
        yield* served(stored)
      }
      assert.deepStrictEqual(hashed, [])
    })
  )
})

describe("A belief", () => {
  live(
    "is not for ever, as a disk rots without telling",
    Effect.gen(function* () {
      const { folder, stored, hashed } = yield* filled
      yield* TestClock.adjust("9 minutes")
      yield* served(stored)
      assert.deepStrictEqual(hashed, [])
      yield* TestClock.adjust("1 minute")
      const target = new Uint8Array(10)
      yield* Effect.all([stored.read(two, 0, target), stored.read(two, 10, target)], { concurrency: 2 })
      assert.deepStrictEqual(hashed, [2])
      yield* stored.read(two, 0, target)
      assert.deepStrictEqual(hashed, [2])
      yield* stored.export(path.join(folder, "file"))
      assert.deepStrictEqual(hashed, [2])
    })
  )

  live(
    "costs who uploads one look at the file a second",
    Effect.gen(function* () {
      const { stored } = yield* filled
      const stat = yield* Effect.acquireRelease(
        Effect.sync(() => {
          const spy = vi.spyOn(builtinFs, "fstatSync")
          syncBuiltinESMExports()
          return spy
        }),
        (spy) =>
          Effect.sync(() => {
            spy.mockRestore()
            syncBuiltinESMExports()
          })
      )
      for (const seconds of [1, 2, 3]) {
        yield* TestClock.adjust("1 second")
        for (let round = 0; round < 10; round++) yield* served(stored)
        assert.strictEqual(stat.mock.calls.length, seconds)
      }
    })
  )
})

describe("A file that is somebody else's", () => {
  live(
    "because another cache put its own in its place is not written to",
    Effect.gen(function* () {
      const { folder, directory, stored } = yield* filled
      const linked = path.join(folder, "linked")
      yield* stored.export(linked, { link: true })
      yield* spoil(linked, pieceSize)
      const mine = fs.readFileSync(linked)
      const other = yield* (yield* cacheIn(directory)).open(phf)
      assert.deepStrictEqual(piecesOf(yield* other.verifyHeld), allBut(1))
      yield* put(other)
      // Now the user's name is the only one that our file has.
      assert.strictEqual(fs.statSync(linked).nlink, 1)
      assert.deepStrictEqual(yield* served(stored), allBut(1))
      yield* put(stored)
      assert.deepStrictEqual(yield* served(stored), pieces)
      assert.isTrue(fs.readFileSync(linked).equals(mine))
    })
  )

  live(
    "because its name in the cache is gone is not written to",
    Effect.gen(function* () {
      const { folder, stored, data } = yield* filled
      const linked = path.join(folder, "linked")
      yield* stored.export(linked, { link: true })
      fs.rmSync(data)
      yield* spoil(linked, pieceSize)
      const mine = fs.readFileSync(linked)
      assert.deepStrictEqual(yield* served(stored), allBut(1))
      yield* put(stored)
      assert.isTrue(fs.readFileSync(linked).equals(mine))
      assert.deepStrictEqual(yield* served(stored), pieces)
      assert.isTrue(fs.readFileSync(data).equals(content.bytes))
    })
  )
})
