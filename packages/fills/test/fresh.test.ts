/** What is kept, for how long, and what is said while the origin is away. */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import {
  answerWith,
  client,
  type Handler,
  head,
  isSame,
  MiB,
  open,
  pattern,
  running,
  serve,
  settled,
  together,
  url
} from "./support.ts"

const bytes = pattern(2 * MiB + 99)

const away: Handler = () => ({ parts: [], after: "End" })

it.effect(
  "asks once a file is past its time whether it is still the one, once for all who want it",
  running(
    Effect.gen(function* () {
      const origin = yield* serve((request, n) => ({
        ...answerWith(bytes, { headers: ['ETag: "1"', "Cache-Control: max-age=60"] })(request),
        delay: n
      }))
      yield* client()
      yield* TestClock.adjust("61 seconds")
      const all = yield* together(3, client())
      for (const one of all) {
        assert.strictEqual(one.file.outcome, "Revalidated")
        assert.isTrue(isSame(one.bytes, bytes))
      }
      assert.strictEqual(origin.requests.length, 2)
      assert.strictEqual(origin.requests[1]?.header("if-none-match"), '"1"')
      assert.strictEqual((yield* client()).file.outcome, "Hit")
      assert.strictEqual(origin.requests.length, 2)
    })
  )
)

it.effect(
  "asks by the date where there is no tag, and takes the whole file again from an origin that knows no conditions",
  running(
    Effect.gen(function* () {
      const headers = ["Last-Modified: Wed, 01 Jan 2020 00:00:00 GMT", "Cache-Control: max-age=60"]
      const origin = yield* serve(answerWith(bytes, { headers }))
      yield* client()
      yield* TestClock.adjust("61 seconds")
      const again = yield* client()
      assert.strictEqual(again.file.outcome, "Revalidated")
      assert.strictEqual(origin.requests[1]?.header("if-modified-since"), "Wed, 01 Jan 2020 00:00:00 GMT")
    })
  )
)

it.effect(
  "puts a changed file in the place of the old one, while a reader of that goes on",
  running(
    Effect.gen(function* () {
      const changed = pattern(bytes.length, 3)
      const versions = [bytes, changed]
      let version = 0
      yield* serve((request) =>
        answerWith(versions[version] ?? bytes, {
          headers: [`ETag: "${version}"`, "Cache-Control: max-age=60"],
          pause: 1
        })(request)
      )
      const filled = yield* Effect.forkChild(client())
      yield* TestClock.adjust("61 seconds")
      yield* Fiber.join(filled)
      const old = yield* open()
      version = 1
      yield* TestClock.adjust("61 seconds")
      const next = yield* Effect.forkChild(client())
      yield* TestClock.adjust("1 second")
      assert.isTrue(isSame((yield* Fiber.join(next)).bytes, changed))
      assert.strictEqual(old._tag, "Filled")
    })
  )
)

it.effect(
  "answers with what it has while the origin is away, for a week, and does not ask each time",
  running(
    Effect.gen(function* () {
      let isAway = false
      const origin = yield* serve((request, n) =>
        isAway ? away(request, n) : answerWith(bytes, { headers: ['ETag: "1"', "Cache-Control: max-age=60"] })(request)
      )
      yield* client()
      isAway = true
      yield* TestClock.adjust("1 hour")
      const stale = yield* client()
      assert.strictEqual(stale.file.outcome, "Stale")
      assert.isTrue(isSame(stale.bytes, bytes))
      const asked = origin.requests.length
      yield* client()
      assert.strictEqual(origin.requests.length, asked)
      yield* TestClock.adjust("8 days")
      assert.isTrue(Result.isFailure(yield* Effect.result(client())))
    })
  )
)

it.effect(
  "does not answer with an old file that its server forbade to",
  running(
    Effect.gen(function* () {
      const headers = ['ETag: "1"', "Cache-Control: max-age=60, must-revalidate"]
      yield* serve((request, n) => (n === 0 ? answerWith(bytes, { headers })(request) : away(request, n)))
      yield* client()
      yield* TestClock.adjust("1 hour")
      assert.isTrue(Result.isFailure(yield* Effect.result(client())))
    })
  )
)

const refusal = (status: string, headers: ReadonlyArray<string> = []) => ({
  parts: [head(status, ["Content-Length: 0", ...headers])]
})

it.effect(
  "keeps a refusal for ten seconds, or as long as the server says",
  running(
    Effect.gen(function* () {
      const origin = yield* serve((request) =>
        refusal("404 Not Found", request.path === "/long" ? ["Cache-Control: max-age=100"] : [])
      )
      for (const path of ["/short", "/long"]) {
        yield* open({ url: url(path) })
        const said = yield* open({ url: url(path) })
        assert.isTrue(said._tag === "Refused" && said.status === 404 && said.outcome === "Hit")
      }
      assert.strictEqual(origin.requests.length, 2)
      yield* TestClock.adjust("11 seconds")
      yield* open({ url: url("/short") })
      yield* open({ url: url("/long") })
      assert.strictEqual(origin.requests.length, 3)
    })
  )
)

it.effect(
  "asks an origin in trouble once for a thousand who wait, and again for the next",
  running(
    Effect.gen(function* () {
      const origin = yield* serve(() => ({ ...refusal("503 Busy", ["Retry-After: 5"]), delay: 1 }))
      const all = yield* together(1000, open())
      for (const said of all) assert.isTrue(said._tag === "Refused" && said.status === 503)
      assert.strictEqual(origin.requests.length, 1)
      yield* together(1, open())
      assert.strictEqual(origin.requests.length, 2)
    })
  )
)

it.effect(
  "forgets a file that is gone, and gives it again when it is back",
  running(
    Effect.gen(function* () {
      const headers = ['ETag: "1"', "Cache-Control: max-age=60"]
      const origin = yield* serve((request, n) =>
        n === 1 ? refusal("404 Not Found") : answerWith(bytes, { headers })(request)
      )
      yield* client()
      yield* TestClock.adjust("61 seconds")
      assert.strictEqual((yield* open())._tag, "Refused")
      yield* TestClock.adjust("11 seconds")
      assert.strictEqual((yield* client()).file.outcome, "Miss")
      assert.strictEqual(origin.requests.length, 3)
      yield* settled
    })
  )
)
