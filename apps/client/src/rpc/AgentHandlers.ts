/** The calls of the contract, over the same jobs as the REST interface. */
import { mostFiles, usualPeers } from "@piecework/client/Activity"
import { JobError as AgentJobError } from "@piecework/client/AgentError"
import { type AgentFacts, AgentRpcs, type OpenEvent } from "@piecework/client/AgentRpcs"
import type { JobOptions, Range } from "@piecework/client/JobOptions"
import { type DownloadEvent, JobId, type JobView } from "@piecework/client/JobView"
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import { Activity } from "@piecework/download/Activity"
import { Downloader } from "@piecework/download/Downloader"
import type { FiguresError } from "@piecework/download/Figures"
import { Ledgers } from "@piecework/download/Ledgers"
import * as JobError from "@piecework/jobs/JobError"
import { type JobLook, Jobs } from "@piecework/jobs/Jobs"
import type { JobStatus } from "@piecework/jobs/JobStatus"
import * as RequestHeaders from "@piecework/sources/RequestHeaders"
import { Clock, Effect, Option, Result, Stream } from "effect"
import * as Explaining from "./Explaining.ts"
import * as DeviceFigures from "../DeviceFigures.ts"
import * as JobTexts from "./JobTexts.ts"
import { of, OpenReads, refusal } from "./OpenReads.ts"
import * as Views from "./Views.ts"

export interface Setting {
  readonly facts: Effect.Effect<AgentFacts>
  /** In which mode a content is opened now. */
  readonly mode: Effect.Effect<DownloadMode>
  /** Address of the activity page, secret included; absent where there is none. */
  readonly page?: Effect.Effect<string, { readonly message: string }> | undefined
}

const usualEvery = 1000

const told = <A>(effect: Effect.Effect<A, FiguresError>): Effect.Effect<A, AgentJobError> =>
  Effect.mapError(effect, (error) => new AgentJobError({ code: JobError.system("EIO"), sentence: error.message }))

export const layer = (setting: Setting) =>
  AgentRpcs.toLayer(
    Effect.gen(function* () {
      const jobs = yield* Jobs
      const downloader = yield* Downloader
      const reads = yield* OpenReads
      const figures = yield* DeviceFigures.ofAgent
      const activity = yield* Activity
      const ledgers = yield* Ledgers

      const view = (id: string) => Effect.map(Effect.mapError(jobs.look(id), of), Views.job)
      const create = (options: JobOptions) => Effect.mapError(jobs.create(JobTexts.of(options)), of)
      const start = (id: string, ranges: ReadonlyArray<Range> | undefined) =>
        Effect.mapError(
          jobs.start(
            id,
            ranges?.map(({ length, offset }) => ({ offset, length: length ?? null }))
          ),
          of
        )

      /** A job that runs, and that goes with the scope unless it is done. */
      const ownJob = Effect.fnUntraced(function* (options: JobOptions, ranges: ReadonlyArray<Range> | undefined) {
        const own = { id: "", isDone: false }
        own.id = yield* Effect.acquireRelease(create(options), (made) =>
          // One that failed may be over; one that is done is not there any more.
          own.isDone ? Effect.void : Effect.ignore(jobs.abort(made))
        )
        yield* start(own.id, ranges)
        return own
      })

      /** The job now, on each change, and every so many milliseconds. */
      const views = (id: string, everyMillis: number): Stream.Stream<JobView, AgentJobError> => {
        const rated = Views.measured()
        const ticks = Stream.drop(Stream.tick(everyMillis), 1)
        return Stream.merge(Stream.mapError(jobs.watch(id), of), ticks, { haltStrategy: "left" }).pipe(
          Stream.mapEffect((status) =>
            Effect.gen(function* () {
              const look = yield* Effect.option(jobs.look(id))
              const now = yield* Clock.currentTimeMillis
              if (status === undefined) return Option.toArray(Option.map(look, (known) => rated(Views.job(known), now)))
              return [rated(asOf(status, look), now)]
            })
          ),
          Stream.flattenIterable
        )
      }

      return AgentRpcs.of({
        Explain: (meant) => Explaining.answer(ledgers, meant),
        Facts: () => setting.facts,
        Create: (options) => Effect.map(create(options), (id) => JobId.make(id)),
        Change: ({ id, options }) =>
          Effect.forEach(
            JobTexts.of(options),
            ([name, value]) => Effect.mapError(jobs.setProperty(id, name, value), of),
            { discard: true }
          ),
        Start: ({ id, ranges }) => start(id, ranges),
        Pause: ({ id }) => Effect.mapError(jobs.pause(id), of),
        Resume: ({ id }) => start(id, undefined),
        Finalize: ({ id }) => Effect.mapError(jobs.finalize(id), of),
        Abort: ({ id }) => Effect.mapError(jobs.abort(id), of),
        Status: ({ id }) => Effect.andThen(Effect.mapError(jobs.status(id), of), view(id)),
        Enumerate: ({ contentId, displayName, id, path, url }) =>
          jobs
            .enumerate({ id, contentId, displayName, uri: url, localPath: path })
            .pipe(Effect.flatMap((ids) => Effect.forEach(ids, view))),
        Watch: ({ everyMillis, id }) => views(id, everyMillis ?? usualEvery),
        Download: ({ everyMillis, options, ranges }) =>
          Stream.unwrap(
            Effect.gen(function* () {
              const own = yield* ownJob(options, ranges)
              const going = Stream.mapEffect(views(own.id, everyMillis ?? usualEvery), (seen) => next(jobs, seen))
              const events: Stream.Stream<DownloadEvent, AgentJobError> = Stream.concat(
                Stream.make({ _tag: "Started" as const, id: JobId.make(own.id) }),
                Stream.concat(
                  going,
                  Stream.suspend(() => Stream.fail(refusal("JobNotFound")))
                )
              )
              return Stream.takeUntil(events, ({ _tag }) => (own.isDone = _tag === "Done"))
            })
          ),
        Fetch: ({ options, ranges }) =>
          Effect.scoped(
            Effect.gen(function* () {
              const own = yield* ownJob(options, ranges)
              const ends = Stream.mapEffect(Stream.mapError(jobs.watch(own.id), of), (status) =>
                isUnderWay(status)
                  ? Effect.undefined
                  : Effect.flatMap(Effect.option(jobs.look(own.id)), (look) => next(jobs, asOf(status, look)))
              )
              const events = Stream.filter(ends, (event) => event?._tag === "Done")
              const end = Option.getOrUndefined(yield* Stream.runHead(events))
              if (end?._tag !== "Done") return yield* refusal("JobNotFound")
              own.isDone = true
              return end.outcome
            })
          ),
        Page: () =>
          setting.page === undefined
            ? Effect.fail(refusal("Unsupported"))
            : Effect.mapBoth(setting.page, {
                onSuccess: (url) => ({ url }),
                onFailure: ({ message }) => new AgentJobError({ code: JobError.system("EIO"), sentence: message })
              }),
        Perf: () => told(figures.perf),
        Month: () => figures.month,
        Peers: ({ contentId, count }) => Effect.sync(() => figures.peers(count ?? usualPeers, contentId)),
        Files: () => Effect.map(told(figures.files), (files) => files.slice(0, mostFiles)),
        Moments: ({ everyMillis, peers }) =>
          Stream.mapEffect(Stream.tick(everyMillis ?? usualEvery), () =>
            told(Effect.provideService(DeviceFigures.moment(figures, peers), Activity, activity))
          ),
        Open: (options) =>
          Stream.unwrap(
            Effect.gen(function* () {
              const { authHeaders, contentId, headers, isWhole, mirrors, priority, url } = options
              for (const given of [headers, authHeaders]) {
                const checked = RequestHeaders.check(given ?? {})
                if (Result.isFailure(checked)) return yield* badHeaders(checked.failure.message)
              }
              const { content, token } = yield* reads.open(
                downloader.open({
                  url,
                  contentId,
                  headers,
                  authHeaders,
                  others: mirrors,
                  mode: yield* setting.mode,
                  priority: priority ?? "Foreground",
                  isWhole: isWhole ?? true
                })
              )
              const facts = Views.facts(content.facts)
              const opened: OpenEvent = {
                _tag: "Opened",
                token,
                ...(content.size === undefined ? {} : { size: content.size }),
                ...(content.contentId === undefined ? {} : { contentId: content.contentId }),
                ...(facts === undefined ? {} : { facts })
              }
              const going = Stream.map(Stream.tick(usualEvery), (): OpenEvent => ({
                _tag: "Going",
                transfer: Views.transfer(content.progress())
              }))
              return Stream.concat(Stream.make(opened), going)
            })
          )
      })
    })
  )

const badHeaders = (sentence: string) => new AgentJobError({ code: JobError.code("InvalidArgument"), sentence })

/** The job when this notice was given. That moment may be over, but a step would be missing without it. */
const asOf = (status: JobStatus, look: Option.Option<JobLook>): JobView =>
  Views.job({ ...Option.getOrElse(look, () => ({ spec: {}, progress: undefined, outcome: undefined })), status })

/** Nothing of it is an end, or may need somebody. */
const isUnderWay = ({ error, state }: JobStatus): boolean =>
  state === "Created" || state === "Transferring" || (state === "Paused" && error === 0)

/** What a job that is downloaded for somebody tells next; it ends with its file or with an error. */
const next = Effect.fnUntraced(function* (
  jobs: Jobs["Service"],
  job: JobView
): Effect.fn.Return<DownloadEvent, AgentJobError> {
  if (job.state === "Paused" && job.error !== 0) return yield* of(JobError.JobError.with(job.error))
  if (job.state === "Aborted" || job.state === "Finalized") {
    const sentence = `Somebody else has ${job.state === "Aborted" ? "aborted" : "finalized"} the job.`
    return yield* new AgentJobError({ code: JobError.code("JobNotFound"), sentence })
  }
  if (job.state !== "Transferred") return { _tag: "Going", job }
  const { outcome } = yield* Effect.mapError(jobs.look(job.id), of)
  if (outcome === undefined) return yield* refusal("Unhandled")
  yield* Effect.mapError(jobs.finalize(job.id), of)
  return { _tag: "Done", outcome: Views.outcome(outcome, job.path ?? outcome.path) }
})
