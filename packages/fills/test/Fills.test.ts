import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { answerWith, client, layer, type LayerOptions, MiB, pattern, serve } from "./support.ts"

const bytes = pattern(5 * MiB + 123)

const test = (sentence: string, body: Effect.Effect<void, unknown, any>, options?: LayerOptions) =>
  it.effect(sentence, () => Effect.scoped(Effect.provide(body, layer(options))) as Effect.Effect<void, unknown>)

test(
  "gives a cold file with one request, which is the client's own",
  Effect.gen(function* () {
    const origin = yield* serve(answerWith(bytes))
    const { bytes: got, file } = yield* client()
    assert.isTrue(Buffer.compare(got, bytes) === 0)
    assert.strictEqual(file.outcome, "Miss")
    assert.strictEqual(origin.requests.length, 1)
    assert.isUndefined(origin.requests[0]?.header("range"))
    const again = yield* client()
    assert.strictEqual(again.file.outcome, "Hit")
    assert.isTrue(Buffer.compare(again.bytes, bytes) === 0)
    assert.strictEqual(origin.requests.length, 1)
  })
)

test(
  "joins thirty clients that come at once into one request",
  Effect.gen(function* () {
    const origin = yield* serve(answerWith(bytes))
    const all = yield* Effect.all(
      Array.from({ length: 30 }, () => client()),
      { concurrency: "unbounded" }
    )
    for (const { bytes: got } of all) assert.isTrue(Buffer.compare(got, bytes) === 0)
    assert.strictEqual(origin.requests.length, 1)
    assert.strictEqual(origin.sent, bytes.length)
  })
)
