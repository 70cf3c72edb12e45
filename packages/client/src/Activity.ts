/**
 * What the agent of a device says of its figures: how it does now, this month, its files and its peers. All of them come from the one place
 * that counts (`@piecework/download/Activity`). Field names are those of spec.md §8.1.
 */
import { ContentId } from "@piecework/domain/Content"
import { FileStatus } from "@piecework/domain/FileStatus"
import { FilePeers } from "@piecework/domain/PeerInfo"
import { PerfMonth } from "@piecework/domain/PerfMonth"
import { PerfSnap } from "@piecework/domain/PerfSnap"
import { BytesBySource } from "@piecework/domain/SourceKind"
import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { mostFiles, mostPeers } from "./ActivityLimits.ts"
import { JobError } from "./AgentError.ts"

export { FileStatus } from "@piecework/domain/FileStatus"
export { FilePeers, PeerInfo } from "@piecework/domain/PeerInfo"
export { PerfMonth } from "@piecework/domain/PerfMonth"
export { PerfSnap } from "@piecework/domain/PerfSnap"

export { mostFiles, mostPeers, usualPeers } from "./ActivityLimits.ts"

const count = Schema.Natural.check(Schema.isLessThanOrEqualTo(mostPeers))

/** Milliseconds between two looks. */
const every = Schema.Natural.check(Schema.isGreaterThanOrEqualTo(100), Schema.isLessThanOrEqualTo(600_000))

/** A moment of the device, for those who watch. */
export const Moment = Schema.Struct({
  /** Epoch milliseconds. */
  At: Schema.Natural,
  Perf: PerfSnap,
  /** Bytes a second now, by kind of source, and by kind of peer; what the cache held is none. */
  DownRates: Schema.Record(
    Schema.Literals(["Origin", "CacheServer", "LinkLocal", "Lan", "Group", "Internet"]),
    Schema.Finite
  ),
  UpRates: Schema.Record(Schema.Literals(["LinkLocal", "Lan", "Group", "Internet"]), Schema.Finite),
  /** Bytes since the agent started, by kind of source, and by kind of peer. */
  Received: BytesBySource,
  Sent: Schema.Record(Schema.Literals(["LinkLocal", "Lan", "Group", "Internet"]), Schema.Natural),
  /** The downloads that run, the oldest first. */
  Downloads: Schema.Array(FileStatus).check(Schema.isMaxLength(1000)),
  /** The peers that are connected, by content. */
  Peers: Schema.Array(FilePeers).check(Schema.isMaxLength(1000))
})
export type Moment = typeof Moment.Type

export class ActivityRpcs extends RpcGroup.make(
  /** Each of these fails where what is kept on the disk cannot be read. */
  Rpc.make("Perf", { success: PerfSnap, error: JobError }),
  Rpc.make("Month", { success: PerfMonth }),
  /** Of each content that has peers now, or of one, the busiest `count` (default 5). */
  Rpc.make("Peers", {
    payload: { count: Schema.optionalKey(count), contentId: Schema.optionalKey(ContentId) },
    success: Schema.Array(FilePeers).check(Schema.isMaxLength(1000))
  }),
  /** All files that the device knows, those that are being downloaded included. */
  Rpc.make("Files", { success: Schema.Array(FileStatus).check(Schema.isMaxLength(mostFiles)), error: JobError }),
  /** The moment now, and again every so many milliseconds (default 1000), with so many peers of each content (default 5). It never ends. */
  Rpc.make("Moments", {
    payload: { everyMillis: Schema.optionalKey(every), peers: Schema.optionalKey(count) },
    success: Moment,
    error: JobError,
    stream: true
  })
) {}
