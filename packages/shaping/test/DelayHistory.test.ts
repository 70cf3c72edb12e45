import { assert, describe, it } from "@effect/vitest"
import { DelayHistory } from "@piecework/shaping"

const minute = 60_000

/** The history after these delays, each at its time. */
const after = (...samples: ReadonlyArray<readonly [now: number, delay: number]>) =>
  samples.reduce((history, [now, delay]) => DelayHistory.add(history, now, delay), DelayHistory.empty)

describe("DelayHistory", () => {
  it("knows nothing at first, and of nothing that waits", () => {
    assert.isUndefined(DelayHistory.base(DelayHistory.empty))
    assert.strictEqual(DelayHistory.queueing(DelayHistory.empty), 0)
  })

  it("takes the least of the last four for the delay now, so that one that was held up counts for nothing", () => {
    assert.strictEqual(DelayHistory.queueing(after([0, 10], [1, 30], [2, 30], [3, 30])), 0)
    const waiting = after([0, 10], [1, 30], [2, 90], [3, 40], [4, 35])
    assert.strictEqual(DelayHistory.queueing(waiting), 20)
    assert.strictEqual(DelayHistory.queueing(DelayHistory.add(waiting, 5, 12)), 2)
  })

  it("goes by differences, so clocks may disagree by any amount", () => {
    assert.strictEqual(DelayHistory.queueing(after([0, -5000], [1, -4980], [2, -4980], [3, -4980], [4, -4980])), 20)
  })

  it("remembers the least delay for ten minutes, and one of each minute", () => {
    const short = after([0, 10], ...Array.from({ length: 9 }, (_, i) => [(i + 1) * minute, 50] as const))
    assert.strictEqual(DelayHistory.base(short), 10)
    assert.strictEqual(DelayHistory.base(DelayHistory.add(short, 10 * minute, 50)), 50)
    const long = after(...Array.from({ length: 5000 }, (_, i) => [i * 1000, 20 + (i % 7)] as const))
    assert.strictEqual(long.minutes.length, DelayHistory.baseMinutes)
    assert.strictEqual(long.recent.length, DelayHistory.currentFilter)
  })
})
