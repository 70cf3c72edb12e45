/**
 * The jobs of this process: programs create them, move them from state to state, and watch them. Each is an actor of its own; those
 * that shall outlive the process go on when the next one starts. Source: spec.md §3.3 and §3.4.
 */
import { randomUUID } from "node:crypto"
import type { DownloadResult, Progress } from "@piecework/download/Progress"
import { Clock, Context, Effect, FiberMap, Layer, Result, Stream } from "effect"
import * as Turnstile from "./internal/Turnstile.ts"
import * as Job from "./Job.ts"
import * as JobActor from "./JobActor.ts"
import { JobError, system } from "./JobError.ts"
import { JobFiles } from "./JobFiles.ts"
import type { JobNetwork } from "./JobNetwork.ts"
import * as JobProperty from "./JobProperty.ts"
import * as JobRecord from "./JobRecord.ts"
import { JobRunner } from "./JobRunner.ts"
import { JobsConfig } from "./JobsConfig.ts"
import type { JobSpec } from "./JobSpec.ts"
import { isOver, type JobCall } from "./JobState.ts"
import { JobId, type JobStatus } from "./JobStatus.ts"
import { JobStore, type JobStoreError } from "./JobStore.ts"
import type { Range } from "./Ranges.ts"

/** What is given is looked for; several are to hold together. Source: spec.md §3.3, enumerate. */
export interface Filter {
  readonly id?: string | undefined
  readonly uri?: string | undefined
  readonly contentId?: string | undefined
  readonly displayName?: string | undefined
  readonly localPath?: string | undefined
}

export interface JobLook {
  readonly status: JobStatus
  readonly spec: JobSpec
  /** While it downloads: where the bytes come from, and why so. */
  readonly progress: Progress | undefined
  /** Once it transferred, in this process. */
  readonly outcome: DownloadResult | undefined
}

export class Jobs extends Context.Service<
  Jobs,
  {
    /** A job with these properties, in state Created. */
    readonly create: (
      properties?: ReadonlyArray<readonly [name: JobProperty.PropertyName, value: string]>
    ) => Effect.Effect<JobId, JobError>
    /** In the order in which they were created. */
    readonly enumerate: (filter?: Filter) => Effect.Effect<ReadonlyArray<JobId>>
    /** Starts or resumes. Ranges belong to the first start; none are the whole file. */
    readonly start: (id: string, ranges?: ReadonlyArray<Range>) => Effect.Effect<void, JobError>
    readonly pause: (id: string) => Effect.Effect<void, JobError>
    /** Takes a transferred job from the list; its file stays. */
    readonly finalize: (id: string) => Effect.Effect<void, JobError>
    /** Takes a job from the list; its file goes, if the job made it. */
    readonly abort: (id: string) => Effect.Effect<void, JobError>
    readonly status: (id: string) => Effect.Effect<JobStatus, JobError>
    /** All that is known of it as of its last message. Nobody counts it as being asked for. */
    readonly look: (id: string) => Effect.Effect<JobLook, JobError>
    readonly getProperty: (id: string, name: JobProperty.PropertyName) => Effect.Effect<string, JobError>
    readonly setProperty: (id: string, name: JobProperty.PropertyName, value: string) => Effect.Effect<void, JobError>
    /** The status now and whenever the job has something to tell; ends with the job. */
    readonly watch: (id: string) => Stream.Stream<JobStatus, JobError>
  }
>()("@piecework/jobs/Jobs") {
  /** Jobs that were kept are back before the layer is there. */
  static readonly layer: Layer.Layer<Jobs, JobStoreError, JobFiles | JobNetwork | JobRunner | JobsConfig | JobStore> =
    Layer.effect(
      Jobs,
      Effect.suspend(() => make)
    )
}

const make = Effect.gen(function* () {
  const config = yield* JobsConfig
  const runner = yield* JobRunner
  const store = yield* JobStore
  const context = yield* Effect.context<JobFiles | JobNetwork | JobRunner | JobsConfig | JobStore>()
  const fibers = yield* FiberMap.make<JobId>()
  const turnstile = Turnstile.make(config.mostRunning)
  const jobs = new Map<JobId, JobActor.JobActor>()

  const add = Effect.fnUntraced(function* (job: Job.Job, kept: JobRecord.JobRecord | undefined) {
    const left = () => void jobs.delete(job.id)
    const actor = yield* JobActor.make(job, kept, turnstile, left).pipe(Effect.provide(context))
    jobs.set(job.id, actor)
    const broken = (cause: unknown) => Effect.logError(`Job ${job.id} broke down.`, cause)
    yield* FiberMap.run(fibers, job.id, actor.run.pipe(Effect.tapCause(broken)))
  })

  const now = yield* Clock.currentTimeMillis
  const records = yield* store.load(config.mostJobs)
  yield* tidy(new Set(records.map(({ id }) => id)))
  for (const record of records) yield* add(Job.restored(JobRecord.job(record), now), record)

  const sweep = Effect.suspend(() => Effect.forEach([...jobs.values()], (actor) => actor.sweep, { discard: true }))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(config.sweepEvery), sweep)))

  const find = (id: string): Effect.Effect<JobActor.JobActor, JobError> => {
    const actor = jobs.get(id.toLowerCase() as JobId)
    return actor === undefined ? Effect.fail(JobError.of("NotFound")) : Effect.succeed(actor)
  }
  const call = (id: string, what: JobCall, ranges?: ReadonlyArray<Range>) =>
    Effect.flatMap(find(id), (actor) => actor.call(what, ranges))

  return Jobs.of({
    create: Effect.fn("Jobs.create")(function* (properties = []) {
      let spec: JobSpec = {}
      for (const [name, value] of properties) {
        const set = JobProperty.set(name, value, spec, "Created")
        if (Result.isFailure(set)) return yield* JobError.with(set.failure)
        if (runner.without.has(name)) return yield* JobError.of("NotImplemented")
        spec = set.success
      }
      if (jobs.size >= config.mostJobs) return yield* JobError.of("OutOfMemory")
      const id = JobId.make(randomUUID())
      yield* add(Job.create(id, spec, yield* Clock.currentTimeMillis), undefined).pipe(
        Effect.catch((error) =>
          Effect.andThen(Effect.logWarning(error), JobError.with(system(error.isFull ? "ENOSPC" : "EIO")))
        )
      )
      return id
    }),
    enumerate: (filter = {}) =>
      Effect.sync(() =>
        [...jobs.values()]
          .map((actor) => actor.current())
          // One that is over is on its way out.
          .filter((job) => !isOver(job.state) && matches(job, filter))
          .toSorted((one, other) => one.createdAt - other.createdAt)
          .map(({ id }) => id)
      ),
    start: (id, ranges) => call(id, "start", ranges),
    pause: (id) => call(id, "pause"),
    finalize: (id) => call(id, "finalize"),
    abort: (id) => call(id, "abort"),
    status: (id) => Effect.flatMap(find(id), (actor) => actor.status),
    look: (id) =>
      Effect.map(find(id), (actor) => {
        const job = actor.current()
        return { status: Job.status(job), spec: job.spec, progress: actor.progress(), outcome: actor.outcome() }
      }),
    getProperty: (id, name) => Effect.flatMap(find(id), (actor) => actor.get(name)),
    setProperty: (id, name, value) => Effect.flatMap(find(id), (actor) => actor.set(name, value)),
    watch: (id) =>
      Stream.unwrap(
        Effect.map(
          Effect.flatMap(find(id), (actor) => actor.watch),
          (list) => Stream.fromQueue(list)
        )
      )
  })
})

/** Takes away what jobs left that ended with their process: they are in no list any more. */
const tidy = Effect.fnUntraced(function* (kept: ReadonlySet<JobId>) {
  const files = yield* JobFiles
  const store = yield* JobStore
  for (const { destination, id } of yield* store.marks) {
    if (!kept.has(id)) yield* files.remove(files.draftOf(destination, id))
    yield* Effect.catch(store.unmark(id), (error) => Effect.logWarning(error))
  }
})

const matches = ({ id, spec }: Job.Job, filter: Filter): boolean =>
  (filter.id === undefined || filter.id.toLowerCase() === id) &&
  (filter.uri === undefined || filter.uri === spec.uri) &&
  (filter.contentId === undefined || filter.contentId === spec.contentId) &&
  (filter.displayName === undefined || filter.displayName === spec.displayName) &&
  (filter.localPath === undefined || filter.localPath === spec.localPath)
