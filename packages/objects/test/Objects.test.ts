import { assert, describe, it } from "@effect/vitest"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { Cause, Effect, Exit, Option, type Scope } from "effect"
import { ObjectError, PieceMissing } from "../src/ObjectError.ts"
import { Objects } from "../src/Objects.ts"
import { bytesOf, factsOf, pieceSize, urlOf } from "./support/files.ts"
import { harnesses } from "./support/harness.ts"

const first = 0 as PieceIndex
const second = 1 as PieceIndex
const last = 2 as PieceIndex
const size = 2 * pieceSize + 100

/** What a drive takes for names and records. */
const slack = 512 * 1024

const small = factsOf("small", size)
const create = (facts = small) => Objects.use((objects) => objects.create(facts))
const find = (name: string) => Objects.use((objects) => objects.find(urlOf(name)))
const names = Effect.map(
  Objects.use((objects) => objects.list),
  (listed) => listed.map(({ facts }) => facts.url.split("/").at(-1)).toSorted()
)

/** A file of one piece of the whole, closed. */
const keepOne = (name: string) =>
  Effect.scoped(Effect.flatMap(create(factsOf(name, pieceSize)), (stored) => stored.put(first, bytesOf(pieceSize, 0))))

for (const [name, layerOf] of harnesses) {
  const test = <A, E>(
    sentence: string,
    body: () => Effect.Effect<A, E, Objects | Scope.Scope>,
    driveSize = 1000 * pieceSize
  ) => it.live(sentence, () => Effect.provide(Effect.scoped(body()), layerOf(driveSize)))

  describe(`Objects ${name}`, () => {
    test("gives back any part of a piece that was put", () =>
      Effect.gen(function* () {
        const stored = yield* create()
        yield* stored.put(second, bytesOf(size, 1))
        const target = new Uint8Array(50)
        yield* stored.read(second, 1000, target)
        assert.deepStrictEqual(target, bytesOf(size, 1).slice(1000, 1050))
        yield* stored.read(second, pieceSize - 50, target)
        assert.deepStrictEqual(target, bytesOf(size, 1).slice(-50))
        assert.deepStrictEqual([...Bitfield.pieces(stored.held())], [1])
      }))

    test("finds nothing where nothing was made, and what was made with its facts and pieces", () =>
      Effect.gen(function* () {
        assert.isTrue(Option.isNone(yield* find("small")))
        yield* Effect.scoped(Effect.flatMap(create(), (stored) => stored.put(last, bytesOf(size, 2))))
        const stored = Option.getOrThrow(yield* find("small"))
        assert.deepStrictEqual(stored.facts(), small)
        assert.deepStrictEqual([...Bitfield.pieces(stored.held())], [2])
        const target = new Uint8Array(100)
        yield* stored.read(last, 0, target)
        assert.deepStrictEqual(target, bytesOf(size, 2))
        assert.instanceOf(yield* Effect.flip(stored.read(first, 0, target)), PieceMissing)
      }))

    test("takes no more of a buffer than the piece is long, and keeps it when the buffer is used again", () =>
      Effect.gen(function* () {
        const stored = yield* create()
        const buffer = new Uint8Array(pieceSize).fill(7)
        buffer.set(bytesOf(size, 2))
        yield* stored.put(last, buffer)
        buffer.fill(0)
        const target = new Uint8Array(100)
        yield* stored.read(last, 0, target)
        assert.deepStrictEqual(target, bytesOf(size, 2))
      }))

    test("changes nothing when a piece is put again", () =>
      Effect.gen(function* () {
        const stored = yield* create()
        yield* stored.put(first, bytesOf(size, 0))
        yield* stored.put(first, bytesOf(size, 0, 2))
        const target = new Uint8Array(pieceSize)
        yield* stored.read(first, 0, target)
        assert.deepStrictEqual(target, bytesOf(size, 0))
      }))

    test("keeps many pieces that come at a time, and one that comes twice at a time", () =>
      Effect.gen(function* () {
        const facts = factsOf("many", 8 * pieceSize)
        const stored = yield* create(facts)
        const pieces = [0, 1, 2, 3, 4, 5, 6, 7, 3, 3].map((piece) => piece as PieceIndex)
        yield* Effect.forEach(pieces, (piece) => stored.put(piece, bytesOf(facts.size, piece)), { concurrency: 10 })
        const target = new Uint8Array(pieceSize)
        for (const piece of stored.layout.indices()) {
          yield* stored.read(piece, 0, target)
          assert.deepStrictEqual(target, bytesOf(facts.size, piece))
        }
        assert.isTrue(Bitfield.isFull(stored.held()))
      }))

    test("gives everybody who has a file open the same one, until the last of them has closed it", () =>
      Effect.gen(function* () {
        const stored = yield* create()
        yield* Effect.scoped(
          Effect.gen(function* () {
            assert.strictEqual(Option.getOrThrow(yield* find("small")), stored)
          })
        )
        yield* stored.put(first, bytesOf(size, 0))
        yield* stored.read(first, 0, new Uint8Array(1))
      }))

    test("makes a new file in the place of an old one, with which those who have it open go on", () =>
      Effect.gen(function* () {
        const old = yield* create()
        yield* old.put(first, bytesOf(size, 0))
        const facts = factsOf("small", 10, { headers: new Map([["etag", '"two"']]) })
        const fresh = yield* create(facts)
        assert.notStrictEqual(fresh, old)
        assert.strictEqual(Bitfield.count(fresh.held()), 0)
        yield* fresh.put(first, bytesOf(10, 0, 5))
        yield* old.put(last, bytesOf(size, 2))
        const target = new Uint8Array(100)
        yield* old.read(last, 0, target)
        assert.deepStrictEqual(target, bytesOf(size, 2))
        assert.deepStrictEqual(old.facts(), small)
        assert.strictEqual(Option.getOrThrow(yield* find("small")), fresh)
        const listed = yield* (yield* Objects).list
        assert.deepStrictEqual(
          listed.map(({ facts: { size: bytes }, heldBytes }) => [bytes, heldBytes]),
          [[10, 10]]
        )
      }))

    test("forgets a file on request, open or not", () =>
      Effect.gen(function* () {
        const objects = yield* Objects
        const stored = yield* create()
        yield* stored.put(first, bytesOf(size, 0))
        yield* objects.remove(urlOf("small"))
        assert.isTrue(Option.isNone(yield* find("small")))
        yield* stored.read(first, 0, new Uint8Array(10))
        yield* stored.put(second, bytesOf(size, 1))
        assert.deepStrictEqual(yield* objects.list, [])
        yield* objects.remove(urlOf("never"))
      }))

    test("keeps what its server said again", () =>
      Effect.gen(function* () {
        const headers = new Map([...small.headers, ["cache-control", "max-age=60"]])
        const again = factsOf("small", size, { headers, confirmedAt: 5000, freshUntil: 65_000 })
        yield* Effect.scoped(Effect.flatMap(create(), (stored) => stored.confirm(again)))
        const stored = Option.getOrThrow(yield* find("small"))
        assert.deepStrictEqual(stored.facts(), again)
        const other = yield* Effect.exit(stored.confirm(factsOf("small", size + 1)))
        assert.isTrue(Exit.isFailure(other) && Cause.hasDies(other.cause))
      }))

    test("refuses facts that are larger than their bounds, or that would end a line", () =>
      Effect.gen(function* () {
        const refused = [
          factsOf("long", 10, { headers: new Map([["x", "v".repeat(16_384)]]) }),
          factsOf("line", 10, { headers: new Map([["x", "v\r\nset-cookie: a"]]) }),
          factsOf("name", 10, { headers: new Map([["x y", "v"]]) }),
          factsOf("size", Number.MAX_SAFE_INTEGER)
        ]
        for (const facts of refused) {
          const error = yield* Effect.flip(create(facts))
          assert.instanceOf(error, ObjectError)
        }
        assert.deepStrictEqual(yield* names, [])
      }))

    test("keeps an empty file", () =>
      Effect.gen(function* () {
        yield* Effect.scoped(create(factsOf("empty", 0)))
        const stored = Option.getOrThrow(yield* find("empty"))
        assert.strictEqual(stored.layout.pieceCount, 0)
      }))

    test("dies of a piece or a span that the file does not have", () =>
      Effect.gen(function* () {
        const stored = yield* create()
        yield* stored.put(last, bytesOf(size, 2))
        const beyond = 3 as PieceIndex
        const bugs: ReadonlyArray<Effect.Effect<void, unknown>> = [
          stored.put(beyond, new Uint8Array(pieceSize)),
          stored.put(first, new Uint8Array(10)),
          stored.read(beyond, 0, new Uint8Array(1)),
          stored.read(last, 0, new Uint8Array(101)),
          stored.read(last, -1, new Uint8Array(1)),
          stored.read(last, Number.NaN, new Uint8Array(1))
        ]
        for (const bug of bugs) {
          const exit = yield* Effect.exit(bug)
          assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        }
      }))

    test("counts how often a file was opened to be read", () =>
      Effect.gen(function* () {
        yield* keepOne("a")
        yield* Effect.scoped(find("a"))
        yield* Effect.scoped(find("a"))
        const [listed] = yield* (yield* Objects).list
        assert.strictEqual(listed?.uses, 2)
        assert.strictEqual(listed?.heldBytes, pieceSize)
      }))

    test(
      "lets the least useful leave when its drive is full, and never what is open",
      () =>
        Effect.gen(function* () {
          yield* keepOne("never read")
          yield* keepOne("read")
          yield* Effect.scoped(find("read"))
          const open = yield* create(factsOf("open", pieceSize))
          yield* open.put(first, bytesOf(pieceSize, 0))
          yield* keepOne("new")
          assert.deepStrictEqual(yield* names, ["new", "open", "read"])
          yield* open.read(first, 0, new Uint8Array(10))
        }),
      3 * pieceSize + slack
    )

    test(
      "says that it is full when nothing may leave, and takes pieces again when something may",
      () =>
        Effect.gen(function* () {
          const open = yield* create(factsOf("open", 2 * pieceSize))
          yield* open.put(first, bytesOf(2 * pieceSize, 0))
          yield* open.put(second, bytesOf(2 * pieceSize, 1))
          const more = yield* create(factsOf("more", pieceSize)).pipe(
            Effect.flatMap((stored) => stored.put(first, bytesOf(pieceSize, 0))),
            Effect.scoped,
            Effect.flip
          )
          assert.strictEqual(more.reason, "Full")
          assert.match(more.message, /passes through/)
          yield* (yield* Objects).remove(urlOf("open"))
          yield* keepOne("more")
        }),
      2 * pieceSize + slack
    )

    test(
      "takes no file that is larger than its drive",
      () =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(create(factsOf("large", 4 * pieceSize)))
          assert.strictEqual(error.reason, "TooLarge")
          const [drive] = yield* (yield* Objects).drives
          assert.strictEqual(drive?.used, 0)
        }),
      3 * pieceSize + slack
    )
  })
}
