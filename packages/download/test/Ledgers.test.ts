import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import { noBytes } from "@piecework/domain/SourceKind"
import * as Recorder from "@piecework/ledger/Recorder"
import { encode } from "@piecework/ledger/Thinning"
import { Effect, Layer } from "effect"
import * as Ledgers from "../src/Ledgers.ts"

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "piecework-ledgers-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

const at = (directory: string) =>
  Effect.provide(Ledgers.Ledgers, Layer.provide(Ledgers.layer(directory), NodeServices.layer))

const recorder = (url: string, began = 0) =>
  Recorder.make({
    subject: { began, pid: 1, url, door: "get", priority: "Foreground", mode: "Lan" },
    now: () => began + 5,
    view: () => ({
      phase: "Fetching",
      heldBytes: 0,
      figures: {
        useful: noBytes,
        received: noBytes,
        waste: { bad: 0, duplicate: 0, cancelled: 0 },
        sent: 0,
        connections: 0,
        peers: 0
      }
    }),
    settings: () => []
  })

describe("the ledgers of a device", () => {
  it.live("are written whole, for their owner alone, and read again, the latest first", () =>
    Effect.gen(function* () {
      const directory = join(yield* folder, "ledgers")
      const ledgers = yield* at(directory)
      assert.deepStrictEqual(yield* ledgers.list, [])
      for (const began of [10, 30, 20]) {
        yield* ledgers.begin(recorder(`http://o/${began}`, began), undefined).save
      }
      assert.deepStrictEqual(
        (yield* ledgers.list).map(({ url }) => url),
        ["http://o/30", "http://o/20", "http://o/10"]
      )
      const names = yield* Effect.promise(() => readdir(directory))
      assert.strictEqual(names.length, 3)
      const { mode } = yield* Effect.promise(() => stat(join(directory, names[0] ?? "")))
      assert.strictEqual(mode & 0o777, 0o600)
    }).pipe(Effect.scoped)
  )

  it.live("have one file for a name, which is that of a job, however often it is tried", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const ledgers = yield* at(directory)
      for (const n of [1, 2, 3]) yield* ledgers.begin(recorder(`http://o/${n}`, n), "job-a").save
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(directory)), ["job-a.json"])
      assert.strictEqual((yield* ledgers.list)[0]?.url, "http://o/3")
    }).pipe(Effect.scoped)
  )

  it.live("go on until they are ended, and nobody misses one that cannot be written", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "file")
      yield* Effect.promise(() => writeFile(path, ""))
      const ledgers = yield* at(join(path, "below"))
      const one = recorder("http://o/1")
      const { end, save } = ledgers.begin(one, undefined)
      yield* save
      assert.deepStrictEqual(ledgers.running(), [one])
      end()
      assert.deepStrictEqual(ledgers.running(), [])
    }).pipe(Effect.scoped)
  )

  it.live("leave out what is no ledger: other files, long ones, folders, and links to devices", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      yield* Effect.promise(async () => {
        await writeFile(join(directory, "bad.json"), "{")
        await writeFile(join(directory, "long.json"), " ".repeat(70_000))
        await writeFile(join(directory, "good.json"), encode(recorder("http://o/good").snapshot()))
        await writeFile(join(directory, "good.json.draft"), "half")
        await mkdir(join(directory, "folder.json"))
        await symlink("/dev/zero", join(directory, "zero.json"))
      })
      const ledgers = yield* at(directory)
      assert.deepStrictEqual(
        (yield* ledgers.list).map(({ url }) => url),
        ["http://o/good"]
      )
    }).pipe(Effect.scoped)
  )

  it.live("are so many at most: the oldest leave", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const json = encode(recorder("http://o/old").snapshot())
      const old = Array.from({ length: Ledgers.mostFiles + 40 }, (_, n) => join(directory, `old-${n}.json`))
      yield* Effect.promise(() => Promise.all(old.map((file) => writeFile(file, json))))
      const ledgers = yield* at(directory)
      yield* ledgers.begin(recorder("http://o/new", 9), undefined).save
      const left = (yield* Effect.promise(() => readdir(directory))).length
      assert.isAtMost(left, Ledgers.mostFiles)
      assert.isAtLeast(left, Ledgers.mostFiles / 2)
      assert.strictEqual((yield* ledgers.list)[0]?.url, "http://o/new")
    }).pipe(Effect.scoped)
  )
})
