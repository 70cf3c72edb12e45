import { assert, it } from "@effect/vitest"
import { Figures } from "@piecework/cachenode/Figures"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Rates } from "../src/Rates.ts"

it.effect("the fastest second of each minute is known, of what goes out and of what comes in", () =>
  Effect.gen(function* () {
    const figures = yield* Figures
    const rates = yield* Rates
    let origin = 0
    figures.watch(() => ({ origin }))
    yield* TestClock.setTime(600_000)
    yield* TestClock.adjust("10 seconds")
    for (const bytes of [100, 700, 300]) {
      figures.sent(bytes, "Miss")
      origin += 50
      yield* TestClock.adjust("1 second")
    }
    assert.strictEqual(rates.peakOf(600_000).out, 700)
    assert.strictEqual(rates.peakOf(600_000).in, 50)
    yield* TestClock.adjust("1 minute")
    figures.sent(200, "Hit")
    yield* TestClock.adjust("1 second")
    assert.strictEqual(rates.peakOf(660_000).out, 200)
    assert.strictEqual(rates.peakOf(600_000).out, 700)
    assert.deepStrictEqual(rates.peakOf(0), { out: 0, in: 0 })
  }).pipe(Effect.provide(Rates.layer.pipe(Layer.provideMerge(Figures.layer))))
)
