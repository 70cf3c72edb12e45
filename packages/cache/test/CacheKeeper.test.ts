import { assert, describe, it } from "@effect/vitest"
import { PartialKey } from "@piecework/cache/PartialFile"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { Clock, Effect, Exit, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as fs from "node:fs"
import * as path from "node:path"
import { contentOf, pieceSize, type TestContent } from "./support/contents.ts"
import { namesIn, tempFolder } from "./support/folders.ts"
import { fill, type Kept, keptIn, mebibyte } from "./support/keeper.ts"
import { killedAfter, withProcess } from "./support/killed.ts"

/** A MiB each, in 16 pieces, of other bytes. */
const [first, second, third] = [1, 2, 3].map((seed) => contentOf(mebibyte, { seed, pieceSize: 1024 * 64 })) as [
  TestContent,
  TestContent,
  TestContent
]
const idOf = ({ phf }: TestContent) => phf.contentId
const day = 86_400_000

const folder = Effect.map(tempFolder, (root) => path.join(root, "cache"))
const held = (kept: Kept) => Effect.map(kept.cache.list, (all) => all.map(({ contentId }) => contentId).toSorted())
const ids = (...contents: ReadonlyArray<TestContent>) => contents.map(idOf).toSorted()

/** Sets when a content was last used, and when its pieces came. */
const age = (directory: string, content: TestContent, millis: number) => {
  for (const name of ["held", "download"])
    fs.utimesSync(path.join(directory, idOf(content), name), millis / 1000, millis / 1000)
}

describe("A cache with rules", () => {
  it.live("lets go what was not used for longest when the settings leave it less room", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const total = 1000 * mebibyte
      const kept = yield* keptIn(directory, { DOMinFileSizeToCache: 1 }, () => ({ total, free: total, device: 1 }))
      for (const content of [first, second, third]) yield* fill(kept, content)
      const now = yield* Clock.currentTimeMillis
      age(directory, second, now - 3000)
      age(directory, third, now - 2000)
      age(directory, first, now - 1000)
      assert.deepStrictEqual(yield* kept.keeper.keep(), [])

      // A hundredth of the disk: 10 MiB.
      kept.set({ DOMinFileSizeToCache: 1, DOAbsoluteMaxCacheSize: undefined, DOMaxCacheSize: 1 })
      assert.strictEqual((yield* kept.keeper.keep()).length, 0)
      const gone = yield* kept.keeper.keep(7.5 * mebibyte)
      assert.deepStrictEqual(
        gone.map(({ contentId, why }) => [contentId, why]),
        [[idOf(second), "OverBudget"]]
      )
      assert.deepStrictEqual(yield* held(kept), ids(first, third))
    })
  )

  it.live("keeps a twentieth of the disk free, and says with numbers when a file has no room", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const total = 100 * mebibyte
      let free = 5 * mebibyte
      const kept = yield* keptIn(directory, { DOMinFileSizeToCache: 1 }, () => ({ total, free, device: 1 }))
      for (const content of [first, second, third]) yield* fill(kept, content)
      assert.deepStrictEqual(yield* kept.keeper.makeRoom(0), { isEnough: true })
      const none = yield* kept.keeper.makeRoom(20 * mebibyte)
      assert.isFalse(none.isEnough)
      if (!none.isEnough) assert.isAbove(none.free, 8 * mebibyte - 1)
      assert.strictEqual((yield* held(kept)).length, 3)
      free = 4 * mebibyte
      assert.strictEqual((yield* kept.keeper.keep()).length, 1)
    })
  )

  it.live("does not keep small contents once they are complete, but for those in use", () =>
    Effect.gen(function* () {
      const kept = yield* keptIn(yield* folder, { DOMinFileSizeToCache: 2 })
      yield* fill(kept, first)
      yield* fill(kept, second, 3)
      const scope = yield* Scope.make()
      yield* Scope.provide(kept.keeper.hold(idOf(first)), scope)
      assert.deepStrictEqual(yield* kept.keeper.keep(), [])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(
        (yield* kept.keeper.keep()).map(({ why }) => why),
        ["TooSmall"]
      )
      assert.deepStrictEqual(yield* held(kept), ids(second))
    })
  )

  it.effect("keeps what is pinned until it is unpinned or the day that was set", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.now())
      const kept = yield* keptIn(yield* folder, { DOMaxCacheAge: 60, DOMinFileSizeToCache: 1 })
      for (const content of [first, second, third]) yield* fill(kept, content)
      const now = yield* Clock.currentTimeMillis
      yield* kept.keeper.pin(idOf(first), true)
      yield* kept.keeper.pin(idOf(second), true)
      yield* kept.keeper.expire(idOf(second), now + day)
      yield* kept.keeper.expire(idOf(third), now + 2 * day)
      yield* TestClock.adjust("61 seconds")
      assert.deepStrictEqual(yield* kept.keeper.keep(), [])
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(
        (yield* kept.keeper.keep()).map(({ contentId }) => contentId),
        [idOf(second)]
      )
      yield* kept.keeper.expire(idOf(third), undefined)
      yield* kept.keeper.pin(idOf(first), false)
      yield* kept.keeper.keep()
      assert.deepStrictEqual(yield* held(kept), [])
    })
  )

  it.live("remembers what was wished and noted when it is opened again", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const at = Date.now() + day
      yield* Effect.scoped(
        Effect.gen(function* () {
          const kept = yield* keptIn(directory)
          yield* fill(kept, first)
          yield* kept.keeper.note(idOf(first), { maxAge: 0, expireAt: at + 5 }, true)
          yield* kept.keeper.pin(idOf(first), true)
          yield* kept.keeper.expire(idOf(first), at)
          yield* kept.keeper.pin(idOf(first), true)
        })
      )
      const [content] = yield* (yield* keptIn(directory)).keeper.list
      assert.deepInclude(content, { isPinned: true, expiresAt: at, expiry: at, isInUse: false, isComplete: true })
      assert.deepStrictEqual(content?.policy, { maxAge: 0, expireAt: at + 5 })
      assert.deepStrictEqual(namesIn(path.join(directory, idOf(first))), ["data", "download", "held", "phf", "wish"])
    })
  )
})

describe("What older versions left", () => {
  it.live("is as old as its last piece", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const kept = yield* keptIn(directory, { DOMinFileSizeToCache: 1, DOMaxCacheAge: 100 })
      for (const content of [first, second]) {
        yield* fill(kept, content)
        fs.rmSync(path.join(directory, idOf(content), "download"))
      }
      const then = Date.now() / 1000 - 101
      fs.utimesSync(path.join(directory, idOf(first), "held"), then, then)
      yield* kept.keeper.keep()
      assert.deepStrictEqual(yield* held(kept), ids(second))
    })
  )

  it.live("in Simple mode goes a day after its last byte, unless somebody is at it", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const kept = yield* keptIn(directory)
      const keys = ["a", "b"].map((digit) => PartialKey.make(digit.repeat(64)))
      const begin = (key: PartialKey) =>
        Effect.tap(kept.partials.open({ key, pieceSize }), (file) =>
          file.append(0 as PieceIndex, new Uint8Array(pieceSize).fill(1), pieceSize)
        )
      for (const key of keys) yield* Effect.scoped(begin(key))
      const shelf = path.join(directory, "simple")
      const then = Date.now() / 1000 - 86_401
      for (const name of namesIn(shelf)) {
        fs.utimesSync(path.join(shelf, name, "data"), then, then)
        fs.utimesSync(path.join(shelf, name), then, then)
      }
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* begin(keys[0] ?? PartialKey.make("c".repeat(64)))
          const gone = yield* kept.keeper.keep()
          assert.deepStrictEqual(
            gone.map(({ contentId, why }) => [contentId, why]),
            [[undefined, "Unfinished"]]
          )
        })
      )
      assert.deepStrictEqual(namesIn(shelf), keys.slice(0, 1).map(String))
    })
  )
})

describe("Notes that are none", () => {
  const rows: ReadonlyArray<readonly [string, string | Uint8Array]> = [
    ["nothing", ""],
    ["half of one", '{"isPinned":tr'],
    ["other types", '{"isPinned":1,"completedAt":"yesterday"}'],
    ["a time no date has", '{"isPinned":true,"expiresAt":1e300,"completedAt":-1}'],
    ["a list", "[]"],
    ["zeros", new Uint8Array(3000)],
    ["a gibibyte", "large"]
  ]
  for (const [what, bytes] of rows) {
    it.live(`count as no notes: ${what}`, () =>
      Effect.gen(function* () {
        const directory = yield* folder
        const kept = yield* keptIn(directory)
        yield* fill(kept, first)
        for (const name of ["wish", "download"]) {
          const file = path.join(directory, idOf(first), name)
          fs.writeFileSync(file, bytes)
          if (bytes === "large") fs.truncateSync(file, 2 ** 30)
        }
        const [content] = yield* kept.keeper.list
        assert.deepInclude(content, { isPinned: false, expiresAt: undefined, isInUse: false })
        assert.approximately(content?.completedAt ?? 0, Date.now(), 60_000)
        yield* kept.keeper.pin(idOf(first), true)
        assert.isTrue((yield* kept.keeper.list)[0]?.isPinned)
      })
    )
  }

  it.live("are never read through a link, nor written", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const kept = yield* keptIn(directory)
      yield* fill(kept, first)
      const outside = path.join(directory, "..", "outside")
      fs.writeFileSync(outside, '{"isPinned":true}')
      const wish = path.join(directory, idOf(first), "wish")
      fs.symlinkSync(outside, wish)
      assert.isFalse((yield* kept.keeper.list)[0]?.isPinned)
      yield* kept.keeper.pin(idOf(first), false)
      assert.strictEqual(fs.readFileSync(outside, "utf8"), '{"isPinned":true}')
      assert.isTrue(fs.lstatSync(wish).isFile())
    })
  )
})

const opening = (who: Kept) =>
  Effect.forEach(
    first.pieces,
    (piece) =>
      Effect.scoped(
        Effect.gen(function* () {
          const stored = yield* who.cache.open(first.phf)
          yield* stored.put(piece, first.piece(piece))
          const target = new Uint8Array(16)
          yield* stored.read(piece, 0, target)
          assert.deepStrictEqual(target, first.piece(piece).slice(0, 16))
        })
      ),
    { discard: true }
  )

const deleting = (who: Kept) => Effect.forEach(first.pieces, () => who.cache.drop(idOf(first)), { discard: true })

describe("A content that goes while somebody has it open", () => {
  it.live("can be read and filled on by them, and is new for everybody else", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const kept = yield* keptIn(directory)
      const stored = yield* kept.cache.open(first.phf)
      yield* stored.put(first.pieces[0] as PieceIndex, first.piece(0))
      assert.isTrue(yield* stored.isThere)
      yield* kept.cache.drop(idOf(first))
      assert.isFalse(yield* stored.isThere)
      assert.deepStrictEqual(namesIn(directory), [])
      for (const piece of first.pieces) yield* stored.put(piece, first.piece(piece))
      yield* stored.export(path.join(directory, "..", "file"))
      assert.deepStrictEqual(new Uint8Array(fs.readFileSync(path.join(directory, "..", "file"))), first.bytes)
      assert.deepStrictEqual(yield* kept.cache.list, [])
      const anew = yield* kept.cache.open(first.phf)
      assert.strictEqual(Bitfield.count(anew.held()), 0)
      assert.deepStrictEqual([yield* stored.isThere, yield* anew.isThere], [false, true])
    })
  )

  it.live("can be opened by two processes that open and delete it again and again", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const kept = yield* keptIn(directory)
      const other = yield* keptIn(directory)
      yield* Effect.all([opening(kept), opening(other), deleting(kept), deleting(other)], { concurrency: 4 })
    })
  )
})

describe("Other processes", () => {
  it.live("that hold a content keep it here, until they are killed", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const kept = yield* keptIn(directory, { DOMinFileSizeToCache: 1 })
      const content = contentOf(100 * pieceSize)
      yield* fill(kept, content)
      yield* withProcess("holder.ts", [directory], "holding", () =>
        Effect.gen(function* () {
          assert.isTrue((yield* kept.keeper.list)[0]?.isInUse)
          assert.deepStrictEqual(yield* kept.keeper.keep(), [])
        })
      )
      assert.deepStrictEqual(
        (yield* kept.keeper.keep()).map(({ why }) => why),
        ["TooSmall"]
      )
    })
  )

  it.live("that are killed while they delete leave whole contents, and a rest that the next takes away", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const kept = yield* keptIn(directory)
      const contents = Array.from({ length: 30 }, (_, seed) => contentOf(20 * pieceSize, { seed: seed + 10 }))
      yield* Effect.forEach(contents, (content) => fill(kept, content), { concurrency: 4 })
      const deleted = yield* killedAfter("deleter.ts", [directory], 10)
      const left = yield* kept.cache.list
      assert.isAbove(left.length, 0)
      assert.isAtMost(left.length, 30 - deleted.length)
      assert.isTrue(left.every(({ complete }) => complete))
      assert.deepStrictEqual(yield* kept.cache.foreign, [])
      // What a kill in the middle of one leaves.
      fs.renameSync(path.join(directory, left[0]?.contentId ?? ""), path.join(directory, ".deleted-0123456789ab"))
      yield* kept.cache.tidy
      assert.deepStrictEqual(
        namesIn(directory),
        left
          .slice(1)
          .map(({ contentId }) => contentId)
          .toSorted()
      )
    })
  )
})
