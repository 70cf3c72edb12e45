import { randomBytes } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Collector from "./support/collector.ts"
import * as HttpOrigin from "./support/httpOrigin.ts"
import * as Programs from "./support/programs.ts"
import * as Site from "./support/site.ts"

interface Result {
  readonly received: { readonly [kind: string]: number }
}

const mebibyte = 1_048_576

/** A service, a cache server and two devices, all of which tell one collector. */
const site = Effect.fnUntraced(function* () {
  const collector = yield* Collector.make
  const traced = ["--otlp", collector.url]
  const soon = { OTEL_BSP_SCHEDULE_DELAY: "100" }
  const made = yield* Site.published({
    length: 12 * mebibyte + 5,
    query: "?token=very-secret",
    service: { args: traced, env: soon }
  })
  const { bytes, origin, out, root } = made
  const serve = [
    "serve",
    "--origin",
    new URL(origin.url).host,
    "--listen",
    "127.0.0.1:0",
    "--state",
    join(root, "cache")
  ]
  const cache = yield* Programs.start("cache", [...serve, "--no-peers", "--no-announce", "--json", ...traced], soon)
  const { http } = yield* cache.line((line) => JSON.parse(line) as { readonly http: string })
  const get = (name: string, settings: { readonly [name: string]: unknown }, ...more: ReadonlyArray<string>) => {
    const policy = join(root, `${name}.json`)
    writeFileSync(policy, JSON.stringify(settings))
    return made.get(name, "--policy", policy, "--json", ...traced, ...more)
  }
  return { bytes, cache, collector, http, get, origin, out, soon }
})

describe("A traced download", () => {
  it.live("is one trace over the device, the service, the cache server and the peer that served it", () =>
    Effect.gen(function* () {
      const { bytes, cache, collector, get, http, origin, out, soon } = yield* site()
      const first = yield* Programs.start("piecework", get("one", { DOCacheHost: http }, "--seed", "10 minutes"), soon)
      yield* first.line((line) => JSON.parse(line) as Result)
      const root = yield* collector.seen(({ name }) => name === "download")
      const second = yield* Programs.run(
        "piecework",
        // From the peer alone, however busy the machine is.
        get("two", { DODelayForegroundDownloadFromHttp: 3600 }),
        soon
      )
      assert.strictEqual(second.code, 0, second.stderr)
      const two = JSON.parse(second.stdout) as Result
      assert.isTrue(bytes.equals(yield* out("two")))
      yield* first.kill("SIGTERM")
      yield* first.exit
      yield* cache.kill("SIGTERM")
      yield* cache.exit
      const other = yield* collector.seen((span) => span.name === "download" && span.traceId !== root.traceId)
      yield* collector.seen((span) => span.program === "piecework-service" && span.traceId === other.traceId)

      const all = collector.spans()
      const ids = new Map(all.map((span) => [span.spanId, span]))
      /** The programs and names from a span up to its root. */
      const above = (span: Collector.Span): ReadonlyArray<string> => {
        const parent = ids.get(span.parentSpanId ?? "")
        return [`${span.program} ${span.name}`, ...(parent === undefined ? [] : above(parent))]
      }
      const find = (program: string, name: string, traceId: string) =>
        all.filter((span) => span.program === program && span.name === name && span.traceId === traceId)

      // What came of it, from the one place that counts.
      assert.strictEqual(root.attributes["piecework.mode"], "Lan")
      assert.strictEqual(root.attributes["piecework.content.size"], bytes.length)
      for (const [word, kind] of [
        ["lan", "Lan"],
        ["origin", "Origin"],
        ["cache_server", "CacheServer"]
      ] as const) {
        assert.strictEqual(other.attributes[`piecework.bytes.received.${word}`], two.received[kind], kind)
      }

      // The service goes on with what the device began.
      const [policy] = find("piecework-service", "POST content-policy", root.traceId)
      assert.deepStrictEqual(policy === undefined ? [] : above(policy).slice(0, 3), [
        "piecework-service POST content-policy",
        "piecework Cloud.contentPolicy",
        "piecework Cloud.lookup"
      ])
      // So does the cache server, whose own request hangs under the device's.
      const [fetched] = find("piecework-cache", "http request", root.traceId)
      assert.deepStrictEqual(fetched === undefined ? [] : above(fetched).slice(0, 3), [
        "piecework-cache http request",
        "piecework-cache cache request",
        "piecework http request"
      ])
      // And the peer that served, in the trace of the device that it served.
      const [served] = find("piecework", "peer served", other.traceId)
      assert.deepStrictEqual(served === undefined ? [] : above(served), [
        "piecework peer served",
        "piecework peer session",
        "piecework download"
      ])
      assert.isAbove(Number(served?.attributes["piecework.bytes.sent"]), 0)
      const sessions = find("piecework", "peer session", other.traceId)
      const fromPeers = sessions.reduce(
        (sum, { attributes }) => sum + Number(attributes["piecework.bytes.received"]),
        0
      )
      assert.strictEqual(fromPeers, two.received["Lan"])

      // Each span of the two traces has its parent there, and leads to the download.
      for (const span of all.filter(({ traceId }) => traceId === root.traceId || traceId === other.traceId)) {
        assert.strictEqual(above(span).at(-1), "piecework download", JSON.stringify(span))
      }
      const pieces = Math.ceil(bytes.length / mebibyte)
      assert.isBelow(all.filter(({ program }) => program === "piecework").length, 2 * (40 + pieces))
      assert.notInclude(collector.text(), "very-secret")
      assert.isFalse(origin.headers().some(({ traceparent }) => traceparent !== undefined))
    })
  )

  it.live("is not made where the sampler says so, and its bytes come all the same", () =>
    Effect.gen(function* () {
      const root = yield* Programs.folder
      const collector = yield* Collector.make
      const bytes = randomBytes(300_000)
      const origin = yield* HttpOrigin.make({ bytes })
      const args = ["get", origin.url, "-o", join(root, "out"), "--state", join(root, "state"), "--json"]
      const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER: "always_off" }
      const exit = yield* Programs.run("piecework", args, environment)
      assert.strictEqual(exit.code, 0, exit.stderr)
      assert.deepStrictEqual(collector.spans(), [])
      const again = yield* Programs.run("piecework", [...args, "--overwrite"], {
        ...environment,
        OTEL_TRACES_SAMPLER: "",
        OTEL_SERVICE_NAME: "lab"
      })
      assert.strictEqual(again.code, 0, again.stderr)
      assert.isTrue(collector.spans().some(({ name, program }) => name === "download" && program === "lab"))
    })
  )
})
