/** Where reports are read. Long lists come in pages, so that a command holds one of them at a time. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { fileName } from "@piecework/database/Database"
import type { DatabaseError } from "@piecework/database/DatabaseError"
import * as Columns from "@piecework/reports/Columns"
import type { Span } from "@piecework/reports/Days"
import { Places } from "@piecework/reports/Places"
import { path, ReportAdminRpcs } from "@piecework/reports/ReportAdminRpcs"
import { Reports } from "@piecework/reports/Reports"
import * as ReportsConfig from "@piecework/reports/ReportsConfig"
import type * as Views from "@piecework/reports/Views"
import { Failure } from "@piecework/terminal/Failure"
import { Effect, Layer, Option, Stream } from "effect"
import { type Data, databaseIn } from "../command/options.ts"
import * as remote from "../command/remote.ts"
import { exitCodes } from "../ExitCode.ts"
import { explained, ofDatabase } from "../Explained.ts"

/** A page of rows. */
interface Asked {
  readonly days: Span
  readonly most: number
}

/** The questions of `Reports`, whoever answers them. */
export interface Source {
  readonly summary: (days: Span) => Effect.Effect<Views.Summary, Failure>
  readonly devices: (
    page: Asked & { readonly after?: string | undefined }
  ) => Effect.Effect<{ readonly rows: ReadonlyArray<Views.DeviceRow>; readonly next?: string }, Failure>
  readonly contents: (page: Asked) => Effect.Effect<ReadonlyArray<Views.ContentRow>, Failure>
  readonly groups: (
    page: Asked & { readonly by: Views.GroupBy }
  ) => Effect.Effect<ReadonlyArray<Views.GroupRow>, Failure>
  readonly events: (page: {
    readonly most: number
    readonly after?: number | undefined
    readonly from?: number | undefined
    readonly until?: number | undefined
  }) => Effect.Effect<ReadonlyArray<Views.StoredEvent>, Failure>
}

/** At the service that is named, else in the database of this machine; none is made. */
export const using =
  (data: Data, where: remote.Where) =>
  <A, E, R>(use: (source: Source) => Effect.Effect<A, E, R>): Effect.Effect<A, E | Failure, R> =>
    Option.match(where.service, {
      onNone: () => here(data)(use),
      onSome: (url) => use(at(url, where.serviceCa))
    })

const here =
  (data: Data) =>
  <A, E, R>(use: (source: Source) => Effect.Effect<A, E, R>): Effect.Effect<A, E | Failure, R> =>
    Effect.gen(function* () {
      if (Option.isNone(data.database) && !existsSync(join(data.directory, fileName))) {
        return yield* new Failure({
          sentence: `There is no service's data in ${data.directory}.`,
          code: exitCodes.notFound
        })
      }
      const reports = explained(Reports.layer, ofDatabase).pipe(
        Layer.provide([databaseIn(data), Places.layerNone, ReportsConfig.layer()])
      )
      return yield* Effect.provide(
        Effect.flatMap(Reports, (found) => use(inWords(found))),
        reports
      )
    })

const told = <A>(self: Effect.Effect<A, DatabaseError>) => Effect.mapError(self, ofDatabase)

const inWords = (reports: Reports["Service"]): Source => ({
  summary: (days) => told(reports.summary(days)),
  devices: (page) => told(reports.devices(page)),
  contents: (page) => told(reports.contents(page)),
  groups: (page) => told(reports.groups(page)),
  events: (page) => told(reports.events(page))
})

/** A call for each page, since each has its time. */
const at = (url: string, ca: Option.Option<string>): Source => {
  const ask = remote.there(ReportAdminRpcs, path, url, ca)
  return {
    summary: (days) => ask((client) => client.Summary({ days })),
    devices: ({ after, ...page }) => ask((client) => client.Devices({ ...page, ...given({ after }) })),
    contents: (page) => ask((client) => client.Contents(page)),
    groups: (page) => ask((client) => client.Groups(page)),
    events: ({ after, from, most, until }) =>
      ask((client) => client.Events({ most, ...given({ after }), ...given({ from }), ...given({ until }) }))
  }
}

/** The field, if it has a value. */
const given = <K extends string, V>(field: { readonly [P in K]: V | undefined }): { readonly [P in K]?: V } =>
  Object.values(field).every((value) => value === undefined) ? {} : (field as { readonly [P in K]: V })

/** Rows of a page: enough to make the way there worth it. */
const pageRows = 500

export const devices = (source: Source, days: Span): Stream.Stream<Views.DeviceRow, Failure> =>
  Stream.paginate(undefined as string | undefined, (after) =>
    Effect.map(source.devices({ days, most: pageRows, after }), ({ next, rows }) => [
      rows,
      Option.fromUndefinedOr(next)
    ])
  )

export const contents = (source: Source, { days, most }: Asked): Stream.Stream<Views.ContentRow, Failure> =>
  Stream.fromIterableEffect(source.contents({ days, most }))

export const groups = (
  source: Source,
  { by, days, most }: Asked & { readonly by: Views.GroupBy }
): Stream.Stream<Views.GroupRow, Failure> => Stream.fromIterableEffect(source.groups({ days, most, by }))

/** Flat rows, as `Columns.events` names what is in them. */
export const events = (
  source: Source,
  span: { readonly from: Option.Option<number>; readonly until: Option.Option<number> }
): Stream.Stream<{ readonly [column: string]: unknown }, Failure> => {
  const within = { from: Option.getOrUndefined(span.from), until: Option.getOrUndefined(span.until) }
  return Stream.paginate(0, (after) =>
    Effect.map(source.events({ ...within, after, most: pageRows }), (found) => [
      found.map(Columns.flat),
      found.length === pageRows ? Option.fromUndefinedOr(found.at(-1)?.place) : Option.none()
    ])
  )
}

/** A time of day or a day of UTC, as epoch milliseconds. */
export const momentIn = (text: string): Option.Option<number> => {
  const isTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text)
  const millis = isTime ? Date.parse(text) : Number.NaN
  return Number.isFinite(millis) && millis >= 0 ? Option.some(millis) : Option.none()
}
