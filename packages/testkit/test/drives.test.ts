/** Downloads of a device whose contents lie on several drives, as those of a cache server do. */
import { assert, describe, it } from "@effect/vitest"
import * as DrivenCache from "@piecework/cache/DrivenCache"
import { Drives } from "@piecework/cache/Drives"
import { PieceHasher } from "@piecework/hashing"
import { Host } from "@piecework/host"
import { World } from "@piecework/testkit"
import { Effect, Layer, Stream } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const tempFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "piecework-drives-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

const size = 40 * 4096
const fileOf = (n: number) => World.bytesOf(size, n)

const drivenIn = (root: string, driveSize: number) =>
  DrivenCache.layer.pipe(
    Layer.provide(Drives.layer(["one", "two"].map((name) => ({ folder: path.join(root, name), size: driveSize })))),
    Layer.provide([
      PieceHasher.PieceHasher.layerMemory,
      Host.Host.layerTest({ space: () => ({ total: 2 ** 40, free: 2 ** 39, device: 1 }) })
    ])
  )

const contentsOn = (drive: string) => fs.readdirSync(path.join(drive, "contents")).length

describe("a device with several drives", () => {
  it.live("downloads onto each of them, lets the least useful leave, and reads from wherever it lies", () =>
    Effect.gen(function* () {
      const root = yield* tempFolder
      const world = yield* World.make()
      // Each takes two of the files with their records.
      const client = yield* world.client({ cache: drivenIn(root, 2 * size + 64 * 1024) })
      const fetch = (n: number) =>
        Effect.scoped(
          Effect.gen(function* () {
            const { url } = yield* world.publish(`/file-${n}`, fileOf(n))
            const out = path.join(root, `out-${n}`)
            const result = yield* (yield* client.start({ url, path: out, overwrite: true })).result
            assert.isTrue(fs.readFileSync(out).equals(fileOf(n)))
            return result
          })
        )
      for (const n of [1, 2, 3, 4]) assert.strictEqual((yield* fetch(n)).bytes.Origin, size)
      assert.deepStrictEqual(
        ["one", "two"].map((name) => contentsOn(path.join(root, name))),
        [2, 2]
      )
      // What is held is not fetched again, wherever it lies.
      for (const n of [4, 3]) assert.strictEqual((yield* fetch(n)).bytes.Origin, 0)
      for (const n of [5, 6]) assert.strictEqual((yield* fetch(n)).bytes.Origin, size)
      assert.deepStrictEqual(
        ["one", "two"].map((name) => contentsOn(path.join(root, name))),
        [2, 2]
      )

      const { url } = yield* world.publish("/file-6", fileOf(6))
      const content = yield* client.open({ url })
      const read = yield* Stream.runFold(
        content.read(),
        () => Buffer.alloc(0),
        (all, chunk) => Buffer.concat([all, chunk])
      )
      assert.isTrue(read.equals(fileOf(6)))
    })
  )
})
