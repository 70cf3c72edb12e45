import { once } from "node:events"
import { connect, createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Proxies from "@piecework/sources/Proxies"
import { Effect, Exit, Schedule } from "effect"
import { Contents } from "../src/Contents.ts"
import * as Scene from "./Scene.ts"
import { bytes, fileServer } from "./Scene.ts"

describe("A proxy passes through", () => {
  /** Says what it was asked. */
  const echo = Scene.origin((request, response) => {
    const parts: Array<Buffer> = []
    request.on("data", (part: Buffer) => parts.push(part))
    request.on("end", () => {
      const lines = "X-Two: 1\nx-two: 2\nConnection: X-Hop\nX-Hop: 1\nSet-Cookie: a=b\nTrailer: X-End".split("\n")
      response.writeHead(
        299,
        "Quite Fine",
        lines.flatMap((line) => line.split(": "))
      )
      response.write(
        JSON.stringify({
          method: request.method,
          url: request.url,
          headers: request.headers,
          trailers: request.trailers,
          body: Buffer.concat(parts).toString()
        })
      )
      response.addTrailers({ "X-End": "over" })
      response.end()
    })
  })

  it.live("any method with its body, its trailers, and its headers but those between neighbours", () =>
    Effect.gen(function* () {
      const origin = yield* echo
      const port = yield* Scene.proxy(Contents.layerNone)
      const got = yield* Scene.ask(port, `http://127.0.0.1:${origin.port}/a/../b?c=|`, {
        method: "PROPFIND",
        headers: {
          "X-Own": "1",
          "X-Near": "2",
          Connection: "X-Near",
          Trailer: "X-Last",
          "Proxy-Authorization": "Basic eA==",
          "Transfer-Encoding": "chunked",
          Authorization: "Bearer y"
        },
        body: "some words",
        trailers: { "X-Last": "bye" }
      })
      const asked = JSON.parse(got.body.toString())
      assert.deepInclude(asked, { method: "PROPFIND", url: "/a/../b?c=|", body: "some words" })
      assert.deepInclude(asked.headers, {
        host: `127.0.0.1:${origin.port}`,
        "x-own": "1",
        authorization: "Bearer y"
      })
      assert.match(asked.headers.via, /^1\.1 piecework-/)
      for (const name of ["x-near", "proxy-authorization"]) assert.notProperty(asked.headers, name)
      assert.deepStrictEqual(asked.trailers, { "x-last": "bye" })
      assert.deepStrictEqual([got.status, got.headers["x-two"], got.headers["x-hop"]], [299, "1, 2", undefined])
      assert.deepStrictEqual(got.headers["set-cookie"], ["a=b"])
      assert.deepStrictEqual(got.trailers, { "x-end": "over" })
    }).pipe(Effect.scoped)
  )

  it.live("large bodies whole, in whatever pieces they come and however slowly they are read", () =>
    Effect.gen(function* () {
      const large = Scene.bytesOf(9_000_001)
      const origin = yield* Scene.origin((_, response) => {
        response.writeHead(200, { "Content-Length": large.length })
        response.write(large.subarray(0, 10))
        setImmediate(() => {
          response.write(large.subarray(10, 70_000))
          response.end(large.subarray(70_000))
        })
      })
      const port = yield* Scene.proxy(Contents.layerNone)
      const url = `http://127.0.0.1:${origin.port}/large`
      const all = yield* Effect.all(
        Array.from({ length: 4 }, () => Scene.ask(port, url)),
        { concurrency: 4 }
      )
      for (const got of all) assert.isTrue(got.body.equals(large))
      const slowly = yield* Effect.promise(async () => {
        const client = connect(port, "127.0.0.1")
        client.write(`GET ${url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
        const parts: Array<Buffer> = []
        for await (const part of client) {
          parts.push(part)
          // Others have their turn.
          await new Promise(setImmediate)
        }
        return Buffer.concat(parts)
      })
      assert.isTrue(slowly.subarray(-large.length).equals(large))
    }).pipe(Effect.scoped)
  )

  it.live("no half of a body as a whole one", () =>
    Effect.gen(function* () {
      for (const length of [20_000, 9_000_000]) {
        const origin = yield* Scene.origin((_, response) => {
          response.writeHead(200, { "Content-Length": length })
          response.write(Scene.bytesOf(length / 2), () => response.destroy())
        })
        const port = yield* Scene.proxy(Contents.layerNone)
        const asking = Scene.ask(port, `http://127.0.0.1:${origin.port}/half`)
        assert.isTrue(Exit.isFailure(yield* Effect.exit(asking)))
      }
    }).pipe(Effect.scoped)
  )

  it.live("redirects, which in the reverse form lead back to it, and there no cookies", () =>
    Effect.gen(function* () {
      const origin = yield* Scene.origin((request, response) =>
        response
          .writeHead(302, { Location: "/there", "Set-Cookie": "a=b", "X-Cookie": String(request.headers.cookie) })
          .end()
      )
      const port = yield* Scene.proxy(Contents.layerNone)
      const url = `http://127.0.0.1:${origin.port}`
      const asking = { headers: { Cookie: "c=d" } }
      const forward = yield* Scene.ask(port, `${url}/here`, asking)
      assert.deepInclude(forward.headers, { location: "/there", "x-cookie": "c=d", "set-cookie": ["a=b"] })
      const reverse = yield* Scene.ask(port, `/${url}/here`, asking)
      assert.deepInclude(reverse.headers, { location: `/${url}/there`, "x-cookie": "undefined" })
      assert.notProperty(reverse.headers, "set-cookie")
    }).pipe(Effect.scoped)
  )

  it.live("tunnels to the ports that are allowed", () =>
    Effect.gen(function* () {
      const far = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const server = createServer((socket) => socket.pipe(socket)).listen(0, "127.0.0.1")
          await once(server, "listening")
          return server
        }),
        (server) => Effect.sync(() => server.close())
      )
      const { port: at } = far.address() as AddressInfo
      const say = (port: number) =>
        Effect.promise(async () => {
          const client = connect(port, "127.0.0.1")
          client.write(`CONNECT 127.0.0.1:${at} HTTP/1.1\r\nHost: x\r\n\r\nhello`)
          let heard = ""
          for await (const part of client) {
            heard += String(part)
            if (heard.endsWith("hello") || heard.includes("403")) break
          }
          return heard
        })
      const open = yield* Scene.proxy(Contents.layerNone, { connectPorts: [443, at] })
      assert.strictEqual(yield* say(open), "HTTP/1.1 200 Connection Established\r\n\r\nhello")
      const usual = yield* Scene.proxy(Contents.layerNone)
      assert.include(yield* say(usual), "HTTP/1.1 403 Forbidden")
    }).pipe(Effect.scoped)
  )
})

describe("A proxy does not keep for ever", () => {
  it.live("who was refused a tunnel and stays, or says something all the same", () =>
    Effect.gen(function* () {
      const port = yield* Scene.proxy(Contents.layerNone, { idleMillis: 100, maxConnections: 1 })
      const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
      yield* Effect.addFinalizer(() => Effect.sync(() => client.destroy()))
      client.on("error", () => undefined)
      client.write("CONNECT 127.0.0.1:25 HTTP/1.1\r\nHost: x\r\n\r\n")
      client.once("data", () => client.write("EHLO x\r\n"))
      yield* Effect.promise(() => once(client.resume(), "end"))
      // There is room for another one once it is gone.
      const asking = Effect.exit(Scene.ask(port, "/"))
      const got = yield* Effect.repeat(asking, { until: Exit.isSuccess, schedule: Schedule.spaced("20 millis") })
      assert.isTrue(Exit.isSuccess(got))
    }).pipe(Effect.scoped)
  )
})

/** The answer of a proxy that is to ask that one. */
const behind = (all_proxy: string, url: string) =>
  Effect.flatMap(Scene.proxy(Contents.layerNone, { proxies: Proxies.fromEnvironment({ all_proxy }) }), (port) =>
    Effect.map(Scene.ask(port, url), ({ body, status }) => [status, body.toString()] as const)
  )

describe("A proxy behind another", () => {
  it.live("passes requests and tunnels on to that one, but what is excepted", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const far = yield* Scene.proxy(Contents.layerNone, { connectPorts: [443, origin.port] })
      const proxies = Proxies.fromEnvironment({ all_proxy: `http://u:p@127.0.0.1:${far}`, no_proxy: "localhost" })
      const near = yield* Scene.proxy(Contents.layerNone, { connectPorts: [443, origin.port], proxies })
      const got = yield* Scene.ask(near, `http://127.0.0.1:${origin.port}/a`)
      assert.deepStrictEqual([got.status, got.headers.via?.split(",").length], [200, 2])
      assert.isTrue(got.body.equals(bytes))
      const excepted = yield* Scene.ask(near, `http://localhost:${origin.port}/a`)
      assert.deepStrictEqual([excepted.status, excepted.headers.via?.split(",").length], [200, 1])
      const through = yield* Effect.promise(async () => {
        const client = connect(near, "127.0.0.1")
        client.write(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1\r\n\r\nGET /b HTTP/1.0\r\n\r\n`)
        const parts: Array<Buffer> = []
        for await (const part of client) parts.push(part)
        return Buffer.concat(parts)
      })
      assert.include(through.subarray(0, 80).toString("latin1"), "200 Connection Established\r\n\r\nHTTP/1.1 200 OK")
      assert.isTrue(through.subarray(-bytes.length).equals(bytes))
    }).pipe(Effect.scoped)
  )

  it.live("says what is wrong with the way to that one", () =>
    Effect.gen(function* () {
      const { port: gone } = yield* Effect.scoped(fileServer())
      assert.deepStrictEqual((yield* behind(`127.0.0.1:${gone}`, "http://host/"))[0], 502)
      const [status, text] = yield* behind(`127.0.0.1:${gone}`, "https://host/")
      assert.strictEqual(status, 502)
      assert.include(text, "the proxy at 127.0.0.1: ECONNREFUSED")
      assert.include((yield* behind("socks5://host:1", "http://host/"))[1], "socks5")
    }).pipe(Effect.scoped)
  )
})

describe("A proxy refuses", () => {
  it.live("web pages that use its address, by their own name or by another", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const port = yield* Scene.proxy(Contents.layerNone)
      const path = `/http://127.0.0.1:${origin.port}/intranet`
      const status = (headers: Record<string, string>) =>
        Effect.map(Scene.ask(port, path, { headers }), (got) => got.status)
      assert.strictEqual(yield* status({ Origin: "http://evil.example" }), 403)
      assert.strictEqual(yield* status({ "Sec-Fetch-Site": "cross-site" }), 403)
      assert.strictEqual(yield* status({ "Sec-Fetch-Site": "same-origin" }), 403)
      assert.strictEqual(yield* status({ Host: `evil.example:${port}` }), 403)
      assert.deepStrictEqual(origin.asked, [])
      assert.strictEqual(yield* status({ "Sec-Fetch-Site": "none", Host: `localhost:${port}` }), 200)
    }).pipe(Effect.scoped)
  )

  it.live("circles, addresses of the link, and what is no request for a proxy", () =>
    Effect.gen(function* () {
      const port = yield* Scene.proxy(Contents.layerNone)
      const status = (path: string) => Effect.map(Scene.ask(port, path), (got) => got.status)
      assert.strictEqual(yield* status(`http://127.0.0.1:${port}/http://127.0.0.1:${port}/`), 508)
      assert.strictEqual(yield* status("http://169.254.169.254/latest/meta-data/"), 403)
      assert.strictEqual(yield* status("http://[::ffff:a9fe:a9fe]/"), 403)
      assert.strictEqual(yield* status("/"), 404)
      assert.strictEqual(yield* status("ftp://host/"), 400)
      const { port: gone } = yield* Effect.scoped(fileServer())
      assert.strictEqual(yield* status(`http://127.0.0.1:${gone}/`), 502)
    }).pipe(Effect.scoped)
  )
})
