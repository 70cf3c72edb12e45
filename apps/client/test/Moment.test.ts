import { assert, describe, it } from "@effect/vitest"
import * as Amount from "../src/view/Amount.ts"
import * as Moment from "../src/view/Moment.ts"

describe("A moment", () => {
  it("is shown as it is written, whatever the time zone", () => {
    const zone = process.env["TZ"]
    for (const other of ["America/New_York", "Asia/Kolkata", "UTC"]) {
      process.env["TZ"] = other
      for (const text of ["2027-01-31 18:00", "2026-07-01 00:05"]) {
        assert.strictEqual(Moment.minute(Moment.parse(text.replace(" ", "T")) ?? 0), text, other)
      }
      assert.strictEqual(Moment.minute(Moment.parse("2027-01-31") ?? 0), "2027-01-31 00:00", other)
    }
    if (zone === undefined) delete process.env["TZ"]
    else process.env["TZ"] = zone
  })

  it("is nothing that is no date", () => {
    for (const text of ["", "tomorrow", "2027-13-01"]) assert.isUndefined(Moment.parse(text), text)
  })
})

describe("A span", () => {
  it("is told in days and less", () => {
    assert.deepStrictEqual([0, 1, 90, 5_400, 259_200, 90_061].map(Amount.span), [
      "0 seconds",
      "1 second",
      "1 minute 30 seconds",
      "1 hour 30 minutes",
      "3 days",
      "1 day 1 hour 1 minute 1 second"
    ])
  })
})
