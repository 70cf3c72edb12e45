import { assert, describe, it } from "@effect/vitest"
import { Families } from "@piecework/telemetry"

describe("Families", () => {
  it("are written with help and kind before their samples, and what they are without any", () => {
    const written = Families.render([
      Families.by("counter", "a_bytes_total", "Bytes.", "source", { origin: 3, lan: undefined, group: 0 }),
      Families.one("gauge", "b", "Nobody knows.", undefined),
      Families.one("gauge", "c_seconds", "A time.", 1.5e21)
    ])
    assert.strictEqual(
      written,
      [
        "# HELP a_bytes_total Bytes.",
        "# TYPE a_bytes_total counter",
        'a_bytes_total{source="origin"} 3',
        'a_bytes_total{source="group"} 0',
        "# HELP b Nobody knows.",
        "# TYPE b gauge",
        "# HELP c_seconds A time.",
        "# TYPE c_seconds gauge",
        "c_seconds 1.5e+21",
        ""
      ].join("\n")
    )
  })

  it("keep quotes, backslashes and ends of lines from ending what they are in", () => {
    const odd = 'a"b\\c\nd'
    const samples = [
      { labels: { word: odd }, value: Number.POSITIVE_INFINITY },
      { labels: { word: "-" }, value: Number.NEGATIVE_INFINITY },
      { labels: { word: "x" }, value: Number.NaN }
    ]
    assert.strictEqual(
      Families.render([{ name: "a", kind: "gauge", help: odd, samples }]),
      '# HELP a a"b\\\\c\\nd\n# TYPE a gauge\na{word="a\\"b\\\\c\\nd"} +Inf\na{word="-"} -Inf\na{word="x"} NaN\n'
    )
  })
})
