/** What runs on the device, as rows of one list: jobs of programs, and downloads that no job is behind. Pure. */
import type { ActivityPage } from "@piecework/client/ActivityPage"
import type { FileStatus } from "@piecework/client/Activity"
import type { JobView } from "@piecework/client/JobView"
import { nameOf } from "../view/Address.ts"
import type { Action } from "./DeviceAgent.ts"

/** Bytes by where they came from, in the words of the month. */
export interface Came {
  readonly cdn: number
  readonly cache: number
  readonly local: number
  readonly internet: number
  /** Was in the device's cache before. */
  readonly held: number
}

export interface Running {
  readonly id: string
  readonly name: string
  /** Where it comes from, without a query; absent while no URL is set. */
  readonly from: string | undefined
  readonly path: string | undefined
  readonly state: "Waiting" | "Downloading" | "Paused" | "Failed" | "Done"
  readonly came: Came
  /** Bytes; 0 while not known. */
  readonly total: number
  readonly done: number
  /** Bytes a second. */
  readonly rate: number
  readonly peers: number
  /** Why it is so, a sentence or nothing. */
  readonly why: string | undefined
  /** What is wrong. */
  readonly trouble: string | undefined
  /** What its user may do. Empty for what is no job. */
  readonly actions: ReadonlyArray<Action>
}

const nothing: Came = { cdn: 0, cache: 0, local: 0, internet: 0, held: 0 }

const stateOf = ({ error, state }: JobView): Running["state"] => {
  switch (state) {
    case "Created":
      return "Waiting"
    case "Transferring":
      return "Downloading"
    case "Paused":
      return error === 0 ? "Paused" : "Failed"
    default:
      return "Done"
  }
}

const actionsOf: Readonly<Record<Running["state"], ReadonlyArray<Action>>> = {
  Waiting: ["resume", "abort"],
  Downloading: ["pause", "abort"],
  Paused: ["resume", "abort"],
  Failed: ["resume", "abort"],
  Done: ["finalize"]
}

const ofJob = (job: JobView, why: string | undefined): Running => {
  const { received } = job.transfer ?? {}
  const state = stateOf(job)
  return {
    id: job.id,
    name: job.displayName ?? nameOf(job.url ?? job.path ?? "a job without an address"),
    from: job.url,
    path: job.path,
    state,
    came:
      received === undefined
        ? nothing
        : {
            cdn: received.Origin,
            cache: received.CacheServer,
            local: received.Lan + received.LinkLocal + received.Group,
            internet: received.Internet,
            held: received.LocalCache
          },
    total: job.bytesTotal,
    done: job.bytesTransferred,
    rate: state === "Downloading" ? (job.rate ?? 0) : 0,
    peers: job.transfer?.peers ?? 0,
    why,
    trouble: job.sentence ?? job.transfer?.retrying,
    actions: actionsOf[state]
  }
}

const ofFile = (file: FileStatus): Running => ({
  id: `${file.FileId}${file.SourceURL}`,
  name: nameOf(file.SourceURL === "" ? file.FileId : file.SourceURL),
  from: file.SourceURL === "" ? undefined : file.SourceURL,
  path: undefined,
  state: "Downloading",
  came: {
    cdn: file.BytesFromHttp,
    cache: file.BytesFromCacheServer,
    local: file.BytesFromLanPeers + file.BytesFromLinkLocalPeers + file.BytesFromGroupPeers,
    internet: file.BytesFromInternetPeers,
    held: 0
  },
  total: file.BytesRequested || file.FileSize,
  done: file.BytesDone,
  rate: file.DownloadRateBytes,
  peers: file.NumPeers,
  why: undefined,
  trouble: undefined,
  actions: []
})

/** Jobs that go on first, then what programs download by other ways, then what rests or is done; each the newest first. */
export const of = ({ jobs, moment, why }: Pick<ActivityPage, "jobs" | "moment" | "why">): ReadonlyArray<Running> => {
  const ofJobs = jobs.map((job) => ofJob(job, why[job.id])).toReversed()
  const isJobs = (file: FileStatus) =>
    jobs.some(
      ({ state, transfer, url }) =>
        state === "Transferring" &&
        (file.SourceURL === url || (file.FileId !== "" && transfer?.contentId === file.FileId))
    )
  const others = moment.Downloads.filter((file) => file.Status === "Downloading" && !isJobs(file)).map(ofFile)
  const goesOn = ({ state }: Running) => state === "Downloading"
  return [...ofJobs.filter(goesOn), ...others, ...ofJobs.filter((job) => !goesOn(job))]
}

/** Seconds until it is done at this rate; nothing while nobody knows. */
export const secondsLeft = ({ done, rate, total }: Running): number | undefined =>
  rate > 0 && total > done ? Math.ceil((total - done) / rate) : undefined
