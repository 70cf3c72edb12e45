/**
 * The two entries that an analysis reads: the end of a download, and the end of a connection. What stands in them is a contract
 * (docs): fields are added, none changes its meaning. Bytes are those of `download/Meter`, which counts every one once.
 */
import { BytesBySource, SourceKind } from "@piecework/domain/SourceKind"
import { Option, Schema } from "effect"
import type { LogEntry } from "./LogEntry.ts"

const Short = Schema.String.check(Schema.isMaxLength(4_096))

/** A download is over, however it ended. At level Info, at Warning where it failed. */
export const DownloadEnded = Schema.Struct({
  event: Schema.Literal("download"),
  /** Id of the content; empty where nobody knew it. */
  file: Short,
  /** Without its query. */
  url: Short,
  outcome: Schema.Literals(["Completed", "Failed", "Interrupted"]),
  /** Somebody waited for it. */
  isForeground: Schema.Boolean,
  /** Of the whole file; 0 where it did not become known. */
  fileBytes: Schema.Natural,
  /** Files that are smaller are not worth peers, in bytes. */
  minPeerBytes: Schema.Natural,
  /** Its mode had peers, and so it asked for them. */
  isEligible: Schema.Boolean,
  mode: Short,
  /** Why it ran in that mode. */
  why: Short,
  /** Most peers that were named at once. */
  peersFound: Schema.Natural,
  /** What came in, waste included; under LocalCache what was here already. */
  received: BytesBySource,
  /** To peers, until then. */
  sent: Schema.Natural,
  durationMillis: Schema.Natural
})
export type DownloadEnded = typeof DownloadEnded.Type

/** A connection is over: to a peer, or all those to one server for one download. At level Verbose. */
export const ConnectionEnded = Schema.Struct({
  event: Schema.Literal("connection"),
  file: Short,
  /** `host:port` of a peer, or the name of a server. */
  destination: Short,
  kind: SourceKind,
  /** `Closed`, or why it ended. */
  status: Short,
  sent: Schema.Natural,
  received: Schema.Natural
})
export type ConnectionEnded = typeof ConnectionEnded.Type

export type Ended = DownloadEnded | ConnectionEnded

const decode = Schema.decodeUnknownOption(Schema.Union([DownloadEnded, ConnectionEnded]))

/** What the entry tells of, if it is one of these. */
export const of = (entry: LogEntry): Ended | undefined => {
  const { event } = entry.Annotations
  return event === "download" || event === "connection" ? Option.getOrUndefined(decode(entry.Annotations)) : undefined
}
