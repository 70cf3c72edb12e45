/**
 * Rows as a file of comma-separated values, in the form of `piecework-service report --csv`. Long lists come in pages, one after the other, and stop
 * when they are told to.
 */
import * as Csv from "@piecework/reports/Csv"
import type { Span } from "@piecework/reports/Days"

type Row = { readonly [column: string]: unknown }

/** Pages of rows, from the first on. */
export type Pages = (signal: AbortSignal) => AsyncIterable<ReadonlyArray<object>>

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

/** "piecework-devices-28-days-2026-01-31.csv" */
export const fileNameOf = (key: string, days: Span, now: number): string =>
  `piecework-${key}-${days}-days-${new Date(now).toISOString().slice(0, 10)}.csv`
