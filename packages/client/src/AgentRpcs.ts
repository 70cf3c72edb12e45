/**
 * What the agent of a device does for programs of that device, over its socket: what the REST interface does with texts, with values; and beside that
 * what it has no way for, which is to watch and to read. Bytes of contents do not come in here but on a connection of their own (`ByteFrames`).
 */
import { ContentId } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { ActivityRpcs } from "./Activity.ts"
import { JobError } from "./AgentError.ts"
import { Explain } from "./Explain.ts"
import { JobOptions, OpenOptions, Ranges } from "./JobOptions.ts"
import { DownloadEvent, JobId, JobView } from "./JobView.ts"
import { Outcome, Transfer } from "./Transfer.ts"

const text = (most: number) => Schema.String.check(Schema.isMaxLength(most))

export const AgentFacts = Schema.Struct({
  version: text(64),
  pid: Schema.Natural,
  stateFolder: text(4096),
  /** Epoch milliseconds. */
  since: Schema.Natural,
  /** TCP port of the REST interface, if there is one. */
  rest: Schema.optionalKey(Schema.Port),
  /** Where it serves peers, as HOST:PORT, if it does. */
  peers: Schema.optionalKey(text(128))
})
export type AgentFacts = typeof AgentFacts.Type

const ofJob = { id: JobId }

/** Milliseconds between two looks; a change of state is told at once. */
const every = Schema.Natural.check(Schema.isGreaterThanOrEqualTo(100), Schema.isLessThanOrEqualTo(600_000))

/** Those that are given have to hold. */
export const JobFilter = Schema.Struct({
  id: Schema.optionalKey(JobId),
  url: Schema.optionalKey(ContentUrl),
  contentId: Schema.optionalKey(ContentId),
  displayName: Schema.optionalKey(text(256)),
  path: Schema.optionalKey(text(4096))
})
export type JobFilter = typeof JobFilter.Type

/** Names bytes to be read on another connection, as long as the call goes on that said it. */
export const ReadToken = Schema.String.check(Schema.isPattern(/^[0-9a-f]{32}$/))

/** What the server of a content said. */
export const ServerFacts = Schema.Struct({
  status: Schema.optionalKey(Schema.Natural),
  url: Schema.optionalKey(text(8192)),
  headers: Schema.optionalKey(Schema.Record(text(256), text(16_384)).check(Schema.isMaxProperties(256))),
  address: Schema.optionalKey(text(128))
})
export type ServerFacts = typeof ServerFacts.Type

export const OpenEvent = Schema.Union([
  Schema.TaggedStruct("Opened", {
    token: ReadToken,
    /** Of the whole content. */
    size: Schema.optionalKey(Schema.Natural),
    /** Without one nobody vouches for the bytes. */
    contentId: Schema.optionalKey(ContentId),
    facts: Schema.optionalKey(ServerFacts)
  }),
  Schema.TaggedStruct("Going", { transfer: Transfer })
])
export type OpenEvent = typeof OpenEvent.Type

export class AgentRpcs extends RpcGroup.make(
  Rpc.make("Facts", { success: AgentFacts }),
  /** Where a person sees what the device does: an address with a secret, for whoever may give jobs. It is served from the first call on. */
  Rpc.make("Page", { success: Schema.Struct({ url: text(512) }), error: JobError }),
  Rpc.make("Create", { payload: JobOptions, success: JobId, error: JobError }),
  /** What may be set in which state: docs/jobs.md. Properties before one that is refused are set. */
  Rpc.make("Change", { payload: { ...ofJob, options: JobOptions }, success: Schema.Void, error: JobError }),
  Rpc.make("Start", {
    payload: { ...ofJob, ranges: Schema.optionalKey(Ranges) },
    success: Schema.Void,
    error: JobError
  }),
  Rpc.make("Pause", { payload: ofJob, success: Schema.Void, error: JobError }),
  Rpc.make("Resume", { payload: ofJob, success: Schema.Void, error: JobError }),
  Rpc.make("Finalize", { payload: ofJob, success: Schema.Void, error: JobError }),
  Rpc.make("Abort", { payload: ofJob, success: Schema.Void, error: JobError }),
  Rpc.make("Status", { payload: ofJob, success: JobView, error: JobError }),
  Rpc.make("Enumerate", {
    payload: JobFilter,
    success: Schema.Array(JobView).check(Schema.isMaxLength(10_000)),
    error: JobError
  }),
  /** Ends with the job. */
  Rpc.make("Watch", {
    payload: { ...ofJob, everyMillis: Schema.optionalKey(every) },
    success: JobView,
    error: JobError,
    stream: true
  }),
  /** A job from its creation to its end; who leaves before that aborts it. */
  Rpc.make("Download", {
    payload: { options: JobOptions, ranges: Schema.optionalKey(Ranges), everyMillis: Schema.optionalKey(every) },
    success: DownloadEvent,
    error: JobError,
    stream: true
  }),
  /** The same without a word on the way, for what is small: the answer comes when the file is at its place. */
  Rpc.make("Fetch", {
    payload: { options: JobOptions, ranges: Schema.optionalKey(Ranges) },
    success: Outcome,
    error: JobError
  }),
  /** A content to be read, for as long as the call goes on; it never ends by itself. */
  Rpc.make("Open", { payload: OpenOptions, success: OpenEvent, error: JobError, stream: true }),
  Explain
).merge(ActivityRpcs) {}
