/** Contents of a cache that is to lie elsewhere, on the same disk or (for root) on another. */
import { assert, describe, it } from "@effect/vitest"
import { PartialKey } from "@piecework/cache/PartialFile"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { PieceHasher } from "@piecework/hashing/PieceHasher"
import { Effect, Schedule } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as CacheMove from "../src/CacheMove.ts"
import { contentOf, pieceSize, small } from "./support/contents.ts"
import { canMount, namesIn, tempFolder, tinyDisk } from "./support/folders.ts"
import { fill, keptIn } from "./support/keeper.ts"
import { withProcess } from "./support/killed.ts"

const large = contentOf(2000 * pieceSize)
const key = PartialKey.make("5".repeat(64))

const otherDisk = Effect.map(tinyDisk(20_000), (folder) => path.join(folder, "cache"))
const sameDisk = Effect.map(tempFolder, (folder) => path.join(folder, "cache"))
const disks = [
  ["on one disk", sameDisk, false],
  ["from disk to disk (root)", otherDisk, true]
] as const

const moved = (move: CacheMove.Move) =>
  Effect.gen(function* () {
    const rest = yield* CacheMove.rename(move)
    return CacheMove.isOver(rest) ? rest : yield* Effect.provide(CacheMove.copy(move), PieceHasher.layerMemory)
  })

for (const [name, destination, wantsRoot] of disks) {
  describe(`A cache that moves ${name}`, () => {
    const live = it.live.skipIf(wantsRoot && !canMount)

    live("takes along whole contents, begun ones, partial files, pins and ages, and leaves nothing", () =>
      Effect.gen(function* () {
        const from = yield* sameDisk
        const to = yield* destination
        const before = yield* Effect.scoped(
          Effect.gen(function* () {
            const kept = yield* keptIn(from)
            yield* fill(kept, large)
            yield* fill(kept, small, 2)
            yield* kept.keeper.note(large.phf.contentId, { maxAge: 5_000_000 }, true)
            yield* kept.keeper.pin(large.phf.contentId, true)
            yield* kept.keeper.expire(large.phf.contentId, Date.now() + 1_000_000)
            yield* Effect.scoped(
              Effect.flatMap(kept.partials.open({ key, pieceSize }), (file) =>
                file.append(0 as PieceIndex, large.piece(0), pieceSize)
              )
            )
            return yield* kept.keeper.list
          })
        )
        assert.isTrue(CacheMove.isOver(yield* moved({ from, to })))
        assert.deepStrictEqual(
          namesIn(from).filter((left) => left !== "simple"),
          []
        )
        if (fs.existsSync(path.join(from, "simple"))) assert.deepStrictEqual(namesIn(path.join(from, "simple")), [])

        const kept = yield* keptIn(to)
        const after = yield* kept.keeper.list
        const said = (all: typeof after) =>
          all
            .map(({ completedAt, contentId, expiresAt, heldPieces, isPinned, policy }) => ({
              contentId,
              heldPieces,
              isPinned,
              expiresAt,
              policy,
              completedAt: isPinned ? completedAt : 0
            }))
            .toSorted((a, b) => a.heldPieces - b.heldPieces)
        assert.deepStrictEqual(said(after), said(before))
        const stored = yield* kept.cache.open(large.phf)
        assert.isTrue(Bitfield.isFull(yield* stored.verifyHeld))
        const partial = yield* kept.partials.open({ key, pieceSize })
        assert.strictEqual(yield* partial.resume, 1)
      })
    )

    live("makes one of a content that is in both places, and leaves behind what went bad", () =>
      Effect.gen(function* () {
        const [from, to] = [yield* sameDisk, yield* destination]
        const content = contentOf(10 * pieceSize)
        const { contentId } = content.phf
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* fill(yield* keptIn(to), content, 3)
            yield* fill(yield* keptIn(from), content)
          })
        )
        const data = path.join(from, contentId, "data")
        const bytes = fs.readFileSync(data)
        for (const piece of [1, 7]) bytes[piece * pieceSize] = 0
        fs.writeFileSync(data, bytes)
        assert.isTrue(CacheMove.isOver(yield* moved({ from, to })))
        const stored = yield* (yield* keptIn(to)).cache.open(content.phf)
        assert.deepStrictEqual(
          [...Bitfield.pieces(yield* stored.verifyHeld)],
          content.pieces.filter((piece) => piece !== 7)
        )
        assert.deepStrictEqual(namesIn(from), [])
      })
    )

    live("lets a content that is in use stay until it is not", () =>
      Effect.gen(function* () {
        const [from, to] = [yield* sameDisk, yield* destination]
        const kept = yield* keptIn(from)
        yield* fill(kept, small)
        yield* Effect.scoped(
          Effect.gen(function* () {
            yield* kept.keeper.hold(small.phf.contentId)
            assert.deepStrictEqual(yield* moved({ from, to }), { copies: 0, inUse: 1 })
            assert.deepStrictEqual(namesIn(to), [])
          })
        )
        assert.isTrue(CacheMove.isOver(yield* moved({ from, to })))
        assert.deepStrictEqual(namesIn(to), [small.phf.contentId])
      })
    )
  })
}

describe.skipIf(!canMount)("A move from disk to disk (root)", () => {
  it.live("that is killed goes on where it was, and a piece lies in no place twice once it is over", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* sameDisk, yield* otherDisk]
      yield* Effect.scoped(Effect.flatMap(keptIn(from), (kept) => fill(kept, large)))
      const held = path.join(to, large.phf.contentId, "held")
      const arrived = () => (fs.existsSync(held) ? fs.readFileSync(held).filter((byte) => byte === 1).length : 0)
      yield* withProcess("mover.ts", [from, to], "moving", () =>
        Effect.sync(arrived).pipe(Effect.repeat({ until: (pieces) => pieces >= 100, schedule: Schedule.spaced(5) }))
      )
      const before = arrived()
      assert.isAtLeast(before, 100)
      if (before < 2000) assert.deepStrictEqual(namesIn(from), [large.phf.contentId])
      assert.isTrue(CacheMove.isOver(yield* moved({ from, to })))
      assert.deepStrictEqual(namesIn(from), [])
      const stored = yield* (yield* keptIn(to)).cache.open(large.phf)
      assert.isTrue(Bitfield.isFull(yield* stored.verifyHeld))
    })
  )

  it.live("may be done by two at once", () =>
    Effect.gen(function* () {
      const [from, to] = [yield* sameDisk, yield* otherDisk]
      yield* Effect.scoped(Effect.flatMap(keptIn(from), (kept) => fill(kept, large)))
      yield* Effect.all([moved({ from, to }), moved({ from, to })], { concurrency: 2 })
      assert.deepStrictEqual(namesIn(from), [])
      const stored = yield* (yield* keptIn(to)).cache.open(large.phf)
      assert.isTrue(Bitfield.isFull(yield* stored.verifyHeld))
    })
  )

  it.live("that finds no room tells so, and loses nothing", () =>
    Effect.gen(function* () {
      const from = yield* sameDisk
      const to = path.join(yield* tinyDisk(4000), "cache")
      yield* Effect.scoped(Effect.flatMap(keptIn(from), (kept) => fill(kept, large)))
      const error = yield* Effect.flip(moved({ from, to }))
      assert.strictEqual(error.code, "ENOSPC")
      const stored = yield* (yield* keptIn(from)).cache.open(large.phf)
      assert.isTrue(Bitfield.isFull(yield* stored.verifyHeld))
    })
  )
})
