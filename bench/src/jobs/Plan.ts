/** What the bench's agent is to do, and what it answers: one JSON value each. */
import { DownloadMode } from "@piecework/domain/DownloadMode"
import { Schema } from "effect"

export const Plan = Schema.Struct({
  /** A folder for what it keeps. */
  state: Schema.String,
  service: Schema.String,
  /** `Simple`, or one that asks the service. */
  mode: DownloadMode,
  /** Downloads at once. */
  atOnce: Schema.Int.check(Schema.isGreaterThan(0)),
  jobs: Schema.Array(Schema.Struct({ url: Schema.String, path: Schema.String }))
})
export interface Plan extends Schema.Schema.Type<typeof Plan> {}

export const Outcome = Schema.Struct({
  /** From the first start to the last end, without the start of the process. */
  seconds: Schema.Finite,
  /** Of all threads, in that time. */
  cpuSeconds: Schema.Finite,
  /** How many were fetched in which mode. */
  modes: Schema.Record(Schema.String, Schema.Natural)
})
export interface Outcome extends Schema.Schema.Type<typeof Outcome> {}
