/** Which reports there are as files, in the columns of `piecework-service report --csv`, and where their rows come from. */
import * as Columns from "@piecework/reports/Columns"
import type { Span } from "@piecework/reports/Days"
import { mostRows } from "@piecework/reports/ReportAdminRpcs"
import type * as Views from "@piecework/reports/Views"
import * as Reports from "../../calls/Reports.ts"
import type { Pages } from "./Writing.ts"

/** What can be exported. */
export interface Export {
  readonly key: string
  readonly label: string
  readonly about: string
  readonly columns: ReadonlyArray<string>
  readonly pages: (days: Span) => Pages
}

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
