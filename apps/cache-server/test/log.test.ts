/** The log of the cache server, as its command shows it. */
import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ask, through } from "./support/asking.ts"
import * as Origin from "./support/origin.ts"
import * as Programs from "./support/programs.ts"

describe("piecework-cache log", () => {
  it.live("shows that the server ran, what it was asked for, and that it was told to stop, without queries", () =>
    Effect.gen(function* () {
      const state = join(yield* Programs.folder, "state")
      const origin = yield* Origin.make(randomBytes(1_000))
      const server = yield* Programs.cache(state, ["--origin", origin.host, "--log-level", "debug"])
      yield* ask(`${through(server.url, origin.host)}?sig=s3cretSecret`)
      yield* server.kill("SIGTERM")
      const { stderr } = yield* server.exit
      assert.notInclude(stderr, "s3cretSecret")
      const { code, stdout } = yield* Programs.run("cache", ["log", "--json", "--state", state])
      assert.strictEqual(code, 0)
      assert.notInclude(stdout, "s3cretSecret")
      const said = stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { readonly Program: string; readonly Message: string })
      assert.isTrue(said.every(({ Program }) => Program === "cache"))
      assert.match(said[0]?.Message ?? "", /^The cache server runs\. Serving files of/)
      assert.strictEqual(said.at(-1)?.Message, "The program was told to stop.")
    })
  )
})
