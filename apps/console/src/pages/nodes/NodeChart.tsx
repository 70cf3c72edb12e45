/** What a node sent to devices, over time: what it held before, and what it fetched for the request. */
import type { FigureRow } from "@piecework/cloud/CacheNodeAdminRpcs"
import { lazy } from "react"
import { Figure } from "../../parts/charts/Figure.tsx"
import { marks } from "../../parts/charts/Scale.ts"
import * as Amount from "../../view/Amount.ts"

const Areas = lazy(async () => ({ default: (await import("../../parts/charts/drawn.tsx")).Areas }))

const series = [
  { name: "hits", label: "it held already", color: "var(--source-cache)" },
  { name: "misses", label: "it fetched", color: "var(--source-origin)" }
]

const height = 240

/** Rows as one a minute or an hour: those that are missing are spans in which nothing was said. */
const filled = (
  rows: ReadonlyArray<FigureRow>,
  grain: number
): ReadonlyArray<Pick<FigureRow, "at" | "hitsbps" | "missesbps">> => {
  const [first, last] = [rows[0]?.at ?? 0, rows.at(-1)?.at ?? 0]
  const known = new Map(rows.map((row) => [row.at, row]))
  const spans = Math.min(2_000, Math.round((last - first) / grain) + 1)
  return Array.from({ length: spans }, (_, n) => {
    const at = first + n * grain
    return known.get(at) ?? { at, hitsbps: 0, missesbps: 0 }
  })
}

export const NodeChart = ({ hours, rows }: { readonly rows: ReadonlyArray<FigureRow>; readonly hours: number }) => {
  const isByHour = hours > 33
  const points = filled(rows, isByHour ? 3_600_000 : 60_000)
  const most = Math.max(0, ...points.map(({ hitsbps, missesbps }) => hitsbps + missesbps))
  const name = (at: number) => (isByHour ? Amount.moment(at) : Amount.moment(at).slice(11))
  return (
    <Figure
      label="Bits a second sent to devices"
      height={height}
      legend={series}
      head={["Time", ...series.map(({ label }) => label)]}
      rows={points.map(({ at, hitsbps, missesbps }) => [
        Amount.moment(at),
        Amount.bitRate(hitsbps),
        Amount.bitRate(missesbps)
      ])}
    >
      <Areas
        height={height}
        data={points.map(({ at, hitsbps, missesbps }) => ({ at: name(at), hits: hitsbps, misses: missesbps }))}
        series={series.toReversed()}
        marks={marks(most)}
        format={Amount.bitRate}
      />
    </Figure>
  )
}
