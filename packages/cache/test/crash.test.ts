/** What a cache on disk makes of files that a kill, a power cut, a bad disk or a stranger left behind. */
import { assert, describe, it } from "@effect/vitest"
import { CacheError } from "@piecework/cache"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import * as Phf from "@piecework/hashing/Phf"
import { Effect, Fiber, Option } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { contentOf, pieceSize, small, type TestContent } from "./support/contents.ts"
import { namesIn, tempFolder } from "./support/folders.ts"
import { cacheIn } from "./support/harness.ts"
import { killedAfter } from "./support/killed.ts"

const content = contentOf(20 * pieceSize + 1)
const { phf, pieces } = content
const id = phf.contentId

const piecesOf = (bitfield: Bitfield.Bitfield): ReadonlyArray<number> => [...Bitfield.pieces(bitfield)]
const allBut = (...bad: ReadonlyArray<number>) => pieces.filter((piece) => !bad.includes(piece))

/** A cache folder that holds all of the content, closed; `in` gives the path of a file in the content's folder. */
const filled = (what: TestContent = content) =>
  Effect.gen(function* () {
    const directory = path.join(yield* tempFolder, "cache")
    yield* Effect.scoped(
      Effect.gen(function* () {
        const stored = yield* (yield* cacheIn(directory)).open(what.phf)
        yield* Effect.forEach(what.pieces, (piece) => stored.put(piece, what.piece(piece)))
      })
    )
    return { directory, file: (name: string) => path.join(directory, what.phf.contentId, name) }
  })

const spoil = (file: string, position: number) => {
  const fd = fs.openSync(file, "r+")
  const byte = new Uint8Array(1)
  fs.readSync(fd, byte, 0, 1, position)
  fs.writeSync(fd, Uint8Array.of(255 - (byte[0] ?? 0)), 0, 1, position)
  fs.closeSync(fd)
}

const reopened = (directory: string) => Effect.flatMap(cacheIn(directory), (cache) => cache.open(phf))

describe("A cache folder", () => {
  it.live("has for each content the PHF's exact bytes, the data and a byte a piece", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, file } = yield* filled()
        assert.deepStrictEqual(namesIn(directory), [id])
        assert.deepStrictEqual(namesIn(path.join(directory, id)), ["data", "held", "phf"])
        assert.deepStrictEqual(new Uint8Array(fs.readFileSync(file("phf"))), Phf.encode(phf))
        assert.deepStrictEqual(new Uint8Array(fs.readFileSync(file("data"))), content.bytes)
        assert.deepStrictEqual(
          [...fs.readFileSync(file("held"))],
          pieces.map(() => 1)
        )
      })
    )
  )

  it.live.skipIf(process.platform === "win32")("keeps other users out", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, file } = yield* filled()
        for (const folder of [directory, path.dirname(file("data"))]) {
          assert.strictEqual(fs.statSync(folder).mode & 0o777, 0o700)
        }
      })
    )
  )
})

describe("A record that claims too much", () => {
  it.live("loses exactly the pieces whose data is wrong", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, file } = yield* filled()
        spoil(file("data"), 3 * pieceSize + 17)
        spoil(file("data"), 20 * pieceSize)
        const stored = yield* reopened(directory)
        assert.deepStrictEqual(piecesOf(stored.held()), pieces)
        assert.deepStrictEqual(piecesOf(yield* stored.verifyHeld), allBut(3, 20))
        assert.deepStrictEqual(piecesOf(stored.held()), allBut(3, 20))
        assert.deepStrictEqual(
          [...fs.readFileSync(file("held"))],
          pieces.map((piece) => (piece === 3 || piece === 20 ? 0 : 1))
        )
        yield* stored.put(3 as PieceIndex, content.piece(3))
        yield* stored.put(20 as PieceIndex, content.piece(20))
        yield* stored.export(path.join(directory, "..", "file"))
        assert.deepStrictEqual(new Uint8Array(fs.readFileSync(path.join(directory, "..", "file"))), content.bytes)
      })
    )
  )

  it.live("gives no wrong byte to the first who reads", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, file } = yield* filled()
        spoil(file("data"), 5 * pieceSize)
        const stored = yield* reopened(directory)
        const target = new Uint8Array(1)
        // The byte asked for is right; another of the piece is not.
        const error = yield* Effect.flip(stored.read(5 as PieceIndex, 100, target))
        assert.instanceOf(error, CacheError.NotHeld)
        assert.deepStrictEqual(piecesOf(stored.held()), allBut(5))
        assert.strictEqual(fs.readFileSync(file("held"))[5], 0)
      })
    )
  )

  it.live("was written before its data: then the piece is simply not there", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const directory = path.join(yield* tempFolder, "cache")
        yield* Effect.scoped(reopened(directory))
        fs.writeFileSync(path.join(directory, id, "held"), new Uint8Array(pieces.length).fill(1))
        const stored = yield* reopened(directory)
        assert.strictEqual(Bitfield.count(yield* stored.verifyHeld), 0)
        assert.strictEqual(Bitfield.count(stored.held()), 0)
      })
    )
  )

  it.live("claims nothing by other bytes than 1, and nothing past the last piece", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, file } = yield* filled()
        fs.writeFileSync(
          file("held"),
          Uint8Array.from({ length: 5000 }, (_, n) => (n === 4 ? 1 : n + 2))
        )
        const stored = yield* reopened(directory)
        assert.deepStrictEqual(piecesOf(stored.held()), [4])
        assert.strictEqual(fs.statSync(file("held")).size, pieces.length)
      })
    )
  )

  it.live("may be cut short: the rest is not claimed", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, file } = yield* filled()
        fs.truncateSync(file("held"), 7)
        const stored = yield* reopened(directory)
        assert.deepStrictEqual(piecesOf(yield* stored.verifyHeld), [0, 1, 2, 3, 4, 5, 6])
        yield* stored.put(20 as PieceIndex, content.piece(20))
        assert.strictEqual(fs.readFileSync(file("held"))[20], 1)
      })
    )
  )
})

describe("Data of the wrong length", () => {
  it.live("that is too short loses the pieces that are gone", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, file } = yield* filled()
        fs.truncateSync(file("data"), 6 * pieceSize + 10)
        const stored = yield* reopened(directory)
        assert.deepStrictEqual(piecesOf(yield* stored.verifyHeld), [0, 1, 2, 3, 4, 5])
        assert.strictEqual(fs.statSync(file("data")).size, content.bytes.length)
      })
    )
  )

  it.live("that is missing loses all pieces", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, file } = yield* filled()
        fs.rmSync(file("data"))
        assert.strictEqual(Bitfield.count(yield* (yield* reopened(directory)).verifyHeld), 0)
      })
    )
  )

  it.live("that is too long loses what is too much", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, file } = yield* filled()
        fs.appendFileSync(file("data"), "more")
        const stored = yield* reopened(directory)
        assert.isTrue(Bitfield.isFull(yield* stored.verifyHeld))
        yield* stored.export(path.join(directory, "..", "file"))
        assert.deepStrictEqual(new Uint8Array(fs.readFileSync(path.join(directory, "..", "file"))), content.bytes)
      })
    )
  )

  it.live("that shrinks while the content is open loses a piece when it is read", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, file } = yield* filled()
        const stored = yield* reopened(directory)
        yield* stored.verifyHeld
        fs.truncateSync(file("data"), 6 * pieceSize)
        const error = yield* Effect.flip(stored.read(6 as PieceIndex, 0, new Uint8Array(1)))
        assert.instanceOf(error, CacheError.NotHeld)
        assert.isFalse(Bitfield.has(stored.held(), 6))
        assert.isFalse(Bitfield.has(stored.verified(), 6))
        const failed = yield* Effect.flip(stored.export(path.join(directory, "..", "file")))
        assert.strictEqual(failed.reason, "Incomplete")
      })
    )
  )

  it.live("that shrinks while the content is open fails the export, which leaves nothing", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, file } = yield* filled()
        const stored = yield* reopened(directory)
        yield* stored.verifyHeld
        fs.truncateSync(file("data"), 6 * pieceSize)
        const before = namesIn(path.dirname(directory))
        for (const link of [true, false]) {
          const failed = yield* Effect.flip(stored.export(path.join(directory, "..", "file"), { link }))
          assert.strictEqual(failed.reason, "Incomplete")
        }
        assert.deepStrictEqual(namesIn(path.dirname(directory)), before)
      })
    )
  )
})

describe("A PHF file", () => {
  const exact = Phf.encode(phf)
  const other = Phf.encode(small.phf)
  for (const [what, bytes] of [
    ["is torn", exact.subarray(0, 500)],
    ["is empty", new Uint8Array(0)],
    ["belongs to another content", other],
    ["has a changed byte", Uint8Array.from(exact, (byte, n) => (n === 300 ? byte ^ 1 : byte))]
  ] as const) {
    it.live(`that ${what} counts as none, and is mended when the content is opened`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { directory, file } = yield* filled()
          fs.writeFileSync(file("phf"), bytes)
          const cache = yield* cacheIn(directory)
          assert.isTrue(Option.isNone(yield* cache.load(id)))
          assert.deepStrictEqual(yield* cache.list, [])
          assert.deepStrictEqual(yield* cache.foreign, [{ name: id, reason: "DamagedPhf" }])
          const stored = yield* cache.open(phf)
          assert.isTrue(Bitfield.isFull(yield* stored.verifyHeld))
          assert.deepStrictEqual(new Uint8Array(fs.readFileSync(file("phf"))), exact)
          assert.strictEqual((yield* cache.list).length, 1)
        })
      )
    )
  }

  it.live("that is larger than any may be is not read", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, file } = yield* filled()
        fs.truncateSync(file("phf"), 2 ** 40)
        const cache = yield* cacheIn(directory)
        assert.isTrue(Option.isNone(yield* cache.load(id)))
        yield* cache.open(phf)
        assert.strictEqual(fs.statSync(file("phf")).size, exact.length)
      })
    )
  )
})

describe("What is no content of the cache", () => {
  it.live("is told of and left alone", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory } = yield* filled()
        const stray = contentOf(5).phf.contentId
        const hollow = contentOf(6).phf.contentId
        fs.mkdirSync(path.join(directory, "holiday pictures"))
        fs.mkdirSync(path.join(directory, "simple"))
        fs.mkdirSync(path.join(directory, hollow))
        fs.writeFileSync(path.join(directory, stray), "no folder")
        fs.writeFileSync(path.join(directory, "notes.txt"), "")
        const cache = yield* cacheIn(directory)
        assert.deepStrictEqual(
          (yield* cache.list).map(({ contentId }) => contentId),
          [id]
        )
        const foreign = (yield* cache.foreign).toSorted((a, b) => a.reason.localeCompare(b.reason))
        assert.deepStrictEqual(foreign.slice(0, 1), [{ name: hollow, reason: "DamagedPhf" }])
        assert.sameDeepMembers(foreign.slice(1), [
          { name: "holiday pictures", reason: "NotAContent" },
          { name: "notes.txt", reason: "NotAContent" },
          { name: stray, reason: "NotAFolder" }
        ])
        assert.strictEqual((yield* Effect.flip(cache.open(contentOf(5).phf))).code, "ENOTDIR")
        assert.strictEqual(namesIn(directory).length, 6)
      })
    )
  )
})

describe("Two caches on one folder", () => {
  it.live("fill a content together", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const directory = path.join(yield* tempFolder, "cache")
        const [one, other] = [yield* reopened(directory), yield* reopened(directory)]
        assert.notStrictEqual(one, other)
        const all = (stored: typeof one, order: ReadonlyArray<PieceIndex>) =>
          Effect.forEach(order, (piece) => stored.put(piece, content.piece(piece)), { concurrency: 4 })
        yield* Effect.all([all(one, pieces), all(other, pieces.toReversed())], { concurrency: 2 })
        yield* Effect.all(
          [one.export(path.join(directory, "..", "one")), other.export(path.join(directory, "..", "other"))],
          { concurrency: 2 }
        )
        for (const name of ["one", "other"]) {
          assert.deepStrictEqual(new Uint8Array(fs.readFileSync(path.join(directory, "..", name))), content.bytes)
        }
        assert.isTrue(Bitfield.isFull(yield* (yield* reopened(directory)).verifyHeld))
      })
    )
  )

  it.live("that each hold a half make a whole for the third", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const directory = path.join(yield* tempFolder, "cache")
        const halves = [yield* reopened(directory), yield* reopened(directory)]
        yield* Effect.forEach(pieces, (piece) => halves[piece % 2]?.put(piece, content.piece(piece)) ?? Effect.void, {
          concurrency: 6
        })
        assert.isTrue(Bitfield.isFull(yield* (yield* reopened(directory)).verifyHeld))
      })
    )
  )

  it.live("stay right while one finds pieces bad that the other is mending", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, file } = yield* filled()
        for (const piece of pieces) spoil(file("data"), piece * pieceSize)
        const [finder, mender] = [yield* reopened(directory), yield* reopened(directory)]
        const mending = yield* Effect.forkChild(
          Effect.forEach(pieces.toReversed(), (piece) => mender.put(piece, content.piece(piece)))
        )
        yield* finder.verifyHeld
        yield* Fiber.join(mending)
        assert.isTrue(Bitfield.isFull(mender.verified()))
        const target = new Uint8Array(1)
        for (const piece of piecesOf(finder.verified())) {
          yield* finder.read(piece as PieceIndex, 0, target)
          assert.strictEqual(target[0], content.piece(piece)[0])
        }
      })
    )
  )

  it.live("survive that one of them removes what the other has open", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory } = yield* filled()
        const stored = yield* reopened(directory)
        yield* stored.verifyHeld
        const stranger = yield* cacheIn(directory)
        yield* stranger.remove(id)
        yield* stranger.open(phf)
        for (const [name, link] of [
          ["copy", false],
          ["link", true]
        ] as const) {
          const file = path.join(directory, "..", name)
          yield* stored.export(file, { link })
          assert.deepStrictEqual(new Uint8Array(fs.readFileSync(file)), content.bytes)
        }
      })
    )
  )
})

describe("A process that is killed", () => {
  it.live("leaves a cache in which every piece it had announced is there", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const directory = path.join(yield* tempFolder, "cache")
        const announced = yield* killedAfter("putter.ts", [directory], 40)
        assert.isAtLeast(announced.length, 40)
        const large = contentOf(2000 * pieceSize)
        const stored = yield* (yield* cacheIn(directory)).open(large.phf)
        const claimed = piecesOf(stored.held())
        assert.includeMembers([...claimed], announced.map(Number))
        assert.deepStrictEqual(piecesOf(yield* stored.verifyHeld), claimed)
        assert.isBelow(claimed.length, 2000)
      })
    )
  )
})
