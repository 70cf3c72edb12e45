/** `piecework-service report`: what devices reported, as an organisation sees it. */
import * as Columns from "@piecework/reports/Columns"
import type { Span } from "@piecework/reports/Days"
import { Effect, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as Printing from "../report/Printing.ts"
import * as Source from "../report/Source.ts"
import * as ReportTable from "../view/ReportTable.ts"
import * as remote from "./remote.ts"
import { serve } from "./serve.ts"

const days = Flag.Literals("days", ["7", "28"]).pipe(
  Flag.withDescription("how many days, this one included"),
  Flag.withDefault("28" as const),
  Flag.map((text): Span => (text === "7" ? 7 : 28))
)

const most = Flag.Int("most").pipe(
  Flag.withMetavar("N"),
  Flag.withDescription("at most so many rows, those with most bytes"),
  Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 }))),
  Flag.withDefault(20)
)

const by = Flag.Literals("by", ["group", "city", "country", "isp"]).pipe(
  Flag.withDescription("by what"),
  Flag.withDefault("group" as const),
  Flag.map((word) => byWord[word])
)

const byWord = { group: "Group", city: "City", country: "Country", isp: "Isp" } as const

const moment = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("TIME"),
    Flag.withDescription(description),
    Flag.filterMap(
      Source.momentIn,
      (text) => `"${text}" is no time; write one like 2026-01-31 or 2026-01-31T08:00:00Z`
    ),
    Flag.optional
  )

const summaryFlags = { days, ...Printing.flags, ...remote.flags }

const showSummary = Effect.fnUntraced(function* (
  input: {
    readonly days: Span
  } & Printing.Formats &
    remote.Where
) {
  const { data, json } = yield* serve
  const format = yield* Printing.formatOf({ ...input, json })
  const summary = yield* Source.using(data, input)((source) => source.summary(input.days))
  yield* Printing.one(format, summary, Columns.summary, ReportTable.summary(summary))
})

const summary = Command.make("summary", summaryFlags, showSummary).pipe(
  Command.withDescription("Shows how many bytes came from where, and what that saved")
)

const devices = Command.make(
  "devices",
  { days, ...Printing.flags, ...remote.flags },
  Effect.fnUntraced(function* (input) {
    const { data, json } = yield* serve
    const format = yield* Printing.formatOf({ ...input, json })
    yield* Source.using(
      data,
      input
    )((source) => Printing.rows(format, Source.devices(source, input.days), Columns.devices, ReportTable.devices))
  })
).pipe(Command.withDescription("Shows every device with an event in these days"))

const contents = Command.make(
  "contents",
  { days, most, ...Printing.flags, ...remote.flags },
  Effect.fnUntraced(function* (input) {
    const { data, json } = yield* serve
    const format = yield* Printing.formatOf({ ...input, json })
    yield* Source.using(
      data,
      input
    )((source) => Printing.rows(format, Source.contents(source, input), Columns.contents, ReportTable.contents))
  })
).pipe(Command.withDescription("Shows the contents with most bytes"))

const groups = Command.make(
  "groups",
  { days, most, by, ...Printing.flags, ...remote.flags },
  Effect.fnUntraced(function* (input) {
    const { data, json } = yield* serve
    const format = yield* Printing.formatOf({ ...input, json })
    yield* Source.using(
      data,
      input
    )((source) => Printing.rows(format, Source.groups(source, input), Columns.groups, ReportTable.groups))
  })
).pipe(Command.withDescription("Shows the groups with most bytes, their ids hashed; or cities, countries, ISPs"))

const events = Command.make(
  "events",
  {
    from: moment("from", "only events that happened then or later"),
    until: moment("until", "only events that happened before"),
    ...Printing.flags,
    ...remote.flags
  },
  Effect.fnUntraced(function* (input) {
    const { data, json } = yield* serve
    const format = yield* Printing.formatOf({ ...input, json })
    yield* Source.using(
      data,
      input
    )((source) =>
      // For people there is no other form: whoever exports has a program to read it.
      Printing.rows(format === "text" ? "ndjson" : format, Source.events(source, input), Columns.events, () => [])
    )
  })
).pipe(Command.withDescription("Prints the events themselves, one a line, in the order in which they came"))

const exporting = Command.make("export").pipe(
  Command.withDescription("Prints everything there is, for other programs"),
  Command.withSubcommands([events])
)

export const report = Command.make("report", summaryFlags, showSummary).pipe(
  Command.withDescription("Shows what devices reported"),
  Command.withSubcommands([summary, devices, contents, groups, exporting])
)
