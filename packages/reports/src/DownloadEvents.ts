/** What is told of a download: from what it looked like at its end to the events that say so. */
import {
  DownloadCanceled,
  DownloadCompleted,
  DownloadPaused,
  DownloadStarted,
  FailureCdnCommunication,
  JobError,
  type ReportEvent
} from "@piecework/cloud/ReportRpcs"
import { numbers } from "@piecework/domain/DownloadMode"
import { total } from "@piecework/domain/SourceKind"
import type { DownloadError } from "@piecework/download/DownloadError"
import type { DownloadRequest } from "@piecework/download/Downloader"
import type { Progress } from "@piecework/download/Progress"
import { newEventId } from "./Outbox.ts"
import type { ReportedDownloadsConfig, Urls } from "./ReportedDownloadsConfig.ts"

/** How a download came to its end. */
export type Ending =
  | { readonly _tag: "Completed" }
  | { readonly _tag: "Interrupted" }
  | { readonly _tag: "Failed"; readonly error: DownloadError }

export interface Told extends Readonly<ReportedDownloadsConfig["Service"]> {
  /** 16 random bytes as hex digits. */
  readonly jobID: string
  readonly request: Pick<DownloadRequest, "url" | "priority">
  readonly progress: Progress
  /** When it began, epoch milliseconds. */
  readonly began: number
}

export const started = (told: Told): ReportEvent => DownloadStarted.make(identityOf(told, told.began))

/** What is told of the end; `now` is epoch milliseconds. Of several events one says where the bytes came from. */
export const ended = (told: Told, ending: Ending, now: number): ReadonlyArray<ReportEvent> => {
  const { began, progress } = told
  const { connections, heldBytes, named, received } = progress
  const identity = () => identityOf(told, now)
  const outcome = {
    bytesFromCDN: received.Origin,
    bytesFromCacheServer: received.CacheServer,
    bytesFromPeers: received.Lan,
    bytesFromLinkLocalPeers: received.LinkLocal,
    bytesFromGroupPeers: received.Group,
    bytesFromIntPeers: received.Internet,
    bytesFromLocalCache: received.LocalCache,
    // What came in and is not held: of a download that is over, all of that is waste. Whole pieces are held also where parts were asked for.
    bytesWasted: progress.wasted ?? Math.max(0, total(received) - heldBytes),
    lanConnectionCount: connections.Lan,
    linkLocalConnectionCount: connections.LinkLocal,
    groupConnectionCount: connections.Group,
    internetConnectionCount: connections.Internet,
    ...(named === undefined ? {} : { numPeers: named }),
    totalTimeMs: Math.min(Math.max(0, Math.round(now - began)), longest)
  }
  switch (ending._tag) {
    case "Completed":
      return [DownloadCompleted.make({ ...identity(), ...outcome })]
    case "Interrupted":
      return [DownloadPaused.make({ ...identity(), ...outcome, reasonCode: "Interrupted" })]
    case "Failed": {
      const { error } = ending
      const number = numberOf(error)
      const doErrorCode = number === undefined ? {} : { doErrorCode: number }
      const errorCode = "reason" in error ? error.reason.slice(0, 64) : error._tag
      return [
        error._tag === "NoSourceError"
          ? FailureCdnCommunication.make({
              ...identity(),
              errorCode,
              errorCount: 1,
              ...(error.status === undefined ? {} : { httpStatusCode: error.status })
            })
          : JobError.make({ ...identity(), errorCode, ...doErrorCode }),
        DownloadCanceled.make({ ...identity(), ...outcome, reasonCode: error._tag, ...doErrorCode })
      ]
    }
  }
}

/** What all events of a download say; each call makes the id of another event. */
const identityOf = ({ caller, groupId, jobID, peerId, progress, request, urls }: Told, time: number) => {
  const cdnUrl = shown(request.url, urls)
  return {
    eventId: newEventId(),
    time: timeOf(time),
    jobID,
    background: request.priority === "Background",
    downloadMode: numbers[progress.mode],
    ...(progress.contentId === undefined ? {} : { fileID: progress.contentId }),
    ...(progress.fileBytes === undefined ? {} : { fileSize: progress.fileBytes }),
    ...(cdnUrl === undefined ? {} : { cdnUrl }),
    ...(progress.why === undefined ? {} : { downloadModeReason: progress.why.reason }),
    ...(groupId === undefined ? {} : { groupID: groupId }),
    ...(peerId === undefined ? {} : { peerID: peerId }),
    ...(caller === undefined ? {} : { predefinedCallerName: caller })
  }
}

/** A clock may say anything; an event, epoch milliseconds from 0 on. */
export const timeOf = (now: number): number => Math.max(0, Math.floor(now))

/** A year: what a clock that was set while it ran may say at most. */
const longest = 31_622_400_000

/** Microsoft's number for what went wrong, where there is one. Source: spec.md §3.8. */
const numberOf = (error: DownloadError): string | undefined => {
  switch (error._tag) {
    case "NoProgressError":
      return "0x80D02002"
    case "ModeError":
      return "0x80D03002"
    case "RangesError":
      return error.reason === "Overlapping" ? "0x80D05012" : "0x80D05010"
    default:
      return undefined
  }
}

/** What may be told of a URL: its query often is a key to the file. */
const shown = (text: string, urls: Urls): string | undefined => {
  if (urls === "None") return undefined
  const url = new URL(text)
  const told = urls === "Host" ? url.origin : url.origin + url.pathname
  return told.slice(0, 2048)
}
