/** What a job looks like from outside. Source: spec.md §3.3, Status fields. */
import { Schema } from "effect"
import { JobState } from "./JobState.ts"

/** A GUID in lower case, without braces. */
export const JobId = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
).pipe(Schema.brand("JobId"))
export type JobId = typeof JobId.Type

export const JobStatus = Schema.Struct({
  id: JobId,
  state: JobState,
  /** Why it is paused, when it stays so until the caller acts; 0 for nothing. Unsigned, see `JobError`. */
  error: Schema.Natural,
  /** What went wrong last: behind `error`, or what a job that goes on by itself waits for. */
  extended: Schema.Natural,
  /** Bytes that are asked for, not those of the file; 0 while that is not known. */
  bytesTotal: Schema.Natural,
  bytesTransferred: Schema.Natural
})
export type JobStatus = typeof JobStatus.Type
