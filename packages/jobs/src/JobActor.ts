/**
 * One job as an actor: its messages come one at a time, each is decided by `Job` and on the disk before it is answered, and what runs
 * follows from the state alone: after each message the actor starts, stops or leaves alone the run of its job. It is the only
 * writer of its job, its record and its files.
 */
import type { DownloadResult, Progress } from "@piecework/download/Progress"
import * as Journal from "@piecework/logs/Journal"
import { type Cause, Clock, Deferred, Duration, Effect, FiberHandle, Queue, Result, type Scope } from "effect"
import * as Watchers from "./internal/Watchers.ts"
import type { Turnstile } from "./internal/Turnstile.ts"
import * as Job from "./Job.ts"
import { code, JobError, system } from "./JobError.ts"
import { JobFiles } from "./JobFiles.ts"
import { JobNetwork } from "./JobNetwork.ts"
import type { PropertyName } from "./JobProperty.ts"
import * as JobRecord from "./JobRecord.ts"
import { type JobRun, JobRunner, type RunEnd } from "./JobRunner.ts"
import { JobsConfig } from "./JobsConfig.ts"
import { isOver, type JobCall, move } from "./JobState.ts"
import type { JobId, JobStatus } from "./JobStatus.ts"
import { JobStore, type JobStoreError } from "./JobStore.ts"
import type * as Notices from "./Notices.ts"
import type { Range } from "./Ranges.ts"

export interface JobActor {
  readonly id: JobId
  /** The job as of the last message. */
  readonly current: () => Job.Job
  readonly progress: () => Progress | undefined
  readonly outcome: () => DownloadResult | undefined
  readonly call: (what: JobCall, ranges?: ReadonlyArray<Range>) => Effect.Effect<void, JobError>
  readonly set: (name: PropertyName, value: string) => Effect.Effect<void, JobError>
  readonly get: (name: PropertyName) => Effect.Effect<string, JobError>
  readonly status: Effect.Effect<JobStatus, JobError>
  /** Lets it go when nobody asked for it for too long. */
  readonly sweep: Effect.Effect<void>
  /** The status now and with each notice, until the job is over or the scope closes. */
  readonly watch: Effect.Effect<Queue.Dequeue<JobStatus, Cause.Done>, never, Scope.Scope>
  /** Takes messages until the job is over. */
  readonly run: Effect.Effect<void>
}

const paceOf = ({ spec }: Job.Job): Notices.Pace => ({
  seconds: spec.callbackFreqSeconds ?? 1,
  percent: spec.callbackFreqPercent ?? 0
})

type Needs = JobFiles | JobNetwork | JobRunner | JobsConfig | JobStore

/** How often a run is looked at while somebody watches, and while nobody does, in milliseconds. */
const watchedEvery = 1000
const unwatchedEvery = 10_000

/** A run that goes on. */
interface Run {
  readonly number: number
  /** With which priority it was begun. */
  readonly isForeground: boolean
  readonly made: JobRun | undefined
}

interface Message {
  /** Answers how to tell who waits, once all that follows from it is done. */
  readonly work: Effect.Effect<Effect.Effect<void>>
  /** Answers who waits, when the job is over before its turn. */
  readonly refuse: Effect.Effect<void>
}

/** `kept`: what the disk has of it, if anything. `left` is called when the job is over, before anybody is told. */
export const make = Effect.fnUntraced(function* (
  first: Job.Job,
  kept: JobRecord.JobRecord | undefined,
  turnstile: Turnstile,
  left: () => void
): Effect.fn.Return<JobActor, JobStoreError, Needs> {
  const files = yield* JobFiles
  const network = yield* JobNetwork
  const runner = yield* JobRunner
  const store = yield* JobStore
  const config = yield* JobsConfig
  const mailbox = yield* Queue.bounded<Message>(config.mailbox)
  const watchers = Watchers.make()
  const { id } = first

  let job = first
  let saved = kept
  let run: Run | undefined
  let outcome: DownloadResult | undefined
  let runs = 0
  let alarmAt: number | undefined
  let isMarked = false
  /** Whether the call that is under way has looked at the destination. */
  let isPlaceSeen = false
  /** Whether the file is at its place, and no draft beside it. */
  let isDelivered = false

  const draft = () => files.draftOf(job.spec.localPath ?? "", id)
  const wake: Message = { work: Effect.succeed(Effect.void), refuse: Effect.void }
  const poke = () => void Queue.offerUnsafe(mailbox, wake)
  const place = turnstile.place(id, poke)

  /** Brings the disk up to what the job is to be. */
  const save = Effect.fnUntraced(function* (next: Job.Job): Effect.fn.Return<void, JobStoreError> {
    if (saved === undefined && next.spec.nonVolatile !== true) return
    if (next.spec.nonVolatile !== true || next.state === "Finalized") {
      yield* store.remove(id)
      saved = undefined
      return
    }
    const record = JobRecord.of(next)
    if (saved !== undefined && JobRecord.isSame(saved, record)) return
    yield* store.put(record)
    saved = record
  })

  const change = (next: Job.Job) => {
    const before = job
    job = next
    if (before.state === next.state) return Effect.void
    return Journal.verbose(() => ["A job has another state.", { job: id, before: before.state, now: next.state }])
  }

  /** For what was asked: it is on the disk, or it did not happen. */
  const become = (next: Job.Job) =>
    save(next).pipe(
      Effect.tapError((error) => Effect.logWarning(error)),
      Effect.mapError((error) => JobError.with(error.isFull ? system("ENOSPC") : system("EIO"), id)),
      Effect.andThen(Effect.suspend(() => change(next)))
    )

  /** For what has happened: that it could not be written does not undo it; the next message tries again. */
  const became = (next: Job.Job) =>
    change(next).pipe(
      Effect.andThen(save(next)),
      Effect.catch((error) => Effect.logWarning(error))
    )

  /** For a job of which nothing is kept, so that what a crash leaves of it can be found. */
  const mark = (destination: string) =>
    Effect.suspend(() => {
      isMarked = true
      return Effect.catch(store.mark(id, destination), (error) => Effect.logWarning(error))
    })

  const accept = (decided: Result.Result<Job.Job, number>) =>
    Result.isFailure(decided) ? Effect.fail(JobError.with(decided.failure, id)) : become(decided.success)

  const deliver = Effect.fnUntraced(function* (bytes: number) {
    const destination = job.spec.localPath
    // By it a later process knows the file; of a job of which nothing is kept none will ask.
    const isKept = job.spec.nonVolatile === true
    const identity = isKept ? yield* files.identity(draft()) : undefined
    if (destination === undefined || (isKept && identity === undefined)) return yield* Effect.fail(system("ENOENT"))
    yield* became(Job.delivering(job, identity, bytes))
    yield* files.deliver(draft(), destination)
    isDelivered = true
  })

  const fatal = (number: number) =>
    Effect.andThen(files.remove(draft()), Effect.succeed({ code: number, extended: 0, mayPass: false }))

  const ended = Effect.fnUntraced(function* (end: RunEnd) {
    // Before the job says that it transferred: who sees that asks for it at once.
    outcome = end._tag === "Complete" ? end.outcome : undefined
    const failure =
      end._tag === "Failed" ? end.failure : yield* Effect.catch(Effect.as(deliver(end.bytes), undefined), fatal)
    if (failure === undefined) return yield* became(Job.transferred(job))
    outcome = undefined
    yield* became(Job.failed(job, failure, yield* network.now, yield* Clock.currentTimeMillis))
  })

  /** What an earlier process was putting into its place when it ended. */
  const recover = Effect.gen(function* () {
    const { delivering, spec } = job
    if (delivering === undefined) return
    if (spec.localPath !== undefined && (yield* files.identity(spec.localPath)) === delivering) {
      yield* became(Job.transferred(job))
      return yield* files.remove(draft())
    }
    if ((yield* files.identity(draft())) === delivering) {
      return yield* ended({ _tag: "Complete", bytes: job.bytesTotal })
    }
    yield* became({ ...job, delivering: undefined })
  })

  const send = (work: Effect.Effect<void>) =>
    Effect.asVoid(Queue.offer(mailbox, { work: Effect.as(work, Effect.void), refuse: Effect.void }))

  const loop = Effect.gen(function* () {
    const handle = yield* FiberHandle.make()
    const alarm = yield* FiberHandle.make()

    const start = Effect.suspend(() => {
      const { spec } = job
      const { localPath, uri } = spec
      if (uri === undefined || localPath === undefined) return Effect.void
      const number = ++runs
      const isForeground = spec.foregroundPriority === true
      const isSeen = isPlaceSeen
      run = { number, isForeground, made: undefined }
      place.running(true)
      return Effect.scoped(
        Effect.gen(function* () {
          // Beside it: a short download is not to pay for what a crash might leave. It is over before the run is, so that no mark comes late.
          if (saved === undefined && !isMarked) yield* Effect.forkScoped(Effect.uninterruptible(mark(localPath)))
          const task = { id, spec: { ...spec, uri }, draft: draft(), destination: localPath, isPlaceSeen: isSeen }
          const started = yield* runner.start(task)
          if (run?.number === number) run = { number, isForeground, made: started }
          return yield* started.result
        })
      ).pipe(
        Effect.catchDefect((defect) =>
          Effect.as(Effect.logError(`Job ${id}: its download broke down.`, defect), {
            _tag: "Failed" as const,
            failure: { code: code("FatalCore"), extended: 0, mayPass: false }
          })
        ),
        Effect.flatMap((end) =>
          send(
            Effect.suspend(() => {
              if (run?.number !== number) return Effect.void
              run = undefined
              place.running(false)
              return ended(end)
            })
          )
        ),
        FiberHandle.run(handle)
      )
    })

    const stop = Effect.andThen(
      Effect.suspend(() => FiberHandle.clear(handle)),
      Effect.sync(() => {
        run = undefined
        place.running(false)
      })
    )

    /** Makes what runs, what wakes it and what others know follow from what the job is. */
    const follow = Effect.gen(function* () {
      const wants = Job.wantsToRun(job)
      const { foregroundPriority = false } = job.spec
      // Limits and delays hold for a run from its start. One that is putting its file together has no use for them any more.
      const isOther = run !== undefined && run.isForeground !== foregroundPriority && run.made?.look().isBusy !== true
      if ((!wants || isOther) && run !== undefined) yield* stop
      place.want(wants ? { isForeground: foregroundPriority, since: job.startedAt } : undefined)
      if (wants && run !== undefined && !place.mayRun()) yield* stop
      if (wants && run === undefined && place.mayRun()) yield* start
      const now = yield* Clock.currentTimeMillis
      yield* watchers.tell(Job.status(job), paceOf(job), now)
      const every = watchers.isWatched() ? watchedEvery : unwatchedEvery
      const at = Job.wakeAt(job, run !== undefined, every, now)
      if (at === undefined || (alarmAt !== undefined && alarmAt > now && alarmAt <= at)) return
      alarmAt = at
      yield* Effect.sleep(Math.max(0, at - now)).pipe(Effect.andThen(send(Effect.void)), FiberHandle.run(alarm))
    })

    const attend = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const look = run?.made?.look()
      const isHis = run !== undefined || place.mayRun()
      yield* became(Job.look(job, look, yield* network.now, now, isHis))
    })

    yield* recover
    yield* follow
    let reply: Effect.Effect<void> = Effect.void
    while (!isOver(job.state)) {
      const { work } = yield* Queue.take(mailbox)
      yield* attend
      isPlaceSeen = false
      reply = yield* work
      yield* follow
      if (!isOver(job.state)) yield* reply
    }
    return reply
  })

  const unmark = Effect.suspend(() =>
    isMarked ? Effect.catch(store.unmark(id), (error) => Effect.logWarning(error)) : Effect.void
  )

  /** What is left to do for a job that is over, in this process or in the one that it ended with. */
  const clear = Effect.fnUntraced(function* (reply: Effect.Effect<void>) {
    const isNeat = job.state === "Finalized" && isDelivered
    if (job.spec.localPath !== undefined && !isNeat) {
      yield* files.remove(draft())
      if (job.state === "Aborted" && job.ownsFile) yield* files.remove(job.spec.localPath)
    }
    if (!isNeat) yield* unmark
    if (saved !== undefined) yield* store.remove(id).pipe(Effect.catch((error) => Effect.logWarning(error)))
    left()
    yield* watchers.end
    yield* reply
    // A mark of what is not there any more does no harm, so nobody waits for its end.
    if (isNeat) yield* unmark
    for (let late = yield* Queue.clear(mailbox); late.length > 0; late = yield* Queue.clear(mailbox)) {
      for (const { refuse } of late) yield* refuse
    }
    yield* Queue.shutdown(mailbox)
  })

  const ask = <A>(work: Effect.Effect<A, JobError>) =>
    Effect.gen(function* () {
      const reply = yield* Deferred.make<A, JobError>()
      const unexpected = (cause: Cause.Cause<JobError>) =>
        Effect.as(Effect.logError(`Job ${id}: a call broke down.`, cause), JobError.of("Unhandled", id))
      const message: Message = {
        work: work.pipe(
          Effect.matchCauseEffect({
            onSuccess: (value) => Effect.succeed(Effect.asVoid(Deferred.succeed(reply, value))),
            onFailure: (cause) => {
              const known = cause.reasons.find((reason) => reason._tag === "Fail")
              const error = known === undefined ? unexpected(cause) : Effect.succeed(known.error)
              return Effect.map(error, (why) => Effect.asVoid(Deferred.fail(reply, why)))
            }
          })
        ),
        // Not made before it is wanted: an error takes its stack with it.
        refuse: Effect.suspend(() => Effect.asVoid(Deferred.fail(reply, JobError.of("NotFound", id))))
      }
      if (!(yield* Queue.offer(mailbox, message))) return yield* JobError.of("NotFound", id)
      return yield* Deferred.await(reply)
    })

  const touch = Effect.map(Clock.currentTimeMillis, (touchedAt) => void (job = { ...job, touchedAt }))

  if (saved === undefined && first.spec.nonVolatile === true) yield* save(first)
  return {
    id,
    current: () => job,
    progress: () => run?.made?.progress?.(),
    outcome: () => outcome,
    call: (what, ranges) =>
      ask(
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          const isBegin = move(job.state, what) === "Begin"
          if (isBegin && ranges !== undefined && ranges.length > 0 && !runner.takesRanges) {
            return yield* JobError.of("NotImplemented", id)
          }
          const { localPath } = job.spec
          const obstacle = isBegin && localPath !== undefined ? yield* files.obstacle(localPath) : undefined
          yield* accept(Job.call(job, what, { now, obstacle, ranges }))
          isPlaceSeen = isBegin
        })
      ),
    set: (name, value) =>
      ask(
        Effect.gen(function* () {
          const decided = Job.set(job, name, value, yield* Clock.currentTimeMillis)
          if (Result.isSuccess(decided) && runner.without.has(name)) return yield* JobError.of("NotImplemented", id)
          yield* accept(decided)
        })
      ),
    get: (name) =>
      ask(
        Effect.gen(function* () {
          yield* touch
          const value = Job.get(job, name)
          return Result.isSuccess(value) ? value.success : yield* JobError.with(value.failure, id)
        })
      ),
    status: ask(
      Effect.andThen(
        touch,
        Effect.sync(() => Job.status(job))
      )
    ),
    sweep: Effect.ignore(
      ask(
        Effect.flatMap(Clock.currentTimeMillis, (now) => became(Job.expired(job, now, Duration.toMillis(config.keep))))
      )
    ),
    watch: Effect.suspend(() => watchers.join(Job.status(job))).pipe(Effect.tap(() => Effect.sync(poke))),
    run: Effect.flatMap(Effect.scoped(loop), clear)
  }
})
