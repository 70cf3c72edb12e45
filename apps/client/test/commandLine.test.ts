import { randomBytes } from "node:crypto"
import { closeSync, existsSync, openSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { exitCodes } from "../src/ExitCode.ts"
import * as HttpOrigin from "./support/httpOrigin.ts"
import * as Programs from "./support/programs.ts"

/** A folder, and the arguments of a plain download into it. */
const plain = (url: string) =>
  Effect.map(Programs.folder, (root) => {
    const out = join(root, "file")
    return { root, out, args: ["get", url, "-o", out, "--state", join(root, "state")] }
  })

const all = { concurrency: 2 } as const

describe("wrong usage", () => {
  it.live("ends with 2, whatever is wrong", () =>
    Effect.gen(function* () {
      const ends = yield* Effect.forEach(
        [
          ["get", "http://origin.test/file", "--nope"],
          ["get", "http://origin.test/file", "--mode", "moon"],
          ["get", "http://origin.test/file", "--port", "99999"],
          ["get"]
        ],
        (args) => Programs.run("piecework", args),
        all
      )
      assert.deepStrictEqual(
        ends.map(({ code }) => code),
        ends.map(() => exitCodes.usage)
      )
    })
  )
})

describe("standard output", () => {
  it.live("may lose its reader, and the download goes on", () =>
    Effect.gen(function* () {
      const bytes = randomBytes(3_000_000)
      const origin = yield* HttpOrigin.make({ bytes, bytesPerSecond: 4_000_000 })
      const { args, out } = yield* plain(origin.url)
      const program = yield* Programs.start("piecework", [...args, "--events"])
      yield* program.line((line) => line.includes("Fetching") || undefined)
      yield* program.hangUp
      const { code, stderr } = yield* program.exit
      assert.deepStrictEqual([code, stderr], [exitCodes.ok, ""])
      assert.isTrue(bytes.equals(yield* Effect.promise(() => readFile(out))))
    })
  )

  it.live.skipIf(!existsSync("/dev/full"))("may be full, and the file is there all the same", () =>
    Effect.gen(function* () {
      const origin = yield* HttpOrigin.make({ bytes: randomBytes(100_000) })
      const full = yield* Effect.acquireRelease(
        Effect.sync(() => openSync("/dev/full", "w")),
        (fd) => Effect.sync(() => closeSync(fd))
      )
      const runs = yield* Effect.forEach(
        ["--events", "--json"],
        (flag) =>
          Effect.gen(function* () {
            const { args, out } = yield* plain(origin.url)
            const { code, stderr } = yield* Programs.run("piecework", [...args, flag], {}, full)
            return { code, stderr, isThere: existsSync(out) }
          }),
        all
      )
      for (const { code, isThere, stderr } of runs) {
        assert.deepStrictEqual([code, isThere], [exitCodes.diskFull, true])
        assert.match(stderr, /^piecework: The disk that standard output goes to is full; .*\n$/)
      }
    })
  )
})
