/** What files on drives are after a kill, a power cut, a bad disk or a stranger. */
import { assert, describe, it } from "@effect/vitest"
import * as Bitfield from "@piecework/domain/Bitfield"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Objects } from "../src/Objects.ts"
import type { StoredObject } from "../src/StoredObject.ts"
import { bytesOf, etagOf, factsOf, pieceSize, seedOf, urlOf } from "./support/files.ts"
import { tempFolder } from "./support/folders.ts"
import { objectsOn } from "./support/harness.ts"
import { killedWithin } from "./support/killed.ts"

const unixOnly = it.live.skipIf(process.platform === "win32")

/** Kills in a run; each costs half a second. */
const kills = Number(process.env["PIECEWORK_KILLS"] ?? 6)

const size = 2 * pieceSize + 100
const drivesIn = (folder: string) => [{ folder: path.join(folder, "drive"), size: 0 }]
const nameOf = (name: string) => createHash("sha256").update(urlOf(name)).digest("hex")
const folderIn = (folder: string, name: string) =>
  path.join(folder, "drive", "objects", nameOf(name).slice(0, 2), nameOf(name))

/** Reads every piece that is claimed: those that can be read, each with the right bytes or the test fails. */
const readable = Effect.fnUntraced(function* (stored: StoredObject) {
  const facts = stored.facts()
  const good: Array<number> = []
  for (const piece of Bitfield.pieces(stored.held())) {
    const target = new Uint8Array(stored.layout.length(piece))
    const isRead = yield* stored.read(piece, 0, target).pipe(
      Effect.as(true),
      Effect.catchTag("PieceMissing", () => Effect.succeed(false))
    )
    if (!isRead) continue
    assert.isTrue(Buffer.from(target).equals(bytesOf(facts.size, piece, seedOf(facts))), `piece ${piece} is wrong`)
    good.push(piece)
  }
  assert.deepStrictEqual([...Bitfield.pieces(stored.held())], good)
  return good
})

/** A drive with one file of three pieces, closed. */
const filled = Effect.gen(function* () {
  const folder = yield* tempFolder
  yield* Effect.scoped(
    Effect.gen(function* () {
      const objects = yield* objectsOn(drivesIn(folder))
      const stored = yield* objects.create(factsOf("file", size, { headers: etagOf(1) }))
      yield* Effect.forEach(stored.layout.indices(), (piece) => stored.put(piece, bytesOf(size, piece)))
    })
  )
  return { folder, at: (file: string) => path.join(folderIn(folder, "file"), file) }
})

const reopened = Effect.fnUntraced(function* (folder: string) {
  const objects = yield* objectsOn(drivesIn(folder))
  return { objects, found: yield* objects.find(urlOf("file")) }
})

/** It can be made again and holds what is put then. */
const makeAgain = Effect.fnUntraced(function* (objects: Objects["Service"]) {
  const stored = yield* objects.create(factsOf("file", size, { headers: etagOf(2) }))
  yield* Effect.forEach(stored.layout.indices(), (piece) => stored.put(piece, bytesOf(size, piece, 2)))
  assert.deepStrictEqual(yield* readable(stored), [0, 1, 2])
})

describe("A process that is killed", () => {
  it.live(
    "leaves files of which every piece that it had put is there, and every other is missing",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const folder = yield* tempFolder
          let put = 0
          for (let kill = 0; kill < kills; kill++) {
            const lines = yield* killedWithin("./writer.ts", [folder, String(kill * 10_000)], Math.random() * 120)
            const latest = new Map<string, { readonly seed: number; readonly pieces: Array<number> }>()
            for (const [what, name = "", seed, piece] of lines.map((line) => line.split(" "))) {
              if (what === "made") latest.set(name, { seed: Number(seed), pieces: [] })
              if (what === "put") latest.get(name)?.pieces.push(Number(piece))
            }
            const settings = ["one", "two"].map((name) => ({ folder: path.join(folder, name), size: 0 }))
            yield* Effect.scoped(
              Effect.gen(function* () {
                const objects = yield* objectsOn(settings)
                const listed = yield* objects.list
                assert.strictEqual(new Set(listed.map(({ facts }) => facts.url)).size, listed.length)
                for (const name of ["large", "a", "b", "c"]) {
                  const found = yield* objects.find(urlOf(name))
                  if (Option.isNone(found)) continue
                  const good = yield* readable(found.value)
                  const said = latest.get(name)
                  // It may have been killed in the next making of it.
                  if (said?.seed !== seedOf(found.value.facts())) continue
                  assert.includeMembers(good, said.pieces)
                  put += said.pieces.length
                }
              })
            )
          }
          assert.isAbove(put, 0)
        })
      ),
    120_000
  )
})

const spoil = (file: string, position: number) => {
  const fd = fs.openSync(file, "r+")
  const byte = new Uint8Array(1)
  fs.readSync(fd, byte, 0, 1, position)
  fs.writeSync(fd, Uint8Array.of(255 - (byte[0] ?? 0)), 0, 1, position)
  fs.closeSync(fd)
}

const rewrite = (file: string, change: (text: string) => string) =>
  fs.writeFileSync(file, change(fs.readFileSync(file, "latin1")), "latin1")

/** A record with a right checksum and whatever is wanted in it. */
const forged = (json: string) => `${createHash("sha256").update(json).digest("hex")}\n${json}`

type At = (file: string) => string

describe("What lies on a drive", () => {
  const pieces: ReadonlyArray<readonly [string, (at: At) => void, ReadonlyArray<number>]> = [
    ["a bit that turned", (at) => spoil(at("data"), pieceSize + 17), [0, 2]],
    ["data that is too short", (at) => fs.truncateSync(at("data"), pieceSize + 1), [0]],
    ["no data", (at) => fs.rmSync(at("data")), []],
    ["a digest that turned", (at) => spoil(at("digests"), 3), [1, 2]],
    ["half a digest at the end", (at) => fs.truncateSync(at("digests"), 80), [0, 1]],
    ["no digests", (at) => fs.rmSync(at("digests")), []],
    ["more digests than pieces", (at) => fs.appendFileSync(at("digests"), new Uint8Array(999).fill(1)), [0, 1, 2]],
    ["zeros for data, as after a power cut", (at) => fs.writeFileSync(at("data"), new Uint8Array(size)), []],
    ["a note of its use that is none", (at) => fs.writeFileSync(at("used"), "{}"), [0, 1, 2]],
    ["a draft of a record", (at) => fs.writeFileSync(at("facts.new"), "half"), [0, 1, 2]]
  ]
  for (const [what, damage, left] of pieces) {
    it.live(`costs the pieces concerned: ${what}`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { at, folder } = yield* filled
          damage(at)
          const { found, objects } = yield* reopened(folder)
          const stored = Option.getOrThrow(found)
          assert.deepStrictEqual(yield* readable(stored), left)
          // What is missing can be put again.
          for (const piece of stored.layout.indices()) yield* stored.put(piece, bytesOf(size, piece))
          assert.deepStrictEqual(yield* readable(stored), [0, 1, 2])
          yield* stored.confirm({ ...stored.facts(), freshUntil: 9 })
          yield* objects.list
        })
      )
    )
  }

  const files: ReadonlyArray<readonly [string, (at: At) => void]> = [
    ["no record", (at) => fs.rmSync(at("facts"))],
    ["half a record", (at) => rewrite(at("facts"), (text) => text.slice(0, 100))],
    ["an empty record", (at) => fs.writeFileSync(at("facts"), "")],
    ["a record of another size", (at) => rewrite(at("facts"), (text) => text.replace(String(size), String(size - 1)))],
    ["a record without end", (at) => fs.truncateSync(at("facts"), 2 ** 31)],
    ["a record that is no JSON", (at) => fs.writeFileSync(at("facts"), forged("{"))],
    ["a record of nothing", (at) => fs.writeFileSync(at("facts"), forged("null"))],
    [
      "a record of a size that no file has",
      (at) => rewrite(at("facts"), (text) => forged(text.slice(65).replace(String(size), "9007199254740991")))
    ],
    [
      "a record of another file",
      (at) => rewrite(at("facts"), (text) => forged(text.slice(65).replace("/file", "/other")))
    ],
    [
      "a record with headers that end a line",
      (at) => rewrite(at("facts"), (text) => forged(text.slice(65).replace('"etag"', '"a\\r\\nb"')))
    ]
  ]
  for (const [what, damage] of files) {
    it.live(`costs the file: ${what}`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { at, folder } = yield* filled
          damage(at)
          const { found, objects } = yield* reopened(folder)
          assert.isTrue(Option.isNone(found))
          assert.deepStrictEqual(yield* objects.list, [])
          yield* makeAgain(objects)
        })
      )
    )
  }

  const traps: ReadonlyArray<readonly [string, string, (trap: string, away: string) => void]> = [
    ["a link for data", "data", (trap, away) => fs.symlinkSync(path.join(away, "data"), trap)],
    ["a link for digests", "digests", (trap, away) => fs.symlinkSync(path.join(away, "digests"), trap)],
    ["a link for its record", "facts", (trap, away) => fs.symlinkSync(path.join(away, "facts"), trap)],
    ["a pipe for data", "data", (trap) => execFileSync("mkfifo", [trap])],
    ["a folder for digests", "digests", (trap) => fs.mkdirSync(trap)],
    ["a link for its folder", "", (trap, away) => fs.symlinkSync(away, trap)],
    ["a file for its folder", "", (trap) => fs.writeFileSync(trap, "")]
  ]
  for (const [what, file, set] of traps) {
    unixOnly(`is never followed or waited for: ${what}`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { at, folder } = yield* filled
          // What a link leads to is the very file, so that following it would look well.
          const away = path.join(folder, "away")
          fs.cpSync(at(""), away, { recursive: true })
          const before = fs.readdirSync(away).map((name) => fs.readFileSync(path.join(away, name)))
          const trap = path.join(at(""), file)
          fs.rmSync(trap, { recursive: true })
          set(trap, away)
          const { found, objects } = yield* reopened(folder)
          assert.isTrue(Option.isNone(found))
          yield* makeAgain(objects)
          const after = fs.readdirSync(away).map((name) => fs.readFileSync(path.join(away, name)))
          assert.deepStrictEqual(after, before)
        })
      )
    )
  }

  unixOnly("is not written through a link in the place of its 256 folders", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { at, folder } = yield* filled
        const part = path.dirname(at(""))
        const away = path.join(folder, "away")
        fs.renameSync(part, away)
        fs.symlinkSync(away, part)
        const { found, objects } = yield* reopened(folder)
        assert.isTrue(Option.isNone(found))
        yield* makeAgain(objects)
        assert.deepStrictEqual(fs.readdirSync(away), [path.basename(at(""))])
      })
    )
  )

  it.effect("is hashed anew when somebody changes it while it is open", () =>
    Effect.gen(function* () {
      const { at, folder } = yield* filled
      const { found } = yield* reopened(folder)
      const stored = Option.getOrThrow(found)
      assert.deepStrictEqual(yield* readable(stored), [0, 1, 2])
      yield* TestClock.adjust("1 hour")
      spoil(at("data"), 5)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* readable(stored), [1, 2])
      yield* stored.put(0 as PieceIndex, bytesOf(size, 0))
      assert.deepStrictEqual(yield* readable(stored), [0, 1, 2])
    })
  )

  it.live("is deleted to the end when that was interrupted", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { at, folder } = yield* filled
        const left = path.join(folder, "drive", "objects", ".deleted-0123456789ab")
        fs.renameSync(at(""), left)
        const { found } = yield* reopened(folder)
        assert.isTrue(Option.isNone(found))
        yield* Effect.gen(function* () {
          while (fs.existsSync(left)) yield* Effect.sleep("5 millis")
        }).pipe(Effect.timeout("20 seconds"))
      })
    )
  )
})
