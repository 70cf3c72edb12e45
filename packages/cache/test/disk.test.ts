/** A cache on a disk that refuses, and in a folder where somebody laid traps. */
import { assert, describe, it } from "@effect/vitest"
import { CacheError } from "@piecework/cache"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { PieceMismatch } from "@piecework/hashing/PieceHasher"
import { Deferred, Effect, Exit, Fiber, Option, Scope } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { contentOf, pieceSize, small } from "./support/contents.ts"
import { canMount, namesIn, tempFolder, tinyDisk, writeProtect } from "./support/folders.ts"
import { cacheIn, cacheWithWorkersIn } from "./support/harness.ts"

const unixOnly = it.live.skipIf(process.platform === "win32")
const withMount = it.live.skipIf(!canMount)
const id = small.phf.contentId
const first = 0 as PieceIndex

describe("A cache on a full disk", () => {
  withMount("keeps what it has, says what is wrong, and goes on when there is space (needs root on Linux)", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const mib = 1024 * 1024
        const content = contentOf(4 * mib, { pieceSize: mib })
        const disk = yield* tinyDisk(3 * 1024)
        const stored = yield* (yield* cacheIn(path.join(disk, "cache"))).open(content.phf)
        const put = (piece: PieceIndex) => stored.put(piece, content.piece(piece))
        const [one, two, three] = content.pieces
        assert.isDefined(three)
        if (one === undefined || two === undefined || three === undefined) return
        yield* put(one)
        yield* put(two)
        const error = yield* Effect.flip(put(three))
        assert.instanceOf(error, CacheError.CacheError)
        assert.strictEqual(error.code, "ENOSPC")
        assert.strictEqual(error.operation, "put")
        assert.strictEqual(error.contentId, content.phf.contentId)
        assert.include(error.message, "free some space")
        assert.deepStrictEqual([...Bitfield.pieces(stored.held())], [one, two])
        assert.instanceOf(yield* Effect.flip(stored.read(three, 0, new Uint8Array(1))), CacheError.NotHeld)
        execFileSync("mount", ["-o", "remount,size=8m", disk])
        yield* Effect.forEach(content.pieces, put)
        yield* stored.export(path.join(disk, "file"), { link: true })
        assert.isTrue(fs.readFileSync(path.join(disk, "file")).equals(content.bytes))
      })
    )
  )

  withMount("can be opened again once there is space, by the same process (needs root on Linux)", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const disk = yield* tinyDisk(64)
        fs.writeFileSync(path.join(disk, "ballast"), new Uint8Array(64 * 1024 - 4096))
        const cache = yield* cacheIn(path.join(disk, "cache"))
        // Its PHF takes more than the one page that is left.
        const content = contentOf(2_000_000, { pieceSize: 1024 })
        const error = yield* Effect.flip(cache.open(content.phf))
        assert.strictEqual(error.code, "ENOSPC")
        assert.strictEqual(error.operation, "open")
        execFileSync("mount", ["-o", "remount,size=8m", disk])
        const stored = yield* cache.open(content.phf)
        yield* stored.put(first, content.piece(0))
        assert.isTrue(Option.isSome(yield* cache.load(content.phf.contentId)))
      })
    )
  )
})

describe("A cache that may not write", () => {
  withMount("says so when a content is opened, and still lists what is there (needs root on Linux)", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const disk = yield* tinyDisk(1024)
        const directory = path.join(disk, "cache")
        yield* Effect.scoped(Effect.flatMap(cacheIn(directory), (cache) => cache.open(small.phf)))
        yield* writeProtect(disk)
        const cache = yield* cacheIn(directory)
        const error = yield* Effect.flip(cache.open(small.phf))
        assert.strictEqual(error.code, "EROFS")
        assert.include(error.message, "cannot be written")
        assert.strictEqual((yield* Effect.flip(cache.remove(id))).code, "EROFS")
        assert.strictEqual((yield* cache.list).length, 1)
        assert.isTrue(Option.isSome(yield* cache.load(id)))
      })
    )
  )

  it.live.skipIf(process.platform === "win32" || process.getuid?.() === 0)(
    "says that it has no permission (not as root, who has it)",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* tempFolder
          fs.chmodSync(folder, 0o500)
          const error = yield* Effect.flip((yield* cacheIn(path.join(folder, "cache"))).open(small.phf))
          assert.strictEqual(error.code, "EACCES")
          assert.include(error.message, "permission")
        })
      )
  )

  it.live.skipIf(process.platform === "win32" || process.getuid?.() === 0)(
    "lists the other contents when one cannot be read (not as root, who can read all)",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const directory = path.join(yield* tempFolder, "cache")
          const cache = yield* cacheIn(directory)
          yield* Effect.scoped(cache.open(small.phf))
          yield* Effect.scoped(cache.open(contentOf(7).phf))
          fs.chmodSync(path.join(directory, id, "phf"), 0)
          assert.deepStrictEqual(
            (yield* cache.list).map(({ contentSize }) => contentSize),
            [7]
          )
          assert.deepStrictEqual(yield* cache.foreign, [{ name: id, reason: "Unreadable" }])
        })
      )
  )

  it.live("says what is in the way when its folder is a file", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const file = path.join(yield* tempFolder, "cache")
        fs.writeFileSync(file, "")
        const cache = yield* cacheIn(file)
        assert.oneOf((yield* Effect.flip(cache.open(small.phf))).code, ["EEXIST", "ENOTDIR"])
        assert.strictEqual((yield* Effect.flip(cache.list)).operation, "list")
      })
    )
  )
})

describe("A link in the cache", () => {
  /** A cache, closed, with all of `small`; and a file of somebody else's. */
  const trapped = Effect.gen(function* () {
    const folder = yield* tempFolder
    const directory = path.join(folder, "cache")
    yield* Effect.scoped(
      Effect.gen(function* () {
        const stored = yield* (yield* cacheIn(directory)).open(small.phf)
        yield* Effect.forEach(small.pieces, (piece) => stored.put(piece, small.piece(piece)))
      })
    )
    const victim = path.join(folder, "victim")
    fs.writeFileSync(victim, "precious")
    return { directory, victim, file: (name: string) => path.join(directory, id, name) }
  })

  for (const name of ["data", "held", "phf"]) {
    unixOnly(`in the place of ${name} is not followed`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { directory, victim, file } = yield* trapped
          fs.rmSync(file(name))
          fs.symlinkSync(victim, file(name))
          const cache = yield* cacheIn(directory)
          const error = yield* Effect.flip(cache.open(small.phf))
          assert.strictEqual(error.code, "ELOOP")
          assert.include(error.message, file(name))
          yield* cache.list
          yield* cache.load(id)
          assert.strictEqual(fs.readFileSync(victim, "utf8"), "precious")
          // What was wrong is put right by deleting the link, with no restart.
          fs.rmSync(file(name))
          yield* cache.open(small.phf)
        })
      )
    )

    unixOnly(`in the place of ${name} does not make the file it points to`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { directory, victim, file } = yield* trapped
          fs.rmSync(victim)
          fs.rmSync(file(name))
          fs.symlinkSync(victim, file(name))
          const cache = yield* cacheIn(directory)
          assert.strictEqual((yield* Effect.flip(cache.open(small.phf))).code, "ELOOP")
          assert.isFalse(fs.existsSync(victim))
        })
      )
    )
  }

  unixOnly("in the place of a content's folder is not followed, and removing it keeps what it points to", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, file } = yield* trapped
        const elsewhere = path.join(path.dirname(directory), "elsewhere")
        fs.renameSync(path.dirname(file("data")), elsewhere)
        fs.symlinkSync(elsewhere, path.dirname(file("data")))
        const cache = yield* cacheIn(directory)
        assert.strictEqual((yield* Effect.flip(cache.open(small.phf))).code, "ELOOP")
        assert.isTrue(Option.isNone(yield* cache.load(id)))
        assert.deepStrictEqual(yield* cache.list, [])
        assert.deepStrictEqual(yield* cache.foreign, [{ name: id, reason: "NotAFolder" }])
        yield* cache.remove(id)
        assert.deepStrictEqual(namesIn(elsewhere), ["data", "held", "phf"])
        assert.deepStrictEqual(namesIn(directory), [])
      })
    )
  )

  unixOnly("may be the whole cache folder, if that is what the operator wants", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const folder = yield* tempFolder
        fs.mkdirSync(path.join(folder, "large disk"))
        fs.symlinkSync(path.join(folder, "large disk"), path.join(folder, "cache"))
        yield* (yield* cacheIn(path.join(folder, "cache"))).open(small.phf)
        assert.deepStrictEqual(namesIn(path.join(folder, "large disk")), [id])
      })
    )
  )

  unixOnly("is no worse than a pipe or a folder, which are refused too and do not block", () =>
    Effect.scoped(
      Effect.gen(function* () {
        for (const name of ["data", "held", "phf"]) {
          const { directory, file } = yield* trapped
          const cache = yield* cacheIn(directory)
          fs.rmSync(file(name))
          execFileSync("mkfifo", [file(name)])
          assert.strictEqual((yield* Effect.flip(cache.open(small.phf))).code, "EINVAL")
          yield* cache.list
          fs.rmSync(file(name))
          fs.mkdirSync(file(name))
          assert.strictEqual((yield* Effect.flip(cache.open(small.phf))).code, "EISDIR")
          yield* cache.list
        }
      })
    )
  )
})

describe("A cache whose hasher has workers", () => {
  it.live("puts from shared memory, verifies and exports as any other", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const mib = 1024 * 1024
        const content = contentOf(17 * mib + 3, { pieceSize: mib })
        const folder = yield* tempFolder
        const cache = cacheWithWorkersIn(path.join(folder, "cache"))
        yield* Effect.scoped(
          Effect.gen(function* () {
            const stored = yield* (yield* cache).open(content.phf)
            const shared = new Uint8Array(new SharedArrayBuffer(content.bytes.length))
            shared.set(content.bytes)
            yield* Effect.forEach(
              content.pieces,
              (piece) => stored.put(piece, shared.subarray(piece * mib, (piece + 1) * mib)),
              { concurrency: 4 }
            )
            const wrong = new Uint8Array(new SharedArrayBuffer(mib))
            assert.instanceOf(yield* Effect.flip(stored.put(first, wrong)), PieceMismatch)
          })
        )
        const stored = yield* (yield* cache).open(content.phf)
        assert.isTrue(Bitfield.isFull(yield* stored.verifyHeld))
        yield* stored.export(path.join(folder, "file"))
        assert.isTrue(fs.readFileSync(path.join(folder, "file")).equals(content.bytes))
      })
    )
  )

  withMount("exports to a disk that is full as any other (needs root on Linux)", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const mib = 1024 * 1024
        const content = contentOf(3 * mib, { pieceSize: mib })
        const cache = yield* cacheWithWorkersIn(path.join(yield* tempFolder, "cache"))
        const stored = yield* cache.open(content.phf)
        yield* Effect.forEach(content.pieces, (piece) => stored.put(piece, content.piece(piece)))
        const disk = yield* tinyDisk(2048)
        const error = yield* Effect.flip(stored.export(path.join(disk, "file")))
        assert.strictEqual(error.reason, "DiskFull")
        assert.deepStrictEqual(namesIn(disk), [])
      })
    )
  )
})

describe("An open content", () => {
  const large = contentOf(400 * pieceSize)

  it.live("is closed only after what was under way in it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const directory = path.join(yield* tempFolder, "cache")
        const scope = yield* Scope.make()
        const cache = yield* cacheIn(directory)
        const stored = yield* Scope.provide(cache.open(large.phf), scope)
        const started = yield* Deferred.make<void>()
        const putting = yield* Effect.forkChild(
          Effect.forEach(
            large.pieces,
            (piece) => Effect.andThen(Deferred.succeed(started, undefined), stored.put(piece, large.piece(piece))),
            { concurrency: 16 }
          )
        )
        yield* Deferred.await(started)
        yield* Scope.close(scope, Exit.void)
        const error = yield* Effect.flip(Fiber.join(putting))
        assert.instanceOf(error, CacheError.CacheError)
        assert.strictEqual(error.code, "EBADF")
        const again = yield* cache.open(large.phf)
        const claimed = again.held()
        assert.deepStrictEqual(yield* again.verifyHeld, claimed)
      })
    )
  )

  it.live("keeps what it verified when it is interrupted, and verifies the rest later", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const directory = path.join(yield* tempFolder, "cache")
        const put = Effect.gen(function* () {
          const stored = yield* (yield* cacheIn(directory)).open(large.phf)
          yield* Effect.forEach(large.pieces, (piece) => stored.put(piece, large.piece(piece)))
        })
        yield* Effect.scoped(put)
        const stored = yield* (yield* cacheIn(directory)).open(large.phf)
        const verifying = yield* Effect.forkChild(stored.verifyHeld)
        while (Bitfield.count(stored.verified()) === 0) yield* Effect.promise(() => new Promise(setImmediate))
        yield* Fiber.interrupt(verifying)
        const found = Bitfield.count(stored.verified())
        assert.isBelow(found, large.pieces.length)
        assert.isTrue(Bitfield.isFull(stored.held()))
        assert.isTrue(Bitfield.isFull(yield* stored.verifyHeld))
      })
    )
  )
})
