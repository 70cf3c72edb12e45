/** A job as programs see it. */
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Schema } from "effect"
import { Outcome, Transfer } from "./Transfer.ts"

/** A GUID in lower case, without braces. */
export const JobId = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
).pipe(Schema.brand("JobId"))
export type JobId = typeof JobId.Type

/** What each call does in each of them: docs/jobs.md. */
export const JobState = Schema.Literals(["Created", "Transferring", "Transferred", "Finalized", "Aborted", "Paused"])
export type JobState = typeof JobState.Type

const text = Schema.String.check(Schema.isMaxLength(8192))

export const JobView = Schema.Struct({
  id: JobId,
  state: JobState,
  url: Schema.optionalKey(ContentUrl),
  path: Schema.optionalKey(text),
  displayName: Schema.optionalKey(text),
  /** Why it is paused, when it stays so until somebody acts; 0 for nothing. As in `JobError`. */
  error: Schema.Natural,
  /** What went wrong last, behind `error` or while it is tried again; 0 for nothing. */
  extended: Schema.Natural,
  /** Either of them in words. */
  sentence: Schema.optionalKey(text),
  /** Bytes that are asked for; 0 while that is not known. */
  bytesTotal: Schema.Natural,
  bytesTransferred: Schema.Natural,
  /** Bytes a second over the last three seconds, of all sources; told to those who watch. */
  rate: Schema.optionalKey(Schema.Natural),
  /** What its download does, while there is one. */
  transfer: Schema.optionalKey(Transfer)
})
export type JobView = typeof JobView.Type

/** What a download tells: first its job, then how it goes, at last what it was. */
export const DownloadEvent = Schema.Union([
  Schema.TaggedStruct("Started", { id: JobId }),
  Schema.TaggedStruct("Going", { job: JobView }),
  Schema.TaggedStruct("Done", { outcome: Outcome })
])
export type DownloadEvent = typeof DownloadEvent.Type
