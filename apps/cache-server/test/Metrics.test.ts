import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { createServer, type AddressInfo } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Exposition from "@piecework/testkit/Exposition"
import { Effect } from "effect"
import { ask, through } from "./support/asking.ts"
import * as Origin from "./support/origin.ts"
import * as Programs from "./support/programs.ts"

const manual = readFileSync(join(import.meta.dirname, "../../../docs/metrics.md"), "utf8")

const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

describe("The metrics of a cache server", () => {
  it.live("are those of the manual, and say what came in and went out to the byte", () =>
    Effect.gen(function* () {
      const bytes = randomBytes(3_000_000)
      const origin = yield* Origin.make(bytes)
      const port = yield* freePort
      const state = join(yield* Programs.folder, "state")
      const server = yield* Programs.cache(state, ["--origin", origin.host, "--metrics", `127.0.0.1:${port}`])
      for (const _ of [1, 2, 3]) assert.strictEqual((yield* ask(through(server.url, origin.host))).status, 200)

      const response = yield* Effect.promise(() => fetch(`http://127.0.0.1:${port}/metrics`))
      assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/)
      const { families, problems } = Exposition.read(yield* Effect.promise(() => response.text()))
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual(
        [...families.values()].map(({ kind, name }) => `${name} ${kind}`).toSorted(),
        [...Exposition.documented(manual, "## Every program"), ...Exposition.documented(manual, "## Cache server")]
          .map((pair) => pair.join(" "))
          .toSorted()
      )
      const value = (name: string, word: string) =>
        families.get(name)?.series.find(({ labels }) => Object.values(labels).includes(word))?.value
      assert.strictEqual(value("piecework_cache_received_bytes_total", "origin"), bytes.length)
      // Whether a piece was on its drive already when the next asked for it, nobody can say.
      const both = (name: string) => (value(name, "hit") ?? 0) + (value(name, "miss") ?? 0)
      assert.strictEqual(both("piecework_cache_sent_bytes_total"), 3 * bytes.length)
      assert.strictEqual(both("piecework_cache_answers_total"), 3)
      assert.isAtLeast(value("piecework_cache_answers_total", "miss") ?? 0, 1)
    })
  )
})
