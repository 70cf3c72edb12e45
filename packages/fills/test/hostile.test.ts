/** Origins that lie, or that send what cannot be kept. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Result, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Passing } from "../src/Fills.ts"
import {
  answerWith,
  client,
  head,
  isSame,
  MiB,
  open,
  pattern,
  running,
  serve,
  settled,
  spanOf,
  url
} from "./support.ts"

const bytes = pattern(3 * MiB + 99)

const bodyOf = (passing: Passing) =>
  Effect.map(
    Stream.runFold(
      passing.body,
      () => [] as Array<Uint8Array>,
      (parts, part) => [...parts, part.slice()]
    ),
    (parts) => Buffer.concat(parts)
  )

const passes = (sentence: string, headers: ReadonlyArray<string>) =>
  it.effect(
    `passes an answer that ${sentence} on, to each client its own`,
    running(
      Effect.gen(function* () {
        const origin = yield* serve(answerWith(bytes, { headers }))
        const got = yield* Effect.all(
          Array.from({ length: 3 }, () =>
            Effect.scoped(
              Effect.gen(function* () {
                const answered = yield* open()
                assert.strictEqual(answered._tag, "Passing")
                return answered._tag === "Passing" ? yield* bodyOf(answered) : new Uint8Array(0)
              })
            )
          ),
          { concurrency: "unbounded" }
        )
        for (const one of got) assert.isTrue(isSame(one, bytes))
        assert.strictEqual(origin.requests.length, 3)
      })
    )
  )

passes("must not be kept", ["Cache-Control: no-store"])
passes("is private", ['Cache-Control: max-age=60, Private="x"'])
passes("sets a cookie", ["Set-Cookie: a=b"])
passes("varies", ["Vary: Accept-Encoding, Accept-Language"])

it.effect(
  "passes an answer of unknown length on",
  running(
    Effect.gen(function* () {
      yield* serve(() => ({
        parts: [head("200 OK", ["Transfer-Encoding: chunked"]), "5\r\nhello\r\n", "6\r\n world\r\n0\r\n\r\n"]
      }))
      const answered = yield* open()
      assert.isTrue(
        answered._tag === "Passing" && answered.length === undefined && !answered.headers.has("transfer-encoding")
      )
      if (answered._tag === "Passing") assert.strictEqual((yield* bodyOf(answered)).toString(), "hello world")
    })
  )
)

it.effect(
  "gives the client the part that it wants of what passes, though whole pieces were asked for",
  running(
    Effect.gen(function* () {
      yield* serve(answerWith(bytes, { headers: ["Cache-Control: no-store"] }))
      for (let i = 0; i < 2; i++) {
        const answered = yield* open({ part: { offset: MiB + 10, length: 20 } })
        assert.isTrue(answered._tag === "Passing" && answered.status === 206 && answered.length === 20)
        if (answered._tag !== "Passing") return
        assert.strictEqual(answered.headers.get("content-range"), `bytes ${MiB + 10}-${MiB + 29}/${bytes.length}`)
        assert.isTrue(isSame(yield* bodyOf(answered), bytes, MiB + 10, 20))
      }
      const last = yield* open({ part: { offset: -20 } })
      assert.isTrue(last._tag === "Passing" && last.status === 200 && last.length === bytes.length)
      const looked = yield* open({ isHead: true })
      assert.isTrue(looked._tag === "Passing" && looked.status === 200 && looked.length === bytes.length)
    })
  )
)

it.effect(
  "takes the whole file once from an origin that knows no ranges, and serves all its readers from it",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(answerWith(bytes, { ranges: false, pause: 10 }))
      const reading = yield* Effect.forkChild(
        Effect.all([client({ part: { offset: 2 * MiB } }), client({ part: { offset: MiB, length: 5 } }), client()], {
          concurrency: "unbounded"
        })
      )
      yield* TestClock.adjust("1 minute")
      for (const one of yield* Fiber.join(reading)) {
        assert.isTrue(isSame(one.bytes, bytes, one.offset, one.bytes.length))
      }
      assert.strictEqual(origin.requests.length, 1)
    })
  )
)

it.effect(
  "takes the rest of a broken file from the beginning where the origin ignores ranges",
  running(
    Effect.gen(function* () {
      const origin = yield* serve((request, n) => {
        const answer = answerWith(bytes, { ranges: false })(request)
        return n === 0 ? { parts: answer.parts.slice(0, 3), after: "End" } : answer
      })
      const got = yield* client()
      assert.isTrue(isSame(got.bytes, bytes))
      assert.strictEqual(origin.requests.length, 2)
    })
  )
)

const fails = (sentence: string, answer: Parameters<typeof serve>[0]) =>
  it.effect(
    `refuses an origin that ${sentence}`,
    running(
      Effect.gen(function* () {
        const origin = yield* serve(answer)
        const fiber = yield* Effect.forkChild(
          Effect.result(Effect.timeout(client({ part: { offset: MiB, length: MiB } }), "1 hour"))
        )
        yield* TestClock.adjust("10 minutes")
        const got = yield* Fiber.join(fiber)
        assert.isTrue(Result.isFailure(got) && got.failure._tag === "FillError")
        assert.isAtMost(origin.requests.length, 20)
      })
    )
  )

const part = (range: string, length: number, ...headers: ReadonlyArray<string>) => ({
  parts: [
    head("206 Partial Content", [`Content-Range: bytes ${range}`, `Content-Length: ${length}`, ...headers]),
    bytes.subarray(0, length)
  ]
})

fails("sends another part", () => part(`0-${MiB - 1}/${bytes.length}`, MiB))
fails("sends more than was asked for", () => part(`${MiB}-${3 * MiB - 1}/${bytes.length}`, 2 * MiB))
fails("says one length and another in the range", () => part(`${MiB}-${2 * MiB - 1}/${bytes.length}`, 1000))
fails("sends a part without saying which", () => part("x", 1000))
fails("sends encoded bytes", () => part(`${MiB}-${2 * MiB - 1}/${bytes.length}`, MiB, "Content-Encoding: gzip"))
fails("redirects in a circle", (request) => ({
  parts: [head("302 Found", [`Location: ${request.path}`, "Content-Length: 0"])]
}))
fails("redirects to this device", () => ({
  parts: [head("302 Found", ["Location: http://127.0.0.1/secret", "Content-Length: 0"])]
}))
fails("has a head without end", () => ({ parts: [`HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}`], after: "Silence" }))
fails("answers a question for bytes with 304", () => ({ parts: [head("304 Not Modified", [])] }))
fails("says nothing", () => ({ parts: [], after: "Silence" }))
fails("sends less than it said, again and again", (request) => {
  const [start, end] = spanOf(request, bytes.length) ?? [0, bytes.length]
  return {
    parts: [
      head("206 Partial Content", [
        `Content-Range: bytes ${start}-${end - 1}/${bytes.length}`,
        `Content-Length: ${end - start}`
      ])
    ],
    after: "End"
  }
})

it.effect(
  "asks nothing of this machine for a client that named it",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(answerWith(bytes))
      for (const host of ["http://127.0.0.1", "http://169.254.169.254", "http://[::1]"]) {
        const got = yield* Effect.result(open({ url: url("/file", host), isGuarded: true }))
        assert.isTrue(Result.isFailure(got))
      }
      assert.strictEqual(origin.requests.length, 0)
      assert.strictEqual((yield* open({ url: url("/file", "http://127.0.0.1") }))._tag, "Filled")
    })
  )
)

it.effect(
  "asks no more questions at a time than files may be open, also for clients that leave at once",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(() => ({ parts: [], after: "Silence" }))
      for (let i = 0; i < 6; i++) {
        const fiber = yield* Effect.forkChild(Effect.exit(open({ url: url(`/${i}`) })))
        yield* settled
        yield* Fiber.interrupt(fiber)
      }
      assert.strictEqual(origin.requests.length, 3)
    }),
    { fills: { maxFiles: 3 } }
  )
)

it.effect(
  "refuses a part in answer to a request for all",
  running(
    Effect.gen(function* () {
      yield* serve(() => part(`0-999/${bytes.length}`, 1000))
      const got = yield* Effect.result(client())
      assert.isTrue(Result.isFailure(got) && got.failure.reason === "BadAnswer")
      yield* settled
    })
  )
)

it.effect(
  "takes parts that are shorter than was asked for, one after the other",
  running(
    Effect.gen(function* () {
      yield* serve((request) => {
        const [start, end] = spanOf(request, bytes.length) ?? [0, bytes.length]
        const short = Math.min(end, start + 300_000)
        return {
          parts: [
            head("206 Partial Content", [
              `Content-Range: bytes ${start}-${short - 1}/${bytes.length}`,
              `Content-Length: ${short - start}`
            ]),
            bytes.subarray(start, short)
          ]
        }
      })
      const got = yield* client({ part: { offset: 5 } })
      assert.isTrue(isSame(got.bytes, bytes, 5))
    })
  )
)
