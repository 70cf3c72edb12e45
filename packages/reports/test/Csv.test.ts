import { assert, describe, it } from "@effect/vitest"
import * as Columns from "../src/Columns.ts"
import * as Csv from "../src/Csv.ts"
import { StoredEvent } from "../src/Views.ts"

describe("a record", () => {
  const table: ReadonlyArray<readonly [what: string, value: Csv.Value, text: string]> = [
    ["a text", "a b", "a b"],
    ["a number", 12.5, "12.5"],
    ["nothing", undefined, ""],
    ["a truth", true, "true"],
    ["a comma", "a,b", '"a,b"'],
    ["quotes", 'say "a"', '"say ""a"""'],
    ["a line break", "a\r\nb", '"a\r\nb"'],
    ["a formula", "=1+1", "'=1+1"],
    ["a formula with a comma", '=HYPERLINK("http://a","b")', `"'=HYPERLINK(""http://a"",""b"")"`],
    ["a command", "@SUM(A1)", "'@SUM(A1)"],
    ["a sign", "-2+3", "'-2+3"],
    ["a plus", "+1", "'+1"],
    ["a tab", "\t=1", "'\t=1"],
    ["a number below zero, which is no text", -1, "-1"],
    ["a sign that is not the first", "a=1", "a=1"]
  ]
  for (const [what, value, text] of table) {
    it(`has ${what}`, () => assert.strictEqual(Csv.record(["x", value, 1]), `x,${text},1`))
  }

  it("has what is no single value as JSON", () => {
    assert.strictEqual(Csv.record(Csv.valuesOf({ a: [1, 2], b: null }, ["a", "b", "c"])), '"[1,2]",,')
  })
})

describe("an event's row", () => {
  it("says what the service says, whatever the device calls its fields", () => {
    const stored = new StoredEvent({
      place: 7,
      GlobalDeviceId: "d",
      IsEnrolled: true,
      Moment: "m",
      ReceivedAt: "r",
      event: { _tag: "DownloadStarted", GlobalDeviceId: "somebody else", place: 0 }
    })
    const row = Columns.flat(stored)
    assert.deepStrictEqual([row["GlobalDeviceId"], row["place"], row["_tag"]], ["d", 7, "DownloadStarted"])
  })

  it("has a column for every field of every kind of event, once", () => {
    assert.strictEqual(new Set(Columns.events).size, Columns.events.length)
    for (const name of ["bytesFromCDN", "reasonCode", "httpStatusCode", "doErrorCode", "count", "Moment"]) {
      assert.include(Columns.events, name)
    }
  })
})
