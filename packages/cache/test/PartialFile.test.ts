import { assert, describe, it } from "@effect/vitest"
import { PartialFile } from "@piecework/cache"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import * as Phf from "@piecework/hashing/Phf"
import { Cause, Effect, Exit, Option, type Scope } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { contentOf, pieceSize } from "./support/contents.ts"
import { canMount, namesIn, tempFolder, tinyDisk } from "./support/folders.ts"
import { harnesses, Outside, partialsIn } from "./support/harness.ts"
import { killedAfter } from "./support/killed.ts"

const content = contentOf(20 * pieceSize + 1)
const size = content.bytes.length
const key = PartialFile.PartialKey.make("5e".repeat(32))

type Open = PartialFile.PartialFiles["Service"]["open"]

const append = (file: PartialFile.PartialFile, pieces: ReadonlyArray<number>, concurrency = 1) =>
  Effect.forEach(pieces, (n) => file.append(n as PieceIndex, content.piece(n), content.piece(n).length), {
    concurrency,
    discard: true
  })

const numbers = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from }, (_, n) => from + n)

/** Opens, appends these pieces and closes. */
const left = (open: Open, pieces: ReadonlyArray<number>) =>
  Effect.scoped(Effect.flatMap(open({ key, pieceSize }), (file) => append(file, pieces)))

/** Opens, resumes and closes. */
const resumed = (open: Open) => Effect.scoped(Effect.flatMap(open({ key, pieceSize }), (file) => file.resume))

for (const [name, layer] of harnesses) {
  const test = <A, E>(
    sentence: string,
    body: (open: Open, outside: Outside["Service"]) => Effect.Effect<A, E, Scope.Scope>
  ) =>
    it.live(sentence, () =>
      Effect.gen(function* () {
        yield* Effect.scoped(body((yield* PartialFile.PartialFiles).open, yield* Outside))
      }).pipe(Effect.provide(layer))
    )

  describe(`PartialFile ${name}`, () => {
    test("becomes the file that was appended, and answers its PHF", (open, outside) =>
      Effect.gen(function* () {
        const file = yield* open({ key, pieceSize })
        assert.strictEqual(yield* file.resume, 0)
        yield* append(file, numbers(0, 21).toReversed(), 4)
        const phf = yield* file.finish({ size, path: outside.pathOf("file") })
        assert.deepStrictEqual(yield* outside.read("file"), Option.some(content.bytes))
        assert.deepStrictEqual(Phf.encode(phf), Phf.encode(content.phf))
        assert.deepStrictEqual(yield* outside.names, ["file"])
      }))

    test("takes only the bytes it is told to of a larger buffer", (open, outside) =>
      Effect.gen(function* () {
        const file = yield* open({ key, pieceSize })
        yield* file.append(0 as PieceIndex, content.bytes, 10)
        yield* file.finish({ size: 10, path: outside.pathOf("file") })
        assert.deepStrictEqual(yield* outside.read("file"), Option.some(content.bytes.slice(0, 10)))
      }))

    test("can be an empty file", (open, outside) =>
      Effect.gen(function* () {
        const file = yield* open({ key, pieceSize })
        const phf = yield* file.finish({ size: 0, path: outside.pathOf("empty") })
        assert.strictEqual(phf.layout.pieceCount, 0)
        assert.deepStrictEqual(yield* outside.read("empty"), Option.some(new Uint8Array(0)))
      }))

    test("goes on where the last one stopped", (open, outside) =>
      Effect.gen(function* () {
        yield* left(open, numbers(0, 13))
        const file = yield* open({ key, pieceSize })
        assert.strictEqual(yield* file.resume, 13)
        yield* append(file, numbers(13, 21))
        const phf = yield* file.finish({ size, path: outside.pathOf("file") })
        assert.strictEqual(phf.contentId, content.phf.contentId)
        assert.deepStrictEqual(yield* outside.read("file"), Option.some(content.bytes))
      }))

    test("goes on from the first piece that was missing, and from the last full one", (open) =>
      Effect.gen(function* () {
        yield* left(open, [0, 1, 3, 4])
        yield* Effect.scoped(
          Effect.gen(function* () {
            const file = yield* open({ key, pieceSize })
            assert.strictEqual(yield* file.resume, 2)
            yield* append(file, numbers(2, 21))
          })
        )
        const file = yield* open({ key, pieceSize })
        assert.strictEqual(yield* file.resume, 20)
      }))

    test("does not mistake what is left of other pieces for its own", (open) =>
      Effect.gen(function* () {
        yield* left(open, numbers(0, 5))
        const file = yield* open({ key, pieceSize: 2 * pieceSize })
        assert.strictEqual(yield* file.resume, 0)
        assert.strictEqual(yield* (yield* open({ key: other, pieceSize })).resume, 0)
      }))

    test("is not finished while pieces are missing, too many or of the wrong length", (open, outside) =>
      Effect.gen(function* () {
        const file = yield* open({ key, pieceSize })
        const reason = (bytes: number) =>
          Effect.map(Effect.flip(file.finish({ size: bytes, path: outside.pathOf("file") })), (error) => error.reason)
        yield* append(file, [0, 2])
        assert.strictEqual(yield* reason(3 * pieceSize), "Incomplete")
        yield* append(file, [1])
        assert.strictEqual(yield* reason(3 * pieceSize + 1), "Incomplete")
        assert.strictEqual(yield* reason(3 * pieceSize - 1), "Incomplete")
        assert.strictEqual(yield* reason(2 * pieceSize), "Incomplete")
        assert.deepStrictEqual(yield* outside.names, [])
        yield* file.finish({ size: 3 * pieceSize, path: outside.pathOf("file") })
      }))

    test("never takes the place of a file unless asked to, and may then try another name", (open, outside) =>
      Effect.gen(function* () {
        const one = yield* open({ key: other, pieceSize })
        yield* one.append(0 as PieceIndex, content.piece(3), 10)
        yield* one.finish({ size: 10, path: outside.pathOf("file") })
        const file = yield* open({ key, pieceSize })
        yield* append(file, numbers(0, 21))
        const error = yield* Effect.flip(file.finish({ size, path: outside.pathOf("file") }))
        assert.strictEqual(error.reason, "Exists")
        assert.deepStrictEqual(yield* outside.read("file"), Option.some(content.piece(3).slice(0, 10)))
        yield* file.finish({ size, path: outside.pathOf("file"), overwrite: true })
        assert.deepStrictEqual(yield* outside.read("file"), Option.some(content.bytes))
        assert.deepStrictEqual(yield* outside.names, ["file"])
      }))

    test("leaves nothing behind when it was finished or discarded, and takes nothing more", (open, outside) =>
      Effect.gen(function* () {
        for (const end of ["finish", "discard"] as const) {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const file = yield* open({ key, pieceSize })
              yield* append(file, numbers(0, 21))
              if (end === "finish") yield* file.finish({ size, path: outside.pathOf("file") })
              else yield* file.discard
              assert.strictEqual((yield* Effect.flip(append(file, [0]))).code, "EBADF")
              const error = yield* Effect.flip(file.finish({ size, path: outside.pathOf("again") }))
              assert.strictEqual(error.reason, "Failed")
              yield* file.discard
            })
          )
          yield* Effect.scoped(
            Effect.gen(function* () {
              assert.strictEqual(yield* (yield* open({ key, pieceSize })).resume, 0)
            })
          )
        }
        assert.deepStrictEqual(yield* outside.read("file"), Option.some(content.bytes))
      }))

    test("is somebody's alone: another who opens the key starts anew, and both get their file", (open, outside) =>
      Effect.gen(function* () {
        yield* left(open, numbers(0, 7))
        const one = yield* open({ key, pieceSize })
        const two = yield* open({ key, pieceSize })
        assert.strictEqual(yield* one.resume, 7)
        assert.strictEqual(yield* two.resume, 0)
        yield* Effect.all([append(one, numbers(7, 21), 4), append(two, numbers(0, 21), 4)], { concurrency: 2 })
        yield* one.finish({ size, path: outside.pathOf("one") })
        yield* append(two, [0, 20])
        yield* two.finish({ size, path: outside.pathOf("two") })
        for (const file of ["one", "two"]) {
          assert.deepStrictEqual(yield* outside.read(file), Option.some(content.bytes))
        }
      }))

    test("that is brief comes to its place like any other, and leaves nothing for a later one", (open, outside) =>
      Effect.gen(function* () {
        const brief = open({ key, pieceSize, size: 10 })
        yield* Effect.scoped(Effect.flatMap(brief, (file) => file.append(0 as PieceIndex, content.bytes, 10)))
        const file = yield* brief
        assert.strictEqual(yield* file.resume, 0)
        const finish = (overwrite: boolean) => file.finish({ size: 10, path: outside.pathOf("file"), overwrite })
        assert.strictEqual((yield* Effect.flip(finish(false))).reason, "Incomplete")
        // The buffer is somebody else's again once its bytes are taken.
        const buffer = content.bytes.slice(0, 16)
        yield* file.append(0 as PieceIndex, buffer, 10)
        buffer.fill(0)
        const another = yield* open({ key: other, pieceSize, size: 3 })
        yield* another.append(0 as PieceIndex, content.piece(3), 3)
        yield* another.finish({ size: 3, path: outside.pathOf("file") })
        assert.strictEqual((yield* Effect.flip(finish(false))).reason, "Exists")
        const phf = yield* finish(true)
        assert.strictEqual(phf.layout.contentSize, 10)
        assert.deepStrictEqual(yield* outside.read("file"), Option.some(content.bytes.slice(0, 10)))
        assert.deepStrictEqual(yield* outside.names, ["file"])
      }))

    test("dies of a length that no piece has, and of a late resume", (open) =>
      Effect.gen(function* () {
        const file = yield* open({ key, pieceSize })
        const bugs: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
          file.append(0 as PieceIndex, content.bytes, pieceSize + 1),
          file.append(0 as PieceIndex, content.bytes, 0),
          file.append(0 as PieceIndex, new Uint8Array(5), 6),
          Effect.andThen(append(file, [0]), file.resume)
        ]
        for (const bug of bugs) {
          const exit = yield* Effect.exit(bug)
          assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        }
      }))
  })
}

const other = PartialFile.PartialKey.make("a0".repeat(32))

describe("A partial file on disk", () => {
  const prepared = Effect.gen(function* () {
    const folder = yield* tempFolder
    const directory = path.join(folder, "cache")
    return { folder, directory, simple: path.join(directory, "simple"), open: (yield* partialsIn(directory)).open }
  })

  it.live("is moved, not copied, where that can be, and nothing of it stays", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { folder, simple, open } = yield* prepared
        yield* Effect.scoped(
          Effect.gen(function* () {
            const file = yield* open({ key, pieceSize })
            yield* append(file, numbers(0, 21))
            const [name] = namesIn(simple)
            const { ino } = fs.statSync(path.join(simple, name ?? "", "data"))
            yield* file.finish({ size, path: path.join(folder, "file") })
            assert.strictEqual(fs.statSync(path.join(folder, "file")).ino, ino)
            assert.strictEqual(fs.statSync(path.join(folder, "file")).nlink, 1)
            assert.deepStrictEqual(namesIn(simple), [])
          })
        )
        assert.deepStrictEqual(namesIn(simple), [])
      })
    )
  )

  it.live("lies in the folder of its key when nobody has it open, and in none when nothing came", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { simple, open } = yield* prepared
        yield* left(open, [0, 1])
        assert.deepStrictEqual(namesIn(simple), [key])
        assert.deepStrictEqual(namesIn(path.join(simple, key)), ["data", "digests"])
        yield* Effect.scoped(open({ key: other, pieceSize }))
        assert.deepStrictEqual(namesIn(simple), [key])
      })
    )
  )

  it.live("that is brief is nowhere until it is at its place", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { directory, folder, open } = yield* prepared
        const bytes = Math.min(PartialFile.brief, pieceSize)
        const file = yield* open({ key, pieceSize, size: bytes })
        yield* file.append(0 as PieceIndex, content.bytes, bytes)
        assert.isFalse(fs.existsSync(directory))
        const error = yield* Effect.flip(file.finish({ size: bytes, path: path.join(folder, "gone", "file") }))
        assert.strictEqual(error.reason, "NoFolder")
        yield* file.finish({ size: bytes, path: path.join(folder, "file") })
        assert.deepStrictEqual(namesIn(folder), ["file"])
      })
    )
  )

  it.live("that is longer than brief lies on the disk", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { simple, open } = yield* prepared
        yield* open({ key, pieceSize: 2 * PartialFile.brief, size: PartialFile.brief + 1 })
        assert.lengthOf(namesIn(simple), 1)
      })
    )
  )

  for (const [what, spoil, good] of [
    ["data is wrong somewhere", (folder: string) => flip(path.join(folder, "data"), 3 * pieceSize + 9), 3],
    ["data is cut short", (folder: string) => fs.truncateSync(path.join(folder, "data"), 4 * pieceSize - 1), 3],
    ["data is missing", (folder: string) => fs.rmSync(path.join(folder, "data")), 0],
    ["digests are wrong somewhere", (folder: string) => flip(path.join(folder, "digests"), 5 * 32), 5],
    ["digests are cut short", (folder: string) => fs.truncateSync(path.join(folder, "digests"), 6 * 32 + 31), 6],
    ["digests are missing", (folder: string) => fs.rmSync(path.join(folder, "digests")), 0],
    [
      "digests are more than any file has",
      (folder: string) => fs.truncateSync(path.join(folder, "digests"), 2 ** 40),
      0
    ],
    ["folder is a file", (folder: string) => replace(folder, () => fs.writeFileSync(folder, "")), 0]
  ] as const) {
    it.live(`is used as far as it is right when its ${what}`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { folder, simple, open } = yield* prepared
          yield* left(open, numbers(0, 21))
          spoil(path.join(simple, key))
          const file = yield* open({ key, pieceSize })
          assert.strictEqual(yield* file.resume, good)
          yield* append(file, numbers(good, 21))
          yield* file.finish({ size, path: path.join(folder, "file") })
          assert.deepStrictEqual(new Uint8Array(fs.readFileSync(path.join(folder, "file"))), content.bytes)
        })
      )
    )
  }

  for (const name of ["data", "digests", ""]) {
    it.live.skipIf(process.platform === "win32")(
      `is started anew when ${name === "" ? "its folder" : `its ${name} file`} is a link, which is not followed`,
      () =>
        Effect.scoped(
          Effect.gen(function* () {
            const { folder, simple, open } = yield* prepared
            yield* left(open, numbers(0, 21))
            const file = path.join(simple, key, name)
            const elsewhere = path.join(folder, "elsewhere")
            fs.renameSync(file, elsewhere)
            fs.symlinkSync(elsewhere, file)
            const before = fs.statSync(elsewhere).isFile() ? fs.readFileSync(elsewhere) : namesIn(elsewhere)
            assert.strictEqual(yield* resumed(open), 0)
            const after = fs.statSync(elsewhere).isFile() ? fs.readFileSync(elsewhere) : namesIn(elsewhere)
            assert.deepStrictEqual(after, before)
          })
        )
    )
  }

  it.live("has nothing left past its good pieces once it is resumed", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { simple, open } = yield* prepared
        yield* left(open, [0, 1, 2, 5, 6])
        yield* open({ key, pieceSize }).pipe(Effect.flatMap((file) => file.resume))
        const [name = ""] = namesIn(simple)
        assert.strictEqual(fs.statSync(path.join(simple, name, "data")).size, 3 * pieceSize)
        assert.strictEqual(fs.statSync(path.join(simple, name, "digests")).size, 3 * 32)
      })
    )
  )

  it.live("leaves alone a file that was finished just before its process was killed", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { folder, simple, open } = yield* prepared
        yield* left(open, numbers(0, 21))
        const finished = path.join(folder, "finished")
        fs.linkSync(path.join(simple, key, "data"), finished)
        assert.strictEqual(yield* resumed(open), 0)
        yield* left(open, [5])
        assert.deepStrictEqual(new Uint8Array(fs.readFileSync(finished)), content.bytes)
      })
    )
  )

  it.live("is resumed after its process was killed", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { folder, directory, simple, open } = yield* prepared
        const announced = yield* killedAfter("appender.ts", [directory, key], 9)
        assert.isAtLeast(announced.length, 9)
        const [name, ...others] = namesIn(simple)
        assert.match(name ?? "", new RegExp(`^${key}\\.\\d+\\.`))
        assert.deepStrictEqual(others, [])
        const file = yield* open({ key, pieceSize })
        const good = yield* file.resume
        assert.isAtLeast(good, 9)
        const rest = contentOf(2000 * pieceSize)
        for (const piece of rest.pieces.slice(good, 100)) yield* file.append(piece, rest.piece(piece), pieceSize)
        if (good < 100) yield* file.finish({ size: 100 * pieceSize, path: path.join(folder, "file") })
        else yield* file.discard
        assert.deepStrictEqual(namesIn(simple), [])
      })
    )
  )

  it.live("of another host is left to it until it was silent for long", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { simple, open } = yield* prepared
        yield* left(open, numbers(0, 5))
        const foreign = path.join(simple, `${key}.1.0123abcd.0123abcd.0123abcd-0`)
        fs.renameSync(path.join(simple, key), foreign)
        assert.strictEqual(yield* resumed(open), 0)
        const long = new Date(Date.now() - 11 * 60_000)
        for (const file of [path.join(foreign, "data"), foreign]) fs.utimesSync(file, long, long)
        assert.strictEqual(yield* resumed(open), 5)
        assert.deepStrictEqual(namesIn(simple), [key])
      })
    )
  )

  it.live("is the one with most in it when several were left", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { simple, open } = yield* prepared
        for (const [count, name] of [3, 8, 5].map(
          (n, index) => [n, `${key}.1.0123abcd.0123abcd.0123abcd-${index}`] as const
        )) {
          yield* left(open, numbers(0, count))
          const folder = path.join(simple, name)
          fs.renameSync(path.join(simple, key), folder)
          for (const file of [path.join(folder, "data"), folder]) fs.utimesSync(file, 0, 0)
        }
        assert.strictEqual(yield* resumed(open), 8)
        assert.deepStrictEqual(namesIn(simple), [key])
      })
    )
  )

  it.live.skipIf(!canMount)("goes to another file system by a copy, and stays when that is full", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { simple, open } = yield* prepared
        const [tiny, roomy] = [yield* tinyDisk(64), yield* tinyDisk(1024)]
        const file = yield* open({ key, pieceSize })
        yield* append(file, numbers(0, 21))
        const error = yield* Effect.flip(file.finish({ size, path: path.join(tiny, "file") }))
        assert.strictEqual(error.reason, "DiskFull")
        assert.deepStrictEqual(namesIn(tiny), [])
        yield* file.finish({ size, path: path.join(roomy, "file") })
        assert.deepStrictEqual(new Uint8Array(fs.readFileSync(path.join(roomy, "file"))), content.bytes)
        assert.deepStrictEqual(namesIn(simple), [])
      })
    )
  )

  it.live.skipIf(!canMount)("says that the disk is full, and keeps what came before (needs root on Linux)", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const disk = yield* tinyDisk(48)
        const { open } = yield* partialsIn(path.join(disk, "cache"))
        const error = yield* Effect.flip(left(open, numbers(0, 21)))
        assert.strictEqual(error.code, "ENOSPC")
        assert.isAtLeast(yield* resumed(open), 5)
      })
    )
  )
})

const flip = (file: string, position: number) => {
  const bytes = fs.readFileSync(file)
  bytes[position] = 255 - (bytes[position] ?? 0)
  fs.writeFileSync(file, bytes)
}

const replace = (folder: string, make: () => void) => {
  fs.rmSync(folder, { recursive: true })
  make()
}
