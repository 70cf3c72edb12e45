/** What downloads for jobs. A run lives in its scope: closing it is a pause, and what was fetched is kept for the next run. */
import type { DownloadResult, Progress } from "@piecework/download/Progress"
import { Context, type Effect, type Scope } from "effect"
import type { Failed, Look } from "./Job.ts"
import type { PropertyName } from "./JobProperty.ts"
import type { JobSpec } from "./JobSpec.ts"
import type { JobId } from "./JobStatus.ts"

export interface JobTask {
  readonly id: JobId
  /** With a URI, which a job has that runs. */
  readonly spec: JobSpec & { readonly uri: NonNullable<JobSpec["uri"]> }
  /** Where the file shall appear, whole; what an earlier run left there may be replaced. Not yet the destination. */
  readonly draft: string
  /** Where it will go from there. */
  readonly destination: string
  /** Whether that place was looked at a moment ago, and a file could be put there. */
  readonly isPlaceSeen: boolean
}

export interface JobRun {
  /** A look at it; costs the run nothing. */
  readonly look: () => Look
  /** Where the bytes come from, and why so; for a runner that knows. */
  readonly progress?: (() => Progress) | undefined
  /** Waits for the file at `draft` and answers the bytes that were asked for. */
  readonly result: Effect.Effect<RunEnd>
}

/** A failure is a value: most of them are the business of the job, not of whoever runs it. */
export type RunEnd =
  | { readonly _tag: "Complete"; readonly bytes: number; readonly outcome?: DownloadResult | undefined }
  | { readonly _tag: "Failed"; readonly failure: Failed }

export class JobRunner extends Context.Service<
  JobRunner,
  {
    readonly start: (task: JobTask) => Effect.Effect<JobRun, never, Scope.Scope>
    /** Properties that it cannot carry out: setting one is refused instead of forgotten. */
    readonly without: ReadonlySet<PropertyName>
    /** Whether it fetches parts of a file. */
    readonly takesRanges: boolean
  }
>()("@piecework/jobs/JobRunner") {}
