import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, it } from "@effect/vitest"
import { ContentUrl } from "@piecework/domain"
import { PieceHasher } from "@piecework/hashing"
import { Effect, Layer, Option, Result } from "effect"
import { Catalog } from "../src/Catalog.ts"
import { publish } from "../src/Publisher.ts"

const url = Result.getOrThrow(ContentUrl.parse("http://origin.test/a.bin"))
const services = Layer.merge(Catalog.layerMemory, PieceHasher.PieceHasher.layerMemory)

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-publisher-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

it.live("publishing a file twice changes nothing, publishing it changed moves its URL", () =>
  Effect.gen(function* () {
    const file = join(yield* folder, "a.bin")
    writeFileSync(file, new Uint8Array(2_500_000).fill(7))
    const seen: Array<number> = []
    const first = yield* publish({ file, urls: [url], onProgress: (hashed) => seen.push(hashed) })
    assert.deepStrictEqual([first.isNew, first.content.contentSize, seen.at(-1)], [true, 2_500_000, 2_500_000])
    const second = yield* publish({ file, urls: [url] })
    assert.deepStrictEqual([second.isNew, second.added, second.moved], [false, [], []])
    appendFileSync(file, "more")
    const third = yield* publish({ file, urls: [url] })
    assert.deepStrictEqual(third.moved, [{ url, from: first.content.contentId }])
    const current = Option.getOrThrow(yield* Catalog.use((catalog) => catalog.byUrl(url)))
    assert.strictEqual(current.contentSize, 2_500_004)
  }).pipe(Effect.provide(services))
)

it.live("a file that is not there is not published", () =>
  Effect.gen(function* () {
    const file = join(yield* folder, "b.bin")
    const error = yield* Effect.flip(publish({ file, urls: [url] }))
    assert.strictEqual(error.reason, "NotFound")
    assert.deepStrictEqual(yield* Catalog.use((catalog) => catalog.list), [])
  }).pipe(Effect.provide(services))
)
