/**
 * Reports as files, in the columns and the form of `piecework-service report --csv`. Long lists come in pages, one after the other, and stop when
 * they are told to.
 */
import * as Columns from "@piecework/reports/Columns"
import * as Csv from "@piecework/reports/Csv"
import type { Span } from "@piecework/reports/Days"
import { mostRows } from "@piecework/reports/ReportAdminRpcs"
import type * as Views from "@piecework/reports/Views"
import * as Reports from "../../calls/Reports.ts"

type Row = { readonly [column: string]: unknown }

/** Pages of rows, from the first on. */
export type Pages = (signal: AbortSignal) => AsyncIterable<ReadonlyArray<object>>

/** What can be exported. */
export interface Export {
  readonly key: string
  readonly label: string
  readonly about: string
  readonly columns: ReadonlyArray<string>
  readonly pages: (days: Span) => Pages
}

/** Most rows of one file: what a spreadsheet opens. Source: Excel's limit of 1,048,576 rows. */
export const mostLines = 1_000_000

/** The text of a file, a part for each page; `onRows` hears how many rows there are so far. */
export const write = async (
  pages: Pages,
  columns: ReadonlyArray<string>,
  signal: AbortSignal,
  onRows: (count: number) => void
): Promise<ReadonlyArray<string>> => {
  const parts = [line(columns)]
  let count = 0
  for await (const rows of pages(signal)) {
    const room = rows.slice(0, mostLines - count)
    parts.push(room.map((row) => line(Csv.valuesOf(row as Row, columns))).join(""))
    count += room.length
    onRows(count)
    if (count >= mostLines) break
  }
  return parts
}

const line = (values: ReadonlyArray<Csv.Value>): string => Csv.record(values) + Csv.lineBreak

const once = (ask: (signal: AbortSignal) => Promise<ReadonlyArray<object>>): Pages =>
  async function* (signal) {
    yield await ask(signal)
  }

const devices = (days: Span): Pages =>
  async function* (signal) {
    let after: string | undefined
    do {
      const page = await Reports.devices(days, { after })(signal)
      yield page.rows
      after = page.next
    } while (after !== undefined)
  }

const dayMillis = 86_400_000

const events = (days: Span): Pages =>
  async function* (signal) {
    const until = Date.now() + dayMillis
    const from = until - (days + 1) * dayMillis
    let page: ReadonlyArray<Views.StoredEvent>
    let after = 0
    do {
      page = await Reports.events(from, until, after)(signal)
      yield page.map(Columns.flat)
      after = page.at(-1)?.place ?? after
    } while (page.length === mostRows)
  }

const group = (by: Views.GroupBy, label: string): Export => ({
  key: `${by.toLowerCase()}s`,
  label,
  about: `A line for each, at most ${mostRows.toLocaleString("en-US")}, those with most bytes first.`,
  columns: Columns.groups,
  pages: (days) => once(Reports.groups(days, by).ask)
})

export const exports: ReadonlyArray<Export> = [
  {
    key: "summary",
    label: "Summary",
    about: "One line: everything that the organisation fetched and saved.",
    columns: Columns.summary,
    pages: (days) => once(async (signal) => [await Reports.summary(days).ask(signal)])
  },
  {
    key: "devices",
    label: "Devices",
    about: "A line for each device that reported a download.",
    columns: Columns.devices,
    pages: devices
  },
  {
    key: "contents",
    label: "Contents",
    about: `A line for each, at most ${mostRows.toLocaleString("en-US")}, those with most bytes first.`,
    columns: Columns.contents,
    pages: (days) => once(Reports.contents(days).ask)
  },
  group("Group", "Groups"),
  group("Site", "Sites"),
  group("City", "Cities"),
  group("Country", "Countries"),
  group("Isp", "Providers"),
  {
    key: "events",
    label: "Events",
    about: "Every event that is kept, in the order in which they came; may be a large file.",
    columns: Columns.events,
    pages: events
  }
]

/** "piecework-devices-28-days-2026-01-31.csv" */
export const fileNameOf = (key: string, days: Span, now: number): string =>
  `piecework-${key}-${days}-days-${new Date(now).toISOString().slice(0, 10)}.csv`
