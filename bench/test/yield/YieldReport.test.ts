import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Maker from "../../src/site/Maker.ts"
import * as Bottleneck from "../../src/yield/Bottleneck.ts"
import * as YieldReport from "../../src/yield/YieldReport.ts"

const flow = (bitsPerSecond: number, ...trips: ReadonlyArray<number>): YieldReport.Flow => ({
  bitsPerSecond,
  sent: trips.length,
  trips
})

const measured: YieldReport.Measured = {
  idle: flow(0, 20, 20, 21),
  bulk: flow(48e6, 160, 170, 180),
  light: flow(5e6, 21, 21, 22),
  besidePlain: flow(24e6),
  upload: { pings: flow(0, 45, 50, 60), bitsPerSecond: 49e6 },
  lightBesideUpload: flow(5e6, 45, 51, 61),
  bulkBesideUpload: flow(47e6, 160, 170, 180),
  afterwards: { bitsPerSecond: 48e6 }
}

describe("the report of yield", () => {
  it("says what the foreground keeps, what waits longer, and what the upload uses", () => {
    const figures = YieldReport.figures(measured, 50e6)
    assert.strictEqual(figures.foregroundShare, 0.9792)
    assert.strictEqual(figures.besidePlainShare, 0.5)
    assert.deepStrictEqual(figures.addedDelayMillis, { median: 30, p95: 39 })
    assert.deepStrictEqual(figures.addedBesideLightMillis, { median: 30, p95: 39 })
    assert.strictEqual(figures.aloneUse, 0.98)
    assert.isTrue(figures.met)
  })

  it("does not call a target met by a little less", () => {
    const worse: ReadonlyArray<Partial<YieldReport.Measured>> = [
      { bulkBesideUpload: flow(45e6, 170) },
      { upload: { ...measured.upload, bitsPerSecond: 44.9e6 } },
      { upload: { ...measured.upload, pings: flow(0, 45, 50, 82) } },
      { lightBesideUpload: flow(5e6, 45, 50, 83) }
    ]
    for (const one of worse) assert.isFalse(YieldReport.figures({ ...measured, ...one }, 50e6).met)
  })

  it("has a share of nothing where nothing came through", () => {
    assert.strictEqual(YieldReport.figures({ ...measured, bulk: flow(0) }, 50e6).foregroundShare, 0)
  })
})

describe("the line of yield", () => {
  const options = { rate: 50e6, queueBytes: 1e6, rttMillis: 20, congestion: "reno" }
  const prefix = "piecework-bench-1-2-"

  it("has its rate and its queue at both ends, and names that a later run can clean up", () => {
    const plan = Bottleneck.plan(prefix, options, { firewall: "nft", delayBy: "none", hasCubic: true })
    const lines = plan.build.map((command) => command.join(" "))
    for (const end of ["near", "far"]) {
      assert.isTrue(lines.includes(`tc -n ${prefix}${end} qdisc add dev line parent 1:1 bfifo limit 1000000`), end)
    }
    assert.strictEqual(lines.filter((text) => text.includes("netem")).length, 0)
    for (const name of plan.namespaces) assert.isTrue(Option.isSome(Maker.of(name)), name)
  })

  it("is as long as it should be where the kernel can delay frames", () => {
    const plan = Bottleneck.plan(prefix, options, { firewall: "nft", delayBy: "netem", hasCubic: true })
    const delays = plan.build.map((command) => command.join(" ")).filter((text) => text.includes("netem delay 10000us"))
    assert.strictEqual(delays.length, 5)
  })

  it("takes a loss-based congestion control where there is one", () => {
    assert.strictEqual(Bottleneck.congestionOf("reno bbr cubic\n"), "cubic")
    assert.strictEqual(Bottleneck.congestionOf("bbr reno"), "reno")
    assert.strictEqual(Bottleneck.congestionOf("bbr"), "bbr")
  })
})
