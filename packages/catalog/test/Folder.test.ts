import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ContentUrl } from "@piecework/domain"
import { Effect, Result } from "effect"
import * as Folder from "../src/Folder.ts"

const base = Result.getOrThrow(ContentUrl.parse("https://origin.test/files/"))

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "piecework-folder-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const write = (...parts: readonly [string, ...ReadonlyArray<string>]) => {
  const path = join(...parts)
  mkdirSync(join(path, ".."), { recursive: true })
  writeFileSync(path, "some bytes")
  return path
}

describe("A folder that an origin has under a URL", () => {
  it.live("has each of its files there, whatever is in their names", () =>
    Effect.gen(function* () {
      const here = yield* folder
      const names = [
        "a.iso",
        "with space/ü.bin",
        "q?x=1#f",
        "100%",
        "a+b&c=d/%2e%2e",
        "semi;colon",
        "back\\slash",
        ".hidden"
      ]
      for (const name of names) write(here, name)
      const files = yield* Folder.files(here, base)
      const byPath = new Map(files.map(({ path, url }) => [path, url]))
      assert.strictEqual(
        byPath.get(join(here, "with space/ü.bin")),
        "https://origin.test/files/with%20space/%C3%BC.bin"
      )
      assert.strictEqual(byPath.get(join(here, "q?x=1#f")), "https://origin.test/files/q%3Fx%3D1%23f")
      assert.strictEqual(byPath.get(join(here, "100%")), "https://origin.test/files/100%25")
      // What looks like a way up stays a name.
      assert.strictEqual(byPath.get(join(here, "a+b&c=d/%2e%2e")), "https://origin.test/files/a%2Bb%26c%3Dd/%252e%252e")
      assert.strictEqual(byPath.get(join(here, "back\\slash")), "https://origin.test/files/back%5Cslash")
      assert.strictEqual(files.length, names.length)
      for (const [path, url] of byPath) {
        assert.strictEqual(join(here, decodeURIComponent(new URL(url).pathname.slice("/files/".length))), path)
      }
    })
  )

  it.live("may have links to what is in it, and none that lead out", () =>
    Effect.gen(function* () {
      const here = join(yield* folder, "in")
      const file = write(here, "sub", "a")
      symlinkSync(file, join(here, "link"))
      symlinkSync(here, join(here, "sub", "round"))
      const urls = (yield* Folder.files(here, base)).map(({ url }) => url)
      assert.deepStrictEqual(urls, ["https://origin.test/files/link", "https://origin.test/files/sub/a"])

      symlinkSync("/etc/passwd", join(here, "sub", "out"))
      const error = yield* Effect.flip(Folder.files(here, base))
      assert.deepStrictEqual([error.reason, error.path], ["LeadsOut", join(here, "sub", "out")])
    })
  )

  it.live("is not left by a neighbour whose name begins as its own, nor by a link to nothing", () =>
    Effect.gen(function* () {
      const root = yield* folder
      const here = join(root, "in")
      write(here, "a")
      const beside = write(root, "in-secret", "b")
      symlinkSync(beside, join(here, "link"))
      assert.strictEqual((yield* Effect.flip(Folder.files(here, base))).reason, "LeadsOut")
      rmSync(join(here, "link"))
      symlinkSync(join(here, "nothing"), join(here, "link"))
      assert.strictEqual((yield* Effect.flip(Folder.files(here, base))).reason, "LeadsOut")
    })
  )

  it.live("has to be one", () =>
    Effect.gen(function* () {
      const here = yield* folder
      assert.strictEqual((yield* Effect.flip(Folder.files(join(here, "none"), base))).reason, "NotFound")
      assert.strictEqual((yield* Effect.flip(Folder.files(write(here, "file"), base))).reason, "NotAFolder")
    })
  )
})
