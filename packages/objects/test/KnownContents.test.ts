import { assert, describe, it } from "@effect/vitest"
import type { ContentId } from "@piecework/domain/Content"
import { Context, Effect, Layer, Option } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { KnownContents, mostKnown } from "../src/KnownContents.ts"
import { urlOf } from "./support/files.ts"
import { tempFolder } from "./support/folders.ts"

const known = (n: number, more = "") => ({
  contentId: `DO-${String(n).padStart(43, "0")}` as ContentId,
  size: n,
  headers: new Map([
    ["etag", `"${n}"`],
    ["x-more", more]
  ])
})

const start = (folder: string) =>
  Effect.map(Layer.build(Layer.fresh(KnownContents.layer(folder))), (context) => Context.get(context, KnownContents))

const sizes = Effect.fnUntraced(function* (contents: KnownContents["Service"], names: ReadonlyArray<string>) {
  const found = yield* Effect.forEach(names, (name) => contents.find(urlOf(name)))
  return found.map((one) => Option.getOrUndefined(one)?.size)
})

/** What one process writes; answers the file. */
const written = Effect.gen(function* () {
  const folder = yield* tempFolder
  yield* Effect.scoped(
    Effect.gen(function* () {
      const contents = yield* start(folder)
      for (const n of [1, 2, 3]) yield* contents.remember(urlOf(`f${n}`), known(n))
    })
  )
  return { folder, file: path.join(folder, "known") }
})
const names = ["f1", "f2", "f3"]

const harnesses = [
  ["in memory", KnownContents.layerMemory],
  ["on disk", Layer.unwrap(Effect.map(tempFolder, KnownContents.layer))]
] as const

for (const [name, layer] of harnesses) {
  describe(`KnownContents ${name}`, () => {
    it.effect("remember what was said last of a URL, and forget it on request", () =>
      Effect.gen(function* () {
        const contents = yield* KnownContents
        assert.isTrue(Option.isNone(yield* contents.find(urlOf("a"))))
        yield* contents.remember(urlOf("a"), known(1))
        yield* contents.remember(urlOf("a"), known(2))
        const found = yield* contents.find(urlOf("a"))
        assert.deepStrictEqual(found, Option.some({ ...known(2), rememberedAt: 0 }))
        yield* contents.forget(urlOf("a"))
        yield* contents.forget(urlOf("never"))
        assert.isTrue(Option.isNone(yield* contents.find(urlOf("a"))))
      }).pipe(Effect.provide(layer))
    )

    it.effect("remember nothing with headers past their bounds", () =>
      Effect.gen(function* () {
        const contents = yield* KnownContents
        yield* contents.remember(urlOf("a"), known(1, "a\r\nb"))
        yield* contents.remember(urlOf("a"), known(1, "x".repeat(20_000)))
        assert.isTrue(Option.isNone(yield* contents.find(urlOf("a"))))
      }).pipe(Effect.provide(layer))
    )

    it.effect("forget what was asked for least lately when they are too many", () =>
      Effect.gen(function* () {
        const contents = yield* KnownContents
        // 15 KiB each, so that their bytes are too many before their number is.
        const more = "x".repeat(15_000)
        for (let n = 0; n < 1200; n++) {
          yield* contents.remember(urlOf(`f${n}`), known(n, more))
          yield* contents.find(urlOf("f0"))
        }
        assert.deepStrictEqual(yield* sizes(contents, ["f0", "f1", "f1199"]), [0, undefined, 1199])
      }).pipe(Effect.provide(layer))
    )
  })
}

describe("The file of known contents", () => {
  it.effect("is read after a start, forgotten ones left out", () =>
    Effect.gen(function* () {
      const { folder } = yield* written
      yield* Effect.scoped(Effect.flatMap(start(folder), (contents) => contents.forget(urlOf("f2"))))
      assert.deepStrictEqual(yield* sizes(yield* start(folder), names), [1, undefined, 3])
    })
  )

  const damages: ReadonlyArray<readonly [string, (file: string) => void, ReadonlyArray<number | undefined>]> = [
    ["half a line at its end", (file) => fs.truncateSync(file, fs.statSync(file).size - 5), [1, 2, undefined]],
    ["a bit that turned", (file) => rewrite(file, (text) => text.replace("f2", "g2")), [1, undefined, 3]],
    ["zeros, as after a power cut", (file) => fs.appendFileSync(file, new Uint8Array(5000)), [1, 2, 3]],
    ["lines that are none", (file) => fs.appendFileSync(file, "\n\nhello {\n0123456789abcdef {}\n"), [1, 2, 3]],
    ["no file", (file) => fs.rmSync(file), [undefined, undefined, undefined]],
    ["more than it may have", (file) => fs.truncateSync(file, 2 ** 32), [undefined, undefined, undefined]],
    [
      "a link in its place",
      (file) => {
        fs.renameSync(file, `${file}.away`)
        fs.symlinkSync(`${file}.away`, file)
      },
      [undefined, undefined, undefined]
    ],
    [
      "a folder in its place",
      (file) => {
        fs.rmSync(file)
        fs.mkdirSync(file)
      },
      [undefined, undefined, undefined]
    ]
  ]
  for (const [what, damage, left] of damages) {
    it.effect(`costs what it concerns, and is written on: ${what}`, () =>
      Effect.gen(function* () {
        const { file, folder } = yield* written
        damage(file)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const contents = yield* start(folder)
            assert.deepStrictEqual(yield* sizes(contents, names), left)
            yield* contents.remember(urlOf("added"), known(7))
          })
        )
        assert.deepStrictEqual(yield* sizes(yield* start(folder), [...names, "added"]), [...left, 7])
        const away = `${file}.away`
        if (fs.existsSync(away)) assert.notInclude(fs.readFileSync(away, "utf8"), "added")
      })
    )
  }

  it.effect("stays small, however often something is remembered", () =>
    Effect.gen(function* () {
      const { file, folder } = yield* written
      const contents = yield* start(folder)
      const more = "x".repeat(10_000)
      for (let n = 0; n < 1000; n++) yield* contents.remember(urlOf("often"), known(n, more))
      assert.isBelow(fs.statSync(file).size, 2 * 1024 * 1024)
      assert.isBelow(mostKnown, 100_000)
      assert.deepStrictEqual(yield* sizes(yield* start(folder), [...names, "often"]), [1, 2, 3, 999])
    })
  )

  it.effect("costs nobody anything when it cannot be written", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      fs.writeFileSync(path.join(root, "file"), "")
      const contents = yield* start(path.join(root, "file", "folder"))
      yield* contents.remember(urlOf("a"), known(1))
      assert.deepStrictEqual(yield* sizes(contents, ["a"]), [1])
    })
  )
})

const rewrite = (file: string, change: (text: string) => string) =>
  fs.writeFileSync(file, change(fs.readFileSync(file, "utf8")))
