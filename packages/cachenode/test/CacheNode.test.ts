import { connect } from "node:net"
import { assert, it } from "@effect/vitest"
import { type Answered, FillError } from "@piecework/fills/Fills"
import { Effect, Fiber, Stream } from "effect"
import { ask, begin, bytesOf, rest, say, start, until, urlOf } from "./Scene.ts"

const bytes = bytesOf(3_000_000)
const lastModified = "Sat, 01 Aug 2026 10:00:00 GMT"
const file = { bytes, headers: { etag: '"v1"', "content-type": "application/x-cab", "last-modified": lastModified } }
const url = "http://files.test/a.cab"
const path = "/a.cab?cacheHostOrigin=files.test"

const failed = (reason: FillError["reason"]) => new FillError({ url: "u", reason, detail: "no" })

const passing = (length: number | undefined): Answered => ({
  _tag: "Passing",
  status: 200,
  headers: new Map([["cache-control", "private"]]),
  length,
  body: Stream.make(bytes.subarray(0, 100_000), bytes.subarray(100_000, 200_000)).pipe(Stream.rechunk(1))
})

const asking = (range: string, close = "") => `GET ${path} HTTP/1.1\r\nHost: c\r\nRange: bytes=${range}\r\n${close}\r\n`

it.live("gives a file to clients of all forms, once fetched, with its marks on every answer", () =>
  Effect.gen(function* () {
    const { fills, port } = yield* start({ [url]: file })
    const first = yield* ask(port, path)
    assert.strictEqual(first.status, 200)
    assert.isTrue(first.body.equals(bytes))
    assert.strictEqual(first.headers.etag, '"v1"')
    assert.strictEqual(first.headers["x-ccc"], "piecework")
    assert.strictEqual(first.headers["x-cid"], "100")
    assert.strictEqual(first.headers["cache-status"], "piecework; fwd=uri-miss; stored")
    for (const again of [
      yield* ask(port, "/a.cab", { headers: { Host: "files.test" } }),
      yield* ask(port, "http://files.test/a.cab")
    ]) {
      assert.isTrue(again.body.equals(bytes))
      assert.strictEqual(again.headers["cache-status"], "piecework; hit")
    }
    assert.strictEqual(fills.sent(), bytes.length)
  })
)

it.live("answers parts, heads and conditions", () =>
  Effect.gen(function* () {
    const { fills, port } = yield* start({ [url]: file })
    const head = yield* ask(port, path, { method: "HEAD" })
    assert.strictEqual(head.headers["content-length"], "3000000")
    assert.strictEqual(fills.sent(), 0)
    const part = yield* ask(port, path, { headers: { Range: "bytes=1048570-1048589" } })
    assert.strictEqual(part.status, 206)
    assert.strictEqual(part.headers["content-range"], "bytes 1048570-1048589/3000000")
    assert.isTrue(part.body.equals(bytes.subarray(1_048_570, 1_048_590)))
    assert.strictEqual((yield* ask(port, path, { headers: { "If-None-Match": '"v1"' } })).status, 304)
    const past = yield* ask(port, path, { headers: { Range: "bytes=3000000-" } })
    assert.strictEqual(past.status, 416)
    assert.strictEqual(past.headers["x-cid"], "100")
    const several = yield* ask(port, path, { headers: { Range: "bytes=0-1,5-6" } })
    assert.strictEqual(several.status, 200)
    assert.isTrue(several.body.equals(bytes))
  })
)

it.live("refuses with a 4xx and a sentence what it has no files of, and what is no such request", () =>
  Effect.gen(function* () {
    const { fills, port } = yield* start({ [url]: file })
    const other = yield* ask(port, "/a?cacheHostOrigin=other.test")
    assert.strictEqual(other.status, 403)
    assert.strictEqual(other.body.toString(), "This cache server has no files of other.test.\n")
    assert.strictEqual(other.headers["x-ccc"], "piecework")
    const post = yield* ask(port, path, { method: "POST" })
    assert.strictEqual(post.status, 405)
    assert.strictEqual(post.headers.allow, "GET, HEAD")
    assert.strictEqual((yield* ask(port, path, { headers: { "Content-Length": "0" } })).status, 200)
    assert.strictEqual((yield* ask(port, "/a?cacheHostOrigin=a@b")).status, 400)
    assert.strictEqual((yield* ask(port, `/${"a".repeat(5000)}?cacheHostOrigin=files.test`)).status, 414)
    assert.match(
      yield* say(port, "CONNECT files.test:443 HTTP/1.1\r\nHost: files.test:443\r\n\r\n"),
      /^HTTP\/1.1 405 .*X-CID/s
    )
    assert.match(
      yield* say(port, "GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n"),
      /^HTTP\/1.1 400 /
    )
    assert.match(yield* say(port, "nonsense\r\n\r\n"), /^HTTP\/1.1 400 .*X-CCC/s)
    assert.deepStrictEqual(fills.opened, [url])
  })
)

it.live("asks an origin by TLS where the list says so, and leaves path and query as they came", () =>
  Effect.gen(function* () {
    const { fills, port } = yield* start({})
    yield* ask(port, "/a/../%2e/b?x=%2F&cacheHostOrigin=tls.test&y")
    yield* ask(port, "/c", { headers: { Host: "a.cdn.test" } })
    assert.deepStrictEqual(fills.opened, ["https://tls.test/a/../%2e/b?x=%2F&y", "http://a.cdn.test/c"])
  })
)

it.live("does not go in circles: its own requests are refused, and so are those that passed too many caches", () =>
  Effect.gen(function* () {
    const { fills, port } = yield* start({ [url]: file }, { pseudonym: "cache-7" })
    assert.strictEqual((yield* ask(port, path, { headers: { Via: "1.1 up, 1.1 cache-7" } })).status, 508)
    assert.strictEqual((yield* ask(port, path, { headers: { Via: Array(17).fill("1.1 x").join(", ") } })).status, 508)
    assert.strictEqual((yield* ask(port, `/a?cacheHostOrigin=127.0.0.1:${port}`)).status, 404)
    assert.deepStrictEqual(fills.opened, [])
    yield* ask(port, path, { headers: { Via: "1.1 up" } })
    assert.deepStrictEqual(fills.vias, ["1.1 up, 1.1 cache-7"])
  })
)

it.live(
  "has Microsoft's health file in both forms, and says how it is under its own name, without asking anybody",
  () =>
    Effect.gen(function* () {
      const { fills, port } = yield* start({})
      const origin = "au.download.windowsupdate.com"
      for (const got of [
        yield* ask(port, `/mscomtest/wuidt.gif?cacheHostOrigin=${origin}`),
        yield* ask(port, "/mscomtest/wuidt.gif", { headers: { Host: "b1.download.windowsupdate.com" } })
      ]) {
        assert.strictEqual(got.status, 200)
        assert.strictEqual(got.headers["content-type"], "image/gif")
        assert.strictEqual(got.body.length, 969_710)
        assert.strictEqual(got.headers["x-cid"], "100")
      }
      assert.strictEqual((yield* ask(port, `/other?cacheHostOrigin=${origin}`)).status, 403)
      const health = yield* ask(port, "/health")
      assert.strictEqual(health.status, 200)
      assert.strictEqual(JSON.parse(health.body.toString()).ready, true)
      assert.strictEqual((yield* ask(port, "/other")).status, 404)
      assert.deepStrictEqual(fills.opened, [])
    })
)

it.live("gives nobody files while it is closed, and says why", () =>
  Effect.gen(function* () {
    const { port } = yield* start({ [url]: file }, { closed: "It is switched off." })
    const refused = yield* ask(port, path)
    assert.strictEqual(refused.status, 403)
    assert.strictEqual(refused.body.toString(), "It is switched off.\n")
    assert.strictEqual((yield* ask(port, "/health")).status, 503)
  })
)

it.live("passes on what an origin refuses, with its status, and 5xx for what cannot be reached", () =>
  Effect.gen(function* () {
    const gone: Answered = {
      _tag: "Refused",
      status: 410,
      headers: new Map([
        ["retry-after", "7"],
        ["content-length", "9"],
        ["connection", "close"]
      ]),
      outcome: "Hit"
    }
    const { port } = yield* start({
      "http://files.test/gone": gone,
      "http://files.test/away": failed("Unreachable"),
      "http://files.test/late": failed("TimedOut")
    })
    const refused = yield* ask(port, "/gone?cacheHostOrigin=files.test")
    assert.strictEqual(refused.status, 410)
    assert.strictEqual(refused.headers["retry-after"], "7")
    assert.strictEqual(refused.headers["x-cid"], "100")
    assert.strictEqual(refused.headers["cache-status"], "piecework; hit")
    assert.strictEqual((yield* ask(port, "/away?cacheHostOrigin=files.test")).status, 502)
    assert.strictEqual((yield* ask(port, "/late?cacheHostOrigin=files.test")).status, 504)
  })
)

it.live("lets through what may not be kept, with its length or without", () =>
  Effect.gen(function* () {
    const { figures, port } = yield* start({
      "http://files.test/known": passing(200_000),
      "http://files.test/unknown": passing(undefined)
    })
    const known = yield* ask(port, "/known?cacheHostOrigin=files.test")
    assert.strictEqual(known.headers["content-length"], "200000")
    assert.strictEqual(known.headers["cache-control"], "private")
    const unknown = yield* ask(port, "/unknown?cacheHostOrigin=files.test")
    assert.strictEqual(unknown.headers["transfer-encoding"], "chunked")
    for (const { body } of [known, unknown]) assert.isTrue(body.equals(bytes.subarray(0, 200_000)))
    assert.strictEqual(figures.total().misses, 2)
  })
)

it.live("breaks off an answer that cannot go on, so that nobody takes it for whole", () =>
  Effect.gen(function* () {
    const broken: Answered = {
      _tag: "Passing",
      status: 200,
      headers: new Map(),
      length: undefined,
      body: Stream.concat(
        Stream.make(bytes.subarray(0, 1000)),
        Stream.fail(new FillError({ url: "u", reason: "Changed", detail: "it is another file now" }))
      )
    }
    const { port } = yield* start({ [url]: broken })
    assert.isUndefined(yield* rest(yield* begin(port, path)))
  })
)

it.live("ends the reading of a client that goes away, and goes on for the others", () =>
  Effect.gen(function* () {
    const { fills, listening, port } = yield* start({ [url]: file })
    fills.stopAt = 1_048_576
    const leaving = yield* begin(port, path)
    const staying = yield* begin(port, path)
    const body = yield* Effect.forkChild(rest(staying), { startImmediately: true })
    yield* until(() => fills.reading() === 2)
    leaving.destroy()
    yield* until(() => fills.reading() === 1)
    fills.stopAt = Infinity
    fills.gate.openUnsafe()
    assert.isTrue((yield* Fiber.join(body))?.equals(bytes))
    yield* until(() => fills.reading() === 0 && listening.buffered() === 0)
  })
)

it.live("takes a piece that its drive cannot read from where it came from", () =>
  Effect.gen(function* () {
    const { fills, port } = yield* start({ [url]: file })
    yield* ask(port, path)
    const before = fills.streamed()
    fills.damaged.add(1)
    assert.isTrue((yield* ask(port, path)).body.equals(bytes))
    assert.strictEqual(fills.streamed() - before, 1_048_576)
  })
)

it.live("closes connections beyond its limit, and those whose head does not come", () =>
  Effect.gen(function* () {
    const { figures, port } = yield* start({ [url]: file }, { maxConnections: 2, headMillis: 150 })
    const sockets = yield* Effect.acquireRelease(
      Effect.sync(() => Array.from({ length: 3 }, () => connect(port, "127.0.0.1").on("error", () => undefined))),
      (all) => Effect.sync(() => all.forEach((socket) => socket.destroy()))
    )
    let closed = 0
    for (const socket of sockets) socket.resume().once("close", () => closed++)
    yield* until(() => closed >= 1)
    // Half a head, and nothing more.
    for (const socket of sockets) socket.write("GET /a HTTP/1.1\r\nHost: ")
    yield* until(() => closed === 3)
    yield* until(() => figures.connections() === 0)
    assert.strictEqual((yield* ask(port, path)).status, 200)
  })
)

it.live("answers several requests on one connection, and counts hits and misses", () =>
  Effect.gen(function* () {
    const { figures, port } = yield* start({ [url]: file })
    const text = yield* say(port, asking("0-1") + asking("0-2") + asking("2999999-", "Connection: close\r\n"))
    assert.strictEqual(text.match(/HTTP\/1\.1 206/g)?.length, 3)
    const { bytesOut, hitBytes, hits, missBytes, misses } = figures.total()
    assert.deepStrictEqual([hits, misses, hitBytes, missBytes, bytesOut], [1, 2, 3, 3, 6])
    assert.strictEqual(figures.minutesSince(0).at(-1)?.hits, 1)
  })
)

it.live("takes a login to the origin for its client alone", () =>
  Effect.gen(function* () {
    const { fills, port } = yield* start({ [url]: file })
    yield* ask(port, path, { headers: { Authorization: "Basic eA==" } })
    assert.deepStrictEqual(fills.logins, ["Basic eA=="])
    assert.strictEqual(urlOf(url), fills.opened[0])
  })
)
