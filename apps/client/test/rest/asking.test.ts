/** What a job adds to requests, and what it tells of the answers, over real sockets. */
import { randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Site from "./site.ts"
import { ask } from "./support.ts"

const bytes = randomBytes(200_000)

/** Leads from /file to /there, which wants a login; anything else is not there. */
const origin = Effect.gen(function* () {
  const heads: Array<readonly [path: string | undefined, headers: IncomingMessage["headers"]]> = []
  const server = createServer((request, response) => {
    heads.push([request.url, request.headers])
    if (request.url === "/file") return response.writeHead(302, { Location: "/there" }).end()
    if (request.url !== "/there") return response.writeHead(404, { "X-Why": "gone" }).end()
    if (request.headers.authorization !== "Basic eDp5") {
      return response.writeHead(401, { "WWW-Authenticate": "Basic" }).end()
    }
    return response.setHeader("ETag", '"a"').end(bytes)
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
  return { heads, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
})

/** The property's text, or the number of why there is none. */
const property = (port: number, id: string, name: string) =>
  Effect.map(ask(port, "GET", `/download/getproperty?Id=${id}&PropertyKey=${name}`), ([, body]) => {
    const told = JSON.parse(body) as Readonly<Record<string, string | number>>
    return told[name] ?? Site.hex(String(told["ErrorCode"]))
  })

describe("A job with headers", () => {
  it.live("sends them, the login only once it is asked for, and tells what was answered", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const { heads, url } = yield* origin
      const id = yield* site.started(`${url}/file`, "file", {
        HttpCustomHeaders: "X-Own: 1\r\nX-More: 2",
        HttpCustomAuthHeaders: "Authorization: Basic eDp5"
      })
      yield* site.until(id, Site.isTransferred)
      assert.isTrue(readFileSync(join(site.root, "file")).equals(bytes))
      assert.deepStrictEqual(
        heads.slice(0, 3).map(([path, { authorization, "x-own": own }]) => [path, authorization, own]),
        [
          ["/file", undefined, "1"],
          ["/there", undefined, "1"],
          ["/there", "Basic eDp5", "1"]
        ]
      )
      assert.strictEqual(yield* property(site.port, id, "HttpStatusCode"), "200")
      assert.strictEqual(yield* property(site.port, id, "HttpRedirectionTarget"), `${url}/there`)
      assert.strictEqual(yield* property(site.port, id, "HttpServerIPAddress"), "127.0.0.1")
      assert.include(String(yield* property(site.port, id, "HttpResponseHeaders")), 'ETag: "a"\r\n')
      assert.strictEqual(yield* property(site.port, id, "HttpCustomHeaders"), "X-Own: 1\r\nX-More: 2\r\n")
      assert.strictEqual(yield* property(site.port, id, "HttpCustomAuthHeaders"), "0x80D02015")
    }).pipe(Effect.scoped)
  )

  it.live("that is refused tells the status, the headers that came with it, and no target where there was none", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      const { url } = yield* origin
      const id = yield* site.started(`${url}/gone`, "file")
      const status = yield* site.until(id, Site.isPaused)
      assert.strictEqual(Site.hex(status.ErrorCode), "0x80190194")
      assert.strictEqual(yield* property(site.port, id, "HttpStatusCode"), "404")
      assert.include(String(yield* property(site.port, id, "HttpResponseHeaders")), "X-Why: gone\r\n")
      assert.strictEqual(yield* property(site.port, id, "HttpRedirectionTarget"), "0x80D02014")
    }).pipe(Effect.scoped)
  )

  it.live("that nobody may set is not created", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      for (const lines of ["Range: bytes=0-1", "nonsense", `X: ${"x".repeat(9000)}`]) {
        const [status, body] = yield* site.post("create", { HttpCustomHeaders: lines })
        assert.deepStrictEqual([status, body], [400, '{ "ErrorCode": -2147024809 }'], lines.slice(0, 20))
      }
    }).pipe(Effect.scoped)
  )
})
