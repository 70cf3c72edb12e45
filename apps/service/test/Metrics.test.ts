import { randomBytes } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Exposition from "@piecework/testkit/Exposition"
import { Effect } from "effect"
import { contentId, joinOf, post } from "./Local.ts"
import { folder, freePort, run, serving } from "./Program.ts"

const who = { clientVersion: "1", profile: 768 }
const lease = (n: number) => ({
  contentId,
  peerId: joinOf(n).peerId,
  reportedIp: "127.0.0.1",
  scope: "Lan",
  profile: 768,
  pieceCount: 5,
  pieceSize: 1_048_576,
  held: "AA==",
  keep: [],
  most: 2,
  originRate: 400_000,
  seq: 0
})

/** Each series with its value. */
const scrape = (port: number) =>
  Effect.promise(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`)
    assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/)
    const text = await response.text()
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
    return {
      text,
      series: new Map(
        lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))])
      )
    }
  })

describe("Metrics", () => {
  it.live(
    "tell what each role did and how it ended, what is in memory and in the catalog, and are all in the manual",
    () =>
      Effect.gen(function* () {
        const directory = yield* folder
        const data = join(directory, "data")
        const file = join(directory, "a.bin")
        writeFileSync(file, randomBytes(2_000_000))
        yield* run("publish", file, "--url", "http://origin.test/a.bin", "--data", data)
        const port = yield* freePort
        const { url } = yield* serving(data, "--unknown-contents", "take", "--metrics", `127.0.0.1:${port}`)

        yield* post(`${url}/rpc/geo`, "Geo", { ...who, callId: 0 })
        yield* post(`${url}/rpc/geo`, "Geo", { ...who, callId: -1 })
        yield* post(`${url}/rpc/cp`, "ContentPolicy", { ...who, altCatalogId: "http://origin.test/a.bin" })
        yield* post(`${url}/rpc/cp`, "ContentPolicy", { ...who, altCatalogId: "http://origin.test/b.bin" })
        yield* post(`${url}/rpc/cp`, "ContentPolicy", who)
        for (const n of [1, 2, 3]) yield* post(`${url}/rpc/array`, "Join", joinOf(n))
        yield* post(`${url}/rpc/array`, "Lease", lease(1))
        yield* Effect.promise(() => fetch(`${url}/nothing`))
        yield* Effect.promise(() => fetch(`${url}/ready`))

        const { series, text } = yield* scrape(port)
        const value = (name: string) => series.get(name)
        const ended = (role: string, outcome: string) =>
          value(`piecework_requests_total{role="${role}",outcome="${outcome}"}`)
        assert.deepStrictEqual([ended("geo", "ok"), ended("geo", "malformed")], [1, 1])
        assert.deepStrictEqual(
          [ended("content-policy", "ok"), ended("content-policy", "unknown"), ended("content-policy", "refused")],
          [1, 1, 1]
        )
        assert.deepStrictEqual([ended("array", "ok"), ended("other", "unknown")], [4, 1])
        assert.strictEqual(value('piecework_request_seconds_count{role="array"}'), 4)
        assert.deepStrictEqual(
          [value('piecework_role_ready{role="array"}'), value('piecework_role_ready{role="process"}')],
          [1, 1]
        )
        assert.strictEqual(value("piecework_requests_in_flight"), 0)
        assert.strictEqual(value("piecework_swarm_members"), 3)
        assert.strictEqual(value("piecework_handout_peers_count"), 3)
        assert.strictEqual(value("piecework_handout_peers_sum"), 0 + 1 + 2)
        assert.strictEqual(value("piecework_leased_pieces_total"), 2)
        assert.strictEqual(value("piecework_catalog_contents"), 1)
        assert.isAbove(value("piecework_database_busy_seconds_total") ?? 0, 0)
        assert.isAbove(value("process_resident_memory_bytes") ?? 0, 1e7)
        assert.isAbove(value("process_cpu_seconds_total") ?? 0, 0)

        const { families, problems } = Exposition.read(text)
        assert.deepStrictEqual(problems, [])
        const manual = readFileSync(join(import.meta.dirname, "../../../docs/operation.md"), "utf8")
        assert.deepStrictEqual(
          [...families.values()].map(({ kind, name }) => `${name} ${kind}`).toSorted(),
          [...Exposition.documented(manual, "## Metrics")].map((pair) => pair.join(" ")).toSorted()
        )
      })
  )

  it.live("are not told at the port for devices", () =>
    Effect.gen(function* () {
      const { url } = yield* serving(yield* folder)
      assert.strictEqual((yield* Effect.promise(() => fetch(`${url}/metrics`))).status, 404)
    })
  )
})
