import { mkdtempSync, readdirSync, rmSync, mkdirSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as Maker from "../../src/site/Maker.ts"

layer(NodeServices.layer, { excludeTestServices: true })("Maker", (it) => {
  it.effect("knows what this process has made", () =>
    Effect.gen(function* () {
      const own = `${yield* Maker.ownPrefix}router`
      assert.strictEqual(Option.getOrUndefined(Maker.of(own))?.pid, process.pid)
      assert.isFalse(yield* Maker.isGone(own))
    })
  )

  it.effect("leaves alone what is not the bench's", () =>
    Effect.gen(function* () {
      for (const name of ["docker-1", "piecework-bench-x", "piecework-bench-1-x-y", "xpiecework-bench-1-2-y"]) {
        assert.isFalse(yield* Maker.isGone(name), name)
      }
    })
  )

  it.effect("takes a process with the same id that started at another time for another one", (context) =>
    Effect.gen(function* () {
      if (process.platform !== "linux") return context.skip()
      assert.isTrue(yield* Maker.isGone(`piecework-bench-${process.pid}-1-router`))
    })
  )

  it.effect("removes folders of runs that are no more", () =>
    Effect.acquireUseRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "maker-"))),
      (folder) =>
        Effect.gen(function* () {
          const own = `${yield* Maker.ownPrefix}abc`
          for (const name of [own, "piecework-bench-4194305-7-abc", "other"]) mkdirSync(join(folder, name))
          yield* Maker.sweepFolders([folder, join(folder, "missing")])
          assert.deepStrictEqual(readdirSync(folder).toSorted(), ["other", own].toSorted())
        }),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
    )
  )
})
