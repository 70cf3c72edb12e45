/** How many jobs there may be, and for how long. */
import { Context, Duration, Layer } from "effect"

export class JobsConfig extends Context.Service<
  JobsConfig,
  {
    /** Most jobs in the list; who wants one more is refused. Default 1000. */
    readonly mostJobs: number
    /** Most jobs that run at a time; the others wait for their turn. Default 8. */
    readonly mostRunning: number
    /** How long a job is kept that nobody asks for. Default 7 days; spec.md §3.3 says "days". */
    readonly keep: Duration.Duration
    /** How often those are looked for. Default 1 hour. */
    readonly sweepEvery: Duration.Duration
    /** Most calls that wait for one job. Default 64. */
    readonly mailbox: number
  }
>()("@piecework/jobs/JobsConfig") {}

export const defaults: JobsConfig["Service"] = {
  mostJobs: 1000,
  mostRunning: 8,
  keep: Duration.days(7),
  sweepEvery: Duration.hours(1),
  mailbox: 64
}

export const layer = (options?: Partial<JobsConfig["Service"]>): Layer.Layer<JobsConfig> =>
  Layer.succeed(JobsConfig, { ...defaults, ...options })
