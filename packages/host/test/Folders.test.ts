import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Folders from "../src/Folders.ts"

const inFolder = async (work: (root: string) => Promise<void>) => {
  const root = mkdtempSync(join(tmpdir(), "piecework-folders-"))
  try {
    await work(root)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

const codeOf = (made: Promise<void>) =>
  made.then(
    () => "made",
    (error: NodeJS.ErrnoException) => error.code
  )

describe("A folder", () => {
  it("is made with those above it, by several at a time, and may be there", () =>
    inFolder(async (root) => {
      const deep = join(root, "a", "b", "c")
      await Promise.all([1, 2, 3].map(() => Folders.make(deep, { mode: 0o700 })))
      await Folders.make(deep)
      assert.strictEqual(statSync(deep).mode & 0o777, 0o700)
      assert.strictEqual(statSync(join(root, "a")).mode & 0o777, 0o700)
    }))

  it("is refused where a file is in the way", () =>
    inFolder(async (root) => {
      writeFileSync(join(root, "file"), "")
      assert.strictEqual(await codeOf(Folders.make(join(root, "file"))), "EEXIST")
      assert.strictEqual(await codeOf(Folders.make(join(root, "file", "below"))), "ENOTDIR")
    }))

  it.skipIf(!existsSync("/proc/self"))(
    "is refused at once where nobody can make any, as in /proc (skipped without it)",
    async () => {
      assert.strictEqual(await codeOf(Folders.make("/proc/none/below")), "ENOENT")
    }
  )
})
