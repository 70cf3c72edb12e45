import { assert, describe, it } from "@effect/vitest"
import { CacheError, PieceCache } from "@piecework/cache"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { PieceMismatch } from "@piecework/hashing/PieceHasher"
import { Cause, Effect, Exit, Option, type Scope } from "effect"
import { contentOf, pieceSize, small, type TestContent } from "./support/contents.ts"
import { harnesses, Outside } from "./support/harness.ts"

const first = 0 as PieceIndex
const second = 1 as PieceIndex
const last = 2 as PieceIndex

const open = (content: TestContent) => PieceCache.PieceCache.use((cache) => cache.open(content.phf))

const fill = Effect.fnUntraced(function* (content: TestContent) {
  const stored = yield* open(content)
  yield* Effect.forEach(content.pieces, (piece) => stored.put(piece, content.piece(piece)), { concurrency: 8 })
  return stored
})

const piecesOf = (bitfield: Bitfield.Bitfield): ReadonlyArray<number> => [...Bitfield.pieces(bitfield)]

for (const [name, layer] of harnesses) {
  const test = <A, E>(
    sentence: string,
    body: () => Effect.Effect<A, E, PieceCache.PieceCache | Outside | Scope.Scope>
  ) => it.live(sentence, () => Effect.provide(Effect.scoped(body()), layer))

  describe(`PieceCache ${name}`, () => {
    test("gives back any part of a piece that was put", () =>
      Effect.gen(function* () {
        const stored = yield* open(small)
        yield* stored.put(second, small.piece(1))
        const target = new Uint8Array(50)
        yield* stored.read(second, 1000, target)
        assert.deepStrictEqual(target, small.piece(1).slice(1000, 1050))
        yield* stored.read(second, pieceSize - 50, target)
        assert.deepStrictEqual(target, small.piece(1).slice(-50))
        assert.deepStrictEqual(piecesOf(stored.held()), [1])
        assert.deepStrictEqual(piecesOf(stored.verified()), [1])
      }))

    test("takes no more of a buffer than the piece is long", () =>
      Effect.gen(function* () {
        const stored = yield* open(small)
        const buffer = new Uint8Array(pieceSize).fill(7)
        buffer.set(small.piece(2))
        yield* stored.put(last, buffer)
        const target = new Uint8Array(100)
        yield* stored.read(last, 0, target)
        assert.deepStrictEqual(target, small.piece(2).slice())
      }))

    test("keeps what was put when the buffer is used again", () =>
      Effect.gen(function* () {
        const stored = yield* open(small)
        const buffer = small.piece(0).slice()
        yield* stored.put(first, buffer)
        buffer.fill(0)
        const target = new Uint8Array(pieceSize)
        yield* stored.read(first, 0, target)
        assert.deepStrictEqual(target, small.piece(0).slice())
      }))

    test("refuses bytes that are not the piece, too few of them too, and holds nothing of them", () =>
      Effect.gen(function* () {
        const stored = yield* open(small)
        const wrong = small.piece(0).slice()
        wrong[17] = 255 - (wrong[17] ?? 0)
        const mismatch = yield* Effect.flip(stored.put(first, wrong))
        assert.instanceOf(mismatch, PieceMismatch)
        assert.instanceOf(yield* Effect.flip(stored.put(first, small.piece(0).subarray(1))), PieceMismatch)
        assert.instanceOf(yield* Effect.flip(stored.read(first, 0, new Uint8Array(1))), CacheError.NotHeld)
        assert.strictEqual(Bitfield.count(stored.held()), 0)
      }))

    test("changes nothing when a piece is put again, and tells of bad bytes even then", () =>
      Effect.gen(function* () {
        const stored = yield* open(small)
        yield* stored.put(first, small.piece(0))
        yield* stored.put(first, small.piece(0))
        const mismatch = yield* Effect.flip(stored.put(first, new Uint8Array(pieceSize)))
        assert.instanceOf(mismatch, PieceMismatch)
        const target = new Uint8Array(pieceSize)
        yield* stored.read(first, 0, target)
        assert.deepStrictEqual(target, small.piece(0).slice())
      }))

    test("gives bitfields that do not change under whoever has them", () =>
      Effect.gen(function* () {
        const stored = yield* open(small)
        const before = stored.held()
        yield* stored.put(first, small.piece(0))
        assert.strictEqual(Bitfield.count(before), 0)
        assert.strictEqual(stored.held(), stored.held())
      }))

    test("gives everybody who opens a content the same one", () =>
      Effect.gen(function* () {
        const one = yield* open(small)
        const other = yield* open(small)
        assert.strictEqual(one, other)
        assert.notStrictEqual(one, yield* open(contentOf(100, { seed: 2 })))
      }))

    test("stays open until the last of those who opened it has closed it", () =>
      Effect.gen(function* () {
        const stored = yield* open(small)
        yield* Effect.scoped(open(small))
        yield* stored.put(first, small.piece(0))
        yield* stored.read(first, 0, new Uint8Array(1))
      }))

    test("claims after opening again what was put before, and verifies it on request", () =>
      Effect.gen(function* () {
        yield* Effect.scoped(Effect.flatMap(open(small), (stored) => stored.put(second, small.piece(1))))
        const stored = yield* open(small)
        assert.deepStrictEqual(piecesOf(stored.held()), [1])
        assert.deepStrictEqual(piecesOf(stored.verified()), [])
        assert.deepStrictEqual(piecesOf(yield* stored.verifyHeld), [1])
        assert.deepStrictEqual(piecesOf(stored.verified()), [1])
      }))

    test("verifies a claimed piece when it is first read", () =>
      Effect.gen(function* () {
        yield* Effect.scoped(fill(small))
        const stored = yield* open(small)
        const targets = [new Uint8Array(10), new Uint8Array(10), new Uint8Array(10)]
        yield* Effect.forEach(targets, (target) => stored.read(second, 5, target), { concurrency: 3 })
        for (const target of targets) assert.deepStrictEqual(target, small.piece(1).slice(5, 15))
        assert.deepStrictEqual(piecesOf(stored.verified()), [1])
      }))

    test("dies of a piece or a span that the content does not have", () =>
      Effect.gen(function* () {
        const stored = yield* fill(small)
        const beyond = 3 as PieceIndex
        const bugs: ReadonlyArray<Effect.Effect<void, unknown>> = [
          stored.put(beyond, new Uint8Array(pieceSize)),
          stored.read(beyond, 0, new Uint8Array(1)),
          stored.read(last, 0, new Uint8Array(101)),
          stored.read(last, 100, new Uint8Array(1)),
          stored.read(first, -1, new Uint8Array(1)),
          stored.read(first, Number.NaN, new Uint8Array(1))
        ]
        for (const bug of bugs) {
          const exit = yield* Effect.exit(bug)
          assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        }
      }))

    test("exports a complete content, byte for byte, and leaves nothing else there", () =>
      Effect.gen(function* () {
        const outside = yield* Outside
        const content = contentOf(300 * 1024 + 1)
        const stored = yield* fill(content)
        yield* stored.export(outside.pathOf("file.bin"))
        assert.deepStrictEqual(yield* outside.read("file.bin"), Option.some(content.bytes))
        assert.deepStrictEqual(yield* outside.names, ["file.bin"])
      }))

    test("exports an empty content", () =>
      Effect.gen(function* () {
        const outside = yield* Outside
        const stored = yield* open(contentOf(0))
        assert.strictEqual(Bitfield.count(yield* stored.verifyHeld), 0)
        yield* stored.export(outside.pathOf("empty"))
        assert.deepStrictEqual(yield* outside.read("empty"), Option.some(new Uint8Array(0)))
      }))

    test("exports nothing while a piece is missing or only claimed", () =>
      Effect.gen(function* () {
        const outside = yield* Outside
        yield* Effect.scoped(
          Effect.gen(function* () {
            const stored = yield* open(small)
            yield* stored.put(first, small.piece(0))
            yield* stored.put(last, small.piece(2))
            const error = yield* Effect.flip(stored.export(outside.pathOf("file")))
            assert.strictEqual(error.reason, "Incomplete")
            yield* stored.put(second, small.piece(1))
          })
        )
        const stored = yield* open(small)
        assert.strictEqual((yield* Effect.flip(stored.export(outside.pathOf("file")))).reason, "Incomplete")
        assert.deepStrictEqual(yield* outside.names, [])
        yield* stored.verifyHeld
        yield* stored.export(outside.pathOf("file"))
        assert.deepStrictEqual(yield* outside.names, ["file"])
      }))

    test("never exports over a file unless asked to", () =>
      Effect.gen(function* () {
        const outside = yield* Outside
        const old = yield* fill(contentOf(10, { seed: 9 }))
        const stored = yield* fill(small)
        for (const link of [false, true]) {
          yield* old.export(outside.pathOf("file"), { overwrite: true })
          const error = yield* Effect.flip(stored.export(outside.pathOf("file"), { link }))
          assert.strictEqual(error.reason, "Exists")
          assert.strictEqual(error.path, outside.pathOf("file"))
          assert.deepStrictEqual(yield* outside.read("file"), Option.some(contentOf(10, { seed: 9 }).bytes))
          yield* stored.export(outside.pathOf("file"), { overwrite: true, link })
          assert.deepStrictEqual(yield* outside.read("file"), Option.some(small.bytes))
        }
        assert.deepStrictEqual(yield* outside.names, ["file"])
      }))

    test("goes on after an export", () =>
      Effect.gen(function* () {
        const outside = yield* Outside
        const stored = yield* fill(small)
        for (const link of [true, true, false]) {
          yield* stored.export(outside.pathOf("file"), { link, overwrite: true })
        }
        const target = new Uint8Array(100)
        yield* stored.read(last, 0, target)
        assert.deepStrictEqual(target, small.piece(2).slice())
        assert.deepStrictEqual(yield* outside.names, ["file"])
      }))

    test("lists its contents by what their records say", () =>
      Effect.gen(function* () {
        const cache = yield* PieceCache.PieceCache
        assert.deepStrictEqual(yield* cache.list, [])
        const other = contentOf(pieceSize, { seed: 3 })
        yield* Effect.scoped(fill(other))
        const stored = yield* open(small)
        yield* stored.put(last, small.piece(2))
        const listed = (yield* cache.list).toSorted((a, b) => a.contentSize - b.contentSize)
        assert.deepStrictEqual(listed, [
          {
            contentId: other.phf.contentId,
            contentSize: pieceSize,
            heldBytes: pieceSize,
            heldPieces: 1,
            pieceCount: 1,
            complete: true
          },
          {
            contentId: small.phf.contentId,
            contentSize: small.bytes.length,
            heldBytes: 100,
            heldPieces: 1,
            pieceCount: 3,
            complete: false
          }
        ])
        assert.deepStrictEqual(yield* cache.foreign, [])
      }))

    test("loads the PHF of a content that was ever open, and of no other", () =>
      Effect.gen(function* () {
        const cache = yield* PieceCache.PieceCache
        assert.isTrue(Option.isNone(yield* cache.load(small.phf.contentId)))
        yield* Effect.scoped(open(small))
        const loaded = Option.getOrThrow(yield* cache.load(small.phf.contentId))
        assert.deepStrictEqual(loaded.digests, small.phf.digests)
        assert.deepStrictEqual({ ...loaded.layout }, { ...small.phf.layout })
      }))

    test("removes a content that nobody has open", () =>
      Effect.gen(function* () {
        const cache = yield* PieceCache.PieceCache
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* fill(small)
            const error = yield* Effect.flip(cache.remove(small.phf.contentId))
            assert.strictEqual(error.code, "EBUSY")
            assert.include(error.message, "in use")
          })
        )
        yield* cache.remove(small.phf.contentId)
        assert.deepStrictEqual(yield* cache.list, [])
        assert.isTrue(Option.isNone(yield* cache.load(small.phf.contentId)))
        assert.strictEqual(Bitfield.count((yield* open(small)).held()), 0)
        yield* cache.remove(contentOf(77).phf.contentId)
      }))
  })
}
