/** What one transaction of the reports writes. Who calls it owns the transaction. */
import type { Database } from "@piecework/database/Database"
import { Effect } from "effect"
import type { Cell, ContentSeen, DeviceSeen, Membership, Tally } from "../Cells.ts"
import type { Counted } from "../Counted.ts"
import * as Figures from "../Figures.ts"
import * as Rows from "./Rows.ts"

export interface Arrived extends Counted {
  /** Epoch milliseconds. */
  readonly receivedAt: number
}

export const make = (sql: Database["Service"]["sql"]) => {
  const rows = Rows.of(sql)

  /** Adds the events that are not there yet, and answers the ids of these. */
  const addEvents = (events: ReadonlyArray<Arrived>) =>
    sql<{ readonly id: string }>`
      INSERT INTO report_events (id, device, moment, received_at, body)
      SELECT ${rows.text(0)}, ${rows.text(1)}, ${rows.integer(2)}, ${rows.integer(3)}, ${rows.text(4)}
      FROM ${rows.from(
        events.map(({ at, device, event, group, receivedAt }) => [
          event.eventId,
          device,
          at,
          receivedAt,
          JSON.stringify(group === undefined ? event : { ...event, groupID: group })
        ])
      )}
      WHERE TRUE ON CONFLICT (id) DO NOTHING RETURNING id`

  const sums = sql.literal(Figures.names.join(", "))
  const values = sql.csv(Figures.names.map((_, n) => rows.integer(n + 4)))
  const grown = sql.literal(
    Figures.names
      .map((name) => {
        const sum = `report_cells.${name} + excluded.${name}`
        // What is larger than a number can count stays there, and stops nobody's reports.
        return `${name} = CASE WHEN ${sum} > ${Figures.most} THEN ${Figures.most} ELSE ${sum} END`
      })
      .join(", ")
  )

  const addCells = (cells: ReadonlyArray<Cell>) => sql`
    INSERT INTO report_cells (facet, name, day, part, ${sums})
    SELECT ${rows.text(0)}, ${rows.text(1)}, ${rows.integer(2)}, ${rows.text(3)}, ${values}
    FROM ${rows.from(
      cells.map(({ day, facet, figures, key, part }) => [
        facet,
        key,
        day,
        part,
        ...Figures.names.map((name) => figures[name])
      ])
    )}
    WHERE TRUE ON CONFLICT (facet, name, day, part) DO UPDATE SET ${grown}`

  const addMemberships = (memberships: ReadonlyArray<Membership>) => sql`
    INSERT INTO report_members (facet, name, device, last_day)
    SELECT ${rows.text(0)}, ${rows.text(1)}, ${rows.text(2)}, ${rows.integer(3)}
    FROM ${rows.from(memberships.map(({ device, facet, key, lastDay }) => [facet, key, device, lastDay]))}
    WHERE TRUE ON CONFLICT (facet, name, device) DO UPDATE SET last_day = excluded.last_day
    WHERE excluded.last_day > report_members.last_day`

  const latest = (table: string, name: string) =>
    sql.literal(
      `${name} = CASE WHEN excluded.told_at >= ${table}.told_at THEN excluded.${name} ELSE ${table}.${name} END`
    )
  const largest = (table: string, name: string) => {
    const [had, got] = [`${table}.${name}`, `excluded.${name}`]
    return sql.literal(`${name} = CASE WHEN ${got} > ${had} THEN ${got} ELSE ${had} END`)
  }

  const told = ["mode", "mode_reason", "group_hash", "client_version", "os_version"]

  const addDevices = (devices: ReadonlyArray<DeviceSeen>) => sql`
    INSERT INTO report_devices
      (device, last_day, seen_at, told_at, mode, mode_reason, group_hash, client_version, os_version)
    SELECT ${rows.text(0)}, ${rows.integer(1)}, ${rows.integer(2)}, ${rows.integer(3)}, ${rows.integer(4)},
      ${rows.text(5)}, ${rows.text(6)}, ${rows.text(7)}, ${rows.text(8)}
    FROM ${rows.from(
      devices.map((one) => [
        one.device,
        one.lastDay,
        one.seenAt,
        one.toldAt,
        one.mode ?? null,
        one.modeReason,
        one.group,
        one.clientVersion,
        one.osVersion
      ])
    )}
    WHERE TRUE ON CONFLICT (device) DO UPDATE SET
      ${sql.csv(told.map((name) => latest("report_devices", name)))},
      ${sql.csv(["last_day", "seen_at", "told_at"].map((name) => largest("report_devices", name)))}`

  const addContents = (contents: ReadonlyArray<ContentSeen>) => sql`
    INSERT INTO report_contents (content, last_day, told_at, url, size)
    SELECT ${rows.text(0)}, ${rows.integer(1)}, ${rows.integer(2)}, ${rows.text(3)}, ${rows.integer(4)}
    FROM ${rows.from(contents.map(({ content, lastDay, size, toldAt, url }) => [content, lastDay, toldAt, url, size]))}
    WHERE TRUE ON CONFLICT (content) DO UPDATE SET
      ${latest("report_contents", "url")},
      ${sql.csv(["last_day", "told_at", "size"].map((name) => largest("report_contents", name)))}`

  const addTally = Effect.fnUntraced(function* ({ cells, contents, devices, memberships }: Tally) {
    if (cells.length > 0) yield* addCells(cells)
    if (memberships.length > 0) yield* addMemberships(memberships)
    if (devices.length > 0) yield* addDevices(devices)
    if (contents.length > 0) yield* addContents(contents)
  })

  return { addEvents, addTally }
}
