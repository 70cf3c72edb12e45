/** How fast bytes come and go: now in numbers, and over the last minute in which this page was open as a picture. */
import { Text } from "@mantine/core"
import type { Moment } from "@piecework/client/Activity"
import { useRef } from "react"
import * as Amount from "../view/Amount.ts"
import classes from "./Speed.module.css"

/** Looks that are drawn: one a second. */
const most = 60

interface Sample {
  readonly at: number
  readonly down: number
  readonly up: number
}

const sum = (rates: Readonly<Record<string, number>>): number => Object.values(rates).reduce((all, n) => all + n, 0)

export const Speed = ({ moment }: { readonly moment: Moment }) => {
  const samples = useRef<ReadonlyArray<Sample>>([])
  const latest: Sample = { at: moment.At, down: sum(moment.DownRates), up: sum(moment.UpRates) }
  if (samples.current.at(-1)?.at !== latest.at) samples.current = [...samples.current, latest].slice(-most)
  const seen = samples.current
  const top = Math.max(1, ...seen.map(({ down, up }) => Math.max(down, up)))
  return (
    <div className={classes["speed"]}>
      <Figure name="Coming in" rate={latest.down} line="down" />
      <Figure name="Going out" rate={latest.up} line="up" />
      <svg
        className={classes["chart"]}
        viewBox={`0 0 ${most - 1} 40`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Speeds of the last minute; at most ${Amount.byteRate(top)}`}
      >
        <path
          className={classes["area"]}
          d={`${path(seen, "down", top)} L${most - 1},40 L${most - seen.length},40 Z`}
        />
        <path className={classes["down"]} d={path(seen, "down", top)} />
        <path className={classes["up"]} d={path(seen, "up", top)} />
      </svg>
    </div>
  )
}

/** The newest at the right end. */
const path = (samples: ReadonlyArray<Sample>, what: "down" | "up", top: number): string =>
  samples
    .map(
      (sample, n) => `${n === 0 ? "M" : "L"}${most - samples.length + n},${(38 - (36 * sample[what]) / top).toFixed(1)}`
    )
    .join(" ")

const Figure = ({
  line,
  name,
  rate
}: {
  readonly name: string
  readonly rate: number
  readonly line: "down" | "up"
}) => (
  <div>
    <Text size="sm" c="dimmed" className={classes[`${line}Name`] ?? ""}>
      {name}
    </Text>
    <Text fw={650} size="xl">
      {Amount.byteRate(rate)}
    </Text>
  </div>
)
