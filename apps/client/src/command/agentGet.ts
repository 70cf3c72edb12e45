/** `piecework get --agent`: the agent downloads, and this shows what it does. Loaded when it is wanted. */
import { randomBytes } from "node:crypto"
import { rename } from "node:fs/promises"
import { dirname, join } from "node:path"
import * as Agent from "@piecework/client/Agent"
import { FilePath, type JobOptions } from "@piecework/client/JobOptions"
import type { JobView } from "@piecework/client/JobView"
import type { Outcome, Transfer } from "@piecework/client/Transfer"
import type { ContentId } from "@piecework/domain/Content"
import type { ContentUrl } from "@piecework/domain/ContentUrl"
import { noBytes } from "@piecework/domain/SourceKind"
import { DestinationError } from "@piecework/download/DownloadError"
import type { DownloadResult, Progress } from "@piecework/download/Progress"
import * as JobErrors from "@piecework/jobs/JobError"
import type { Priority } from "@piecework/policy/Facts"
import type { RequestHeaders } from "@piecework/sources/RequestHeaders"
import { Failure } from "@piecework/terminal/Failure"
import { Output } from "@piecework/terminal/Output"
import { Duration, Effect, Option, Schema, Stream } from "effect"
import { exitCodes } from "../ExitCode.ts"
import * as Amount from "../view/Amount.ts"
import * as Summary from "../view/Summary.ts"
import * as Watch from "../Watch.ts"
import type { Input } from "./anAgent.ts"
import { withAgent } from "./withAgent.ts"

export interface Wanted extends Input {
  readonly url: ContentUrl
  /** Absolute; `undefined` for standard output. */
  readonly path: string | undefined
  readonly contentId: ContentId | undefined
  readonly headers: RequestHeaders | undefined
  /** Other URLs of the same content. */
  readonly others: ReadonlyArray<ContentUrl>
  readonly priority: Priority
  readonly overwrite: boolean
  readonly detach: boolean
  readonly timeout: Option.Option<Duration.Duration>
  readonly json: boolean
  readonly events: boolean
}

export const run = Effect.fnUntraced(function* ({ path, ...wanted }: Wanted) {
  if (path === undefined) return yield* withAgent(wanted)(Effect.scoped(stream(wanted)))
  if (wanted.detach && wanted.overwrite) {
    return yield* new Failure({
      sentence: "--overwrite and --detach exclude each other: nobody would be there to put the file in its place.",
      code: exitCodes.usage
    })
  }
  const options = yield* jobOf(path, wanted)
  yield* (wanted.detach ? hand(options, wanted.json || wanted.events) : fetch(path, options, wanted)).pipe(
    // As without the agent: what people can do about it.
    Effect.mapError((error) =>
      error._tag === "JobError" && error.code === JobErrors.system("EEXIST")
        ? new Failure({
            sentence: new DestinationError({ path, reason: "Exists" }).message,
            code: exitCodes.destination
          })
        : error
    ),
    withAgent(wanted)
  )
})

/** The content itself, to standard output. */
const stream = Effect.fnUntraced(function* (wanted: Omit<Wanted, "path">) {
  const { contentId, headers, others, priority, url } = wanted
  const agent = yield* Agent.Agent
  const { pour } = yield* Effect.promise(() => import("./toStdout.ts"))
  const content = yield* agent.open({
    url,
    priority,
    ...(contentId === undefined ? {} : { contentId }),
    ...(headers === undefined ? {} : { headers }),
    ...(others.length === 0 ? {} : { mirrors: others })
  })
  yield* pour(content.read(), () => {
    const transfer = content.transfer()
    return transfer === undefined ? starting : ofTransfer(transfer)
  })
})

/** Creates and starts it, and leaves it to the agent. */
const hand = Effect.fnUntraced(function* (options: JobOptions, isForProgram: boolean) {
  const agent = yield* Agent.Agent
  const output = yield* Output
  const id = yield* agent.create({ ...options, nonVolatile: true })
  yield* Effect.onError(agent.start(id), () => Effect.ignore(agent.abort(id)))
  yield* output.line(isForProgram ? JSON.stringify({ job: id }) : id)
})

const fetch = Effect.fnUntraced(function* (path: string, options: JobOptions, wanted: Omit<Wanted, "path">) {
  const agent = yield* Agent.Agent
  const output = yield* Output
  const isForPeople = !wanted.json && !wanted.events
  // A job makes its file where none is; another one is replaced when this is whole.
  const draft = wanted.overwrite ? join(dirname(path), `.piecework-${randomBytes(6).toString("hex")}`) : path
  let progress: Progress = starting
  let outcome: Outcome | undefined
  const events = agent.download({ ...options, path: draft }, { everyMillis: 200 })
  yield* Stream.runForEach(events, (event) =>
    Effect.sync(() => {
      if (event._tag === "Going") progress = progressOf(event.job, progress)
      if (event._tag === "Done") outcome = event.outcome
    })
  ).pipe(
    wanted.events
      ? Watch.events(() => progress)
      : output.isWatched && !wanted.json
        ? Watch.line(() => progress)
        : (effect) => effect,
    Effect.onInterrupt(() => {
      const { heldBytes, requestedBytes } = progress
      const at = requestedBytes === undefined ? "" : ` at ${Amount.percent(heldBytes, requestedBytes)}`
      return isForPeople ? output.note(`Interrupted${at}; the agent has given it up as well.`) : Effect.void
    })
  )
  if (outcome === undefined) return
  if (wanted.overwrite) yield* replace(draft, path)
  const result = { ...outcome, path }
  if (wanted.json) yield* output.line(JSON.stringify(result))
  else if (wanted.events) yield* output.line(JSON.stringify({ result }))
  else if (output.isWatched) yield* output.note(Summary.render(result as DownloadResult))
})

const replace = (draft: string, path: string): Effect.Effect<void, Failure> =>
  Effect.tryPromise({
    try: () => rename(draft, path),
    catch: (cause) =>
      new Failure({
        sentence: `The file is whole at ${draft}, but it cannot take the place of ${path}: ${String(cause)}.`,
        code: exitCodes.destination
      })
  })

const jobOf = Effect.fnUntraced(function* (path: string, wanted: Omit<Wanted, "path">) {
  const { contentId, headers, others, priority, timeout, url } = wanted
  const known = yield* Effect.mapError(
    Schema.decodeUnknownEffect(FilePath)(path),
    () => new Failure({ sentence: `${path} is no name of a file.`, code: exitCodes.usage })
  )
  const seconds = Option.map(timeout, (span) => Math.ceil(Duration.toSeconds(span)))
  if (Option.isSome(seconds) && seconds.value < 10) {
    return yield* new Failure({
      sentence: "The agent waits 10 seconds or more for bytes; give --no-progress-timeout at least that.",
      code: exitCodes.usage
    })
  }
  const options: JobOptions = {
    url,
    path: known,
    priority,
    ...(contentId === undefined ? {} : { contentId }),
    ...(headers === undefined ? {} : { headers }),
    ...(others.length === 0 ? {} : { mirrors: others }),
    ...(Option.isNone(seconds) ? {} : { noProgressTimeoutSeconds: seconds.value })
  }
  return options
})

const starting: Progress = {
  phase: "Starting",
  mode: "Simple",
  why: undefined,
  fileBytes: undefined,
  requestedBytes: undefined,
  heldBytes: 0,
  received: noBytes,
  sent: 0,
  peers: 0,
  connections: { LinkLocal: 0, Lan: 0, Group: 0, Internet: 0 },
  banned: []
}

/** What is shown of the job: as it was while it waits to be tried again. */
const progressOf = ({ sentence, transfer }: JobView, before: Progress): Progress => ({
  ...before,
  ...(transfer === undefined ? {} : ofTransfer(transfer)),
  retrying: transfer?.retrying ?? sentence
})

const ofTransfer = (transfer: Transfer): Progress => ({ ...starting, ...transfer }) as Progress
