import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Figures from "../src/Figures.ts"

it.effect("counts by minute, and tells those since a time", () =>
  Effect.gen(function* () {
    const figures = yield* Figures.Figures
    const received = { origin: 500, parent: 0, peers: 0 }
    figures.watch(() => received)
    figures.connected()
    figures.answered(false)
    received.origin = 600
    figures.sent(100, "Miss")
    yield* TestClock.adjust("1 minute")
    figures.answered(true)
    figures.answered(true)
    figures.sent(300, "Hit")
    figures.disconnected()
    yield* TestClock.adjust("1 minute")
    const minutes = figures.minutesSince(60_000)
    assert.deepStrictEqual(
      minutes.map(({ bytesOut, connections, hits, start }) => [start, hits, bytesOut, connections]),
      [
        [60_000, 2, 300, 1],
        [120_000, 0, 0, 0]
      ]
    )
    const total = figures.total()
    assert.strictEqual(Figures.hitRatio(total), 2 / 3)
    assert.strictEqual(total.bytesFromOrigin, 100)
    assert.strictEqual(Figures.efficiency(total), 0.75)
    assert.isUndefined(Figures.efficiency(Figures.none))
    assert.strictEqual(figures.connections(), 0)
  }).pipe(Effect.provide(Figures.Figures.layer))
)

it.effect("remembers a day, and all of the rest as a sum", () =>
  Effect.gen(function* () {
    const figures = yield* Figures.Figures
    for (let minute = 0; minute < 1500; minute++) {
      figures.sent(1, "Other")
      yield* TestClock.adjust("1 minute")
    }
    assert.strictEqual(figures.minutesSince(0).length, 1440)
    assert.strictEqual(figures.total().bytesOut, 1500)
  }).pipe(Effect.provide(Figures.Figures.layer))
)
