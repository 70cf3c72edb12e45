/** What a node sent to devices, over time: what it held before, and what it fetched for the request. */
import type { FigureRow } from "@piecework/cloud/CacheNodeAdminRpcs"
import { lazy } from "react"
import { Figure } from "../../parts/charts/Figure.tsx"
import { marks } from "../../parts/charts/Scale.ts"
import * as Amount from "../../view/Amount.ts"
import * as Grain from "../../view/Grain.ts"
import * as Points from "./Points.ts"

const Areas = lazy(async () => ({ default: (await import("../../parts/charts/drawn.tsx")).Areas }))

const series = [
  { name: "hits", label: "it held already", color: "var(--source-cache)" },
  { name: "misses", label: "it fetched", color: "var(--source-origin)" }
]

const height = 240

export const NodeChart = ({ hours, rows }: { readonly rows: ReadonlyArray<FigureRow>; readonly hours: number }) => {
  const isByHour = Grain.of(hours) === "Hour"
  const points = Points.of(rows, hours, Date.now())
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
