import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { post } from "./Local.ts"
import { folder, serving } from "./Program.ts"

interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
}

/** A collector that keeps what it is sent. */
const collector = Effect.gen(function* () {
  const spans: Array<Span> = []
  const server = createServer((request, response) => {
    let body = ""
    request.on("data", (part: Buffer) => (body += part.toString()))
    request.on("end", () => {
      if (request.url === "/v1/traces") {
        for (const resource of JSON.parse(body).resourceSpans) {
          for (const scope of resource.scopeSpans) spans.push(...scope.spans)
        }
      }
      response.end("{}")
    })
  })
  yield* Effect.callback<void>((resume) => {
    server.listen(0, "127.0.0.1", () => resume(Effect.void))
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
  return { spans, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
})

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"

describe("Traces", () => {
  it.live("hold what a request made the service do, inside the caller's own trace", () =>
    Effect.gen(function* () {
      const { spans, url: collectorUrl } = yield* collector
      const service = yield* serving(yield* folder, "--otlp", collectorUrl)
      const asked = { clientVersion: "1", profile: 768, altCatalogId: "http://origin.test/secret?token=1" }
      yield* post(`${service.url}/rpc/cp`, "ContentPolicy", asked, { traceparent: `00-${traceId}-${spanId}-01` })
      yield* Effect.promise(() => fetch(`${service.url}/health`))
      service.process.kill("SIGTERM")
      assert.strictEqual((yield* Effect.promise(() => service.ended)).code, 0)

      const root = spans.find(({ parentSpanId }) => parentSpanId === spanId)
      assert.deepStrictEqual([root?.name, root?.traceId], ["POST content-policy", traceId])
      const inside = spans.filter((span) => span.traceId === traceId).map(({ name }) => name)
      assert.include(inside, "ContentPolicy")
      assert.isFalse(spans.some(({ name }) => name.includes("operation")))
    })
  )

  it.live("are not made when no collector is named", () =>
    Effect.gen(function* () {
      const { spans } = yield* collector
      const service = yield* serving(yield* folder)
      yield* post(`${service.url}/rpc/geo`, "Geo", { clientVersion: "1", profile: 768, callId: 0 })
      service.process.kill("SIGTERM")
      yield* Effect.promise(() => service.ended)
      assert.deepStrictEqual(spans, [])
    })
  )
})

describe("The log", () => {
  it.live("is one line of JSON an event when asked for, with each request at debug, and holds no token", () =>
    Effect.gen(function* () {
      const files = yield* folder
      const how = ["--log-format", "json", "--log-level", "debug", "--log-folder", files]
      const service = yield* serving(yield* folder, ...how)
      yield* post(
        `${service.url}/rpc/geo`,
        "Geo",
        { clientVersion: "1", profile: 768, callId: 0 },
        { authorization: "Bearer very-secret" }
      )
      yield* Effect.promise(() => fetch(`${service.url}/phf/x?token=very-secret`))
      service.process.kill("SIGTERM")
      const { stderr } = yield* Effect.promise(() => service.ended)
      const lines = stderr
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
      const requests = lines.filter(({ Message }) => Message === "request").map(({ Annotations }) => Annotations)
      assert.deepStrictEqual(
        requests.map(({ address, outcome, role, status }) => [role, outcome, status, address]),
        [
          ["geo", "refused", 401, "127.0.0.1"],
          ["metadata", "unknown", 404, "127.0.0.1"]
        ]
      )
      assert.isTrue(requests.every(({ ms }) => typeof ms === "number" && ms > 0))
      assert.isTrue(lines.some(({ Message }) => Message === "listening"))
      assert.isTrue(lines.some(({ Message }) => Message === "stopping"))
      assert.notInclude(stderr, "very-secret")
      const written = readdirSync(files).map((name) => readFileSync(join(files, name), "utf8"))
      assert.include(written.join(""), '"Message":"listening"')
      assert.notInclude(written.join(""), "very-secret")
    })
  )
})
