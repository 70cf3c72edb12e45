/**
 * A job as a value, and what happens to it: calls, looks at what the runner does, ends of runs. All of it is plain functions of the job and
 * the time; `JobActor` carries out what follows. Invariants: a job that is not Transferring does not want to run; only a paused or expired job
 * has an error; only one that waits for something has a time at which it goes on by itself; only a transferred one owns a file.
 */
import { Result } from "effect"
import * as CostPolicy from "./CostPolicy.ts"
import { code, isTransient } from "./JobError.ts"
import * as JobProperty from "./JobProperty.ts"
import type { JobSpec } from "./JobSpec.ts"
import { after, isOver, type JobCall, type JobState, move } from "./JobState.ts"
import type { JobId, JobStatus } from "./JobStatus.ts"
import * as NoProgress from "./NoProgress.ts"
import * as Ranges from "./Ranges.ts"
import * as RetryDelay from "./RetryDelay.ts"

export interface Job {
  readonly id: JobId
  readonly spec: JobSpec
  readonly state: JobState
  /** See `JobStatus`. */
  readonly error: number
  readonly extended: number
  readonly bytesTotal: number
  readonly bytesTransferred: number
  /** Epoch milliseconds, as all times here. */
  readonly createdAt: number
  /** When somebody last asked something of it. */
  readonly touchedAt: number
  /** When it last began to transfer; 0 for never. */
  readonly startedAt: number
  /** The file at its destination was made by it. */
  readonly ownsFile: boolean
  /** Names the file that it is putting into its place right now. */
  readonly delivering: string | undefined
  /** When it goes on by itself: with a try after a failure, or out of a transient pause. */
  readonly againAt: number | undefined
  /** Failures since bytes last came. */
  readonly failures: number
  readonly tracker: NoProgress.Tracker
  readonly facts: JobProperty.HttpFacts
}

/** What the runner tells of a job while it runs. */
export interface Look {
  /** Bytes asked for; `undefined` while that is not known. */
  readonly bytesTotal: number | undefined
  readonly bytesTransferred: number
  /** Work goes on that brings no bytes. */
  readonly isBusy: boolean
  readonly facts?: JobProperty.HttpFacts | undefined
}

/** A run that ended without its file. */
export interface Failed {
  readonly code: number
  /** What is behind it; 0 for nothing. */
  readonly extended: number
  /** Another try may do better. */
  readonly mayPass: boolean
}

export const create = (id: JobId, spec: JobSpec, now: number): Job => ({
  id,
  spec,
  state: "Created",
  error: 0,
  extended: 0,
  bytesTotal: 0,
  bytesTransferred: 0,
  createdAt: now,
  touchedAt: now,
  startedAt: 0,
  ownsFile: false,
  delivering: undefined,
  againAt: undefined,
  failures: 0,
  tracker: NoProgress.begin(0, now),
  facts: {}
})

export const status = (job: Job): JobStatus => ({
  id: job.id,
  state: job.state,
  error: job.error,
  extended: job.extended,
  bytesTotal: job.bytesTotal,
  bytesTransferred: job.bytesTransferred
})

/** Whether there is something to run now. */
export const wantsToRun = (job: Job): boolean => job.state === "Transferring" && job.againAt === undefined

/** Paused, and goes on by itself. */
export const isWaiting = (job: Job): boolean => job.state === "Paused" && job.againAt !== undefined

/** What is known when a call comes. */
export interface Circumstances {
  readonly now: number
  /** The number of why no file can be put at the destination; `undefined` when it can. */
  readonly obstacle?: number | undefined
  readonly ranges?: ReadonlyArray<Ranges.Range> | undefined
}

/** The job after the call, or the number of why it is refused. */
export const call = (job: Job, what: JobCall, circumstances: Circumstances): Result.Result<Job, number> => {
  const { now } = circumstances
  const kind = move(job.state, what)
  const touched = { ...job, touchedAt: now }
  switch (kind) {
    case "Invalid":
      return Result.fail(code("InvalidState"))
    case "Nothing":
      // Who pauses a job that would go on by itself wants it to stay.
      return Result.succeed(
        what === "pause" && isWaiting(job) ? { ...touched, againAt: undefined, extended: 0 } : touched
      )
    case "Begin":
      return begin(touched, circumstances)
    case "Resume":
      if (circumstances.ranges !== undefined && circumstances.ranges.length > 0) {
        return Result.fail(code("RangesUnexpected"))
      }
      return Result.succeed(transferring(touched, now))
    case "Pause":
    case "Finalize":
    case "Abort":
      return Result.succeed({
        ...touched,
        state: after[kind] ?? job.state,
        error: 0,
        extended: 0,
        againAt: undefined,
        delivering: undefined
      })
  }
}

const begin = (job: Job, { now, obstacle, ranges = [] }: Circumstances): Result.Result<Job, number> => {
  const { spec } = job
  if (spec.uri === undefined) return Result.fail(code("NoUri"))
  if (spec.localPath === undefined) return Result.fail(code("NoSink"))
  if (spec.integrityCheckMandatory === true && spec.integrityCheckInfo === undefined && !JobProperty.contentOf(spec)) {
    return Result.fail(code("IntegrityInfoMissing"))
  }
  const checked = Ranges.check(ranges)
  if (Result.isFailure(checked)) return Result.fail(checked.failure)
  if (obstacle !== undefined) return Result.fail(obstacle)
  const started = transferring(job, now)
  return Result.succeed(ranges.length === 0 ? started : { ...started, spec: { ...spec, ranges: checked.success } })
}

const transferring = (job: Job, now: number): Job => ({
  ...job,
  state: "Transferring",
  error: 0,
  extended: 0,
  againAt: undefined,
  failures: 0,
  startedAt: now,
  tracker: NoProgress.begin(job.bytesTransferred, now)
})

/** The job with the property set, or the number of why it is refused. */
export const set = (job: Job, name: JobProperty.PropertyName, value: string, now: number): Result.Result<Job, number> =>
  Result.map(JobProperty.set(name, value, job.spec, job.state), (spec) => {
    const touched = { ...job, spec, touchedAt: now }
    // Another server: what the last one said of itself and of the file is worth nothing any more.
    const before = job.spec.uri
    if (spec.uri === before) return touched
    const former = job.state === "Created" || before === undefined ? [] : [before, ...(spec.formerUris ?? [])]
    const known = [...new Set(former)].filter((uri) => uri !== spec.uri).slice(0, mostFormer)
    const repaired = known.length === 0 ? touched : { ...touched, spec: { ...spec, formerUris: known } }
    return { ...repaired, facts: {}, failures: 0, tracker: NoProgress.begin(job.bytesTransferred, now) }
  })

/** Most URLs of before that are remembered. */
const mostFormer = 4

export const get = (job: Job, name: JobProperty.PropertyName): Result.Result<string, number> =>
  JobProperty.get(name, job.spec, job)

/** Paused until it goes on by itself. `why` is of the transient zone. */
const blocked = (job: Job, why: number, now: number): Job => ({
  ...job,
  state: "Paused",
  error: 0,
  extended: why,
  againAt: now + RetryDelay.transient,
  delivering: undefined
})

/** Paused until the caller acts. */
const stuck = (job: Job, error: number, extended: number): Job => ({
  ...job,
  state: "Paused",
  error,
  extended,
  againAt: undefined,
  delivering: undefined
})

/** The bytes that a run tells of. */
export const seen = (job: Job, { bytesTotal, bytesTransferred, facts }: Look): Job => {
  const total = bytesTotal ?? job.bytesTotal
  const moved = bytesTransferred > job.bytesTransferred
  return {
    ...job,
    bytesTotal: total,
    bytesTransferred: total === 0 ? bytesTransferred : Math.min(bytesTransferred, total),
    ...(moved ? { failures: 0, extended: 0 } : {}),
    ...(facts === undefined ? {} : { facts: { ...job.facts, ...facts } })
  }
}

/** What the time brings. `run` is the run that goes on, if one does; a job that has no turn is not to blame that nothing comes. */
export const look = (
  job: Job,
  run: Look | undefined,
  network: CostPolicy.Network,
  now: number,
  hasTurn: boolean
): Job => {
  if (isWaiting(job) && job.againAt !== undefined && job.againAt <= now) {
    const why = CostPolicy.blocks(job.spec, network) ?? (network.isConnected ? undefined : code("BlockedByNoNetwork"))
    return why === undefined ? transferring(job, now) : blocked(job, why, now)
  }
  if (job.state !== "Transferring") return job
  const why = CostPolicy.blocks(job.spec, network)
  if (why !== undefined) return blocked(job, why, now)
  const current = run === undefined ? job : seen(job, run)
  const again = current.againAt !== undefined && current.againAt <= now ? { ...current, againAt: undefined } : current
  const bytes = again.bytesTransferred
  // One whose time to try again has just come had no use for a turn before.
  if (!hasTurn && wantsToRun(job)) return { ...again, tracker: NoProgress.begin(bytes, now) }
  const { isTimedOut, tracker } = NoProgress.look(
    again.tracker,
    { bytes, isBusy: run?.isBusy === true },
    again.spec.noProgressTimeoutSeconds,
    now
  )
  return isTimedOut ? stuck(again, code("NoProgress"), again.extended) : { ...again, tracker }
}

/** A run failed. */
export const failed = (job: Job, failure: Failed, network: CostPolicy.Network, now: number): Job => {
  if (job.state !== "Transferring") return job
  if (!failure.mayPass) return stuck(job, failure.code, failure.extended)
  if (!network.isConnected) return blocked(job, code("BlockedByNoNetwork"), now)
  const failures = job.failures + 1
  return {
    ...job,
    failures,
    extended: failure.code,
    againAt: now + RetryDelay.after(failures),
    delivering: undefined
  }
}

/** The file is complete and on its way to its place; `identity` names it, where a later process has to know it. */
export const delivering = (job: Job, identity: string | undefined, bytes: number): Job =>
  job.state === "Transferring" ? { ...job, delivering: identity, bytesTotal: bytes, bytesTransferred: bytes } : job

/** The file is in its place. */
export const transferred = (job: Job): Job =>
  job.state === "Transferring"
    ? {
        ...job,
        state: "Transferred",
        error: 0,
        extended: 0,
        bytesTransferred: job.bytesTotal,
        ownsFile: true,
        delivering: undefined,
        againAt: undefined
      }
    : job

/**
 * The job when nobody asked for it for so long (milliseconds). A complete file stays with whoever finds it; nothing else does.
 * Source: spec.md §3.3 (kept for days), §3.8 (0x80D0200C).
 */
export const expired = (job: Job, now: number, keepMillis: number): Job => {
  if (job.state === "Transferring" || isOver(job.state) || now - job.touchedAt < keepMillis) return job
  const state = job.state === "Transferred" ? "Finalized" : "Aborted"
  return { ...job, state, error: code("JobTooOld"), extended: 0, againAt: undefined }
}

/** When time alone changes something: epoch milliseconds, `undefined` for never. `every` is between two looks at a run, in milliseconds. */
export const wakeAt = (job: Job, isRunning: boolean, every: number, now: number): number | undefined => {
  if (job.state === "Transferring") {
    return Math.min(job.againAt ?? Infinity, job.tracker.nextLook, isRunning ? now + every : Infinity)
  }
  return isWaiting(job) ? job.againAt : undefined
}

/** How a job that was kept goes on in another process. */
export const restored = (job: Job, now: number): Job => {
  const waits = job.state === "Paused" && job.error === 0 && isTransient(job.extended)
  return {
    ...job,
    againAt: waits ? now : undefined,
    failures: 0,
    tracker: NoProgress.begin(job.bytesTransferred, now)
  }
}
