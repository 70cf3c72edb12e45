/** What devices received in the last 20 minutes, by source; nothing where nothing was received. */
import { lazy } from "react"
import * as Swarms from "../../calls/Swarms.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Figure } from "../../parts/charts/Figure.tsx"
import { marks } from "../../parts/charts/Scale.ts"
import { Panel } from "../../parts/Panel.tsx"
import * as Amount from "../../view/Amount.ts"
import { present } from "../../view/Source.ts"
import { bySource } from "../swarms/Sources.tsx"

const Areas = lazy(async () => ({ default: (await import("../../parts/charts/drawn.tsx")).Areas }))

/** Pixels. */
const height = 200

export const Live = () => {
  const { data = [] } = useAsk(Swarms.history, "normal")
  const points = data.map(({ at, rate }) => ({ at, bytes: bySource(rate) }))
  const sources = present(points.map(({ bytes }) => bytes))
  const most = Math.max(0, ...points.map(({ bytes }) => sources.reduce((sum, { field }) => sum + bytes[field], 0)))
  if (most === 0) return null
  return (
    <Panel
      title="Now"
      about="Bits a second that devices receive in swarms, as they say it when they join; the last 20 minutes."
    >
      <Figure
        label="Bits a second by source, the last 20 minutes"
        height={height}
        legend={sources}
        head={["Time", ...sources.map(({ label }) => label)]}
        rows={points.map(({ at, bytes }) => [
          Amount.time(at),
          ...sources.map(({ field }) => Amount.byteRate(bytes[field]))
        ])}
      >
        <Areas
          height={height}
          data={points.map(({ at, bytes }) => ({
            at: Amount.time(at),
            ...Object.fromEntries(sources.map(({ field }) => [field, bytes[field] * 8]))
          }))}
          series={sources.map(({ color, field, label }) => ({ name: field, label, color })).toReversed()}
          marks={marks(most * 8)}
          format={Amount.bitRate}
        />
      </Figure>
    </Panel>
  )
}
