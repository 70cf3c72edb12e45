import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, type Scope } from "effect"
import { TestClock } from "effect/testing"
import type { BufferPool } from "@piecework/hashing/BufferPool"
import type { Transport } from "@piecework/transport/Transport"
import type { HttpClient, HttpError } from "../src/HttpClient.ts"
import type { HttpClientConfig } from "../src/HttpClientConfig.ts"
import { type Answer, clientLayer, get, pattern, readAll, server, text, url } from "./support.ts"

const ok = (headers: ReadonlyArray<string>, body = "") =>
  `HTTP/1.1 200 OK\r\n${headers.map((h) => `${h}\r\n`).join("")}\r\n${body}`
const sized = (body: string) => ok([`Content-Length: ${body.length}`], body)
const moved = (to: string, status = 302) => `HTTP/1.1 ${status} Moved\r\nLocation: ${to}\r\nContent-Length: 0\r\n\r\n`

const test = (
  sentence: string,
  body: Effect.Effect<void, unknown, HttpClient | BufferPool | Transport | Scope.Scope>,
  config?: Partial<HttpClientConfig["Service"]>
) => it.effect(sentence, () => Effect.provide(body, clientLayer(config)).pipe(Effect.scoped))

const connectionsOf = (requests: ReadonlyArray<{ readonly connection: number }>) =>
  requests.map((request) => request.connection)

/** What becomes of a request that is answered so. */
const outcome = (answer: Answer | string) =>
  Effect.gen(function* () {
    yield* server(() => answer)
    return yield* Effect.flip(text({ url: url() }))
  })

const malformed = (name: string, answer: Answer | string, reason: HttpError["reason"] = "BadResponse") =>
  test(
    `refuses ${name}`,
    Effect.gen(function* () {
      const error = yield* outcome(answer)
      assert.strictEqual(error._tag, "HttpError")
      assert.strictEqual(error.reason, reason, error.message)
    })
  )

describe("HttpClient, framing", () => {
  test(
    "reads a body of the announced length",
    Effect.gen(function* () {
      yield* server(() => sized("hello"))
      const response = yield* get({ url: url() })
      assert.deepStrictEqual([response.status, response.contentLength], [200, 5])
      assert.strictEqual((yield* readAll(response)).toString(), "hello")
      assert.strictEqual(response.body.received(), 5)
      assert.strictEqual(yield* response.body.fill(new Uint8Array(1)), 0)
    })
  )

  test(
    "reads a body up to the end of the connection when no length is announced",
    Effect.gen(function* () {
      yield* server(() => ({ parts: ["HTTP/1.0 200 OK\r\n\r\nhel", "lo"], after: "End" }))
      assert.strictEqual(yield* text({ url: url() }), "hello")
    })
  )

  for (const room of [1, 3, 65_536]) {
    test(
      `reads a chunked body ${room} bytes at a time, wherever it is cut`,
      Effect.gen(function* () {
        const answer = ok(
          ["Transfer-Encoding: Chunked"],
          '4;name="x"\r\nwiki\r\n00A\r\npedia in\r\n\r\n1\r\n.\r\n0\r\nX: y\r\n\r\n'
        )
        yield* server((_, n) => ({ parts: n === 0 ? answer.split("") : [answer] }))
        for (let i = 0; i < 2; i++) {
          const response = yield* get({ url: url() })
          assert.strictEqual(response.contentLength, undefined)
          assert.strictEqual((yield* readAll(response, room)).toString(), "wikipedia in\r\n.")
          assert.strictEqual(response.body.received(), 15)
        }
      })
    )
  }

  for (const [name, headers, first, after] of [
    ["of an announced length", ["Content-Length: 100"], "hello", "Silence"],
    ["in chunks, before the chunk is whole", ["Transfer-Encoding: chunked"], "64\r\nhello", "Silence"],
    ["in chunks, when a chunk is whole", ["Transfer-Encoding: chunked"], "5\r\nhello", "Silence"],
    ["up to the end of the connection", [], "hello", "Silence"]
  ] as const) {
    test(
      `answers with the bytes that are there when they are enough, of a body ${name}`,
      Effect.gen(function* () {
        yield* server(() => ({ parts: [ok(headers), first], after }))
        const { body } = yield* get({ url: url() })
        const target = new Uint8Array(50)
        assert.strictEqual(yield* body.fill(target, 5), 5)
        assert.strictEqual(Buffer.from(target.subarray(0, 5)).toString(), "hello")
      })
    )
  }

  test(
    "is short of enough at the end of a body only, and goes on where it was",
    Effect.gen(function* () {
      const body = "0123456789"
      yield* server(() => ({ parts: [ok(["Transfer-Encoding: chunked"]), "4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n"] }))
      const response = yield* get({ url: url() })
      const target = new Uint8Array(20)
      let got = yield* response.body.fill(target.subarray(0, 3), 1)
      got += yield* response.body.fill(target.subarray(got), 2)
      got += yield* response.body.fill(target.subarray(got))
      assert.strictEqual(Buffer.from(target.subarray(0, got)).toString(), body)
      assert.strictEqual(yield* response.body.fill(target, 1), 0)
    })
  )

  test(
    "fails when a body ends before its length, also where less was enough",
    Effect.gen(function* () {
      yield* server(() => ({ parts: [ok(["Content-Length: 10"], "hello")], after: "End" }))
      const { body } = yield* get({ url: url() })
      assert.strictEqual(yield* body.fill(new Uint8Array(10), 1), 5)
      assert.strictEqual((yield* Effect.flip(body.fill(new Uint8Array(5), 1))).reason, "Truncated")
    })
  )

  test(
    "fills a target across chunks, large ones included",
    Effect.gen(function* () {
      const body = pattern(3_000_000)
      const chunk = (from: number, to: number) => [`${(to - from).toString(16)}\r\n`, body.subarray(from, to), "\r\n"]
      yield* server(() => ({
        parts: [
          ok(["Transfer-Encoding: chunked"]),
          ...chunk(0, 10),
          ...chunk(10, 2_000_000),
          ...chunk(2_000_000, 3_000_000),
          "0\r\n\r\n"
        ]
      }))
      assert.strictEqual(Buffer.compare(yield* readAll(yield* get({ url: url() }), 1 << 20), body), 0)
    })
  )

  test(
    "takes a large body into the given memory, whatever was read with its head",
    Effect.gen(function* () {
      const body = pattern(2 << 20)
      yield* server(() => ({ parts: [Buffer.concat([Buffer.from(ok([`Content-Length: ${body.length}`])), body])] }))
      const response = yield* get({ url: url() })
      const target = new Uint8Array(new SharedArrayBuffer(1 << 20))
      for (const from of [0, 1 << 20]) {
        assert.strictEqual(yield* response.body.fill(target), target.length)
        assert.strictEqual(Buffer.compare(target, body.subarray(from, from + target.length)), 0)
      }
    })
  )

  for (const status of [204, 304]) {
    test(
      `expects no body with status ${status}`,
      Effect.gen(function* () {
        yield* server((_, n) => (n === 0 ? `HTTP/1.1 ${status} Nothing\r\nContent-Length: 99\r\n\r\n` : sized("next")))
        assert.strictEqual(yield* text({ url: url() }), "")
        assert.strictEqual(yield* text({ url: url() }), "next")
      })
    )
  }

  test(
    "passes over interim answers",
    Effect.gen(function* () {
      yield* server(() => `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n${sized("real")}`)
      assert.strictEqual(yield* text({ url: url() }), "real")
    })
  )

  test(
    "joins headers of one name and reads a range",
    Effect.gen(function* () {
      yield* server(
        () => "HTTP/1.1 206 Partial\r\nA: 1\r\na:2 \t\r\nContent-Range: bytes 5-9/*\r\nContent-Length: 5\r\n\r\n56789"
      )
      const response = yield* get({ url: url(), range: { start: 5, end: 9 } })
      assert.strictEqual(response.headers.get("a"), "1, 2")
      assert.deepStrictEqual(response.contentRange, { start: 5, end: 9, total: undefined })
    })
  )

  test(
    "accepts a length that is said twice alike",
    Effect.gen(function* () {
      yield* server(() => ok(["Content-Length: 2", "Content-Length: 2"], "ab"))
      assert.strictEqual(yield* text({ url: url() }), "ab")
    })
  )
})

describe("HttpClient, malformed answers", () => {
  malformed("an answer of another protocol", "SSH-2.0-OpenSSH_9.6\r\n\r\n")
  malformed("an answer of HTTP/2", "HTTP/2.0 200 OK\r\n\r\n")
  malformed("a status of two digits", "HTTP/1.1 20 OK\r\n\r\n")
  malformed("a blank line before the status", `\r\n\r\n${sized("x")}`)
  malformed("both a length and a transfer coding", ok(["Content-Length: 5", "Transfer-Encoding: chunked"], "0\r\n\r\n"))
  malformed("lengths that differ", ok(["Content-Length: 5", "Content-Length: 6"], "hello"))
  malformed("lengths that differ in one header", ok(["Content-Length: 5, 6"], "hello"))
  for (const length of ["-1", "+5", "0x5", "5.0", "", "5 5", "9999999999999999"]) {
    malformed(`"${length}" as a length`, ok([`Content-Length: ${length}`], "hello"))
  }
  malformed("a transfer coding that is not chunked", ok(["Transfer-Encoding: gzip, chunked"], "0\r\n\r\n"))
  malformed(
    "a transfer coding named twice",
    ok(["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], "0\r\n\r\n")
  )
  malformed("a transfer coding in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
  malformed("a header over several lines", ok(["A: b", " c"]))
  malformed("a header without a colon", ok(["Content-Length 5"], "hello"))
  malformed("a space before the colon", ok(["Content-Length : 5"], "hello"))
  malformed("a header without a name", ok([": 5"]))
  malformed("a line that ends without CR", ok(["A: b\nContent-Length: 5"], "hello"))
  malformed("a lone CR in a header", ok(["A: b\rContent-Length: 5"], "hello"))
  malformed("a zero byte in a header", ok(["A: b\0c"]))
  malformed("a head that is longer than 64 KiB", ok([`A: ${"b".repeat(70_000)}`]))
  malformed("a head that never ends", {
    parts: Array.from({ length: 20 }, () => `A: ${"b".repeat(5000)}\r\n`),
    after: "Silence"
  })
  malformed("more than 200 headers", ok(Array.from({ length: 201 }, () => "A: b")))
  malformed("a change of protocol", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n")
  malformed("endless interim answers", "HTTP/1.1 100 Continue\r\n\r\n".repeat(50))
  for (const size of ["", "g", "-1", "0x5", " 5", "5 ", "5\t", "fffffffffffff", "5\n"]) {
    malformed(
      `${JSON.stringify(size)} as the size of a chunk`,
      ok(["Transfer-Encoding: chunked"], `${size}\r\nhello\r\n0\r\n\r\n`)
    )
  }
  malformed("a chunk that is longer than its size", ok(["Transfer-Encoding: chunked"], "4\r\nhello\r\n0\r\n\r\n"))
  malformed("a chunk line without end", ok(["Transfer-Encoding: chunked"], `5;${"x".repeat(10_000)}`))
  malformed("endless trailers", ok(["Transfer-Encoding: chunked"], `0\r\n${"a: b\r\n".repeat(300)}`))
  malformed("a body that ends early", { parts: [ok(["Content-Length: 10"], "hello")], after: "End" }, "Truncated")
  malformed(
    "a chunk that ends early",
    { parts: [ok(["Transfer-Encoding: chunked"], "a\r\nhello")], after: "End" },
    "Truncated"
  )
  malformed(
    "chunks without the last",
    { parts: [ok(["Transfer-Encoding: chunked"], "5\r\nhello\r\n")], after: "End" },
    "Truncated"
  )
  malformed("a head that ends early", { parts: ["HTTP/1.1 200 OK\r\nContent-"], after: "End" }, "Closed")
  malformed("silence and an end", { parts: [], after: "End" }, "Closed")
  malformed("an encoded answer", ok(["Content-Encoding: gzip", "Content-Length: 5"], "hello"), "Encoded")
})

describe("HttpClient, requests", () => {
  test(
    "asks for plain bytes, a range, and says who it is",
    Effect.gen(function* () {
      const requests = yield* server(() => sized(""))
      yield* text({
        url: url("/a%20b?c=d"),
        range: { start: 5 },
        ifRange: '"tag"',
        ifNoneMatch: '"other"',
        ifModifiedSince: "Sat, 21 Nov 2026 00:00:00 GMT",
        headers: { Accept: "text/plain", "X-Own": "1" }
      })
      assert.deepStrictEqual(requests[0]?.text.split("\r\n"), [
        "GET /a%20b?c=d HTTP/1.1",
        "Host: origin.example",
        "Accept-Encoding: identity",
        "Range: bytes=5-",
        'If-Range: "tag"',
        'If-None-Match: "other"',
        "If-Modified-Since: Sat, 21 Nov 2026 00:00:00 GMT",
        "User-Agent: piecework/0.1.0",
        "Accept: text/plain",
        "X-Own: 1",
        "",
        ""
      ])
    })
  )

  for (const headers of [
    { "A\r\nB": "c" },
    { A: "b\r\nHost: evil" },
    { Range: "bytes=0-0" },
    { host: "evil" },
    { "A:": "b" }
  ]) {
    test(
      `does not send ${JSON.stringify(headers)}`,
      Effect.gen(function* () {
        const requests = yield* server(() => sized(""))
        const error = yield* Effect.flip(get({ url: url(), headers }))
        assert.strictEqual(error.reason, "BadRequest")
        assert.lengthOf(requests, 0)
      })
    )
  }

  test(
    "says that nobody listens",
    Effect.gen(function* () {
      const error = yield* Effect.flip(get({ url: url() }))
      assert.strictEqual(error.reason, "Unreachable")
      assert.include(error.message, "http://origin.example/file")
    })
  )
})

describe("HttpClient, redirects", () => {
  test(
    "follows them, relative ones too, with the range and without what was meant for the first server",
    Effect.gen(function* () {
      const first = yield* server((request) =>
        request.path === "/file" ? moved("../other?x=1", 307) : moved("http://cdn.example:8080/there")
      )
      const cdn = yield* server(() => sized("content"), "cdn.example", 8080)
      const headers = { Authorization: "Basic x", "X-Own": "1" }
      const response = yield* get({ url: url(), range: { start: 1, end: 2 }, headers })
      assert.strictEqual(response.url, "http://cdn.example:8080/there")
      assert.deepStrictEqual(
        first.map((request) => [request.path, request.header("authorization")]),
        [
          ["/file", "Basic x"],
          ["/other?x=1", "Basic x"]
        ]
      )
      assert.deepStrictEqual(
        [cdn[0]?.header("host"), cdn[0]?.header("range"), cdn[0]?.header("x-own"), cdn[0]?.header("authorization")],
        ["cdn.example:8080", "bytes=1-2", undefined, undefined]
      )
    })
  )

  test(
    "reuses the connection of a redirect with a short body",
    Effect.gen(function* () {
      const requests = yield* server((_, n) =>
        n === 0 ? "HTTP/1.1 301 Moved\r\nLocation: /b\r\nContent-Length: 4\r\n\r\nover" : sized("x")
      )
      assert.strictEqual(yield* text({ url: url() }), "x")
      assert.deepStrictEqual(
        requests.map((request) => request.connection),
        [0, 0]
      )
    })
  )

  test(
    "gives up after the tenth",
    Effect.gen(function* () {
      const requests = yield* server(() => moved("/file"))
      assert.strictEqual((yield* Effect.flip(get({ url: url() }))).reason, "TooManyRedirects")
      assert.lengthOf(requests, 11)
    })
  )

  for (const to of ["ftp://origin.example/", "http://user:pass@origin.example/", "http://[", `/${"x".repeat(5000)}`]) {
    test(
      `refuses one to ${to.slice(0, 40)}`,
      Effect.gen(function* () {
        yield* server(() => moved(to))
        assert.strictEqual((yield* Effect.flip(get({ url: url() }))).reason, "BadRedirect")
      })
    )
  }

  test(
    "refuses one without a target",
    Effect.gen(function* () {
      yield* server(() => "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")
      assert.strictEqual((yield* Effect.flip(get({ url: url() }))).reason, "BadRedirect")
    })
  )

  test(
    "does not leave https for http",
    Effect.gen(function* () {
      yield* server(() => moved("http://origin.example/file"), "origin.example", 443)
      const error = yield* Effect.flip(get({ url: url("/file", "https://origin.example") }))
      assert.strictEqual(error.reason, "InsecureRedirect")
    })
  )

  test(
    "leaves https for http when that is allowed",
    Effect.gen(function* () {
      yield* server(() => moved("http://origin.example/file"), "origin.example", 443)
      yield* server(() => sized("plain"))
      assert.strictEqual(yield* text({ url: url("/file", "https://origin.example") }), "plain")
    }),
    { allowInsecureRedirect: true }
  )
})

describe("HttpClient, connections", () => {
  test(
    "uses a connection again once a body was read to its end",
    Effect.gen(function* () {
      const requests = yield* server(() => sized("hello"))
      const first = yield* get({ url: url() })
      yield* readAll(first)
      // The first answer's scope is still open.
      assert.strictEqual(yield* text({ url: url() }), "hello")
      assert.deepStrictEqual(connectionsOf(requests), [0, 0])
    })
  )

  test(
    "closes a connection whose body was not read to its end",
    Effect.gen(function* () {
      const requests = yield* server(() => sized("hello"))
      yield* Effect.scoped(Effect.flatMap(get({ url: url() }), (response) => response.body.fill(new Uint8Array(4))))
      yield* text({ url: url() })
      assert.deepStrictEqual(connectionsOf(requests), [0, 1])
    })
  )

  for (const [why, answer] of [
    ["the server says so", ok(["Connection: Keep-Alive, Close", "Content-Length: 1"], "x")],
    ["it speaks HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"],
    ["more came than the body", `${sized("x")}HTTP/1.1 200 OK\r\n`]
  ] as const) {
    test(
      `does not use a connection again when ${why}`,
      Effect.gen(function* () {
        const requests = yield* server(() => answer)
        yield* text({ url: url() })
        yield* text({ url: url() })
        assert.deepStrictEqual(connectionsOf(requests), [0, 1])
      })
    )
  }

  test(
    "keeps connections to different servers apart",
    Effect.gen(function* () {
      yield* server(() => sized("a"))
      yield* server(() => sized("b"), "other.example")
      assert.strictEqual(yield* text({ url: url() }), "a")
      assert.strictEqual(yield* text({ url: url("/file", "http://other.example") }), "b")
      assert.strictEqual(yield* text({ url: url() }), "a")
    })
  )

  test(
    "asks again over a new connection when an idle one turns out to be dead",
    Effect.gen(function* () {
      const requests = yield* server((_, n) => (n === 1 ? { parts: [], after: "End" } : sized("hello")))
      yield* text({ url: url() })
      assert.strictEqual(yield* text({ url: url() }), "hello")
      assert.deepStrictEqual(connectionsOf(requests), [0, 0, 1])
    })
  )

  test(
    "drops an idle connection that the server ends, or that idles too long",
    Effect.gen(function* () {
      const requests = yield* server((_, n) => ({ parts: [sized("hello")], after: n === 0 ? "End" : "KeepAlive" }))
      yield* text({ url: url() })
      yield* text({ url: url() })
      yield* TestClock.adjust("16 seconds")
      yield* text({ url: url() })
      assert.deepStrictEqual(connectionsOf(requests), [0, 1, 2])
    })
  )

  test(
    "opens a connection for each request at the same time, and keeps only some",
    Effect.gen(function* () {
      const requests = yield* server(() => sized("hello"))
      const wave = Effect.forEach(
        [1, 2, 3, 4],
        () => Effect.flatMap(get({ url: url() }), (response) => Effect.as(Effect.yieldNow, response)),
        { concurrency: 4 }
      ).pipe(Effect.flatMap(Effect.forEach((response) => readAll(response))))
      yield* wave
      assert.deepStrictEqual(connectionsOf(requests).toSorted(), [0, 1, 2, 3])
      yield* wave
      assert.strictEqual(new Set(connectionsOf(requests)).size, 6)
    }),
    { maxIdle: 2 }
  )
})

describe("HttpClient, time", () => {
  test(
    "gives up on a server that does not answer",
    Effect.gen(function* () {
      yield* server(() => ({ parts: ["HTTP/1.1 200 OK\r\n"], after: "Silence" }))
      const fiber = yield* Effect.forkChild(Effect.flip(get({ url: url() })))
      yield* TestClock.adjust("29 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber)).reason, "TimedOut")
    })
  )

  test(
    "gives up on a body that stands still, though not at once",
    Effect.gen(function* () {
      yield* server(() => ({ parts: [ok(["Content-Length: 100000"], "x".repeat(40_000))], after: "Silence" }))
      const response = yield* get({ url: url() })
      const fiber = yield* Effect.forkChild(Effect.flip(response.body.fill(new Uint8Array(100_000))))
      yield* TestClock.adjust("30 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      assert.strictEqual(response.body.received(), 40_000)
      yield* TestClock.adjust("8 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).reason, "Stalled")
    })
  )

  test(
    "is patient with a body that comes slowly, and with a reader that does",
    Effect.gen(function* () {
      const proceed = yield* Deferred.make<void>()
      yield* server(() => ({ parts: [ok(["Content-Length: 4"], "ab")], after: "Silence" }))
      const response = yield* get({ url: url() })
      yield* response.body.fill(new Uint8Array(1))
      yield* TestClock.adjust("5 minutes")
      const reader = yield* Effect.forkChild(
        Effect.andThen(Deferred.await(proceed), response.body.fill(new Uint8Array(1)))
      )
      yield* TestClock.adjust("5 minutes")
      yield* Deferred.succeed(proceed, undefined)
      assert.strictEqual(yield* Fiber.join(reader), 1)
    })
  )
})
