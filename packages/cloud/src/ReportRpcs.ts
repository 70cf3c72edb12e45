/**
 * Reports: devices tell what became of their downloads and where the bytes came from. Names are those of Delivery
 * Optimization's events (spec.md §8.4); what it keeps to itself or we cannot know is left out, and `bytesWasted`, `deviceId`, `eventId` and
 * `sentAt` are ours. An event counts once, however often and in whatever batches it comes.
 */
import { ContentId } from "@piecework/domain/Content"
import { ModeReason } from "@piecework/domain/DownloadMode"
import { DeviceId, PeerId } from "@piecework/domain/Peer"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { CallerMiddleware } from "./Caller.ts"
import { ClientVersion, GroupId, ProfileBits, text } from "./Fields.ts"
import { RequestRefused } from "./RoleError.ts"

/** Most events in one batch; with each field at its longest they fit a request's 64 KiB only in part, so a sender counts bytes too. */
export const maxEvents = 64

/** 16 random bytes as hex digits; names one event for ever. */
export const EventId = Schema.String.check(Schema.isPattern(/^[0-9a-f]{32}$/)).pipe(Schema.brand("EventId"))
export type EventId = typeof EventId.Type

/** Epoch milliseconds, as far as a date can say them. Source: ECMA-262, time values. */
const Time = Schema.Natural.check(Schema.isLessThanOrEqualTo(8_640_000_000_000_000))

/** Bytes of one download: at most 16 TiB, so that no single device can make a sum meaningless. */
const Amount = Schema.Natural.check(Schema.isLessThanOrEqualTo(2 ** 44))

const Count = Schema.Natural.check(Schema.isLessThanOrEqualTo(1_000_000_000))

/** The numbers of the modes. Source: spec.md §2.1. */
const ModeNumber = Schema.Literals([0, 1, 2, 3, 99, 100])

/** What every event says. */
const identity = {
  eventId: EventId,
  /** When it happened, by the device's clock. */
  time: Time,
  /** Names the download on its device; its events share it. */
  jobID: Schema.String.check(Schema.isPattern(/^[0-9a-f]{32}$/)),
  /** The content, once the device knows it. */
  fileID: Schema.optionalKey(ContentId),
  fileSize: Schema.optionalKey(Amount),
  /** Where the file comes from; without query and credentials, unless the device was told otherwise. */
  cdnUrl: Schema.optionalKey(text(2048)),
  background: Schema.Boolean,
  downloadMode: ModeNumber,
  /** Why that mode: what the client gives as its reason. */
  downloadModeReason: Schema.optionalKey(ModeReason),
  groupID: Schema.optionalKey(GroupId),
  peerID: Schema.optionalKey(PeerId),
  /** Who asked for the file. */
  predefinedCallerName: Schema.optionalKey(text(64))
}

/** What a download had brought when it ended or paused. Every byte that came in is under one kind of source, wasted ones too. */
const outcome = {
  bytesFromCDN: Amount,
  bytesFromCacheServer: Amount,
  /** From peers of the same network (LAN). */
  bytesFromPeers: Amount,
  bytesFromLinkLocalPeers: Amount,
  bytesFromGroupPeers: Amount,
  bytesFromIntPeers: Amount,
  /** What was held before; nobody sent it this time. */
  bytesFromLocalCache: Amount,
  /** Of the bytes from all sources, those that became no piece: bad, delivered twice, or of requests that were given up. */
  bytesWasted: Amount,
  lanConnectionCount: Count,
  linkLocalConnectionCount: Count,
  groupConnectionCount: Count,
  internetConnectionCount: Count,
  /** Peers that the service named, at most at once; absent when it was not asked. */
  numPeers: Schema.optionalKey(Count),
  /** From its start, in milliseconds. */
  totalTimeMs: Schema.Natural.check(Schema.isLessThanOrEqualTo(31_622_400_000))
}

/** A word of at most 64 characters, or Microsoft's number for it as "0x80D02002". */
const ErrorCode = text(64)

export const DownloadStarted = Schema.TaggedStruct("DownloadStarted", identity)

/** The file is whole at its destination. The sources and the cache together brought the file and the waste. */
export const DownloadCompleted = Schema.TaggedStruct("DownloadCompleted", { ...identity, ...outcome })
export type DownloadCompleted = typeof DownloadCompleted.Type

/** It was interrupted, and may go on: what it has by then counts as `bytesFromLocalCache` next time. */
export const DownloadPaused = Schema.TaggedStruct("DownloadPaused", { ...identity, ...outcome, reasonCode: ErrorCode })

/** It was given up. */
export const DownloadCanceled = Schema.TaggedStruct("DownloadCanceled", {
  ...identity,
  ...outcome,
  reasonCode: ErrorCode,
  doErrorCode: Schema.optionalKey(ErrorCode)
})

/** The origin or the cache server did not give what it was asked for. */
export const FailureCdnCommunication = Schema.TaggedStruct("FailureCdnCommunication", {
  ...identity,
  errorCode: ErrorCode,
  errorCount: Count,
  httpStatusCode: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 100, maximum: 999 })))
})

/** Something else went wrong. */
export const JobError = Schema.TaggedStruct("JobError", {
  ...identity,
  errorCode: ErrorCode,
  doErrorCode: Schema.optionalKey(ErrorCode)
})

/** Events that the device had no room to keep until they could be sent, or could not read any more. Ours. */
export const EventsLost = Schema.TaggedStruct("EventsLost", {
  eventId: EventId,
  time: Time,
  count: Count
})

export const ReportEvent = Schema.Union([
  DownloadStarted,
  DownloadCompleted,
  DownloadPaused,
  DownloadCanceled,
  FailureCdnCommunication,
  JobError,
  EventsLost
])
export type ReportEvent = typeof ReportEvent.Type

/** An event that this service does not understand: of a later version, or malformed. It must not stop the others. */
const Foreign = Schema.Struct({ eventId: EventId })

export class ReportRequest extends Schema.Class<ReportRequest>("@piecework/cloud/ReportRequest")({
  /** The device, whichever of its processes reports. */
  deviceId: DeviceId,
  /** When the batch was sent, by the clock that `time` is of: so the service sees how old an event is, however wrong that clock goes. */
  sentAt: Time,
  /** `doClientVersion`. */
  clientVersion: ClientVersion,
  /** `deviceProfile`. */
  profile: ProfileBits,
  /** `OSVersion` of the reports. */
  osVersion: Schema.optionalKey(text(64)),
  events: Schema.NonEmptyArray(Schema.Union([ReportEvent, Foreign])).check(Schema.isMaxLength(maxEvents))
}) {}

export class ReportReply extends Schema.Class<ReportReply>("@piecework/cloud/ReportReply")({
  /** Counted, now or before: the device need not keep them. */
  taken: Schema.Array(EventId).check(Schema.isMaxLength(maxEvents)),
  /** Never to be counted, so not to be sent again: not understood, or older than 28 days. */
  refused: Schema.Array(EventId).check(Schema.isMaxLength(maxEvents))
}) {}

export const Report = Rpc.make("Report", { payload: ReportRequest, success: ReportReply, error: RequestRefused })

export class ReportRpcs extends RpcGroup.make(Report).middleware(CallerMiddleware) {}
