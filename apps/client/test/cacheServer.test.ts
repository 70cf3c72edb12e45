import { randomBytes } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { exitCodes } from "../src/ExitCode.ts"
import * as HttpOrigin from "./support/httpOrigin.ts"
import * as Programs from "./support/programs.ts"

const bytes = randomBytes(2_000_000)

interface Result {
  readonly bytes: { readonly [kind: string]: number }
  readonly cache?: { readonly [field: string]: unknown }
}

/** An origin and a cache server, both with the file, and the program with settings that name the one. */
const scene = Effect.fnUntraced(function* (settings: { readonly [name: string]: unknown } = {}) {
  const root = yield* Programs.folder
  const origin = yield* HttpOrigin.make({ bytes })
  const cache = yield* HttpOrigin.make({ bytes })
  const address = new URL(cache.url).host
  const file = join(root, "policy.json")
  writeFileSync(file, JSON.stringify({ DOCacheHost: address, ...settings }))
  const path = join(root, "out")
  const get = (...more: Array<string>) =>
    Programs.run(
      "piecework",
      ["get", origin.url, "-o", path, "--state", join(root, "state"), "--policy", file].concat(more)
    )
  const run = (...words: Array<string>) => Programs.run("piecework", words.concat("--state", join(root, "state")))
  return { address, cache, get, origin, path, run }
})

describe("get where a cache server is named", () => {
  it.live("takes the file from there, and status says so", () =>
    Effect.gen(function* () {
      const { address, cache, get, origin, path, run } = yield* scene()
      const { code, stderr, stdout } = yield* get("--json")
      assert.strictEqual(code, exitCodes.ok, stderr)
      const result = JSON.parse(stdout) as Result
      assert.strictEqual(result.bytes["CacheServer"], bytes.length)
      assert.deepInclude(result.cache ?? {}, { reason: "Asked", host: `http://${address}`, provider: "Policy" })
      assert.isTrue(bytes.equals(readFileSync(path)))
      assert.strictEqual(origin.requests(), 0)
      assert.isAtLeast(cache.sent(), bytes.length)
      const [status] = JSON.parse((yield* run("status", "--json")).stdout) as ReadonlyArray<{
        [field: string]: unknown
      }>
      assert.deepInclude(status ?? {}, { BytesFromCacheServer: bytes.length, CacheHost: `http://${address}` })
    })
  )

  for (const [what, status, reason] of [
    ["refuses it", 403, "Banned"],
    ["fails", 502, "Failed"]
  ] as const) {
    it.live(`takes it from the origin at once where that ${what}, and says why`, () =>
      Effect.gen(function* () {
        const { cache, get, path } = yield* scene()
        cache.fail(status)
        const { code, stderr, stdout } = yield* get("--json")
        assert.strictEqual(code, exitCodes.ok, stderr)
        const result = JSON.parse(stdout) as Result
        assert.strictEqual(result.bytes["Origin"], bytes.length)
        assert.deepInclude(result.cache ?? {}, { reason })
        assert.include(String(result.cache?.["failure"]), `HTTP ${status}`)
        assert.isTrue(bytes.equals(readFileSync(path)))
        assert.strictEqual(cache.requests(), 1)
      })
    )
  }

  it.live("never asks the origin where the delay is -1, and ends with what the cache server says", () =>
    Effect.gen(function* () {
      const { cache, get, origin } = yield* scene({ DODelayCacheServerFallbackForeground: -1 })
      cache.fail(403)
      const { code, stderr } = yield* get()
      assert.strictEqual(code, exitCodes.refused)
      assert.match(stderr, /The cache server refuses http:\S+ \(HTTP 403\), and the settings forbid the origin/)
      assert.strictEqual(origin.requests(), 0)
    })
  )
})
