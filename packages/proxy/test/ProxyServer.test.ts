import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { once } from "node:events"
import type { IncomingMessage } from "node:http"
import { connect, createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import * as Proxies from "@piecework/sources/Proxies"
import { Deferred, Effect, Exit, Latch, Layer, Schedule, Stream } from "effect"
import { ContentError, Contents, type Knowledge } from "../src/Contents.ts"
import * as Scene from "./Scene.ts"

const bytes = Scene.bytesOf(200_000)
const contentId = Scene.idOf("a")
const lastModified = "Sat, 01 Aug 2026 10:00:00 GMT"

/** A server that has the file, with ranges, as most have. */
const fileServer = (more: Readonly<Record<string, string>> = {}, size = bytes.length) =>
  Scene.origin((request, response) => {
    response.setHeader("ETag", '"of-the-origin"').setHeader("Last-Modified", lastModified)
    response.setHeader("Content-Type", "application/x-debian-package")
    for (const [name, value] of Object.entries(more)) response.setHeader(name, value)
    const isPart = request.headers.range === "bytes=0-0"
    if (isPart) response.writeHead(206, { "Content-Range": `bytes 0-0/${size}`, "Content-Length": 1 })
    else response.writeHead(200, { "Content-Length": bytes.length })
    response.end(isPart ? bytes.subarray(0, 1) : bytes)
  })

const knowing = (url: string) => Contents.layerMemory(new Map([[url, { contentId, bytes }]]))

const known: Knowledge = { _tag: "Known", contentId, size: bytes.length }

/** One whose parts are told. */
const contentsOf = (service: Partial<Contents["Service"]>) =>
  Layer.succeed(Contents, {
    known: () => Effect.succeed(known),
    open: () =>
      Effect.succeed({
        size: bytes.length,
        read: ({ length, offset }) => Stream.make(bytes.subarray(offset, offset + length))
      }),
    ...service
  })

describe("A proxy, asked for a content that is known,", () => {
  it.live("sends it with what its origin says of it, and has one byte from there", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const url = `http://127.0.0.1:${origin.port}/a.deb`
      const port = yield* Scene.proxy(knowing(url))
      const got = yield* Scene.ask(port, url)
      assert.strictEqual(got.status, 200)
      assert.isTrue(got.body.equals(bytes))
      assert.strictEqual(got.headers.etag, '"of-the-origin"')
      assert.strictEqual(got.headers["last-modified"], lastModified)
      assert.strictEqual(got.headers["content-type"], "application/x-debian-package")
      assert.strictEqual(got.headers["content-length"], String(bytes.length))
      assert.strictEqual(got.headers["accept-ranges"], "bytes")
      assert.match(got.headers.via ?? "", /^1\.1 piecework-[0-9a-f]{8}$/)
      assert.deepStrictEqual(origin.asked, ["GET /a.deb bytes=0-0"])
    }).pipe(Effect.scoped)
  )

  it.live("sends parts of it, by either form of the URL", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const url = `http://127.0.0.1:${origin.port}/a.deb`
      const port = yield* Scene.proxy(knowing(url))
      for (const path of [url, `/${url}`]) {
        const got = yield* Scene.ask(port, path, { headers: { Range: "bytes=70000-150000" } })
        assert.deepStrictEqual([got.status, got.headers["content-range"]], [206, "bytes 70000-150000/200000"])
        assert.isTrue(got.body.equals(bytes.subarray(70_000, 150_001)))
      }
      const beyond = yield* Scene.ask(port, url, { headers: { Range: "bytes=200000-" } })
      assert.deepStrictEqual([beyond.status, beyond.body.length], [416, 0])
      const same = yield* Scene.ask(port, url, { headers: { "If-None-Match": '"of-the-origin"' } })
      assert.deepStrictEqual([same.status, same.body.length], [304, 0])
      const head = yield* Scene.ask(port, url, { method: "HEAD" })
      assert.deepStrictEqual([head.status, head.headers["content-length"]], [200, "200000"])
      assert.isTrue(origin.asked.every((line) => line.endsWith("bytes=0-0")))
    }).pipe(Effect.scoped)
  )

  it.live("leaves several parts at once to its origin", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const url = `http://127.0.0.1:${origin.port}/a.deb`
      const port = yield* Scene.proxy(knowing(url))
      yield* Scene.ask(port, url, { headers: { Range: "bytes=0-1,5-6" } })
      assert.deepStrictEqual(origin.asked, ["GET /a.deb bytes=0-1,5-6"])
    }).pipe(Effect.scoped)
  )

  it.live("sends it where its origin cannot be asked, with a version of its own", () =>
    Effect.gen(function* () {
      // A port that nobody listens on any more.
      const { port: gone } = yield* Effect.scoped(fileServer())
      const url = `http://127.0.0.1:${gone}/a.deb`
      const port = yield* Scene.proxy(knowing(url))
      const got = yield* Scene.ask(port, url)
      assert.deepStrictEqual([got.status, got.headers.etag], [200, `"${contentId}"`])
      assert.isTrue(got.body.equals(bytes))
    }).pipe(Effect.scoped)
  )

  it.live("passes on what its origin has now where that is something else", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer({ "X-New": "1" }, bytes.length + 1)
      const url = `http://127.0.0.1:${origin.port}/a.deb`
      const port = yield* Scene.proxy(knowing(url))
      for (const _ of [1, 2]) assert.strictEqual((yield* Scene.ask(port, url)).headers["x-new"], "1")
      // It is remembered for a while.
      assert.deepStrictEqual(origin.asked, ["GET /a.deb bytes=0-0", "GET /a.deb", "GET /a.deb"])
    }).pipe(Effect.scoped)
  )

  it.live("sends it to who shows credentials only if its origin gives the same to everybody", () =>
    Effect.gen(function* () {
      const asking = { headers: { Authorization: "Bearer x" } }
      const open = yield* fileServer()
      const url = `http://127.0.0.1:${open.port}/a.deb`
      const port = yield* Scene.proxy(knowing(url))
      assert.isTrue((yield* Scene.ask(port, url, asking)).body.equals(bytes))
      assert.deepStrictEqual(open.asked, ["GET /a.deb bytes=0-0"])

      const own = yield* fileServer({ "Cache-Control": "max-age=60, private" })
      const ownUrl = `http://127.0.0.1:${own.port}/a.deb`
      const other = yield* Scene.proxy(knowing(ownUrl))
      yield* Scene.ask(other, ownUrl, asking)
      assert.deepStrictEqual(own.asked, ["GET /a.deb bytes=0-0", "GET /a.deb"])
    }).pipe(Effect.scoped)
  )

  it.live("says so when its operator wants nobody to have it", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const port = yield* Scene.proxy(contentsOf({ known: () => Effect.succeed({ _tag: "Halted" }) }))
      const got = yield* Scene.ask(port, `http://127.0.0.1:${origin.port}/a.deb`)
      assert.deepStrictEqual([got.status, origin.asked.length], [403, 0])
      assert.include(got.body.toString(), "halted")
    }).pipe(Effect.scoped)
  )

  it.live("cuts the connection when the rest of it cannot be had, so that nobody takes half for the whole", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const url = `http://127.0.0.1:${origin.port}/a.deb`
      const broken = Stream.concat(
        Stream.make(bytes.subarray(0, 1000)),
        Stream.fail(new ContentError({ url, reason: "Failed", detail: "no source" }))
      )
      const port = yield* Scene.proxy(
        contentsOf({ open: () => Effect.succeed({ size: bytes.length, read: () => broken }) })
      )
      assert.isTrue(Exit.isFailure(yield* Effect.exit(Scene.ask(port, url))))
    }).pipe(Effect.scoped)
  )

  it.live("stops reading when its client leaves", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const ended = yield* Deferred.make<void>()
      const endless = Stream.concat(Stream.make(bytes.subarray(0, 1000)), Stream.never).pipe(
        Stream.ensuring(Deferred.succeed(ended, undefined))
      )
      const port = yield* Scene.proxy(
        contentsOf({ open: () => Effect.succeed({ size: bytes.length, read: () => endless }) })
      )
      const client = connect(port, "127.0.0.1")
      client.write(`GET http://127.0.0.1:${origin.port}/a.deb HTTP/1.1\r\nHost: x\r\n\r\n`)
      yield* Effect.promise(() => once(client, "data"))
      client.destroy()
      yield* Deferred.await(ended)
    }).pipe(Effect.scoped)
  )

  it.live("opens it once for all who read it", () =>
    Effect.gen(function* () {
      const origin = yield* fileServer()
      const url = `http://127.0.0.1:${origin.port}/a.deb`
      let opened = 0
      const port = yield* Scene.proxy(
        contentsOf({
          open: () =>
            Effect.sync(() => {
              opened++
              return {
                size: bytes.length,
                read: ({ length, offset }) => Stream.make(bytes.subarray(offset, offset + length))
              }
            })
        })
      )
      yield* Effect.all([Scene.ask(port, url), Scene.ask(port, url), Scene.ask(port, url)], { concurrency: 3 })
      assert.strictEqual(opened, 1)
    }).pipe(Effect.scoped)
  )
})

describe("A proxy, while the service thinks,", () => {
  const slow = Effect.gen(function* () {
    const latch = yield* Latch.make(false)
    const contents = contentsOf({ known: () => Effect.as(latch.await, known) })
    return { latch, contents }
  })

  it.live("passes small files through", () =>
    Effect.gen(function* () {
      const { contents } = yield* slow
      const origin = yield* fileServer()
      const port = yield* Scene.proxy(contents, { minContentSize: 1_000_000, patience: 0 })
      assert.strictEqual((yield* Scene.ask(port, `http://127.0.0.1:${origin.port}/small`)).status, 200)
      assert.deepStrictEqual(origin.asked, ["GET /small"])
    }).pipe(Effect.scoped)
  )

  it.live("holds large ones back until it has said what they are", () =>
    Effect.gen(function* () {
      const { contents, latch } = yield* slow
      const origin = yield* fileServer({ "X-Passed": "1" })
      const port = yield* Scene.proxy(contents, { patience: 0, lookupTimeout: "1 hour" })
      const url = `http://127.0.0.1:${origin.port}/large`
      yield* Effect.forkScoped(
        Effect.sync(() => origin.asked.length > 0).pipe(
          Effect.repeat({ until: (isAsked) => isAsked, schedule: Schedule.spaced("5 millis") }),
          Effect.andThen(latch.open)
        )
      )
      const got = yield* Scene.ask(port, url)
      assert.isUndefined(got.headers["x-passed"])
      assert.isTrue(got.body.equals(bytes))
      assert.deepStrictEqual(origin.asked, ["GET /large", "GET /large bytes=0-0"])
    }).pipe(Effect.scoped)
  )

  it.live("asks again for one that breaks off meanwhile", () =>
    Effect.gen(function* () {
      let brokenOff = 0
      const note = (message: unknown) => {
        const { response } = message as { readonly response: IncomingMessage }
        response.once("close", () => (brokenOff += response.complete ? 0 : 1))
      }
      subscribe("http.client.response.finish", note)
      yield* Effect.addFinalizer(() => Effect.sync(() => unsubscribe("http.client.response.finish", note)))
      const noticed = Effect.sync(() => brokenOff > 0).pipe(
        Effect.repeat({ until: (isSo) => isSo, schedule: Schedule.spaced("5 millis") })
      )
      const contents = contentsOf({ known: () => Effect.as(noticed, { _tag: "Unknown" } as const) })
      let times = 0
      const origin = yield* Scene.origin((_, response) => {
        response.writeHead(200, { "Content-Length": bytes.length })
        if (++times > 1) response.end(bytes)
        else response.write(bytes.subarray(0, 10), () => response.destroy())
      })
      const port = yield* Scene.proxy(contents, { patience: 0, lookupTimeout: "1 hour" })
      const got = yield* Scene.ask(port, `http://127.0.0.1:${origin.port}/large`)
      assert.isTrue(got.body.equals(bytes))
      assert.strictEqual(times, 2)
    }).pipe(Effect.scoped)
  )

  it.live("passes them through when it takes too long", () =>
    Effect.gen(function* () {
      const { contents } = yield* slow
      const origin = yield* fileServer({ "X-Passed": "1" })
      const port = yield* Scene.proxy(contents, { patience: 0, lookupTimeout: 0 })
      const got = yield* Scene.ask(port, `http://127.0.0.1:${origin.port}/large`)
      assert.strictEqual(got.headers["x-passed"], "1")
      assert.isTrue(got.body.equals(bytes))
    }).pipe(Effect.scoped)
  )
})

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
