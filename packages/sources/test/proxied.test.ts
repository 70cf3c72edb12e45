/** Proxies, and servers that prove who they are or do not, over loopback. */
import { assert, describe, it } from "@effect/vitest"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { createServer, type IncomingMessage, type RequestListener } from "node:http"
import * as Https from "node:https"
import * as Net from "node:net"
import { Access } from "../src/Access.ts"
import * as Origin from "../src/Origin.ts"
import * as Proxies from "../src/Proxies.ts"
import { get, listening, liveLayer, pattern, readAll, text, url } from "./support.ts"

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}`, import.meta.url), "utf8")
const [certificate, other, expired] = [fixture("localhost.crt"), fixture("other.crt"), fixture("expired.crt")]
const key = fixture("localhost.key")
const content = pattern(3_000_000)
const file: RequestListener = (_, response) => response.end(content)

/** A proxy that passes everything on to one server, whatever is asked for; the requests that it got. */
const proxyTo = (to: () => number, refusal?: string) =>
  Effect.gen(function* () {
    const asked: Array<Pick<IncomingMessage, "method" | "url" | "headers">> = []
    const sockets = new Set<Net.Socket>()
    const server = createServer((request, response) => {
      asked.push(request)
      if (refusal !== undefined) return response.writeHead(Number(refusal.split(" ")[0])).end("no")
      return response.end(content)
    })
    server.on("connect", (request, socket) => {
      asked.push(request)
      socket.on("error", () => socket.destroy())
      if (refusal !== undefined) return socket.end(`HTTP/1.1 ${refusal}\r\nContent-Length: 0\r\n\r\n`)
      const onward = Net.connect(to(), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\n\r\n")
        onward.pipe(socket)
        socket.pipe(onward)
      })
      sockets.add(onward)
      onward.on("error", () => socket.destroy())
      return undefined
    })
    const port = yield* listening(server)
    yield* Effect.addFinalizer(() => Effect.sync(() => sockets.forEach((socket) => socket.destroy())))
    return { asked, port }
  })

const through = (environment: Readonly<Record<string, string>>) =>
  liveLayer({ certificates: [certificate], proxies: Proxies.fromEnvironment(environment) })

describe("A proxy", () => {
  it.live("gets requests for http servers whole, with its login, and its connection is used again", () =>
    Effect.gen(function* () {
      const { asked, port } = yield* proxyTo(() => 0)
      yield* Effect.gen(function* () {
        for (const host of ["http://a.invalid", "http://b.invalid:81"]) {
          const response = yield* get({ url: url("/file?x", host) })
          assert.strictEqual(response.address, undefined)
          assert.strictEqual(Buffer.compare(yield* readAll(response, 1 << 20), content), 0)
        }
      }).pipe(Effect.provide(through({ http_proxy: `http://u:p@127.0.0.1:${port}` })))
      assert.deepStrictEqual(
        asked.map(({ headers, method, url: target }) => [method, target, headers.host, headers["proxy-authorization"]]),
        [
          ["GET", "http://a.invalid/file?x", "a.invalid", "Basic dTpw"],
          ["GET", "http://b.invalid:81/file?x", "b.invalid:81", "Basic dTpw"]
        ]
      )
    }).pipe(Effect.scoped)
  )

  it.live("opens the way to https servers and learns no more than their names; the login is the proxy's alone", () =>
    Effect.gen(function* () {
      const heads: Array<IncomingMessage["headers"]> = []
      const origin = Https.createServer({ cert: certificate, key }, (request, response) => {
        heads.push(request.headers)
        return response.end(content)
      })
      const server = yield* listening(origin)
      const { asked, port } = yield* proxyTo(() => server)
      const from = url("/file", `https://localhost:${server}`)
      yield* Effect.gen(function* () {
        const access = yield* Effect.fromResult(Access.make({ url: from, headers: { Authorization: "Bearer x" } }))
        for (let n = 0; n < 3; n++) {
          const response = yield* get({ url: from, access })
          assert.strictEqual(Buffer.compare(yield* readAll(response, 1 << 20), content), 0)
        }
      }).pipe(Effect.provide(through({ https_proxy: `http://u:p@127.0.0.1:${port}` })))
      assert.deepStrictEqual(
        asked.map(({ headers, method, url: target }) => [
          method,
          target,
          headers["proxy-authorization"],
          headers.authorization
        ]),
        [["CONNECT", `localhost:${server}`, "Basic dTpw", undefined]]
      )
      assert.strictEqual(heads.length, 3)
      for (const head of heads) {
        assert.strictEqual(head["proxy-authorization"], undefined)
        assert.strictEqual(head.authorization, "Bearer x")
      }
    }).pipe(Effect.scoped)
  )

  it.live("does not stand in for the server: that still has to prove who it is", () =>
    Effect.gen(function* () {
      const server = yield* listening(Https.createServer({ cert: other, key }, file))
      const { port } = yield* proxyTo(() => server)
      const error = yield* Effect.flip(text({ url: url("/", `https://localhost:${server}`) })).pipe(
        Effect.provide(through({ ALL_PROXY: `127.0.0.1:${port}` }))
      )
      assert.strictEqual(error.reason, "TlsFailed")
    }).pipe(Effect.scoped)
  )

  for (const scheme of ["http", "https"]) {
    it.live(`that wants a login for ${scheme} is told apart from a server that does`, () =>
      Effect.gen(function* () {
        const { port } = yield* proxyTo(() => 0, "407 Proxy Authentication Required")
        const address = url("/file", `${scheme}://origin.invalid`)
        const error = yield* Effect.gen(function* () {
          const origin = yield* Origin.make(address)
          return yield* Effect.flip(origin.probe())
        }).pipe(Effect.provide(through({ all_proxy: `127.0.0.1:${port}` })))
        assert.deepStrictEqual([error.reason, error.status, error.isFatal], ["ProxyLogin", 407, true])
        assert.include(error.message, "the proxy wants a login")
      }).pipe(Effect.scoped)
    )
  }

  it.live("that does not let through, is not there, or is no proxy at all says which it is", () =>
    Effect.gen(function* () {
      const refusing = yield* proxyTo(() => 0, "403 Forbidden")
      const noProxy = yield* listening(Net.createServer((socket) => socket.end("220 mail.example ESMTP\r\n\r\n")))
      const long = yield* listening(
        Net.createServer((socket) => void socket.on("error", () => socket.destroy()).write("x".repeat(100_000)))
      )
      for (const [proxy, says] of [
        [`127.0.0.1:${refusing.port}`, "HTTP 403"],
        [`127.0.0.1:${noProxy}`, "220 mail.example ESMTP"],
        [`127.0.0.1:${long}`, "its answer is too long"],
        ["127.0.0.1:1", "nothing listens there"],
        ["socks5://127.0.0.1", "not supported (socks5://)"]
      ] as const) {
        const error = yield* Effect.gen(function* () {
          const origin = yield* Origin.make(url("/file", "https://origin.invalid"))
          return yield* Effect.flip(origin.probe())
        }).pipe(Effect.provide(through({ https_proxy: proxy })))
        assert.strictEqual(error.reason, "ProxyFailed", proxy)
        assert.include(error.message, says)
      }
    }).pipe(Effect.scoped)
  )
})

const reading = (server: Https.Server, host: string, trusted: ReadonlyArray<string> | undefined) =>
  Effect.gen(function* () {
    const port = yield* listening(server)
    const from = ContentUrl.make(`https://${host}:${port}/file`)
    const origin = yield* Origin.make(from)
    return (yield* readAll(yield* origin.probe(), 1 << 20)).length
  }).pipe(Effect.provide(liveLayer(trusted === undefined ? {} : { certificates: trusted })), Effect.scoped)

describe("A server of https", () => {
  it.live("is believed with a certificate for its name, or for its address", () =>
    Effect.gen(function* () {
      for (const host of ["localhost", "127.0.0.1"]) {
        const server = Https.createServer({ cert: certificate, key }, file)
        assert.strictEqual(yield* reading(server, host, [certificate]), content.length)
      }
    })
  )

  for (const [what, cert, trusted, says] of [
    ["whose certificate nobody vouches for", certificate, undefined, "self-signed certificate"],
    ["whose certificate is for another name", other, other, "does not match certificate"],
    ["whose certificate is over", expired, expired, "certificate has expired"]
  ] as const) {
    it.live(`${what} is not, and not asked again`, () =>
      Effect.gen(function* () {
        const server = Https.createServer({ cert, key }, file)
        const error = yield* Effect.flip(reading(server, "localhost", trusted === undefined ? undefined : [trusted]))
        assert.strictEqual(error._tag, "SourceError")
        if (error._tag === "SourceError") assert.deepStrictEqual([error.reason, error.isFatal], ["TlsFailed", true])
        assert.include(error.message, says)
      })
    )
  }

  it.live("that speaks something else says so", () =>
    Effect.gen(function* () {
      const port = yield* listening(createServer(file))
      const origin = yield* Origin.make(url("/file", `https://localhost:${port}`))
      const error = yield* Effect.flip(origin.probe())
      assert.include(error.message, "does not speak TLS")
    }).pipe(Effect.provide(liveLayer()), Effect.scoped)
  )
})
