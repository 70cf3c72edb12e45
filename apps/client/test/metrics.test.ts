import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Exposition from "@piecework/testkit/Exposition"
import { Effect, Schedule } from "effect"
import * as Programs from "./support/programs.ts"
import * as Site from "./support/site.ts"

const manual = readFileSync(join(import.meta.dirname, "../../../docs/metrics.md"), "utf8")

const scrape = (port: number) =>
  Effect.promise(async () => Exposition.read(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()))

/** The sum of all series that have these labels. */
const valueOf = ({ families }: Exposition.Exposition, name: string, labels: Readonly<Record<string, string>> = {}) =>
  families
    .get(name)
    ?.series.filter((one) => Object.entries(labels).every(([key, word]) => one.labels[key] === word))
    .reduce((sum, { value }) => sum + value, 0)

describe("The metrics of an agent", () => {
  it.live("are those of the manual, and say of a download what its result says", () =>
    Effect.gen(function* () {
      const site = yield* Site.published({ length: 12 * 1_048_576 + 9 })
      const { origin, root } = site
      const port = yield* Programs.freePort
      const socket = join(root, "agent.sock")
      const places = ["--socket", socket, "--run-dir", join(root, "run")]
      yield* Programs.agent(site.agent("state", ...places, "--metrics", `127.0.0.1:${port}`))

      const before = yield* scrape(port)
      assert.deepStrictEqual(before.problems, [])
      assert.deepStrictEqual(
        [...before.families.values()].map(({ kind, name }) => `${name} ${kind}`).toSorted(),
        [...Exposition.documented(manual, "## Every program"), ...Exposition.documented(manual, "## Agent")]
          .map((pair) => pair.join(" "))
          .toSorted()
      )
      assert.isBelow(
        [...before.families.values()].reduce((sum, { series }) => sum + series.length, 0),
        100
      )
      assert.strictEqual(valueOf(before, "piecework_device_downloads_total", { outcome: "completed", mode: "lan" }), 0)

      const get = ["get", origin.url, "-o", join(root, "out"), "--agent", "--socket", socket, "--json"]
      const exit = yield* Programs.run("piecework", get)
      assert.strictEqual(exit.code, 0, exit.stderr)
      const { received } = JSON.parse(exit.stdout) as { readonly received: { readonly [kind: string]: number } }
      const missing = ["get", `${origin.url}/../nothing`, "-o", join(root, "no"), "--agent", "--socket", socket]
      origin.fail(404)
      assert.notStrictEqual((yield* Programs.run("piecework", missing)).code, 0)

      const after = yield* scrape(port).pipe(
        Effect.repeat({
          until: (seen) => valueOf(seen, "piecework_device_downloads_total", { outcome: "failed" }) !== 0,
          schedule: Schedule.spaced("50 millis")
        })
      )
      assert.deepStrictEqual(after.problems, [])
      const source = (word: string) => valueOf(after, "piecework_device_downloaded_bytes_total", { source: word })
      assert.strictEqual(source("origin"), received["Origin"])
      assert.isAtLeast(origin.sent(), received["Origin"] ?? Number.NaN)
      assert.strictEqual(source("lan"), 0)
      assert.strictEqual(valueOf(after, "piecework_device_downloads_total", { outcome: "completed", mode: "lan" }), 1)
      assert.strictEqual(valueOf(after, "piecework_device_running_downloads"), 0)
    })
  )

  it.live("are nowhere where nobody asked for them, and only at an address that is said", () =>
    Effect.gen(function* () {
      const exit = yield* Programs.run("piecework", ["agent", "--metrics", "9000"])
      assert.strictEqual(exit.code, 2)
      assert.include(exit.stderr, '"9000" is no address and port; give one like 127.0.0.1:7682')
    })
  )
})
