/** Reports on standard output: for people, or as JSON, lines of JSON, or comma-separated values. */
import * as Csv from "@piecework/reports/Csv"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Effect, Stream } from "effect"
import { Flag } from "effect/cli"
import { exitCodes } from "../ExitCode.ts"

export const flags = {
  csv: Flag.Boolean("csv").pipe(
    Flag.withDescription("comma-separated values, with a line of names first"),
    Flag.withDefault(false)
  ),
  ndjson: Flag.Boolean("ndjson").pipe(Flag.withDescription("one JSON object a line"), Flag.withDefault(false))
}

export interface Formats {
  readonly csv: boolean
  readonly ndjson: boolean
}

export type Format = "text" | "json" | "csv" | "ndjson"

export const formatOf = ({
  csv,
  json,
  ndjson
}: Formats & { readonly json: boolean }): Effect.Effect<Format, Failure> => {
  const chosen = [
    ...(json ? ["json" as const] : []),
    ...(csv ? ["csv" as const] : []),
    ...(ndjson ? ["ndjson" as const] : [])
  ]
  const [first = "text", second] = chosen
  return second === undefined
    ? Effect.succeed(first)
    : Effect.fail(new Failure({ sentence: `--${first} and --${second} exclude each other.`, code: exitCodes.usage }))
}

type Row = { readonly [column: string]: unknown }

/** A report of one row. */
export const one = Effect.fnUntraced(function* (
  format: Format,
  row: object,
  columns: ReadonlyArray<string>,
  text: ReadonlyArray<string>
) {
  const output = yield* Output
  switch (format) {
    case "text":
      return yield* output.line(text.join("\n"))
    case "json":
    case "ndjson":
      return yield* output.line(JSON.stringify(row))
    case "csv":
      return yield* output.line(csvLine(columns) + "\n" + csvLine(Csv.valuesOf(row as Row, columns)))
  }
})

/** Rows as they come. For people `text` makes lines of so many at a time as come together. */
export const rows = Effect.fnUntraced(function* <A extends object, E>(
  format: Format,
  found: Stream.Stream<A, E>,
  columns: ReadonlyArray<string>,
  text: (rows: ReadonlyArray<A>) => ReadonlyArray<string>
) {
  const output = yield* Output
  let count = 0
  if (format === "csv") yield* output.line(csvLine(columns))
  yield* Stream.runForEachArray(found, (some) => {
    const isFirst = count === 0
    count += some.length
    return output.line(linesOf(format, some, columns, text, isFirst).join("\n"))
  })
  if (format === "json") yield* output.line(count === 0 ? "[]" : "]")
  if (format === "text" && count === 0) yield* output.note("Nothing was reported in this time.")
})

const linesOf = <A extends object>(
  format: Format,
  some: ReadonlyArray<A>,
  columns: ReadonlyArray<string>,
  text: (rows: ReadonlyArray<A>) => ReadonlyArray<string>,
  isFirst: boolean
): ReadonlyArray<string> => {
  switch (format) {
    case "text":
      return text(some)
    case "json":
      return some.map((row, n) => `${isFirst && n === 0 ? "[" : ","}${JSON.stringify(row)}`)
    case "ndjson":
      return some.map((row) => JSON.stringify(row))
    case "csv":
      return some.map((row) => csvLine(Csv.valuesOf(row as Row, columns)))
  }
}

/** A record up to the line feed, which a line of the output ends with. */
const csvLine = (values: ReadonlyArray<Csv.Value>): string => Csv.record(values) + Csv.lineBreak.slice(0, -1)
