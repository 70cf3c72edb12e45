import { assert, describe, it } from "@effect/vitest"
import { Rate, Sums } from "@piecework/download"
import { Arbitrary, Schema } from "effect"

const names = Object.keys(Sums.columns) as ReadonlyArray<Sums.Column>
const Some = Schema.Record(
  Schema.Literals(["fromOrigin", "toInternet", "files", "peerMillis", "wasted"]),
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 40 }))
)

describe("sums", () => {
  it.prop("are the same after they were a line of text", { some: Arbitrary.schema(Some) }, ({ some }) => {
    const sums = Sums.plus(Sums.none, some)
    assert.deepStrictEqual(Sums.plus(Sums.none, Sums.decode(Sums.encode(sums)) ?? {}), sums)
    assert.deepStrictEqual(Sums.minus(Sums.plus(sums, sums), sums), sums)
  })

  it("have a name of their own in a line, each column", () => {
    assert.strictEqual(new Set(Object.values(Sums.columns)).size, names.length)
  })

  for (const [line, expected] of [
    ["do=1 ul=2;", { fromOrigin: 1, toLan: 2 }],
    ["77;", { toInternet: 77 }],
    [";", undefined],
    ["do=1 ul=2", {}],
    ["do=1 u", {}],
    ["do=1 zz=5;", { fromOrigin: 1 }],
    ["do=9999999999999;", undefined],
    ["do=-1;", undefined],
    ["do=1;ul=2;", undefined],
    ["do=1e3;", undefined]
  ] as const) {
    it(`read "${line}" as ${expected === undefined ? "no line of theirs" : JSON.stringify(expected)}`, () => {
      assert.deepStrictEqual(Sums.decode(line), expected)
    })
  }

  it("take no time for a line that nearly is one", () => {
    assert.isUndefined(Sums.decode(`${"ab=1 ".repeat(200)}!`))
  })
})

describe("a rate", () => {
  it("is the mean since the oldest mark within its span, and one mark more", () => {
    let marks = Rate.none
    for (let second = 0; second <= 30; second++) marks = Rate.mark(marks, second * 1000, [second * 100], 20_000)
    assert.deepStrictEqual(Rate.mean(marks, 30_000, [3000]), [100])
    assert.isAtMost(marks.length, 22)
    // Nothing came in the last ten seconds.
    assert.deepStrictEqual(Rate.mean(marks, 40_000, [3000]), [2000 / 30])
  })

  it("is 0 before there is anything to compare with, and after the clock was set back", () => {
    assert.deepStrictEqual(Rate.mean(Rate.none, 5, [7]), [0])
    const marks = Rate.mark(Rate.mark(Rate.none, 10_000, [5], 20_000), 1000, [9], 20_000)
    assert.deepStrictEqual(Rate.mean(marks, 1000, [9]), [0])
    assert.lengthOf(marks, 1)
  })
})
