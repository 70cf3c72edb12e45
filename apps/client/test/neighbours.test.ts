import { randomBytes } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { networkInterfaces } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { exitCodes } from "../src/ExitCode.ts"
import * as HttpOrigin from "./support/httpOrigin.ts"
import * as Programs from "./support/programs.ts"

const hasNetwork = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ family, internal }) => family === "IPv4" && !internal)
)

/** A file with its hashes beside it, at an origin. */
const shared = Effect.gen(function* () {
  const root = yield* Programs.folder
  const file = join(root, "image")
  const bytes = randomBytes(12_000_000)
  writeFileSync(file, bytes)
  const made = yield* Programs.run("piecework", ["phf", file, "--json"])
  assert.strictEqual(made.code, exitCodes.ok, made.stderr)
  const { contentId, phf } = JSON.parse(made.stdout) as { readonly contentId: string; readonly phf: string }
  const origin = yield* HttpOrigin.make({ bytes, phf: readFileSync(phf) })
  return { root, bytes, contentId, origin }
})

describe("phf", () => {
  it.live("writes the hashes of a file beside it, and refuses what is no file", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      writeFileSync(join(root, "empty"), "")
      const { stdout } = yield* Programs.run("piecework", ["phf", join(root, "empty")])
      assert.match(stdout, /^DO-[\w-]{43}\n$/)
      assert.strictEqual((yield* Programs.run("piecework", ["phf", join(root, "none")])).code, exitCodes.notFound)
      assert.strictEqual((yield* Programs.run("piecework", ["phf", root])).code, exitCodes.storage)
    })
  )
})

describe("a content that is named", () => {
  it.live("is refused when the origin has another, and nothing is left", () =>
    Effect.gen(function* () {
      const { origin, root } = yield* shared
      const other = `DO-${randomBytes(32).toString("base64url")}`
      const get = (id: string) =>
        Programs.run("piecework", [
          "get",
          origin.url,
          "-o",
          join(root, "out"),
          "--state",
          join(root, "s"),
          "--content-id",
          id
        ])
      const refused = yield* get(other)
      assert.strictEqual(refused.code, exitCodes.unreachable)
      assert.include(refused.stderr, "do not match")
      assert.strictEqual((yield* get("DO-nonsense")).code, exitCodes.usage)
    })
  )

  it.live.skipIf(!hasNetwork)("comes from the neighbours, whom no service named", () =>
    Effect.gen(function* () {
      const { bytes, contentId, origin, root } = yield* shared
      const get = (n: number, ...more: Array<string>) =>
        ["get", origin.url, "-o", join(root, `out${n}`), "--state", join(root, `s${n}`), "--port", "0"].concat(
          ["--content-id", contentId],
          more
        )
      const first = yield* Programs.start("piecework", get(1, "--events", "--seed", "5 minutes"))
      yield* first.line((line) => (line.startsWith('{"result"') ? line : undefined))
      // So slow that it is not done before the two have met, however busy the machine is.
      origin.pace(500_000)
      const before = origin.sent()
      const second = yield* Programs.run("piecework", get(2, "--json"))
      assert.strictEqual(second.code, exitCodes.ok, second.stderr)
      const { bytes: from } = JSON.parse(second.stdout) as { readonly bytes: { readonly [kind: string]: number } }
      assert.isAbove((from["LinkLocal"] ?? 0) + (from["Lan"] ?? 0), bytes.length / 2, second.stdout)
      assert.isBelow(origin.sent() - before, bytes.length / 2)
      assert.isTrue(bytes.equals(readFileSync(join(root, "out2"))))
    })
  )
})
