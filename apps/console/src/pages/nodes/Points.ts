/** What a node's chart shows: one point for each minute or hour of the time that was asked for. Pure. */
import type { FigureRow } from "@piecework/cloud/CacheNodeAdminRpcs"
import * as Grain from "../../view/Grain.ts"

export type Point = Pick<FigureRow, "at" | "hitsbps" | "missesbps">

/** How late the figures of a minute or an hour may be, in milliseconds: they come with the heartbeat after it. */
const late = 5 * Grain.lengths.Minute

/**
 * The points of the `hours` before `now`, both ends included; where no row is, nothing was sent. What is only late is left out, so that no chart
 * seems to fall to nothing at its end. `now` is epoch milliseconds.
 */
export const of = (rows: ReadonlyArray<Point>, hours: number, now: number): ReadonlyArray<Point> => {
  const grain = Grain.lengths[Grain.of(hours)]
  const whole = Math.floor(now / grain) * grain
  const latest = rows.reduce((most, { at }) => Math.max(most, at), 0)
  const last = whole - latest <= grain + late ? Math.min(whole, latest) : whole
  const known = new Map(rows.map((row) => [row.at, row]))
  const count = Math.round((hours * Grain.lengths.Hour) / grain)
  return Array.from({ length: count }, (_, n) => {
    const at = last - (count - 1 - n) * grain
    return known.get(at) ?? { at, hitsbps: 0, missesbps: 0 }
  })
}
