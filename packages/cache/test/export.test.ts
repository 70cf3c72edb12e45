/** How a content gets to a real destination, and what is there when it does not. */
import { assert, describe, it } from "@effect/vitest"
import type { StoredContent } from "@piecework/cache"
import { Effect, Exit, Fiber } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { contentOf, small, type TestContent } from "./support/contents.ts"
import { canMount, namesIn, tempFolder, tinyDisk, writeProtect } from "./support/folders.ts"
import { cacheIn } from "./support/harness.ts"

const mib = 1024 * 1024
const unixOnly = it.live.skipIf(process.platform === "win32")
const withMount = it.live.skipIf(!canMount)

const fill = Effect.fnUntraced(function* (stored: StoredContent.StoredContent, content: TestContent) {
  yield* Effect.forEach(content.pieces, (piece) => stored.put(piece, content.piece(piece)), { concurrency: 4 })
})

/** A complete content, its file in the cache, and an empty folder beside the cache. */
const prepared = (content: TestContent = small) =>
  Effect.gen(function* () {
    const folder = yield* tempFolder
    const directory = path.join(folder, "cache")
    const outside = path.join(folder, "outside")
    fs.mkdirSync(outside)
    const stored = yield* (yield* cacheIn(directory)).open(content.phf)
    yield* fill(stored, content)
    return { stored, outside, directory, data: path.join(directory, content.phf.contentId, "data") }
  })

const bytesOf = (file: string) => new Uint8Array(fs.readFileSync(file))

/** Waits, turn by turn, until there is a file in the folder. */
const someFileIn = (folder: string) =>
  Effect.callback<string>((resume) => {
    const look = () => {
      const name = namesIn(folder)[0]
      if (name === undefined) setImmediate(look)
      else resume(Effect.succeed(name))
    }
    look()
  })

describe("An export", () => {
  unixOnly("looks like any new file of its user", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { stored, outside } = yield* prepared()
        const file = path.join(outside, "file")
        fs.writeFileSync(path.join(outside, "usual"), "")
        yield* stored.export(file)
        assert.strictEqual(fs.statSync(file).mode, fs.statSync(path.join(outside, "usual")).mode)
      })
    )
  )

  it.live("is a file of its own unless a link was asked for", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { stored, outside, data } = yield* prepared()
        yield* stored.export(path.join(outside, "copy"))
        yield* stored.export(path.join(outside, "link"), { link: true })
        assert.notStrictEqual(fs.statSync(path.join(outside, "copy")).ino, fs.statSync(data).ino)
        assert.strictEqual(fs.statSync(path.join(outside, "link")).ino, fs.statSync(data).ino)
        fs.writeFileSync(path.join(outside, "copy"), "changed")
        assert.deepStrictEqual(bytesOf(data), small.bytes)
      })
    )
  )

  it.live("copies every byte of a content that takes many chunks", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const content = contentOf(13 * mib + 5, { pieceSize: mib })
        const { stored, outside } = yield* prepared(content)
        yield* stored.export(path.join(outside, "file"))
        assert.isTrue(fs.readFileSync(path.join(outside, "file")).equals(content.bytes))
        assert.deepStrictEqual(namesIn(outside), ["file"])
      })
    )
  )

  it.live("says that the folder is missing, or that it is a file", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { stored, outside } = yield* prepared()
        fs.writeFileSync(path.join(outside, "file"), "")
        for (const link of [true, false]) {
          for (const file of ["missing/file", "file/file"]) {
            const error = yield* Effect.flip(stored.export(path.join(outside, file), { link }))
            assert.strictEqual(error.reason, "NoFolder")
            assert.include(error.message, "does not exist")
          }
        }
        assert.deepStrictEqual(namesIn(outside), ["file"])
      })
    )
  )

  it.live("never takes the place of a folder", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { stored, outside } = yield* prepared()
        fs.mkdirSync(path.join(outside, "folder"))
        for (const overwrite of [true, false]) {
          const error = yield* Effect.flip(stored.export(path.join(outside, "folder"), { overwrite }))
          assert.strictEqual(error.reason, "Exists")
        }
        assert.isTrue(fs.statSync(path.join(outside, "folder")).isDirectory())
        assert.deepStrictEqual(namesIn(outside), ["folder"])
      })
    )
  )

  unixOnly("takes the place of a link, and leaves alone what that points to", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { stored, outside } = yield* prepared()
        fs.writeFileSync(path.join(outside, "other"), "other")
        fs.symlinkSync("other", path.join(outside, "file"))
        fs.symlinkSync("nowhere", path.join(outside, "dangling"))
        for (const name of ["file", "dangling"]) {
          const file = path.join(outside, name)
          assert.strictEqual((yield* Effect.flip(stored.export(file))).reason, "Exists")
          yield* stored.export(file, { overwrite: true })
          assert.isFalse(fs.lstatSync(file).isSymbolicLink())
          assert.deepStrictEqual(bytesOf(file), small.bytes)
        }
        assert.strictEqual(fs.readFileSync(path.join(outside, "other"), "utf8"), "other")
        assert.deepStrictEqual(namesIn(outside), ["dangling", "file", "other"])
      })
    )
  )

  it.live("may have the longest name there is, and fails with one that is longer", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { stored, outside } = yield* prepared()
        const longest = "ä".repeat(127) + "b"
        yield* stored.export(path.join(outside, longest))
        assert.deepStrictEqual(bytesOf(path.join(outside, longest)), small.bytes)
        assert.strictEqual((yield* Effect.flip(stored.export(path.join(outside, `${longest}b`)))).reason, "Failed")
        assert.strictEqual((yield* Effect.flip(stored.export(path.join(outside, "a\0b")))).reason, "Failed")
        assert.strictEqual(namesIn(outside).length, 1)
      })
    )
  )

  it.live("comes once when many export to one name", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { stored, outside } = yield* prepared()
        const exits = yield* Effect.forEach(
          Array.from({ length: 8 }, (_, n) => n % 2 === 0),
          (link) => Effect.exit(stored.export(path.join(outside, "file"), { link })),
          { concurrency: 8 }
        )
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
        assert.deepStrictEqual(namesIn(outside), ["file"])
      })
    )
  )

  it.live("that is interrupted leaves nothing", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { stored, outside } = yield* prepared(contentOf(48 * mib, { pieceSize: mib }))
        const exporting = yield* Effect.forkChild(stored.export(path.join(outside, "file.iso")))
        const temporary = yield* someFileIn(outside)
        assert.match(temporary, /^\.file\.iso\.[0-9a-f]{12}\.part$/)
        yield* Fiber.interrupt(exporting)
        assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(exporting)))
        assert.deepStrictEqual(namesIn(outside), [])
      })
    )
  )

  withMount("crosses to another file system, by a copy where a link cannot be", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { stored } = yield* prepared()
        const disk = yield* tinyDisk(1024)
        yield* stored.export(path.join(disk, "linked"), { link: true })
        yield* stored.export(path.join(disk, "copied"))
        for (const name of ["linked", "copied"]) assert.deepStrictEqual(bytesOf(path.join(disk, name)), small.bytes)
        assert.deepStrictEqual(namesIn(disk), ["copied", "linked"])
      })
    )
  )

  withMount("tells that the disk is full, and leaves nothing on it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { stored } = yield* prepared(contentOf(3 * mib, { pieceSize: mib }))
        const disk = yield* tinyDisk(2048)
        const error = yield* Effect.flip(stored.export(path.join(disk, "file")))
        assert.strictEqual(error.reason, "DiskFull")
        assert.include(error.message, "free some space")
        assert.deepStrictEqual(namesIn(disk), [])
      })
    )
  )

  withMount("tells that a file system cannot be written", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { stored } = yield* prepared()
        const disk = yield* tinyDisk(1024)
        yield* writeProtect(disk)
        assert.strictEqual((yield* Effect.flip(stored.export(path.join(disk, "file")))).reason, "Denied")
      })
    )
  )

  it.live.skipIf(process.platform === "win32" || process.getuid?.() === 0)(
    "tells that a folder may not be written (not as root, who may)",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { stored, outside } = yield* prepared()
          fs.chmodSync(outside, 0o500)
          assert.strictEqual((yield* Effect.flip(stored.export(path.join(outside, "file")))).reason, "Denied")
          fs.chmodSync(outside, 0o700)
          assert.deepStrictEqual(namesIn(outside), [])
        })
      )
  )
})

/** A closed cache whose only copy of the content is also the file `linked`, which its owner then changed. */
const changedByOwner = (change: (file: string) => void) =>
  Effect.gen(function* () {
    const folder = yield* tempFolder
    const linked = path.join(folder, "linked")
    const directory = path.join(folder, "cache")
    yield* Effect.scoped(
      Effect.gen(function* () {
        const stored = yield* (yield* cacheIn(directory)).open(small.phf)
        yield* fill(stored, small)
        yield* stored.export(linked, { link: true })
      })
    )
    change(linked)
    return { linked, stored: yield* (yield* cacheIn(directory)).open(small.phf), copy: path.join(folder, "copy") }
  })

const writeAt = (file: string, position: number, text: string) => {
  const fd = fs.openSync(file, "r+")
  fs.writeSync(fd, text, position)
  fs.closeSync(fd)
}

describe("A linked export", () => {
  for (const [what, change, good] of [
    ["changed in place", (file: string) => writeAt(file, 4096, "mine"), [0, 2]],
    ["made longer", (file: string) => fs.appendFileSync(file, "mine"), [0, 1, 2]],
    ["made shorter", (file: string) => fs.truncateSync(file, 5000), [0]]
  ] as const) {
    it.live(`that its owner has ${what} stays as it is while the cache mends itself`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { linked, stored, copy } = yield* changedByOwner(change)
          const changed = bytesOf(linked)
          const verified = yield* stored.verifyHeld
          assert.deepStrictEqual(
            small.pieces.filter((piece) => (verified.bytes[0] ?? 0) & (0x80 >> piece)),
            [...good] as Array<number>
          )
          yield* fill(stored, small)
          assert.deepStrictEqual(bytesOf(linked), changed)
          yield* stored.export(copy)
          assert.deepStrictEqual(bytesOf(copy), small.bytes)
        })
      )
    )
  }
})
