/** What the reports read. Each query is of one window, and answers as many rows as a page has. */
import type { Database } from "@piecework/database/Database"
import * as Dialect from "@piecework/database/Dialect"
import { Effect, Schema } from "effect"
import { SqlSchema, type Statement } from "effect/sql"
import type { Facet } from "../Cells.ts"
import type { Window } from "../Days.ts"
import * as Figures from "../Figures.ts"
import * as Rows from "./Rows.ts"

export interface Named {
  readonly name: string
  readonly figures: Figures.Figures
}

/** Sums are read as texts: one of several days may be more than a number can count. */
const SumRow = Schema.Record(Schema.Literals(["name", ...Figures.names]), Schema.String)

const named = (row: typeof SumRow.Type): Named => {
  const figures = { ...Figures.none }
  for (const name of Figures.names) figures[name] = Math.min(Figures.most, Number(row[name]))
  return { name: row.name, figures }
}

const DeviceFound = Schema.Struct({
  device: Schema.String,
  seenAt: Schema.Natural,
  mode: Schema.NullOr(Schema.Int),
  modeReason: Schema.String,
  groupHash: Schema.String,
  clientVersion: Schema.String,
  osVersion: Schema.String
})
export type DeviceFound = typeof DeviceFound.Type

const EventFound = Schema.Struct({
  place: Schema.Natural,
  device: Schema.String,
  moment: Schema.Natural,
  receivedAt: Schema.Natural,
  body: Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))
})
export type EventFound = typeof EventFound.Type

/** PostgreSQL counts in 64 bits and answers them as text; as text they are the same everywhere. */
const Count = Schema.NumberFromString.pipe(Schema.decodeTo(Schema.Natural))

export const make = (sql: Database["Service"]["sql"]) => {
  const rows = Rows.of(sql)
  const summed = sql.literal(
    Figures.names.map((name) => `CAST(coalesce(sum(${name}), 0) AS TEXT) AS ${name}`).join(", ")
  )
  const fetched = sql.literal("sum(cdn + cache + lan + link_local + group_peers + internet)")
  const within = ({ from, to }: Window) => sql`day BETWEEN ${from} AND ${to}`
  /** How a key begins is no part of what a device is called. */
  const called = sql.literal("replace(replace(device, 'enrolled/', ''), 'claimed/', '')")
  const isFound = (search: string) =>
    search === "" ? sql`1 = 1` : sql`lower(${called}) LIKE lower(${Dialect.hasText(search)}) ESCAPE '!'`
  const among = (column: string, keys: ReadonlyArray<string>) =>
    sql`${sql(column)} IN (SELECT ${rows.text(0)} FROM ${rows.from(keys.map((key) => [key]))})`

  const find = (query: Statement.Fragment) =>
    SqlSchema.findAll({ Request: Schema.Void, Result: SumRow, execute: () => sql`${query}` })(undefined).pipe(
      Effect.map((found) => found.map(named))
    )

  /** The names with most bytes fetched, at most so many. */
  const top = (facet: Facet, window: Window, most: number) =>
    find(sql`SELECT name, ${summed} FROM report_cells WHERE facet = ${facet} AND ${within(window)}
      GROUP BY name ORDER BY ${fetched} DESC, name LIMIT ${most}`)

  /** Of these names, or nothing of those that have nothing. */
  const sumsOf = (facet: Facet, window: Window, keys: ReadonlyArray<string>) =>
    Effect.map(
      find(sql`SELECT name, ${summed} FROM report_cells
        WHERE facet = ${facet} AND ${among("name", keys)} AND ${within(window)} GROUP BY name`),
      (found) => new Map(found.map(({ figures, name }) => [name, figures]))
    )

  const byDay = (facet: Facet, name: string, window: Window) =>
    find(sql`SELECT CAST(day AS TEXT) AS name, ${summed} FROM report_cells
      WHERE facet = ${facet} AND name = ${name} AND ${within(window)} GROUP BY day ORDER BY day`)

  /** For each of the devices the place where it fetched most. */
  const placesOf = Effect.fnUntraced(function* (window: Window, devices: ReadonlyArray<string>) {
    const Found = Schema.Struct({ device: Schema.String, part: Schema.String })
    const found = yield* SqlSchema.findAll({
      Request: Schema.Void,
      Result: Found,
      execute: () => sql`SELECT name AS device, part FROM report_cells
        WHERE facet = 'Device' AND ${among("name", devices)} AND ${within(window)}
        GROUP BY name, part ORDER BY name, ${fetched}, part`
    })(undefined)
    // The last one of each device is the one with most.
    return new Map(found.map(({ device, part }) => [device, part]))
  })

  /** 1, or 0 when nothing was heard of it since that day. */
  const isDevice = (asked: { readonly device: string; readonly from: number }) =>
    Effect.map(
      sql`SELECT 1 AS one FROM report_devices WHERE device = ${asked.device} AND last_day >= ${asked.from}`,
      (known) => known.length
    )

  /** In the order of their keys, from behind the one that was last. */
  const devices = SqlSchema.findAll({
    Request: Schema.Struct({ after: Schema.String, from: Schema.Int, most: Schema.Natural, search: Schema.String }),
    Result: DeviceFound,
    execute: ({ after, from, most, search }) => sql`
      SELECT device, seen_at AS "seenAt", mode, mode_reason AS "modeReason", group_hash AS "groupHash",
        client_version AS "clientVersion", os_version AS "osVersion"
      FROM report_devices WHERE device > ${after} AND last_day >= ${from} AND ${isFound(search)}
      ORDER BY device LIMIT ${most}`
  })

  const contents = Effect.fnUntraced(function* (keys: ReadonlyArray<string>) {
    const Found = Schema.Struct({ content: Schema.String, url: Schema.String, size: Schema.Natural })
    const found = yield* SqlSchema.findAll({
      Request: Schema.Void,
      Result: Found,
      execute: () => sql`SELECT content, url, size FROM report_contents WHERE ${among("content", keys)}`
    })(undefined)
    return new Map(found.map((one) => [one.content, one]))
  })

  /** How many devices were last seen since that day, by the number of their mode; those whose mode nobody knows under null. */
  const devicesByMode = SqlSchema.findAll({
    Request: Schema.Int,
    Result: Schema.Struct({ mode: Schema.NullOr(Schema.Int), count: Count }),
    execute: (from) => sql`SELECT mode, CAST(count(*) AS TEXT) AS count FROM report_devices
      WHERE last_day >= ${from} GROUP BY mode`
  })

  /** How many devices were seen in each of the names since that day. */
  const deviceCounts = Effect.fnUntraced(function* (facet: Facet, from: number, keys: ReadonlyArray<string>) {
    const found = yield* SqlSchema.findAll({
      Request: Schema.Void,
      Result: Schema.Struct({ name: Schema.String, count: Count }),
      execute: () => sql`SELECT name, CAST(count(*) AS TEXT) AS count FROM report_members
        WHERE facet = ${facet} AND ${among("name", keys)} AND last_day >= ${from} GROUP BY name`
    })(undefined)
    return new Map(found.map(({ count, name }) => [name, count]))
  })

  const events = SqlSchema.findAll({
    Request: Schema.Struct({
      after: Schema.Natural,
      from: Schema.Natural,
      until: Schema.Natural,
      most: Schema.Natural
    }),
    Result: EventFound,
    execute: ({ after, from, most, until }) => sql`
      SELECT place, device, moment, received_at AS "receivedAt", body FROM report_events
      WHERE place > ${after} AND moment >= ${from} AND moment < ${until} AND body IS NOT NULL
      ORDER BY place LIMIT ${most}`
  })

  /** The latest that came first, from before the place. */
  const eventsOf = SqlSchema.findAll({
    Request: Schema.Struct({ device: Schema.String, before: Schema.Natural, most: Schema.Natural }),
    Result: EventFound,
    execute: ({ before, device, most }) => sql`
      SELECT place, device, moment, received_at AS "receivedAt", body FROM report_events
      WHERE device = ${device} AND place < ${before} AND body IS NOT NULL
      ORDER BY place DESC LIMIT ${most}`
  })

  return { top, sumsOf, byDay, placesOf, devices, isDevice, contents, devicesByMode, deviceCounts, events, eventsOf }
}
