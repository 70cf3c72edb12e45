/**
 * What the activity page of a device shows, as the agent tells it: figures of this month and of this moment, and the jobs that its user
 * may let rest, go on or end. Field names of figures are those of spec.md §8.1; what §8.2 asks for is made of them by `sources` and `speeds`.
 */
import { Schema } from "effect"
import { Moment, PerfMonth } from "./Activity.ts"
import { JobView } from "./JobView.ts"

const text = (most: number) => Schema.String.check(Schema.isMaxLength(most))

/** Most jobs that are told; the latest. */
export const mostJobs = 200

export const ActivityPage = Schema.Struct({
  /** Name of the device. */
  device: text(253),
  version: text(64),
  /** Of the agent, epoch milliseconds. */
  since: Schema.Natural,
  month: PerfMonth,
  moment: Moment,
  /** In the order in which they came. URLs are without queries, which may be keys. */
  jobs: Schema.Array(JobView).check(Schema.isMaxLength(mostJobs)),
  /** Jobs in all. */
  jobCount: Schema.Natural,
  /** How a download came about, by the id of its job: the first line of what `piecework explain` says of it. */
  why: Schema.Record(Schema.String, text(1024))
})
export type ActivityPage = typeof ActivityPage.Type

/** Bytes of this month by where they came from, and by where they went. Source: spec.md §8.2. */
export interface MonthBytes {
  readonly down: { readonly cdn: number; readonly cache: number; readonly local: number; readonly internet: number }
  readonly up: { readonly local: number; readonly internet: number }
}

/** PCs on the local network are those of the device's site: its network, its link and its group; the rest is the Internet. */
export const bytesOf = (month: PerfMonth): MonthBytes => ({
  down: {
    cdn: month.DownloadHttpBytes,
    cache: month.DownloadCacheHostBytes,
    local: month.DownloadLanBytes + month.DownloadLinkLocalBytes + month.DownloadGroupBytes,
    internet: month.DownloadInternetBytes
  },
  up: {
    local: month.UploadLanBytes + month.UploadLinkLocalBytes + month.UploadGroupBytes,
    internet: month.UploadInternetBytes
  }
})

/** Of all that came, in percent, what the device's origins were spared: 0 to 100, and 0 without any bytes. */
export const savedPercent = ({ down }: MonthBytes): number => {
  const spared = down.cache + down.local + down.internet
  const all = spared + down.cdn
  return all === 0 ? 0 : (100 * spared) / all
}
