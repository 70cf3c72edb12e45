/** What devices receive at this moment, and what it was in the last minutes. */
import type { LiveTotals } from "@piecework/swarm/LiveView"
import * as Swarms from "../../calls/Swarms.ts"
import { useAsk } from "../../calls/useAsk.ts"
import { Stat } from "../../parts/Stat.tsx"
import * as Amount from "../../view/Amount.ts"
import { Spark } from "../../parts/Spark.tsx"
import classes from "./Now.module.css"

export const Now = () => {
  const { data, error } = useAsk(Swarms.totals, "live")
  if (data === undefined) {
    return <Stat label="Right now" value="–" about={error === null ? "Asking the swarms" : error.sentence} />
  }
  const all = data.rate.origin + data.rate.cacheServer + data.rate.peers
  return (
    <Stat
      label="Right now"
      icon={<span className={classes["live"]} aria-hidden />}
      value={Amount.byteRate(all)}
      mark={<Trend />}
      about={
        all === 0
          ? quiet(data)
          : `${Amount.percent(Amount.share(all - data.rate.origin, all))} not from the origin; ${members(data)}`
      }
    />
  )
}

const members = ({ devices, swarms }: LiveTotals): string =>
  `${Amount.count(devices, "device")} in ${Amount.count(swarms, "swarm")}`

const quiet = (of: LiveTotals): string =>
  of.members === 0 ? "Nobody is in a swarm." : `Nothing is being fetched; ${members(of)}.`

const Trend = () => {
  const { data = [] } = useAsk(Swarms.history, "normal")
  const points = data.map(({ rate }) => rate.origin + rate.cacheServer + rate.peers)
  return points.length < 2 ? null : (
    <Spark points={points} label={`Up to ${Amount.byteRate(Math.max(...points))} in 20 minutes`} />
  )
}
