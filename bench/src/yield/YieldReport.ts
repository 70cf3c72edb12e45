/** What the flows got and how long they waited, in the numbers that the scenario is about. Pure. */
import { Schema } from "effect"
import { round } from "../Statistics.ts"

/** What `flow.ts drive` prints. */
export const Flow = Schema.Struct({
  bitsPerSecond: Schema.Finite,
  /** Datagrams sent, and the round trips of those that came back, in milliseconds. */
  sent: Schema.Natural,
  trips: Schema.Array(Schema.Finite)
})
export interface Flow extends Schema.Schema.Type<typeof Flow> {}

export const Spread = Schema.Struct({ median: Schema.Finite, p95: Schema.Finite })
export interface Spread extends Schema.Schema.Type<typeof Spread> {}

/** What this project holds itself to. */
export const targets = { foregroundShare: 0.95, addedDelayMillis: 60, aloneUse: 0.9 } as const

export const Report = Schema.Struct({
  scenario: Schema.Literal("yield"),
  machine: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite])),
  shape: Schema.Struct({
    rate: Schema.Natural,
    queueBytes: Schema.Natural,
    rttMillis: Schema.Finite,
    congestion: Schema.String,
    /** Of each measurement. */
    seconds: Schema.Natural
  }),
  delayBy: Schema.Literals(["netem", "none"]),
  /** What a bulk flow gets beside the upload, over what it gets alone. */
  foregroundShare: Schema.Finite,
  /** What it gets beside another bulk flow of TCP, for comparison. */
  besidePlainShare: Schema.Finite,
  /** Of datagrams beside the upload alone, over the same quantile of their round trips on the idle line. */
  addedDelayMillis: Spread,
  /** The same where a flow of a tenth of the rate is there too, over what they take beside that flow alone. */
  addedBesideLightMillis: Spread,
  /** Round trips beside the bulk flow alone and beside both: it fills the queue by itself. */
  besideBulkMillis: Schema.Struct({ alone: Spread, withUpload: Spread }),
  /** What the light flow gets beside the upload, over what it gets alone. */
  lightShare: Schema.Finite,
  /** Share of the line's rate that the upload fills when there is nothing else, and a while after the bulk flow has ended. */
  aloneUse: Schema.Finite,
  afterwardsUse: Schema.Finite,
  targets: Schema.Struct({ foregroundShare: Schema.Finite, addedDelayMillis: Schema.Finite, aloneUse: Schema.Finite }),
  /** Whether all targets are met. */
  met: Schema.Boolean
})
export interface Report extends Schema.Schema.Type<typeof Report> {}

/** What was measured. */
export interface Measured {
  readonly idle: Flow
  readonly bulk: Flow
  readonly light: Flow
  readonly besidePlain: Flow
  readonly upload: { readonly pings: Flow; readonly bitsPerSecond: number }
  readonly lightBesideUpload: Flow
  readonly bulkBesideUpload: Flow
  readonly afterwards: { readonly bitsPerSecond: number }
}

/** The value below which this share of the sorted ones lies; 0 of none. */
export const quantile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

const spread = ({ trips }: Flow): Spread => ({
  median: round(quantile(trips, 0.5), 2),
  p95: round(quantile(trips, 0.95), 2)
})

/** How much longer they take: a busy machine delays some of them whether or not there is an upload. */
const added = (beside: Flow, without: Flow): Spread => ({
  median: round(spread(beside).median - spread(without).median, 2),
  p95: round(spread(beside).p95 - spread(without).p95, 2)
})

const shareOf = (part: Flow, whole: Flow): number =>
  whole.bitsPerSecond === 0 ? 0 : round(part.bitsPerSecond / whole.bitsPerSecond, 4)

export const figures = (measured: Measured, rate: number) => {
  const { afterwards, bulk, bulkBesideUpload, idle, light, lightBesideUpload, upload } = measured
  const found = {
    foregroundShare: shareOf(bulkBesideUpload, bulk),
    besidePlainShare: shareOf(measured.besidePlain, bulk),
    addedDelayMillis: added(upload.pings, idle),
    addedBesideLightMillis: added(lightBesideUpload, light),
    besideBulkMillis: { alone: spread(bulk), withUpload: spread(bulkBesideUpload) },
    lightShare: shareOf(lightBesideUpload, light),
    aloneUse: round(upload.bitsPerSecond / rate, 4),
    afterwardsUse: round(afterwards.bitsPerSecond / rate, 4)
  }
  const met =
    found.foregroundShare >= targets.foregroundShare &&
    found.aloneUse >= targets.aloneUse &&
    [found.addedDelayMillis, found.addedBesideLightMillis].every(({ p95 }) => p95 <= targets.addedDelayMillis)
  return { ...found, targets, met }
}
