/** A job as it is kept: JSON in a file of its own. Numbers that grow are those of the moment at which something else changed. */
import { Option, Schema } from "effect"
import type { Job } from "./Job.ts"
import { JobSpec } from "./JobSpec.ts"
import { JobState } from "./JobState.ts"
import { JobId } from "./JobStatus.ts"
import * as NoProgress from "./NoProgress.ts"

export const JobRecord = Schema.Struct({
  version: Schema.Literal(1),
  id: JobId,
  spec: JobSpec,
  state: JobState,
  error: Schema.Natural,
  extended: Schema.Natural,
  bytesTotal: Schema.Natural,
  bytesTransferred: Schema.Natural,
  createdAt: Schema.Natural,
  touchedAt: Schema.Natural,
  startedAt: Schema.Natural,
  ownsFile: Schema.Boolean,
  delivering: Schema.NullOr(Schema.String)
})
export type JobRecord = typeof JobRecord.Type

/** Bytes; no record is larger. */
export const maxBytes = 131_072

const Text = Schema.fromJsonString(Schema.toCodecJson(JobRecord))
const decodeText = Schema.decodeUnknownOption(Text)
const encodeText = Schema.encodeSync(Text)

export const of = (job: Job): JobRecord => ({
  version: 1,
  id: job.id,
  spec: job.spec,
  state: job.state,
  error: job.error,
  // While it transfers this is the last failure, of which the next process knows nothing anyway.
  extended: job.state === "Transferring" ? 0 : job.extended,
  bytesTotal: job.bytesTotal,
  bytesTransferred: job.bytesTransferred,
  createdAt: job.createdAt,
  touchedAt: job.touchedAt,
  startedAt: job.startedAt,
  ownsFile: job.ownsFile,
  delivering: job.delivering ?? null
})

export const job = (record: JobRecord): Job => ({
  ...record,
  delivering: record.delivering ?? undefined,
  againAt: undefined,
  failures: 0,
  tracker: untracked,
  facts: {}
})

const untracked = NoProgress.begin(0, 0)

/** Whether the two say the same but for what grows by itself. */
export const isSame = (one: JobRecord, other: JobRecord): boolean =>
  one.spec === other.spec &&
  one.state === other.state &&
  one.error === other.error &&
  one.extended === other.extended &&
  one.ownsFile === other.ownsFile &&
  one.delivering === other.delivering

export const encode = (record: JobRecord): string => `${encodeText(record)}\n`

/** `None` for what no job wrote. */
export const decode = (text: string): Option.Option<JobRecord> => decodeText(text)

/** Whether a later version of this program wrote it. */
export const isNewer = (text: string): boolean =>
  Option.exists(Schema.decodeUnknownOption(AnyVersion)(text), ({ version }) => version > 1)

const AnyVersion = Schema.fromJsonString(Schema.Struct({ version: Schema.Natural }))
