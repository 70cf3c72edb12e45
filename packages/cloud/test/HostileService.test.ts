import { assert, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { createServer, type RequestListener, type ServerResponse } from "node:http"
import { Cloud } from "../src/Cloud.ts"
import * as CloudConfig from "../src/CloudConfig.ts"
import type { CloudError } from "../src/CloudError.ts"

/** A server that does as it likes, on a free port, until the scope closes. */
const serving = (listener: RequestListener) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
      const server = createServer(listener)
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        const close = () => {
          server.close()
          server.closeAllConnections()
        }
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

/** Short where an answer is not to come; where one is, a machine that is busy has its time for it. */
const impatience = Duration.millis(400)
const patience = Duration.seconds(30)

const cloudAt = (serviceUrl: string, timeout = patience) =>
  Cloud.layer.pipe(
    Layer.provide([CloudConfig.layer({ serviceUrl, timeout, maxReplyBytes: 10_000 }), FetchHttpClient.layer])
  )

const asking = (listener: RequestListener, timeout = patience) =>
  Effect.gen(function* () {
    const { url } = yield* serving(listener)
    return yield* Effect.provide(
      Cloud.use(({ geo }) => geo),
      cloudAt(url, timeout)
    )
  })

/** Answers the RPC with these fields instead of Geo's. */
const geoReply = (response: ServerResponse, request: Parameters<RequestListener>[0], value: unknown) => {
  let body = ""
  request.on("data", (part: Buffer) => (body += part.toString()))
  request.on("end", () => {
    const { id } = JSON.parse(body) as { readonly id: string }
    json(response, [{ _tag: "Exit", requestId: id, exit: { _tag: "Success", value } }])
  })
}

const json = (response: ServerResponse, value: unknown) => {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value))
}

const good = { externalIp: "203.0.113.7", keyValueUrl: "http://127.0.0.1:1/rpc/kv", version: "1" }

it.live("an answer of the contract is understood", () =>
  Effect.gen(function* () {
    const geo = yield* asking((request, response) => geoReply(response, request, { ...good, unheardOf: [1, 2] }))
    assert.strictEqual(geo.externalIp, "203.0.113.7")
  })
)

const replies: ReadonlyArray<readonly [string, CloudError["reason"], RequestListener]> = [
  [
    "the page of a captive portal",
    "Unintelligible",
    (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<html>Log in</html>")
  ],
  [
    "a portal's page that claims to be JSON",
    "Unintelligible",
    (_, response) => response.writeHead(200, { "content-type": "application/json" }).end("<html>Log in</html>")
  ],
  [
    "the redirect of a captive portal",
    "Unintelligible",
    (_, response) => response.writeHead(302, { location: "http://portal.invalid/" }).end()
  ],
  [
    "a redirect to itself, for ever",
    "Unintelligible",
    (request, response) => response.writeHead(307, { location: request.url ?? "/" }).end()
  ],
  ["the status of a captive portal", "Unintelligible", (_, response) => response.writeHead(511).end()],
  ["nothing at all", "Unintelligible", (_, response) => response.writeHead(200).end()],
  ["another server's 404", "Unintelligible", (_, response) => response.writeHead(404).end("no such page")],
  ["a JSON null", "Unintelligible", (_, response) => json(response, null)],
  ["a list of nulls", "Unintelligible", (_, response) => json(response, [null])],
  ["an empty list", "Unintelligible", (_, response) => json(response, [])],
  [
    "an unknown message",
    "Unintelligible",
    (_, response) => json(response, [{ _tag: "ClientProtocolError", error: 1 }])
  ],
  [
    "the answer to another request",
    "Unintelligible",
    (_, response) => json(response, [{ _tag: "Exit", requestId: "77777", exit: { _tag: "Success", value: good } }])
  ],
  [
    "two answers",
    "Unintelligible",
    (_, response) =>
      json(
        response,
        [1, 2].map(() => ({ _tag: "Defect", defect: 1 }))
      )
  ],
  ["a number for an address", "Unintelligible", (req, res) => geoReply(res, req, { ...good, externalIp: 5 })],
  ["a name for an address", "Unintelligible", (req, res) => geoReply(res, req, { ...good, externalIp: "localhost" })],
  [
    "an endpoint that is a file",
    "Unintelligible",
    (req, res) => geoReply(res, req, { ...good, keyValueUrl: "file:///" })
  ],
  [
    "an endpoint that runs a script",
    "Unintelligible",
    (req, res) => geoReply(res, req, { ...good, keyValueUrl: "javascript:alert(1)" })
  ],
  [
    "an endpoint with a password",
    "Unintelligible",
    (req, res) => geoReply(res, req, { ...good, keyValueUrl: "http://a:b@host/" })
  ],
  [
    "an endpoint of 5,000 characters",
    "Unintelligible",
    (req, res) => geoReply(res, req, { ...good, keyValueUrl: `http://host/${"x".repeat(5000)}` })
  ],
  ["a field missing", "Unintelligible", (req, res) => geoReply(res, req, { externalIp: "203.0.113.7" })],
  [
    "a length over the limit",
    "Unintelligible",
    (_, response) => response.writeHead(200, { "content-type": "application/json", "content-length": 10_001 }).end()
  ],
  [
    "a body over the limit without a length",
    "Unintelligible",
    (_, response) => {
      response.writeHead(200, { "content-type": "application/json" })
      response.write(" ".repeat(9000))
      response.end(" ".repeat(9000))
    }
  ],
  [
    "a body without an end",
    "TimedOut",
    (_, response) => {
      response.writeHead(200, { "content-type": "application/json" })
      const timer = setInterval(() => response.write(" "), 5)
      response.on("close", () => clearInterval(timer))
    }
  ],
  ["silence", "TimedOut", () => {}],
  ["a connection cut in the head", "Unreachable", (request) => request.socket.destroy()],
  [
    "a connection cut in the body",
    "Unreachable",
    (request, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": 100 })
      response.write("[")
      setTimeout(() => request.socket.destroy(), 20)
    }
  ],
  ["a server's failure", "Unreachable", (_, response) => response.writeHead(503).end()],
  ["a defect", "Unreachable", (_, response) => json(response, [{ _tag: "Defect", defect: "boom" }])],
  ["a wish for a password", "Refused", (_, response) => response.writeHead(401).end()],
  ["too many requests", "Refused", (_, response) => response.writeHead(429).end()]
]

for (const [what, reason, listener] of replies) {
  it.live(`${what} is ${reason}`, () =>
    Effect.gen(function* () {
      const started = Date.now()
      const error = yield* Effect.flip(asking(listener, reason === "TimedOut" ? impatience : patience))
      assert.strictEqual(error.reason, reason)
      assert.strictEqual(error.role, "Geo")
      assert.isBelow(Date.now() - started, 10_000)
    })
  )
}

it.live("a request that the server interrupts does not interrupt the caller", () =>
  Effect.gen(function* () {
    const { url } = yield* serving((request, response) => {
      let body = ""
      request.on("data", (part: Buffer) => (body += part.toString()))
      request.on("end", () => {
        const { id } = JSON.parse(body) as { readonly id: string }
        json(response, [
          { _tag: "Exit", requestId: id, exit: { _tag: "Failure", cause: [{ _tag: "Interrupt", fiberId: 1 }] } }
        ])
      })
    })
    const error = yield* Cloud.use(({ geo }) => Effect.flip(geo)).pipe(Effect.provide(cloudAt(url)))
    assert.strictEqual(error.reason, "Unreachable")
  })
)

it.live("a port where nobody listens is Unreachable, and the message says where", () =>
  Effect.gen(function* () {
    const error = yield* Cloud.use(({ geo }) => Effect.flip(geo)).pipe(Effect.provide(cloudAt("http://127.0.0.1:1/")))
    assert.strictEqual(error.reason, "Unreachable")
    assert.strictEqual(error.message, "The Geo service at http://127.0.0.1:1/rpc/geo cannot be reached.")
  })
)

it.live("a service URL that is no URL is an error too", () =>
  Effect.gen(function* () {
    const error = yield* Cloud.use(({ geo }) => Effect.flip(geo)).pipe(Effect.provide(cloudAt("not a url")))
    assert.strictEqual(error.role, "Geo")
  })
)
