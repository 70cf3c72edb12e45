import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Round from "../../src/site/Round.ts"
import type { SiteOptions } from "../../src/site/SiteOptions.ts"
import * as SiteReport from "../../src/site/SiteReport.ts"

const shape: SiteOptions = {
  devices: 3,
  sites: 1,
  bytes: 12_500_000,
  wan: 100e6,
  lan: 1e9,
  rttMillis: 20,
  loss: 0,
  churn: 0,
  staggerMillis: 0,
  service: "up"
}
/** Of the shape above. */
const ideal = 1514 / 1448

const outcome = (seconds: number | null): Round.Outcome => ({
  seconds,
  startSeconds: 0.2,
  verified: seconds !== null,
  failure: seconds === null ? "it was not done in time" : undefined,
  usage: Option.some({ cpuSeconds: 1, peakRssBytes: 100 }),
  bytes: null,
  fromPeers: 10_000_000,
  wasted: 1_250_000
})
const round = (times: ReadonlyArray<number | null>): Round.Round => ({
  outcomes: times.map(outcome),
  originBytes: 15_000_000,
  crossed: [{ down: 15_700_000, up: 400_000 }],
  busy: 0.5,
  seconds: 3
})
const about = { tool: "piecework", how: "piecework get --seed", install: "npm ci" } as const
const summary = (...rounds: ReadonlyArray<Round.Round>) => SiteReport.summary(about, "1", shape, rounds, [])
const report = (...results: ReadonlyArray<SiteReport.Result>): SiteReport.Report => ({
  scenario: "site",
  machine: { measuredAt: "2026-01-01" },
  shape,
  delayBy: "none",
  runs: 1,
  idealSeconds: ideal,
  results
})

describe("SiteReport", () => {
  it("puts times over the ideal and bytes over the file", () => {
    const result = summary(round([ideal, 2 * ideal, 3 * ideal]))
    assert.strictEqual(result.verified, 3)
    assert.strictEqual(result.medianOverIdeal, 2)
    assert.strictEqual(result.lastOverIdeal, 3)
    assert.strictEqual(result.originCopies, 1.2)
    assert.strictEqual(result.wanCopies, 1.256)
    assert.strictEqual(result.peersShare, 0.8)
    assert.strictEqual(result.wastedCopies, 0.3)
    assert.deepStrictEqual(SiteReport.failures(report(result)), [])
  })

  it("takes the median of several runs, and of what was verified the least", () => {
    const result = summary(round([1, 1, 1]), round([2, 2, 2]), round([9, 9, 9]))
    assert.strictEqual(result.lastSeconds, 2)
    const worse = summary(round([1, 1, 1]), round([1, 1, null]))
    assert.strictEqual(worse.verified, 2)
  })

  it("tells no times when a device did not get the file, and says so", () => {
    const result = summary(round([1, 1, null]))
    assert.isNull(result.medianOverIdeal)
    assert.isNull(result.lastOverIdeal)
    assert.strictEqual(result.originCopies, 1.2)
    assert.deepStrictEqual(SiteReport.failures(report(result)), [
      "piecework: 2 of 3 devices have the file: it was not done in time"
    ])
  })

  it("does not blame a tool that is not installed", () => {
    assert.deepStrictEqual(SiteReport.failures(report(SiteReport.absent(about, shape))), [])
  })

  it("verifies nothing of a tool that could not run", () => {
    const result = SiteReport.summary(about, "1", shape, [], ["no tracker"])
    assert.strictEqual(result.verified, 0)
    assert.deepStrictEqual(result.failures, ["no tracker"])
  })
})

describe("Round", () => {
  it("kills devices as evenly as they go, and one at least", () => {
    assert.deepStrictEqual(Round.chosen(30, 0), [])
    assert.deepStrictEqual(Round.chosen(30, 0.1), [5, 15, 25])
    assert.deepStrictEqual(Round.chosen(3, 0.1), [1])
    assert.deepStrictEqual(Round.chosen(3, 1), [0, 1, 2])
  })
})
