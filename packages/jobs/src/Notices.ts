/** When those who watch a job hear of it: at once of a new state or error, of bytes every so many seconds and percent. */
import type { JobStatus } from "./JobStatus.ts"

export interface Pace {
  /** Seconds between two notices of progress; 0 for none by time. Source: spec.md §3.3, CallbackFreqSeconds. */
  readonly seconds: number
  /** Percent of the job between two notices of progress; 0 for none by share. */
  readonly percent: number
}

export interface Told {
  readonly status: JobStatus
  /** Epoch milliseconds. */
  readonly at: number
}

export const isDue = (last: Told | undefined, status: JobStatus, pace: Pace, now: number): boolean => {
  if (last === undefined) return true
  const before = last.status
  if (before.state !== status.state || before.error !== status.error || before.extended !== status.extended) return true
  if (before.bytesTransferred === status.bytesTransferred && before.bytesTotal === status.bytesTotal) return false
  if (pace.seconds > 0 && now - last.at >= pace.seconds * 1000) return true
  return pace.percent > 0 && step(status, pace.percent) !== step(before, pace.percent)
}

/** How many steps of so many percent are done. */
const step = ({ bytesTotal, bytesTransferred }: JobStatus, percent: number): number =>
  bytesTotal === 0 ? 0 : Math.floor((100 * bytesTransferred) / bytesTotal / percent)
