/** What the runs of the ladder come to. Pure. */
import { Schema } from "effect"
import { Spread } from "../Contest.ts"
import * as Statistics from "../Statistics.ts"

/** How a file is fetched: `curl` beside the agent's ways. */
export const ways = ["curl", "api", "rest"] as const
export type Way = (typeof ways)[number]

/** Milliseconds of every run, by way. */
export type Runs = { readonly [W in Way]: ReadonlyArray<number> }

/** Bytes up to which a file is small: what counts is how much later than curl it is there. */
export const smallUpTo = 1000
/** Bytes from which a file is large: what counts is throughput. */
export const largeFrom = 1_000_000_000

/** For small files most milliseconds more than curl takes; for large ones the least throughput beside curl's. */
export const targets = { smallMillis: 10, largeRatio: 0.7 } as const

export const Outcome = Schema.Struct({
  millis: Spread,
  /** At the median; above 1, the agent is faster. */
  ratioToCurl: Schema.Finite,
  /** What it takes longer than curl, at the median. */
  moreMillis: Schema.Finite,
  /** `null` for sizes that no target speaks of. */
  withinTarget: Schema.NullOr(Schema.Boolean)
})
export type Outcome = typeof Outcome.Type

export const Step = Schema.Struct({
  bytes: Schema.Natural,
  /** Of the transfer, as curl says it, without the start of its process. */
  curl: Schema.Struct({ millis: Spread }),
  /** By the agent's own interface. */
  api: Outcome,
  /** By the one that programs of the Linux agent speak. */
  rest: Outcome
})
export interface Step extends Schema.Schema.Type<typeof Step> {}

export const step = (bytes: number, runs: Runs): Step => {
  const curl = spreadOf(runs.curl)
  const own = (way: "api" | "rest") => outcome(bytes, spreadOf(runs[way]), curl)
  return { bytes, curl: { millis: curl }, api: own("api"), rest: own("rest") }
}

const outcome = (bytes: number, own: Statistics.Spread, curl: Statistics.Spread): Outcome => {
  const ratio = curl.median / own.median
  const more = own.median - curl.median
  return {
    millis: own,
    ratioToCurl: Statistics.round(ratio, 3),
    moreMillis: Statistics.round(more, 2),
    withinTarget:
      bytes <= smallUpTo ? more <= targets.smallMillis : bytes >= largeFrom ? ratio >= targets.largeRatio : null
  }
}

const spreadOf = (millis: ReadonlyArray<number>): Statistics.Spread => {
  const { max, median, min } = Statistics.spread(millis) ?? { median: 0, min: 0, max: 0 }
  return { median: Statistics.round(median, 2), min: Statistics.round(min, 2), max: Statistics.round(max, 2) }
}
