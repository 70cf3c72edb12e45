/** Fetches that break, and what takes their place. */
import { assert, it } from "@effect/vitest"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Effect, Fiber, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import type { FillError } from "../src/FillError.ts"
import { Fills } from "../src/Fills.ts"
import { type Failure, originOf, type Upstream, Upstreams } from "../src/Upstreams.ts"
import {
  type Answer,
  answerWith,
  client,
  type Handler,
  head,
  isSame,
  MiB,
  pattern,
  type Request,
  running,
  serve,
  settled,
  url
} from "./support.ts"

const bytes = pattern(6 * MiB + 99)

/** The right answer, cut off after so many bytes of its body. */
const cutAfter = (length: number, request: Request, after: "End" | "Silence" = "End"): Answer => {
  const [said = "", ...body] = answerWith(bytes, { step: 100_000 })(request).parts
  const parts: Array<string | Uint8Array> = [said]
  let left = length
  for (const part of body) {
    if (left <= 0) break
    parts.push(part.slice(0, left) as Uint8Array)
    left -= part.length
  }
  return { parts, after }
}

const get = (wanted?: Parameters<typeof client>[0]) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.result(client(wanted)))
    yield* TestClock.adjust("10 minutes")
    return yield* Fiber.join(fiber)
  })

const failureOf = (result: Result.Result<unknown, FillError>): FillError["reason"] | undefined =>
  Result.isFailure(result) ? result.failure.reason : undefined

const goesOn = (sentence: string, broken: Handler) =>
  it.effect(
    sentence,
    running(
      Effect.gen(function* () {
        const origin = yield* serve((request, n) => (n === 0 ? broken(request, n) : answerWith(bytes)(request)))
        const got = yield* get()
        assert.isTrue(Result.isSuccess(got) && isSame(got.success.bytes, bytes))
        const from = 2 * MiB + 12_345
        assert.strictEqual(origin.requests[1]?.header("range"), `bytes=${from}-${bytes.length - 1}`)
        assert.strictEqual(origin.requests[1]?.header("if-range"), '"1"')
        assert.strictEqual(origin.sent, bytes.length)
      })
    )
  )

goesOn("goes on at the same byte after an answer that ends early", (request) => cutAfter(2 * MiB + 12_345, request))

goesOn("goes on at the same byte after an answer that stands still", (request) =>
  cutAfter(2 * MiB + 12_345, request, "Silence")
)

it.effect(
  "gives up on an origin that brings nothing, after a few tries and some time, and tells all who wait",
  running(
    Effect.gen(function* () {
      const origin = yield* serve((request, n) => (n === 0 ? cutAfter(MiB + 5, request) : { parts: [], after: "End" }))
      const both = yield* Effect.forkChild(
        Effect.all([Effect.result(client()), Effect.result(client())], { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("10 minutes")
      for (const got of yield* Fiber.join(both)) assert.strictEqual(failureOf(got), "Unreachable")
      assert.isAtMost(origin.requests.length, 8)
    })
  )
)

it.effect(
  "gives up on an origin that sends a few bytes at a time, over and over",
  running(
    Effect.gen(function* () {
      const origin = yield* serve((request) => cutAfter(1000, request))
      assert.strictEqual(failureOf(yield* get()), "BadAnswer")
      assert.isAtMost(origin.requests.length, 8)
    })
  )
)

it.effect(
  "never mixes two versions of a file: who has begun with the old one hears that it changed, and the next gets the new one",
  running(
    Effect.gen(function* () {
      const changed = pattern(bytes.length, 7)
      yield* serve((request, n) =>
        n === 0
          ? cutAfter(2 * MiB, request)
          : answerWith(changed, { headers: ['ETag: "2"', "Cache-Control: max-age=3600"] })(request)
      )
      assert.strictEqual(failureOf(yield* get()), "Changed")
      const next = yield* client()
      assert.isTrue(isSame(next.bytes, changed))
    })
  )
)

/** Ways over the parents, by port, and then the origin; what failed is banned. */
const over = (ports: ReadonlyArray<number>, failures: Array<readonly [string, Failure["_tag"]]>) =>
  Layer.succeed(Upstreams, {
    ways: (file) =>
      Effect.succeed([
        ...ports
          .filter((port) => !failures.some(([name, tag]) => name === `p${port}` && tag !== "Broken"))
          .map((port): Upstream => ({ kind: "Parent", name: `p${port}`, url: parentOf(file, port) })),
        originOf(file)
      ]),
    failed: (upstream, _, failure) => Effect.sync(() => void failures.push([upstream.name, failure._tag]))
  })

const parentOf = (file: ContentUrl, port: number) =>
  ContentUrl.make(`http://parent.example:${port}${new URL(file).pathname}?cacheHostOrigin=origin.example`)

const counts = Fills.use((fills) => Effect.sync(() => fills.received()))

{
  const failures: Array<readonly [string, Failure["_tag"]]> = []
  it.effect(
    "asks the parent first, and the origin not at all",
    running(
      Effect.gen(function* () {
        const parent = yield* serve(answerWith(bytes), 8001)
        const origin = yield* serve(answerWith(bytes))
        const got = yield* client()
        assert.isTrue(isSame(got.bytes, bytes))
        assert.strictEqual(parent.requests[0]?.path, "/file?cacheHostOrigin=origin.example")
        assert.strictEqual(origin.requests.length, 0)
        assert.deepStrictEqual(yield* counts, { origin: 0, parent: bytes.length })
        assert.deepStrictEqual(failures, [])
      }),
      { upstreams: over([8001], failures) }
    )
  )
}

{
  const failures: Array<readonly [string, Failure["_tag"]]> = []
  it.effect(
    "replaces a parent that dies in the middle by the next, and the origin as the last, without a reader noticing",
    running(
      Effect.gen(function* () {
        yield* serve((request, n) => (n === 0 ? cutAfter(2 * MiB + 7, request) : { parts: [], after: "End" }), 8001)
        yield* serve((request, n) => (n === 0 ? cutAfter(MiB, request) : { parts: [], after: "End" }), 8002)
        const origin = yield* serve(answerWith(bytes))
        const reading = yield* Effect.forkChild(Effect.all([client(), client()], { concurrency: "unbounded" }))
        yield* TestClock.adjust("1 minute")
        for (const got of yield* Fiber.join(reading)) assert.isTrue(isSame(got.bytes, bytes))
        assert.isAtLeast(origin.requests.length, 1)
        const { origin: from, parent } = yield* counts
        assert.strictEqual(from + parent, bytes.length)
        assert.isTrue(failures.some(([name, tag]) => name === "p8001" && tag === "Broken"))
      }),
      { upstreams: over([8001, 8002], failures) }
    )
  )
}

{
  const failures: Array<readonly [string, Failure["_tag"]]> = []
  it.effect(
    "goes past parents that are away, that do not serve the origin, that fail and that have another file",
    running(
      Effect.gen(function* () {
        yield* serve(() => ({ parts: [head("403 Forbidden", ["Content-Length: 0"])] }), 8002)
        yield* serve(() => ({ parts: [head("502 Bad Gateway", ["Content-Length: 0"])] }), 8003)
        const origin = yield* serve((request, n) => (n === 0 ? cutAfter(MiB, request) : answerWith(bytes)(request)))
        // Once the file is known, a parent with another one is passed over.
        const stale = yield* serve(
          (request, n) =>
            n === 0
              ? { parts: [head("500 Oh", ["Content-Length: 0"])] }
              : answerWith(pattern(500), { headers: ['ETag: "0"'] })(request),
          8004
        )
        const got = yield* get()
        assert.isTrue(Result.isSuccess(got) && isSame(got.success.bytes, bytes))
        assert.deepStrictEqual(failures.slice(0, 4), [
          ["p8001", "Unreachable"],
          ["p8002", "Status"],
          ["p8003", "Broken"],
          ["p8004", "Broken"]
        ])
        assert.strictEqual(stale.requests.length, 2)
        assert.strictEqual(origin.requests.length, 2)
      }),
      { upstreams: over([8001, 8002, 8003, 8004], failures) }
    )
  )
}

{
  const failures: Array<readonly [string, Failure["_tag"]]> = []
  it.effect(
    "says with every request who had it before, and blames no parent that sees a circle",
    running(
      Effect.gen(function* () {
        const parent = yield* serve(() => ({ parts: [head("508 Loop Detected", ["Content-Length: 0"])] }), 8001)
        const origin = yield* serve((request, n) => (n === 0 ? cutAfter(MiB, request) : answerWith(bytes)(request)))
        const fiber = yield* Effect.forkChild(client({ via: "1.1 a, 1.1 b" }))
        yield* TestClock.adjust("1 minute")
        assert.isTrue(isSame((yield* Fiber.join(fiber)).bytes, bytes))
        for (const { requests } of [parent, origin]) {
          assert.deepStrictEqual(
            requests.map(({ header }) => header("via")),
            ["1.1 a, 1.1 b", "1.1 a, 1.1 b"]
          )
        }
        assert.deepStrictEqual(
          failures.filter(([name]) => name === "p8001"),
          []
        )
      }),
      { upstreams: over([8001], failures) }
    )
  )
}

it.effect(
  "takes a file that has lost its tag for another one",
  running(
    Effect.gen(function* () {
      const changed = pattern(bytes.length, 7)
      yield* serve((request, n) =>
        n === 0 ? cutAfter(2 * MiB, request) : answerWith(changed, { headers: [] })(request)
      )
      assert.strictEqual(failureOf(yield* get()), "Changed")
    })
  )
)

it.effect(
  "answers with what the origin says when parents refuse, and keeps that",
  running(
    Effect.gen(function* () {
      yield* serve(() => ({ parts: [head("404 Not Found", ["Content-Length: 0"])] }), 8001)
      const origin = yield* serve(() => ({ parts: [head("410 Gone", ["Content-Length: 0"])] }))
      for (const outcome of ["Miss", "Hit"]) {
        const said = yield* Fills.use((fills) => fills.open({ url: url() }))
        assert.isTrue(said._tag === "Refused" && said.status === 410 && said.outcome === outcome)
      }
      yield* settled
      assert.strictEqual(origin.requests.length, 1)
    }),
    { upstreams: over([8001], []) }
  )
)
