/** The days of a window with none left out: those on which nothing was fetched are part of how it went. */
import * as Days from "@piecework/reports/Days"
import * as Figures from "@piecework/reports/Figures"
import { DayRow, sumsOf } from "@piecework/reports/Views"

/** `now` is epoch milliseconds. Days outside of the window are left out. */
export const everyDay = (rows: ReadonlyArray<DayRow>, span: Days.Span, now: number): ReadonlyArray<DayRow> => {
  const known = new Map(rows.map((row) => [row.Day, row]))
  const { from } = Days.window(now, span)
  return Array.from({ length: span }, (_, n) => {
    const name = Days.name(from + n)
    return known.get(name) ?? new DayRow({ Day: name, ...sumsOf(Figures.none) })
  })
}
