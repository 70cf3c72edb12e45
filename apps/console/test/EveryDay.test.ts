import { assert, describe, it } from "@effect/vitest"
import * as Figures from "@piecework/reports/Figures"
import { DayRow, sumsOf } from "@piecework/reports/Views"
import { everyDay } from "../src/view/EveryDay.ts"

const row = (Day: string, cdn: number) => new DayRow({ Day, ...sumsOf({ ...Figures.none, cdn }) })
const noon = Date.parse("2026-03-01T12:00:00Z")

describe("The days of a chart", () => {
  it("are all days of the window, also those on which nothing was fetched", () => {
    const days = everyDay([row("2026-02-24", 5), row("2026-03-01", 7)], 7, noon)
    assert.deepStrictEqual(
      days.map(({ BytesFetched, Day }) => [Day, BytesFetched]),
      [
        ["2026-02-23", 0],
        ["2026-02-24", 5],
        ["2026-02-25", 0],
        ["2026-02-26", 0],
        ["2026-02-27", 0],
        ["2026-02-28", 0],
        ["2026-03-01", 7]
      ]
    )
  })

  it("are no others", () => {
    assert.strictEqual(everyDay([row("2026-01-01", 5)], 28, noon).length, 28)
  })
})
