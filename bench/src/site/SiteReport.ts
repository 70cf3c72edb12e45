/** What the runs of each tool came to, in the numbers that the scenario is about. */
import { Option, Schema } from "effect"
import * as Statistics from "../Statistics.ts"
import type { Contestant } from "./Contestant.ts"
import type { Outcome, Round } from "./Round.ts"
import { idealSeconds, serviceStates, type SiteOptions } from "./SiteOptions.ts"

const Known = Schema.NullOr(Schema.Finite)

/**
 * Of several runs each number is the median of theirs, but `verified` the least. Null where a tool does not tell, and times
 * where a device did not get the file before the run's limit.
 */
export const Result = Schema.Struct({
  tool: Schema.String,
  how: Schema.String,
  installed: Schema.Boolean,
  /** How to get it when it is not there. */
  install: Schema.optionalKey(Schema.String),
  version: Schema.optionalKey(Schema.String),
  /** At all sites. */
  devices: Schema.Natural,
  /** Devices whose file has the SHA-256 of the original. */
  verified: Schema.Natural,
  /** Bytes of HTTP bodies that the origin sent, in files: one a site would be best. */
  originCopies: Known,
  /** Bytes of all frames that crossed a site's line towards it, in files, at the site with the most; 1.046 is one copy. */
  wanCopies: Known,
  /** The same from the site outwards. */
  wanCopiesUp: Known,
  medianSeconds: Known,
  lastSeconds: Known,
  medianOverIdeal: Known,
  lastOverIdeal: Known,
  /** Until a device said its first word, the start of its process with it: median and last. Part of the times above. */
  startSeconds: Known,
  lastStartSeconds: Known,
  /** Share of what devices hold that came from other devices, as they say. */
  peersShare: Known,
  /** Bytes that came to devices and were of no use, of all devices, in files. */
  wastedCopies: Known,
  deviceCpuSeconds: Known,
  /** Highest. */
  devicePeakRssBytes: Known,
  /** How busy all processors of the machine were during the run, 0 to 1. */
  busy: Known,
  /** Of every run, from its start to the last file or to its limit. */
  runSeconds: Schema.Array(Schema.Finite),
  /** What went wrong, each once. */
  failures: Schema.Array(Schema.String)
})
export interface Result extends Schema.Schema.Type<typeof Result> {}

export const Report = Schema.Struct({
  scenario: Schema.Literal("site"),
  machine: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])),
  shape: Schema.Struct({
    devices: Schema.Natural,
    sites: Schema.Natural,
    bytes: Schema.Natural,
    wan: Schema.Finite,
    lan: Schema.Finite,
    rttMillis: Schema.Finite,
    loss: Schema.Finite,
    churn: Schema.Finite,
    staggerMillis: Schema.Finite,
    service: Schema.Literals(serviceStates)
  }),
  /** What makes the round trip as long as it is; "none": this kernel cannot, and it is as short as the machine is fast. */
  delayBy: Schema.Literals(["netem", "none"]),
  runs: Schema.Natural,
  /** Seconds in which a line carries one copy of the file. */
  idealSeconds: Schema.Finite,
  results: Schema.Array(Result)
})
export interface Report extends Schema.Schema.Type<typeof Report> {}

type About = Pick<Contestant, "tool" | "how" | "install">

const nothing = {
  verified: 0,
  originCopies: null,
  wanCopies: null,
  wanCopiesUp: null,
  medianSeconds: null,
  lastSeconds: null,
  medianOverIdeal: null,
  lastOverIdeal: null,
  startSeconds: null,
  lastStartSeconds: null,
  peersShare: null,
  wastedCopies: null,
  deviceCpuSeconds: null,
  devicePeakRssBytes: null,
  busy: null,
  runSeconds: [],
  failures: []
} as const

const devicesOf = ({ devices, sites }: SiteOptions) => devices * sites

export const absent = ({ how, install, tool }: About, options: SiteOptions): Result => ({
  tool,
  how,
  installed: false,
  install,
  devices: devicesOf(options),
  ...nothing
})

/** `broken` says why a run could not be held at all. */
export const summary = (
  { how, tool }: About,
  version: string,
  options: SiteOptions,
  rounds: ReadonlyArray<Round>,
  broken: ReadonlyArray<string>
): Result => {
  const { bytes } = options
  const ideal = idealSeconds(options)
  const median = (of: (round: Round) => number | null, digits = 3) => middle(rounds.map(of), digits)
  const times = (of: (spread: Statistics.Spread) => number, by: number) =>
    median((round) => {
      const all = round.outcomes.map(({ seconds }) => seconds)
      const spread = all.every((seconds) => seconds !== null) ? Statistics.spread(all) : undefined
      return spread === undefined ? null : of(spread) / by
    })
  const starts = (of: (spread: Statistics.Spread) => number) =>
    median((round) => {
      const spread = Statistics.spread(known(round, ({ startSeconds }) => startSeconds))
      return spread === undefined ? null : of(spread)
    })
  const peers = total((outcome) => outcome.fromPeers)
  const wasted = total((outcome) => outcome.wasted)
  const line = (of: (crossed: Round["crossed"][number]) => number) =>
    median((round) => Math.max(...round.crossed.map(of)) / bytes)
  return {
    tool,
    how,
    installed: true,
    version,
    devices: devicesOf(options),
    verified:
      rounds.length === 0 || broken.length > 0
        ? 0
        : Math.min(...rounds.map((round) => round.outcomes.filter((one) => one.verified).length)),
    originCopies: median((round) => round.originBytes / bytes),
    wanCopies: line(({ down }) => down),
    wanCopiesUp: line(({ up }) => up),
    medianSeconds: times((spread) => spread.median, 1),
    lastSeconds: times((spread) => spread.max, 1),
    medianOverIdeal: times((spread) => spread.median, ideal),
    lastOverIdeal: times((spread) => spread.max, ideal),
    startSeconds: starts((spread) => spread.median),
    lastStartSeconds: starts((spread) => spread.max),
    peersShare: median((round) => {
      const bytesOfPeers = peers(round)
      return bytesOfPeers === null ? null : bytesOfPeers / (bytes * known(round, (one) => one.fromPeers).length)
    }),
    wastedCopies: median((round) => {
      const bytesWasted = wasted(round)
      return bytesWasted === null ? null : bytesWasted / bytes
    }),
    deviceCpuSeconds: median(
      (round) => Statistics.spread(known(round, (one) => used(one)?.cpuSeconds ?? null))?.median ?? null
    ),
    devicePeakRssBytes: median(
      (round) => Statistics.spread(known(round, (one) => used(one)?.peakRssBytes ?? null))?.max ?? null,
      0
    ),
    busy: median(({ busy }) => busy),
    runSeconds: rounds.map(({ seconds }) => Statistics.round(seconds, 2)),
    failures: [
      ...new Set([
        ...broken,
        ...rounds.flatMap(({ outcomes }) => outcomes.map(({ failure }) => failure).filter((text) => text !== undefined))
      ])
    ]
  }
}

/** Over all devices that tell; null when none does. */
const total = (of: (outcome: Outcome) => number | null) => (round: Round) => {
  const all = known(round, of)
  return all.length === 0 ? null : all.reduce((sum, n) => sum + n, 0)
}

const used = (outcome: Outcome) => Option.getOrUndefined(outcome.usage)

const known = (round: Round, of: (outcome: Outcome) => number | null): ReadonlyArray<number> =>
  round.outcomes.map(of).filter((n) => n !== null)

/** Null unless all are known: a median of the runs that went well would flatter. */
const middle = (values: ReadonlyArray<number | null>, digits: number): number | null => {
  const all = values.filter((n) => n !== null)
  const spread = all.length === values.length ? Statistics.spread(all) : undefined
  return spread === undefined ? null : Statistics.round(spread.median, digits)
}

/** What went wrong, in sentences: tools that are installed and did not bring every device the file. */
export const failures = (report: Report): ReadonlyArray<string> =>
  report.results
    .filter(({ devices, installed, verified }) => installed && verified < devices)
    .map((result) => {
      const why = result.failures[0] === undefined ? "" : `: ${result.failures[0]}`
      return `${result.tool}: ${result.verified} of ${result.devices} devices have the file${why}`
    })

const over = (n: number | null) => (n === null ? "–" : `${n.toFixed(2)} ×`)

/** A line for a person. */
export const sentence = (result: Result): string => {
  if (!result.installed) return `${result.tool} is not installed: ${result.install ?? ""}`
  return (
    `${result.tool}: ${result.verified} of ${result.devices} verified; copies ${over(result.originCopies)} from the origin, ` +
    `${over(result.wanCopies)} over the line; median ${over(result.medianOverIdeal)} and last ${over(result.lastOverIdeal)} of the ideal time`
  )
}
