/** What an operator sets by flags and files, as the process carries it out. */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { post } from "./Local.ts"
import { folder, run, serving } from "./Program.ts"

describe("piecework-service", () => {
  it.live("limits each who has a token as it is told, and nobody else by that", () =>
    Effect.gen(function* () {
      const data = join(yield* folder, "data")
      const token = (yield* run("token", "create", "--scope", "read", "--data", data)).stdout.trim()
      const { url } = yield* serving(data, "--rate-per-device", "1/6")
      const asked = (headers: Record<string, string>) =>
        Effect.map(post(`${url}/rpc/geo`, "Geo", { clientVersion: "1", profile: 768 }, headers), ({ status }) => status)
      const all = (headers: Record<string, string>) =>
        Effect.all(
          Array.from({ length: 20 }, () => asked(headers)),
          { concurrency: "unbounded" }
        )
      const answers = yield* all({ authorization: `Bearer ${token}` })
      assert.isAtLeast(answers.filter((status) => status === 200).length, 6)
      assert.include(answers, 429)
      assert.deepStrictEqual([...new Set(yield* all({}))], [200])
    })
  )

  for (const [what, flags, code] of [
    ["a rate that is none", ["--rate-per-address", "much"], 2],
    ["places that are not there", ["--places", "/nonexistent/places.json"], 4]
  ] as const) {
    it.live(`ends with ${code} and a sentence for ${what}`, () =>
      Effect.gen(function* () {
        const ended = yield* run("--port", "0", "--data", join(yield* folder, "data"), ...flags)
        assert.strictEqual(ended.code, code, ended.stderr)
        assert.isAbove(ended.stderr.length, 0)
      })
    )
  }
})
