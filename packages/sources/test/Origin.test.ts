import { assert, describe, it } from "@effect/vitest"
import { type PieceIndex, PieceLayout } from "@piecework/domain/PieceLayout"
import { BufferPool, type PieceBuffer } from "@piecework/hashing/BufferPool"
import type { Transport } from "@piecework/transport/Transport"
import { Deferred, Effect, Fiber, type Scope } from "effect"
import { TestClock } from "effect/testing"
import type { HttpClient } from "../src/HttpClient.ts"
import * as Origin from "../src/Origin.ts"
import type { SourceError } from "../src/PieceSource.ts"
import { type Answer, clientLayer, pattern, readAll, type Request, server, url } from "./support.ts"

const content = pattern(10_500)
const layout = new PieceLayout({ contentSize: content.length, pieceSize: 1024 })
const run = (first: number, count: number) => ({ first: first as PieceIndex, count })
const whole = run(0, layout.pieceCount)

const test = (
  sentence: string,
  body: Effect.Effect<void, unknown, HttpClient | BufferPool | Transport | Scope.Scope>
) => it.effect(sentence, () => Effect.provide(body, clientLayer()).pipe(Effect.scoped))

const answer = (
  status: number,
  headers: Readonly<Record<string, string | number>>,
  body: Uint8Array = new Uint8Array(0)
): Answer => ({
  parts: [
    `HTTP/1.1 ${status} Status\r\n${Object.entries({ "Content-Length": body.length, ...headers })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("")}\r\n`,
    body
  ]
})

const rangeOf = (request: Request) => {
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.header("range") ?? "")
  if (match === null) return undefined
  return { start: Number(match[1]), end: match[2] === "" ? content.length - 1 : Number(match[2]) }
}

/** What a good origin answers. */
const part = (request: Request, headers: Readonly<Record<string, string>> = {}): Answer => {
  const range = rangeOf(request)
  if (range === undefined) return answer(200, headers, content)
  const body = content.subarray(range.start, range.end + 1)
  return answer(
    206,
    { "Content-Range": `bytes ${range.start}-${range.start + body.length - 1}/${content.length}`, ...headers },
    body
  )
}

/** Takes what is delivered, as bytes. */
const collector = () => {
  const pieces: Array<readonly [number, Uint8Array]> = []
  const deliver = (piece: PieceIndex, buffer: PieceBuffer) =>
    Effect.sync(() => {
      pieces.push([piece, buffer.bytes.slice(0, layout.length(piece))])
      buffer.release()
    })
  const bytes = () => Buffer.concat(pieces.map(([, piece]) => piece))
  return { pieces, deliver, bytes }
}

const allFree = BufferPool.useSync((pool) => assert.strictEqual(pool.available(), pool.capacity))

/** The error of a fetch of the second and third piece that is answered so. */
const refusal = (say: (request: Request, n: number) => Answer | string) =>
  Effect.gen(function* () {
    yield* server(say)
    const origin = yield* Origin.make(url())
    const error = yield* Effect.flip(origin.fetch(run(1, 2), layout, collector().deliver))
    yield* allFree
    return error
  })

const refuses = (name: string, say: (request: Request, n: number) => Answer | string, reason: SourceError["reason"]) =>
  test(
    `refuses ${name} as ${reason}`,
    Effect.gen(function* () {
      const error = yield* refusal(say)
      assert.strictEqual(error.reason, reason, error.message)
      assert.strictEqual(error.source, "origin:http://origin.example")
    })
  )

const chunked = (body: Uint8Array): Answer => ({
  parts: [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    `${body.length.toString(16)}\r\n`,
    body,
    "\r\n0\r\n\r\n"
  ]
})

describe("Origin, fetch", () => {
  test(
    "fetches adjacent pieces with one request and delivers them in order",
    Effect.gen(function* () {
      const requests = yield* server((request) => part(request))
      const origin = yield* Origin.make(url())
      const { pieces, deliver, bytes } = collector()
      yield* origin.fetch(run(8, 3), layout, deliver)
      assert.deepStrictEqual(
        pieces.map(([piece]) => piece),
        [8, 9, 10]
      )
      assert.deepStrictEqual(
        pieces.map(([, piece]) => piece.length),
        [1024, 1024, 260]
      )
      assert.isTrue(bytes().equals(content.subarray(8192)))
      assert.deepStrictEqual(
        requests.map((request) => request.header("range")),
        ["bytes=8192-10499"]
      )
      assert.strictEqual(origin.received(), 2308)
      yield* origin.fetch(run(0, 2), layout, deliver)
      assert.strictEqual(origin.received(), 2308 + 2048)
      assert.strictEqual(requests[1]?.connection, 0)
      yield* allFree
    })
  )

  test(
    "takes a whole file where a range over all of it was asked for",
    Effect.gen(function* () {
      yield* server(() => answer(200, {}, content))
      const origin = yield* Origin.make(url())
      const { deliver, bytes } = collector()
      yield* origin.fetch(whole, layout, deliver)
      assert.isTrue(bytes().equals(content))
    })
  )

  test(
    "says that ranges are ignored, and from then on only asks for the whole file",
    Effect.gen(function* () {
      const requests = yield* server(() => answer(200, {}, content))
      const origin = yield* Origin.make(url())
      const { deliver, bytes } = collector()
      const error = yield* Effect.flip(origin.fetch(run(1, 2), layout, deliver))
      assert.deepStrictEqual([error.reason, error.isFatal], ["RangeIgnored", false])
      assert.strictEqual((yield* Effect.flip(origin.fetch(run(0, 2), layout, deliver))).reason, "RangeIgnored")
      yield* origin.fetch(whole, layout, deliver)
      assert.isTrue(bytes().equals(content))
      assert.deepStrictEqual(
        requests.map((request) => request.header("range")),
        ["bytes=1024-3071", undefined]
      )
    })
  )

  test(
    "takes a whole file in chunks, and none that is longer",
    Effect.gen(function* () {
      yield* server((_, n) => chunked(n === 0 ? content : pattern(content.length + 1)))
      const origin = yield* Origin.make(url())
      const { deliver, bytes } = collector()
      yield* origin.fetch(whole, layout, deliver)
      assert.isTrue(bytes().equals(content))
      assert.strictEqual((yield* Effect.flip(origin.fetch(whole, layout, deliver))).reason, "ContentChanged")
    })
  )

  refuses(
    "another range",
    () => answer(206, { "Content-Range": "bytes 0-2047/10500" }, content.subarray(0, 2048)),
    "BadResponse"
  )
  refuses(
    "a shorter range",
    () => answer(206, { "Content-Range": "bytes 1024-2047/10500" }, content.subarray(1024, 2048)),
    "BadResponse"
  )
  refuses("a part without a range", () => answer(206, {}, content.subarray(1024, 3072)), "BadResponse")
  refuses(
    "a range that is none",
    () => answer(206, { "Content-Range": "bytes 3071-1024/10500" }, content.subarray(1024, 3072)),
    "BadResponse"
  )
  refuses(
    "a length that is not the range's",
    () => answer(206, { "Content-Range": "bytes 1024-3071/10500" }, content.subarray(0, 5)),
    "BadResponse"
  )
  refuses(
    "another total",
    () => answer(206, { "Content-Range": "bytes 1024-3071/10501" }, content.subarray(1024, 3072)),
    "ContentChanged"
  )
  refuses("a whole file of another length", () => answer(200, {}, pattern(7)), "ContentChanged")
  refuses(
    "an answer that breaks off",
    () => ({
      parts: ["HTTP/1.1 206 P\r\nContent-Range: bytes 1024-3071/10500\r\n\r\n", content.subarray(0, 1500)],
      after: "End"
    }),
    "Truncated"
  )
  refuses("an answer that is no HTTP", () => "hello\r\n\r\n", "BadResponse")
  refuses(
    "an encoded answer",
    () =>
      answer(206, { "Content-Encoding": "br", "Content-Range": "bytes 1024-3071/10500" }, content.subarray(1024, 3072)),
    "Encoded"
  )
  refuses("a silent end", () => ({ parts: [], after: "End" }), "Closed")

  const statuses: ReadonlyArray<readonly [number, SourceError["reason"], boolean]> = [
    [204, "BadResponse", false],
    [304, "BadResponse", false],
    [400, "Refused", true],
    [401, "Forbidden", true],
    [403, "Forbidden", true],
    [404, "NotFound", true],
    [407, "Forbidden", true],
    [408, "Refused", false],
    [410, "NotFound", true],
    [416, "RangeUnsatisfiable", true],
    [429, "Refused", false],
    [451, "Refused", true],
    [500, "ServerFailed", false],
    [503, "ServerFailed", false]
  ]
  for (const [status, reason, isFatal] of statuses) {
    test(
      `understands status ${status} as ${reason}, ${isFatal ? "for good" : "for now"}`,
      Effect.gen(function* () {
        const error = yield* refusal(() => answer(status, {}))
        assert.deepStrictEqual([error.reason, error.status, error.isFatal], [reason, status, isFatal])
      })
    )
  }

  test(
    "notices between two fetches that the file has become another",
    Effect.gen(function* () {
      yield* server((request, n) => part(request, { ETag: n === 0 ? '"a"' : '"b"' }))
      const origin = yield* Origin.make(url())
      yield* origin.fetch(run(0, 1), layout, collector().deliver)
      assert.strictEqual(
        (yield* Effect.flip(origin.fetch(run(1, 1), layout, collector().deliver))).reason,
        "ContentChanged"
      )
    })
  )

  test(
    "has delivered what was whole before the connection broke, and counts all that came",
    Effect.gen(function* () {
      yield* server(() => ({
        parts: [
          `HTTP/1.1 206 P\r\nContent-Range: bytes 0-4095/10500\r\nContent-Length: 4096\r\n\r\n`,
          content.subarray(0, 2500)
        ],
        after: "End"
      }))
      const origin = yield* Origin.make(url())
      const { deliver, bytes } = collector()
      assert.strictEqual((yield* Effect.flip(origin.fetch(run(0, 4), layout, deliver))).reason, "Truncated")
      assert.isTrue(bytes().equals(content.subarray(0, 2048)))
      assert.strictEqual(origin.received(), 2500)
      yield* allFree
    })
  )

  test(
    "counts while a piece is still coming, and gives its buffer back when it is interrupted",
    Effect.gen(function* () {
      yield* server(() => ({
        parts: [
          `HTTP/1.1 206 P\r\nContent-Range: bytes 0-4095/10500\r\nContent-Length: 4096\r\n\r\n`,
          content.subarray(0, 1500)
        ],
        after: "Silence"
      }))
      const origin = yield* Origin.make(url())
      const { pieces, deliver } = collector()
      const fiber = yield* Effect.forkChild(origin.fetch(run(0, 4), layout, deliver))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(origin.received(), 1500)
      assert.lengthOf(pieces, 1)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(origin.received(), 1500)
      yield* allFree
    })
  )

  test(
    "waits for a free buffer and reads on then",
    Effect.gen(function* () {
      yield* server((request) => part(request))
      const origin = yield* Origin.make(url())
      const held: Array<PieceBuffer> = []
      const full = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(
        origin.fetch(run(0, 6), layout, (_, buffer) =>
          Effect.sync(() => {
            if (held.push(buffer) === 4) Deferred.doneUnsafe(full, Effect.void)
          })
        )
      )
      yield* Deferred.await(full)
      yield* TestClock.adjust("10 minutes")
      assert.isUndefined(fiber.pollUnsafe())
      for (const buffer of held.splice(0)) buffer.release()
      yield* Fiber.join(fiber)
      assert.lengthOf(held, 2)
    })
  )

  test(
    "goes straight to where a redirect led, and back to the URL when that is gone",
    Effect.gen(function* () {
      let secret = "one"
      const requests = yield* server((request) => {
        if (request.path === "/file") return `HTTP/1.1 302 Found\r\nLocation: /${secret}\r\nContent-Length: 0\r\n\r\n`
        return request.path === `/${secret}` ? part(request) : answer(403, {})
      })
      const origin = yield* Origin.make(url())
      const { deliver } = collector()
      yield* origin.fetch(run(0, 1), layout, deliver)
      yield* origin.fetch(run(1, 1), layout, deliver)
      secret = "two"
      yield* origin.fetch(run(2, 1), layout, deliver)
      assert.deepStrictEqual(
        requests.map((request) => request.path),
        ["/file", "/one", "/one", "/one", "/file", "/two"]
      )
    })
  )
})

const probed = (say: (request: Request) => Answer | string, length?: number) =>
  Effect.gen(function* () {
    yield* server(say)
    return yield* (yield* Origin.make(url())).probe(length)
  })

describe("Origin, probe", () => {
  test(
    "learns size, ranges, version and type, and has the first bytes",
    Effect.gen(function* () {
      const headers = { ETag: '"v1"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT", "Content-Type": "image/png" }
      const probe = yield* probed((request) => part(request, headers), 100)
      assert.deepStrictEqual(
        [probe.status, probe.size, probe.ranges, probe.validator, probe.contentType],
        [206, content.length, true, '"v1"', "image/png"]
      )
      assert.isTrue((yield* readAll(probe)).equals(content.subarray(0, 100)))
    })
  )

  test(
    "does not rely on a weak ETag",
    Effect.gen(function* () {
      const modified = "Mon, 01 Jan 2024 00:00:00 GMT"
      const probe = yield* probed((request) => part(request, { ETag: 'W/"v1"', "Last-Modified": modified }))
      assert.strictEqual(probe.validator, modified)
    })
  )

  test(
    "has the whole file of an origin without ranges, which counts as received",
    Effect.gen(function* () {
      yield* server(() => answer(200, {}, content))
      const origin = yield* Origin.make(url())
      const probe = yield* origin.probe()
      assert.deepStrictEqual([probe.size, probe.ranges, probe.validator], [content.length, false, undefined])
      assert.isTrue((yield* readAll(probe)).equals(content))
      assert.strictEqual(origin.received(), content.length)
      assert.strictEqual(
        (yield* Effect.flip(origin.fetch(run(1, 1), layout, collector().deliver))).reason,
        "RangeIgnored"
      )
    })
  )

  test(
    "knows an empty file by its refusal of ranges",
    Effect.gen(function* () {
      const probe = yield* probed(() => answer(416, { "Content-Range": "bytes */0" }, Buffer.from("no")))
      assert.deepStrictEqual([probe.size, (yield* readAll(probe)).length], [0, 0])
    })
  )

  test(
    "does without a size",
    Effect.gen(function* () {
      const probe = yield* probed(() => answer(206, { "Content-Range": "bytes 0-4/*" }, content.subarray(0, 5)))
      assert.deepStrictEqual([probe.size, probe.ranges], [undefined, true])
    })
  )

  for (const [name, say, reason] of [
    ["a part from elsewhere", () => answer(206, { "Content-Range": "bytes 1-5/9" }, pattern(5)), "BadResponse"],
    [
      "a part longer than asked for",
      () => answer(206, { "Content-Range": "bytes 0-20000/90000" }, pattern(20_001)),
      "BadResponse"
    ],
    [
      "a refusal of the first bytes of a file that has some",
      () => answer(416, { "Content-Range": "bytes */7" }),
      "RangeUnsatisfiable"
    ],
    ["a page that says it is not there", () => answer(404, {}, pattern(5)), "NotFound"]
  ] as const) {
    test(
      `refuses ${name}`,
      Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(probed(say))).reason, reason)
      })
    )
  }
})

const streamed = (say: (request: Request) => Answer, from: number, validator?: string) =>
  Effect.gen(function* () {
    const requests = yield* server(say)
    const response = yield* (yield* Origin.make(url())).stream(from, validator)
    return { request: requests[0], bytes: yield* readAll(response) }
  })
const tagged = (tag: string) => (request: Request) => part(request, { ETag: tag })

describe("Origin, stream", () => {
  test(
    "asks for a file from the start without a range",
    Effect.gen(function* () {
      const { request, bytes } = yield* streamed(tagged('"a"'), 0, '"a"')
      assert.isUndefined(request?.header("range"))
      assert.isTrue(bytes.equals(content))
    })
  )

  test(
    "goes on where it stopped, if the file is the same",
    Effect.gen(function* () {
      const { request, bytes } = yield* streamed(tagged('"a"'), 10_000, '"a"')
      assert.deepStrictEqual([request?.header("range"), request?.header("if-range")], ["bytes=10000-", '"a"'])
      assert.isTrue(bytes.equals(content.subarray(10_000)))
    })
  )

  for (const [name, say, from, reason] of [
    ["another file from the start", tagged('"b"'), 0, "ContentChanged"],
    ["the rest of another file", tagged('"b"'), 5, "ContentChanged"],
    ["another whole file", () => answer(200, { ETag: '"b"' }, content), 5, "ContentChanged"],
    ["the same file as a whole", () => answer(200, { ETag: '"a"' }, content), 5, "RangeIgnored"],
    ["another part", () => answer(206, { "Content-Range": "bytes 0-10499/10500" }, content), 5, "BadResponse"],
    ["not all of the rest", () => answer(206, { "Content-Range": "bytes 5-9/10500" }, pattern(5)), 5, "BadResponse"],
    ["a file that has become shorter", () => answer(416, { "Content-Range": "bytes */4" }), 5, "RangeUnsatisfiable"]
  ] as const) {
    test(
      `refuses ${name} as ${reason}`,
      Effect.gen(function* () {
        assert.strictEqual((yield* Effect.flip(streamed(say, from, '"a"'))).reason, reason)
      })
    )
  }
})
