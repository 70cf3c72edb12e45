/** Destinations on file systems without hard links, as FAT: there the last step is another one. */
import { assert, describe, it } from "@effect/vitest"
import { PartialFile } from "@piecework/cache"
import { Effect, Exit } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { vi } from "vitest"
import { contentOf, pieceSize, small } from "./support/contents.ts"
import { namesIn, tempFolder } from "./support/folders.ts"
import { cacheIn, partialsIn } from "./support/harness.ts"

vi.mock(import("node:fs/promises"), async (original) => ({
  ...(await original()),
  link: () => Promise.reject(Object.assign(new Error("EPERM: operation not permitted, link"), { code: "EPERM" }))
}))

const bytesOf = (file: string) => new Uint8Array(fs.readFileSync(file))

const prepared = Effect.gen(function* () {
  const folder = yield* tempFolder
  const outside = path.join(folder, "outside")
  fs.mkdirSync(outside)
  const stored = yield* (yield* cacheIn(path.join(folder, "cache"))).open(small.phf)
  yield* Effect.forEach(small.pieces, (piece) => stored.put(piece, small.piece(piece)))
  return { folder, outside, stored }
})

describe("Without hard links", () => {
  it.live("an export comes whole, as a copy even when a link was asked for", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { outside, stored } = yield* prepared
        for (const link of [true, false]) {
          const file = path.join(outside, `link ${link}`)
          yield* stored.export(file, { link })
          assert.deepStrictEqual(bytesOf(file), small.bytes)
          assert.strictEqual(fs.statSync(file).nlink, 1)
        }
        assert.deepStrictEqual(namesIn(outside), ["link false", "link true"])
      })
    )
  )

  it.live("an export still never takes the place of a file, also when many come at once", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { outside, stored } = yield* prepared
        const file = path.join(outside, "file")
        const exits = yield* Effect.forEach(
          Array.from({ length: 8 }, () => stored.export(file)),
          Effect.exit,
          { concurrency: 8 }
        )
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 1)
        assert.deepStrictEqual(bytesOf(file), small.bytes)
        fs.writeFileSync(file, "mine")
        assert.strictEqual((yield* Effect.flip(stored.export(file))).reason, "Exists")
        assert.strictEqual(fs.readFileSync(file, "utf8"), "mine")
        yield* stored.export(file, { overwrite: true })
        assert.deepStrictEqual(bytesOf(file), small.bytes)
        assert.deepStrictEqual(namesIn(outside), ["file"])
      })
    )
  )

  it.live("a partial file is finished by a copy, and nothing of it stays", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { folder, outside } = yield* prepared
        const partials = yield* partialsIn(path.join(folder, "cache"))
        const content = contentOf(3 * pieceSize)
        const file = yield* partials.open({ key: PartialFile.PartialKey.make("00".repeat(32)), pieceSize })
        yield* Effect.forEach(content.pieces, (piece) => file.append(piece, content.piece(piece), pieceSize))
        yield* file.finish({ size: content.bytes.length, path: path.join(outside, "file") })
        assert.deepStrictEqual(bytesOf(path.join(outside, "file")), content.bytes)
        assert.deepStrictEqual(namesIn(path.join(folder, "cache", "simple")), [])
      })
    )
  )
})
