/** Bytes by source, a bar for each day. */
import type * as Views from "@piecework/reports/Views"
import { lazy } from "react"
import * as Amount from "../../view/Amount.ts"
import { everyDay } from "../../view/EveryDay.ts"
import { present } from "../../view/Source.ts"
import { useSpan } from "../SpanSwitch.tsx"
import { Figure } from "./Figure.tsx"
import { byteMarks } from "./Scale.ts"

const Bars = lazy(async () => ({ default: (await import("./drawn.tsx")).Bars }))

export interface Props {
  /** Days without anything may be missing. */
  readonly of: ReadonlyArray<Views.DayRow>
  /** Pixels. */
  readonly height?: number
}

export const DaysChart = ({ height = 280, of }: Props) => {
  const days = everyDay(of, useSpan(), Date.now())
  const sources = present(days)
  const most = Math.max(0, ...days.map(({ BytesFetched }) => BytesFetched))
  return (
    <Figure
      label="Bytes by day and source"
      height={height}
      legend={sources}
      head={["Day", ...sources.map(({ label }) => label), "Together"]}
      rows={days.map((day) => [
        day.Day,
        ...sources.map(({ field }) => Amount.bytes(day[field])),
        Amount.bytes(day.BytesFetched)
      ])}
    >
      <Bars
        height={height}
        data={days.map((day) => ({
          at: Amount.day(day.Day),
          ...Object.fromEntries(sources.map(({ field }) => [field, day[field]]))
        }))}
        // The origin is drawn at the bottom: what one pays for stands on the axis.
        series={sources.map(({ color, field, label }) => ({ name: field, label, color })).toReversed()}
        marks={byteMarks(most)}
        format={Amount.bytes}
      />
    </Figure>
  )
}
