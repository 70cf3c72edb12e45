import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import * as Chart from "../../src/site/Chart.ts"
import * as SiteReport from "../../src/site/SiteReport.ts"

const shape = {
  devices: 30,
  sites: 2,
  bytes: 268_435_456,
  wan: 100_000_000,
  lan: 1_000_000_000,
  rttMillis: 20,
  loss: 0.01,
  churn: 0.1,
  staggerMillis: 2000,
  service: "down" as const
}
const about = (tool: "piecework" | "curl" | "nginx") => ({ tool, how: "", install: `apt-get install ${tool}` })
const outcome = (seconds: number | null) => ({
  seconds,
  startSeconds: null,
  verified: seconds !== null,
  bytes: null,
  fromPeers: null,
  wasted: null,
  usage: Option.none(),
  failure: seconds === null ? "it stopped at <half> & said nothing" : undefined
})
const round = (seconds: ReadonlyArray<number | null>) => ({
  outcomes: seconds.map(outcome),
  originBytes: shape.bytes,
  crossed: [{ down: shape.bytes * 1.05, up: 0 }],
  busy: 0.5,
  seconds: 30
})

const report: SiteReport.Report = {
  scenario: "site",
  machine: { measuredAt: "2026-01-02T03:04:05.678Z" },
  shape,
  delayBy: "netem",
  runs: 1,
  idealSeconds: 22.464,
  results: [
    SiteReport.summary(about("piecework"), "1", shape, [round(Array.from({ length: 60 }, (_, i) => 24 + i / 60))], []),
    SiteReport.summary(about("curl"), "1", shape, [round([...Array.from({ length: 59 }, () => 120), null])], []),
    SiteReport.absent(about("nginx"), shape)
  ]
}

/** All texts between tags. */
const texts = (svg: string): ReadonlyArray<string> =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text ?? "")

describe("Chart", () => {
  const svg = Chart.svg(report)

  it("says of each tool what it took, or why there is nothing to say", () => {
    const found = texts(svg)
    for (const text of ["piecework", "1.09", "1.11", "not done in time: 59 of 60", "nginx", "not installed"]) {
      assert.include(found, text)
    }
  })

  it("draws two bars a panel for each tool that has figures", () => {
    // Times and copies of piecework, copies alone of curl.
    assert.strictEqual([...svg.matchAll(/<rect class="(?:soft|strong)" [^>]*height="15"/g)].length, 6)
  })

  it("keeps every bar inside of its panel", () => {
    for (const [, x, width] of svg.matchAll(
      /<rect class="(?:soft|strong)" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g
    )) {
      assert.isAtMost(Number(x) + Number(width), 960)
    }
  })

  it("names everything that the scenario was told", () => {
    const shown = texts(svg).join("\n")
    for (const text of [
      "30 devices at each of 2 sites",
      "256 MiB",
      "100 Mbit/s",
      "20 ms",
      "one every 2 s",
      "1 % lost",
      "10 % killed",
      "service down",
      "2026-01-02"
    ]) {
      assert.include(shown, text)
    }
    assert.notInclude(shown, "03:04")
  })

  it("is well-formed whatever a tool is called", () => {
    const [first, ...others] = report.results
    if (first === undefined) return assert.fail("no results")
    const odd = Chart.svg({ ...report, results: [{ ...first, tool: `<a> & "b"` }, ...others] })
    assert.include(odd, "&lt;a&gt; &amp; &quot;b&quot;")
    assert.notInclude(odd, "<a>")
  })
})
