/**
 * One run: origin, service and clients as processes on loopback, all clients fetching one file at the same time, and
 * at the end every file hashed by the demo itself. Whatever happens, every process it started is ended and the folder
 * is removed.
 */
import { Clock, Effect, Exit, FileSystem, Path, Queue, Ref, Result, Schedule, Schema, Scope, Stream } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import type { ChildProcessSpawner } from "effect/process"
import { createHash } from "node:crypto"
import { statfs } from "node:fs/promises"
import * as Apps from "./Apps.ts"
import * as Board from "./Board.ts"
import { anyDevice } from "@piecework/policy/PolicyFile"
import * as Child from "./Child.ts"
import { ClientEvent, type Outcome } from "./ClientEvents.ts"
import { Counts, countsPath } from "./FileOrigin.ts"
import * as Report from "./Report.ts"

/** The run could not be set up. */
export class DemoError extends Schema.TaggedError<DemoError>()("DemoError", {
  reason: Schema.Literals(["NoFile", "TooSmall", "NoRoom", "NoFolder", "NoCounts", "Unreadable"]),
  /** The file or folder it is about. */
  subject: Schema.String,
  /** With `NoRoom`: bytes that are wanted. */
  bytes: Schema.optionalKey(Schema.Natural),
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    switch (this.reason) {
      case "NoFile":
        return `There is no file ${this.subject} that can be read; name another one with --file.`
      case "TooSmall":
        return `${this.subject} is too small: clients ask no peers for files under 10 MB; name a larger one with --file.`
      case "NoRoom":
        return `The run wants ${Math.ceil((this.bytes ?? 0) / 1e6)} MB of disk under ${this.subject}, and there is less; take fewer --clients, a smaller --file, or set TMPDIR.`
      case "NoFolder":
        return `No folder for the run can be made (${this.subject}); set TMPDIR.`
      case "NoCounts":
        return `The origin did not say how much it has sent (${this.subject}).`
      case "Unreadable":
        return `${this.subject} cannot be read back.`
    }
  }
}

export interface Options {
  readonly clients: number
  readonly file: string
  readonly bitsPerSecond: number
  /** Leave the folder with the files and the clients' caches where it is. */
  readonly keep: boolean
}

export interface Run {
  /** What is going on now. */
  readonly board: Effect.Effect<Board.Board>
  /** Runs to the end. */
  readonly report: Effect.Effect<
    Report.Report,
    DemoError | Child.ChildError,
    ChildProcessSpawner.ChildProcessSpawner | FileSystem.FileSystem | HttpClient.HttpClient | Path.Path
  >
  /** Where files and caches lie; known once the run is under way. */
  readonly folder: Effect.Effect<string | undefined>
}

/** Least size for which clients ask peers. Source: spec.md §2.2, F024; the client's --min-peer-size. */
const leastFile = 10_000_000

/** Checks what was asked for and prepares a run. */
export const prepare = Effect.fn("Demo.prepare")(function* (options: Options) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const file = path.resolve(options.file)
  const info = yield* fs.stat(file).pipe(Effect.option)
  if (info._tag === "None" || info.value.type !== "File")
    return yield* new DemoError({ reason: "NoFile", subject: file })
  const fileBytes = Number(info.value.size)
  if (fileBytes < leastFile) return yield* new DemoError({ reason: "TooSmall", subject: file })

  const { clients, bitsPerSecond } = options
  const board = yield* Ref.make(Board.make({ fileName: path.basename(file), fileBytes, bitsPerSecond, clients }))
  const folder = yield* Ref.make<string | undefined>(undefined)
  const run: Run = {
    board: Ref.get(board),
    folder: Ref.get(folder),
    report: Effect.scoped(conduct({ ...options, file, fileBytes }, board, folder))
  }
  return run
})

const conduct = Effect.fn("Demo.run")(function* (
  options: Options & { readonly fileBytes: number },
  board: Ref.Ref<Board.Board>,
  folder: Ref.Ref<string | undefined>
) {
  const { file, fileBytes, clients, bitsPerSecond } = options
  const path = yield* Path.Path
  const root = yield* makeFolder(options)
  yield* Ref.set(folder, root)

  yield* Apps.prepare

  const data = path.join(root, "service")
  const originChild = yield* Child.start({
    name: "the origin",
    ...Apps.origin(file, bitsPerSecond),
    holdsInput: true
  })
  const serviceChild = yield* start("the service", Apps.service(data))
  const origin = yield* Child.announcement(originChild, Apps.OriginReady)
  const service = yield* Child.announcement(serviceChild, Apps.ServiceReady)
  const publisher = yield* start("the publisher", Apps.publish(file, origin.url, data))
  yield* Child.announcement(publisher, Apps.Published)
  const sha256 = yield* hashOf(file)

  yield* countsOf(origin.listening).pipe(
    Effect.flatMap(({ bodyBytes }) => Ref.update(board, (now) => ({ ...now, originBytes: bodyBytes }))),
    Effect.ignore,
    Effect.repeat(Schedule.spaced("500 millis")),
    Effect.forkScoped
  )

  // Ended together, and before anything that they use.
  const together = yield* Effect.acquireRelease(Scope.make("parallel"), (scope) => Scope.close(scope, Exit.void))
  const startedAt = yield* Clock.currentTimeMillis
  yield* Ref.update(board, (now): Board.Board => ({ ...now, stage: "Fetching", startedAt }))
  const results = yield* Effect.forEach(
    Array.from({ length: clients }, (_, i) => i + 1),
    (client) =>
      fetchWith(
        client,
        {
          url: origin.url,
          output: path.join(root, `client-${client}`, path.basename(file)),
          service: service.listening,
          state: path.join(root, `client-${client}`, "state")
        },
        { board, startedAt, limitMillis: limitOf(options) }
      ).pipe(
        Effect.provideService(Scope.Scope, together),
        Effect.tapError(() => Ref.update(board, Board.failed(client))),
        Effect.mapError(({ message }): Report.Failure => ({ client, message })),
        Effect.result
      ),
    { concurrency: "unbounded" }
  )
  yield* Ref.update(board, (now): Board.Board => ({ ...now, stage: "Verifying" }))
  yield* Scope.close(together, Exit.void)
  // Read when nobody asks any more, so that what was sent in vain is in it.
  const counts = yield* countsOf(origin.listening)

  const finished = yield* Effect.forEach(results.filter(Result.isSuccess), ({ success }) =>
    Effect.map(hashOf(success.outcome.path), (hash): Report.Finished => ({ ...success, verified: hash === sha256 }))
  )
  yield* Ref.update(board, (now): Board.Board => ({ ...now, stage: "Over", originBytes: counts.bodyBytes }))
  const wrong = finished
    .filter((one) => !one.verified)
    .map(({ client }) => ({
      client,
      message: `The file of client ${client} is not the original: its SHA-256 differs.`
    }))
  return Report.make({
    clients,
    file,
    fileBytes,
    sha256,
    bitsPerSecond,
    origin: counts,
    finished,
    failures: [...results.filter(Result.isFailure).map(({ failure }) => failure), ...wrong]
  })
})

/** Starts a client and follows what it says until it has its file; it stays up to give to others. */
const fetchWith = Effect.fnUntraced(function* (
  client: number,
  places: Parameters<typeof Apps.client>[0],
  run: { readonly board: Ref.Ref<Board.Board>; readonly startedAt: number; readonly limitMillis: number }
) {
  const fs = yield* FileSystem.FileSystem
  yield* fs
    .makeDirectory(places.state, { recursive: true })
    .pipe(Effect.mapError((cause) => new DemoError({ reason: "NoFolder", subject: places.state, cause })))
  const child = yield* start(`client ${client}`, Apps.client(places))

  /** The next line; notes progress, answers the result. */
  const next = Effect.gen(function* () {
    const line = yield* Effect.catchTag(Queue.take(child.lines), "Done", () => Child.endedEarly(child))
    const event = yield* Schema.decodeUnknownEffect(ClientEvent)(line).pipe(
      Effect.mapError((cause) => child.error("Unintelligible", { cause }))
    )
    if (event.progress !== undefined) yield* Ref.update(run.board, Board.progressed(client, event.progress))
    return event.result
  })
  const follow: Effect.Effect<Outcome, Child.ChildError> = Effect.flatMap(next, (result) =>
    result === undefined ? follow : Effect.succeed(result)
  )
  const outcome = yield* follow.pipe(
    Effect.timeoutOrElse({ duration: run.limitMillis, orElse: () => Effect.fail(child.error("TimedOut")) })
  )
  const seconds = ((yield* Clock.currentTimeMillis) - run.startedAt) / 1000
  yield* Ref.update(run.board, Board.done(client, seconds))
  yield* next.pipe(Effect.forever, Effect.ignore, Effect.forkScoped)
  return { client, outcome, seconds }
})

/** Far more than a run without any peers would take, so that a run that hangs ends too. */
const limitOf = (options: Options & { readonly fileBytes: number }): number =>
  60_000 + ((2 * options.clients * options.fileBytes * 8) / options.bitsPerSecond) * 1000

/** A folder for the run, with room in it for the cache and the file of every client. */
const makeFolder = Effect.fnUntraced(function* (options: Options & { readonly fileBytes: number }) {
  const fs = yield* FileSystem.FileSystem
  const naming = { prefix: "piecework-demo-" }
  const made = options.keep ? fs.makeTempDirectory(naming) : fs.makeTempDirectoryScoped(naming)
  const root = yield* Effect.mapError(
    made,
    (cause) => new DemoError({ reason: "NoFolder", subject: cause.message, cause })
  )
  const bytes = options.clients * options.fileBytes * 2
  const disk = yield* Effect.tryPromise({
    try: () => statfs(root),
    catch: (cause) => new DemoError({ reason: "NoFolder", subject: root, cause })
  })
  if (disk.bavail * disk.bsize < bytes) return yield* new DemoError({ reason: "NoRoom", subject: root, bytes })
  return root
})

const countsOf = (origin: string) =>
  HttpClient.get(`${origin}${countsPath}`).pipe(
    Effect.flatMap(HttpClientResponse.schemaBodyJson(Counts)),
    Effect.timeout("5 seconds"),
    Effect.mapError((cause) => new DemoError({ reason: "NoCounts", subject: origin, cause }))
  )

/** SHA-256 of a file as hex. */
const hashOf = Effect.fnUntraced(function* (file: string) {
  const fs = yield* FileSystem.FileSystem
  const hash = yield* fs.stream(file, { chunkSize: 1_048_576 }).pipe(
    Stream.runFold(
      () => createHash("sha256"),
      (sum, bytes) => sum.update(bytes)
    ),
    Effect.mapError((cause) => new DemoError({ reason: "Unreadable", subject: file, cause }))
  )
  return hash.digest("hex")
})

/** Whatever this machine is: it plays many. */
const start = (name: string, invocation: Apps.Invocation) => Child.start({ name, ...invocation, env: anyDevice })
