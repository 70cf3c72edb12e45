/** The agent of this device, as a program speaks to it: one connection for all calls, and one more for each content that is read. */
import type { Duplex } from "node:stream"
import type { ContentId } from "@piecework/domain/Content"
import { Cause, Context, Effect, Layer, Option, Schedule, type Scope, Stream } from "effect"
import { RpcClient, type RpcClientError, RpcSerialization } from "effect/rpc"
import { Socket } from "effect/socket"
import type { FilePeers, FileStatus, Moment, PerfMonth, PerfSnap } from "./Activity.ts"
import { AgentLost, type AgentNotFound, JobError } from "./AgentError.ts"
import { AgentLink } from "./AgentLink.ts"
import { type AgentFacts, AgentRpcs, type JobFilter, type ServerFacts } from "./AgentRpcs.ts"
import * as AgentWire from "./AgentWire.ts"
import * as ByteFrames from "./ByteFrames.ts"
import * as DuplexSocket from "./DuplexSocket.ts"
import type { Meant, Told } from "./Explain.ts"
import type { JobOptions, OpenOptions, Range } from "./JobOptions.ts"
import type { DownloadEvent, JobId, JobView } from "./JobView.ts"
import type { Outcome, Transfer } from "./Transfer.ts"

/** A call on a job did not do what it should. */
export type CallError = JobError | AgentLost

/** A content that is open; see `Agent.open`. */
export interface OpenContent {
  /** Bytes of the whole content, where that is known. */
  readonly size: number | undefined
  /** Without one nobody vouches for the bytes. */
  readonly contentId: ContentId | undefined
  /** What its server said. */
  readonly facts: ServerFacts | undefined
  /** How it goes, as told last. */
  readonly transfer: () => Transfer | undefined
  /** Its bytes in order, each checked before it comes where there are hashes. Several may be read at a time. */
  readonly read: (range?: Range) => Stream.Stream<Uint8Array, CallError | AgentNotFound>
}

export class Agent extends Context.Service<
  Agent,
  {
    readonly facts: Effect.Effect<AgentFacts, AgentLost>
    /** Address of the activity page, with the secret that opens it. */
    readonly page: Effect.Effect<string, CallError>
    readonly create: (options: JobOptions) => Effect.Effect<JobId, CallError>
    /** Sets what is given; docs/jobs.md says what may be set when. */
    readonly change: (id: JobId, options: JobOptions) => Effect.Effect<void, CallError>
    /** Ranges belong to the first start. */
    readonly start: (id: JobId, ranges?: ReadonlyArray<Range>) => Effect.Effect<void, CallError>
    readonly pause: (id: JobId) => Effect.Effect<void, CallError>
    readonly resume: (id: JobId) => Effect.Effect<void, CallError>
    /** Takes a transferred job from the list; its file stays. */
    readonly finalize: (id: JobId) => Effect.Effect<void, CallError>
    /** Takes a job from the list; its file goes, if the job made it. */
    readonly abort: (id: JobId) => Effect.Effect<void, CallError>
    readonly status: (id: JobId) => Effect.Effect<JobView, CallError>
    /** In the order in which they were created. */
    readonly enumerate: (filter?: JobFilter) => Effect.Effect<ReadonlyArray<JobView>, CallError>
    /** The job now, on each change, and every so many milliseconds (default 1000); ends with the job. */
    readonly watch: (id: JobId, everyMillis?: number) => Stream.Stream<JobView, CallError>
    /** A job from its creation to its end. Whoever leaves before it is done aborts it. */
    readonly download: (
      options: JobOptions,
      how?: { readonly ranges?: ReadonlyArray<Range> | undefined; readonly everyMillis?: number | undefined }
    ) => Stream.Stream<DownloadEvent, CallError>
    /** A job from its creation to its end, of which nothing is told on the way. Whoever leaves before it is done aborts it. */
    readonly fetch: (options: JobOptions, ranges?: ReadonlyArray<Range>) => Effect.Effect<Outcome, CallError>
    /** How the device does now, with the names of spec.md §8.1, as all that follow. */
    readonly perf: Effect.Effect<PerfSnap, CallError>
    readonly month: Effect.Effect<PerfMonth, CallError>
    /** All files that the device knows of. */
    readonly files: Effect.Effect<ReadonlyArray<FileStatus>, CallError>
    /** Of each content that has peers now, or of one, the busiest `count` (default 5). */
    readonly peers: (options?: {
      readonly count?: number
      readonly contentId?: ContentId
    }) => Effect.Effect<ReadonlyArray<FilePeers>, CallError>
    /** How it does, again and again; it never ends. */
    readonly moments: (options?: {
      readonly everyMillis?: number
      readonly peers?: number
    }) => Stream.Stream<Moment, CallError>
    /** Answers as soon as size and kind are known. The content is closed with the scope; what was fetched stays in the agent's cache. */
    readonly open: (options: OpenOptions) => Effect.Effect<OpenContent, CallError, Scope.Scope>
    /** Why a download went as it did that goes on or went through the agent; `null` for one that it does not know. */
    readonly explain: (meant: Meant) => Effect.Effect<Told | null, AgentLost>
  }
>()("@piecework/client/Agent") {
  /** One connection, for as long as the layer is there. */
  static readonly layerLink: Layer.Layer<Agent, AgentNotFound, AgentLink> = Layer.effect(
    Agent,
    Effect.suspend(() => make)
  )

  /** The agent at this socket, else the one that is found; see `AgentPlace`. */
  static readonly layer = (path?: string): Layer.Layer<Agent, AgentNotFound> =>
    Layer.provide(Agent.layerLink, AgentLink.layer(path === undefined ? undefined : [path]))
}

/** A connection, for as long as the scope lasts. */
export const make: Effect.Effect<Agent["Service"], AgentNotFound, AgentLink | Scope.Scope> = Effect.gen(function* () {
  const link = yield* AgentLink
  const protocol = yield* RpcClient.makeProtocolSocket({
    // One that is lost stays lost: the jobs of its calls are gone as well.
    retryPolicy: Schedule.recurs(0),
    // A socket of the same machine says when the other side is gone; this is for an agent that hangs.
    pingInterval: "30 seconds",
    pingTimeout: "60 seconds"
  }).pipe(
    Effect.provideService(Socket.Socket, DuplexSocket.of(yield* link.connect)),
    Effect.provideService(RpcSerialization.RpcSerialization, AgentWire.ofProgram)
  )
  const rpc = yield* RpcClient.make(AgentRpcs, { disableTracing: true }).pipe(
    Effect.provideService(RpcClient.Protocol, protocol)
  )

  return Agent.of({
    facts: called(rpc.Facts()),
    page: Effect.map(called(rpc.Page()), ({ url }) => url),
    create: (options) => called(rpc.Create(options)),
    change: (id, options) => called(rpc.Change({ id, options })),
    start: (id, ranges) => called(rpc.Start(ranges === undefined ? { id } : { id, ranges })),
    pause: (id) => called(rpc.Pause({ id })),
    resume: (id) => called(rpc.Resume({ id })),
    finalize: (id) => called(rpc.Finalize({ id })),
    abort: (id) => called(rpc.Abort({ id })),
    status: (id) => called(rpc.Status({ id })),
    enumerate: (filter = {}) => called(rpc.Enumerate(filter)),
    watch: (id, everyMillis) => streamed(rpc.Watch({ id, ...pace(everyMillis) })),
    download: (options, { everyMillis, ranges } = {}) =>
      streamed(rpc.Download({ options, ...(ranges === undefined ? {} : { ranges }), ...pace(everyMillis) })),
    fetch: (options, ranges) => called(rpc.Fetch(ranges === undefined ? { options } : { options, ranges })),
    explain: (meant) => called(rpc.Explain(meant)),
    perf: called(rpc.Perf()),
    month: called(rpc.Month()),
    files: called(rpc.Files()),
    peers: (options = {}) => called(rpc.Peers(options)),
    moments: (options = {}) => streamed(rpc.Moments(options)),
    open: Effect.fnUntraced(function* (options) {
      let transfer: Transfer | undefined
      const pull = yield* Stream.toPull(streamed(rpc.Open(options)))
      const first = yield* Effect.catchIf(pull, Cause.isDone, () => Effect.fail(new AgentLost({ cause: "no answer" })))
      const opened = first.find((event) => event._tag === "Opened")
      if (opened === undefined) return yield* new AgentLost({ cause: first })
      const hear = Effect.map(pull, (events) => {
        for (const event of events) if (event._tag === "Going") transfer = event.transfer
      })
      // What goes wrong with it is said to those who read.
      yield* Effect.forkScoped(Effect.ignore(Effect.forever(hear)))
      const { contentId, facts, size, token } = opened
      return {
        size,
        contentId,
        facts,
        transfer: () => transfer,
        read: (range = { offset: 0 }) =>
          Stream.unwrap(Effect.flatMap(link.connect, (duplex) => bytesOf(duplex, { token, ...range })))
      }
    })
  })
})

const pace = (everyMillis: number | undefined) => (everyMillis === undefined ? {} : { everyMillis })

/** What is not the call's own failure is the end of the connection, or of the understanding. */
const reasonOf = <E extends JobError | RpcClientError.RpcClientError>(
  cause: Cause.Cause<E>
): Effect.Effect<never, Extract<E, JobError> | AgentLost> => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (error instanceof JobError) return Effect.fail(error as Extract<E, JobError>)
  return Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Effect.fail(new AgentLost({ cause: Cause.squash(cause) }))
}

const called = <A, E extends JobError | RpcClientError.RpcClientError>(
  effect: Effect.Effect<A, E>
): Effect.Effect<A, Extract<E, JobError> | AgentLost> => Effect.catchCause(effect, (cause) => reasonOf(cause))

const streamed = <A, E extends JobError | RpcClientError.RpcClientError>(
  stream: Stream.Stream<A, E>
): Stream.Stream<A, Extract<E, JobError> | AgentLost> =>
  Stream.catchCause(stream, (cause) => Stream.fromEffect(reasonOf(cause)))

/** The bytes that come on a connection of their own. */
const bytesOf = Effect.fnUntraced(function* (duplex: Duplex, request: ByteFrames.ReadRequest) {
  const pull = yield* DuplexSocket.pull(duplex)
  const decoder = ByteFrames.decoder()
  duplex.write(ByteFrames.encodeRequest(request))
  let ending: ByteFrames.Ending | undefined
  const next: Effect.Effect<readonly [Uint8Array, ...Array<Uint8Array>], CallError | Cause.Done> = Effect.suspend(
    () => {
      if (ending?._tag === "Complete") return Cause.done()
      if (ending?._tag === "Failed") return Effect.fail(ending.error)
      if (ending?._tag === "Garbled") return Effect.fail(new AgentLost({ cause: "what came is no frame" }))
      return Effect.flatMap(
        Effect.mapError(pull, (cause) => new AgentLost({ cause })),
        (portions) => {
          const views: Array<Uint8Array> = []
          for (const portion of portions) ending ??= decoder.push(portion, (view) => void views.push(view))
          const [first, ...others] = views
          return first === undefined ? next : Effect.succeed([first, ...others] as const)
        }
      )
    }
  )
  return Stream.fromPull(Effect.succeed(next))
})
