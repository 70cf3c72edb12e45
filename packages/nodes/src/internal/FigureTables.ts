/**
 * What is read and written of the nodes' figures. A minute may be told again: what counts is the last time, and the sums by hour and
 * over all nodes take the difference, in one transaction, which who calls owns.
 */
import type { NodeId } from "@piecework/cloud/CacheNode"
import type { Database } from "@piecework/database/Database"
import { Array, Effect, Schema } from "effect"
import { SqlSchema, type Statement } from "effect/sql"
import { add, difference, isNothing, none, type Sums } from "../Figures.ts"
import { columns } from "./migrations.ts"

/** Sums over all nodes stop here: a month of such minutes still is a whole number of 64 bits. */
const mostTotal = 2 ** 47

const Row = Schema.Struct({
  span: Schema.Int,
  hits: Schema.Natural,
  misses: Schema.Natural,
  bytesOut: Schema.Natural,
  bytesFromCache: Schema.Natural,
  bytesIn: Schema.Natural,
  maxOut: Schema.Natural,
  maxIn: Schema.Natural
})
export type Row = typeof Row.Type

const Totals = Schema.Struct({
  bytesOut: Schema.Natural,
  bytesFromCache: Schema.Natural,
  bytesIn: Schema.Natural,
  bestOut: Schema.Natural,
  bestIn: Schema.Natural
})
export type Totals = typeof Totals.Type

/** Minutes since 1970 in the order of time, each once. */
export type Minutes = ReadonlyMap<number, Sums>

export const make = (sql: Database["Service"]["sql"]) => {
  const read = sql.literal(
    `span AS "span", hits AS "hits", misses AS "misses", bytes_out AS "bytesOut", bytes_cache AS "bytesFromCache",
     bytes_in AS "bytesIn", max_out AS "maxOut", max_in AS "maxIn"`
  )
  const tables = { Minute: sql.literal("node_minutes"), Hour: sql.literal("node_hours") }
  const replaced = sql.literal(columns.map((name) => `${name} = excluded.${name}`).join(", "))
  const grown = (table: string, most: number) =>
    sql.literal(
      columns
        .map((name) => {
          const [mine, theirs] = [`${table}.${name}`, `excluded.${name}`]
          if (name === "max_out" || name === "max_in") {
            return `${name} = CASE WHEN ${theirs} > ${mine} THEN ${theirs} ELSE ${mine} END`
          }
          const sum = `${mine} + ${theirs}`
          return `${name} = CASE WHEN ${sum} > ${most} THEN ${most} WHEN ${sum} < 0 THEN 0 ELSE ${sum} END`
        })
        .join(", ")
    )
  const grownHours = grown("node_hours", Number.MAX_SAFE_INTEGER)
  const grownTotals = grown("node_totals", mostTotal)

  const find = SqlSchema.findAll({
    Request: Schema.Struct({
      grain: Schema.Literals(["Minute", "Hour"]),
      node: Schema.String,
      from: Schema.Natural,
      until: Schema.Natural,
      most: Schema.Natural
    }),
    Result: Row,
    execute: ({ from, grain, most, node, until }) => sql`SELECT ${read} FROM ${tables[grain]}
      WHERE node = ${node} AND span >= ${from} AND span < ${until} ORDER BY span LIMIT ${most}`
  })

  const insert = (table: string, rows: ReadonlyArray<Record<string, unknown>>, onConflict: Statement.Fragment) =>
    Array.isReadonlyArrayNonEmpty(rows)
      ? sql`INSERT INTO ${sql(table)} ${sql.insert(rows)} ON CONFLICT ${onConflict}`
      : Effect.void

  /** Spans are minutes or hours since 1970. Answers what these minutes add to what was known. */
  const put = Effect.fnUntraced(function* (node: NodeId, minutes: Minutes) {
    const told = [...minutes.keys()]
    const first = told[0]
    const last = told.at(-1)
    if (first === undefined || last === undefined) return none
    const before = new Map(
      (yield* find({ grain: "Minute", node, from: first, until: last + 1, most: last + 1 - first })).map((row) => [
        row.span,
        row
      ])
    )
    const byHour = new Map<number, Sums>()
    // An idle minute is kept only where it takes back what was told of it.
    const kept = told.filter((minute) => before.has(minute) || !isNothing(minutes.get(minute) ?? none))
    if (kept.length === 0) return none
    const grownBy = kept.map((minute) => {
      const more = difference(minutes.get(minute) ?? none, before.get(minute) ?? none)
      const hour = Math.floor(minute / 60)
      byHour.set(hour, add(byHour.get(hour) ?? none, more))
      return [minute, more] as const
    })
    yield* insert(
      "node_minutes",
      kept.map((span) => ({ node, span, ...valuesOf(minutes.get(span) ?? none) })),
      sql`(node, span) DO UPDATE SET ${replaced}`
    )
    yield* insert(
      "node_hours",
      [...byHour].map(([span, sums]) => ({ node, span, ...valuesOf(sums) })),
      sql`(node, span) DO UPDATE SET ${grownHours}`
    )
    yield* insert(
      "node_totals",
      grownBy.map(([span, sums]) => ({ span, ...valuesOf(sums) })),
      sql`(span) DO UPDATE SET ${grownTotals}`
    )
    return grownBy.reduce((sum, [, more]) => add(sum, more), none)
  })

  /** Of all nodes, in the minutes from one to before another. */
  const totals = SqlSchema.findOne({
    Request: Schema.Struct({ from: Schema.Natural, until: Schema.Natural }),
    Result: Totals,
    execute: ({ from, until }) => {
      const bounded = (sum: string) =>
        sql.literal(
          `CASE WHEN coalesce(${sum}, 0) > ${Number.MAX_SAFE_INTEGER} THEN ${Number.MAX_SAFE_INTEGER} ELSE CAST(coalesce(${sum}, 0) AS BIGINT) END`
        )
      return sql`SELECT ${bounded("sum(bytes_out)")} AS "bytesOut",
          ${bounded("sum(bytes_cache)")} AS "bytesFromCache", ${bounded("sum(bytes_in)")} AS "bytesIn",
          ${bounded("max(bytes_out)")} AS "bestOut", ${bounded("max(bytes_in)")} AS "bestIn"
        FROM node_totals WHERE span >= ${from} AND span < ${until}`
    }
  })

  /** At most so many rows of a node, so that its removal keeps nobody waiting; answers how many. */
  const removeSome = (node: NodeId, most: number) =>
    Effect.forEach(
      [tables.Minute, tables.Hour],
      (table) => sql`DELETE FROM ${table} WHERE node = ${node} AND span IN
        (SELECT span FROM ${table} WHERE node = ${node} LIMIT ${most}) RETURNING span`
    ).pipe(Effect.map((gone) => gone.reduce((sum, rows) => sum + rows.length, 0)))

  /** At most so many rows of each kind that are older than these minutes and hours; answers how many. */
  const forgetSome = Effect.fnUntraced(function* (
    before: { readonly minute: number; readonly hour: number },
    most: number
  ) {
    const old = (table: Statement.Fragment, span: number) => sql`DELETE FROM ${table} WHERE (node, span) IN
      (SELECT node, span FROM ${table} WHERE span < ${span} LIMIT ${most}) RETURNING span`
    const steps = [
      old(tables.Minute, before.minute),
      old(tables.Hour, before.hour),
      sql`DELETE FROM node_totals WHERE span IN
        (SELECT span FROM node_totals WHERE span < ${before.minute} LIMIT ${most}) RETURNING span`
    ]
    let gone = 0
    for (const step of steps) gone += (yield* step).length
    return gone
  })

  return { find, put, totals, removeSome, forgetSome }
}

const valuesOf = (sums: Sums) => ({
  hits: sums.hits,
  misses: sums.misses,
  bytes_out: sums.bytesOut,
  bytes_cache: sums.bytesFromCache,
  bytes_in: sums.bytesIn,
  max_out: sums.maxOut,
  max_in: sums.maxIn
})
