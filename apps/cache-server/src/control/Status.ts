/** What a running cache server tells its administrator. The words are those of the JSON that `piecework-cache status --json` prints. */
import { Schema } from "effect"

const Count = Schema.Natural

/** What was done in a span of time. Bytes are those of bodies. */
export const Done = Schema.Struct({
  /** Answers of which every byte was here when they began. */
  hits: Count,
  misses: Count,
  /** 0 to 1; absent without answers. */
  hitRatio: Schema.optionalKey(Schema.Finite),
  bytesOut: Count,
  bytesFromOrigin: Count,
  bytesFromParents: Count,
  bytesFromPeers: Count,
  /** Of the bytes sent, the part that did not have to come in for it: 0 to 1; absent when nothing was sent. */
  efficiency: Schema.optionalKey(Schema.Finite)
})
export type Done = typeof Done.Type

export const DriveStatus = Schema.Struct({
  folder: Schema.String,
  /** Bytes that it may hold; 0 while nobody knows. */
  size: Count,
  used: Count,
  /** Why nothing is kept there at present. */
  problem: Schema.optionalKey(Schema.String)
})

export const ServiceStatus = Schema.Struct({
  url: Schema.String,
  /** As the service calls it; absent until it has answered. */
  node: Schema.optionalKey(Schema.String),
  name: Schema.optionalKey(Schema.String),
  /** Whether its operator lets it serve. */
  isEnabled: Schema.Boolean,
  /** Which versions of the software it is to take; only shown. */
  updateRing: Schema.optionalKey(Schema.String),
  /** When it last answered a heartbeat, epoch milliseconds. */
  heardAt: Schema.optionalKey(Schema.Finite),
  /** Why the last heartbeat had no answer. */
  problem: Schema.optionalKey(Schema.String)
})
export type ServiceStatus = typeof ServiceStatus.Type

export const Status = Schema.Struct({
  version: Schema.String,
  name: Schema.String,
  pid: Count,
  /** Epoch milliseconds. */
  startedAt: Schema.Finite,
  /** Whether it answers for its origins: not while its service says no. */
  isServing: Schema.Boolean,
  /** "HOST:PORT" each, where it listens. */
  http: Schema.optionalKey(Schema.String),
  https: Schema.optionalKey(Schema.String),
  peers: Schema.optionalKey(Schema.String),
  origins: Schema.Array(Schema.String),
  parents: Schema.Array(Schema.String),
  drives: Schema.Array(DriveStatus),
  /** Of clients, now. */
  connections: Count,
  /** Contents that are served to peers now. */
  seeding: Count,
  sinceStart: Done,
  lastHour: Done,
  service: Schema.optionalKey(ServiceStatus)
})
export type Status = typeof Status.Type

/** A file that is kept. */
export const File = Schema.Struct({
  /** Absent of a content whose URL nobody noted down. */
  url: Schema.optionalKey(Schema.String),
  /** Of a content that the service vouches for. */
  contentId: Schema.optionalKey(Schema.String),
  size: Count,
  heldBytes: Count,
  /** Epoch milliseconds at which it was last read, if anybody knows. */
  usedAt: Schema.optionalKey(Schema.Finite),
  /** How many times it was opened. */
  uses: Schema.optionalKey(Count),
  drive: Schema.optionalKey(Schema.String)
})
export type File = typeof File.Type

export const Files = Schema.Struct({ files: Schema.Array(File) })

/** What became of a wish to forget. */
export const Forgotten = Schema.Struct({ files: Count, bytes: Count })

/** What a look at every kept piece found. */
export const Checked = Schema.Struct({
  files: Count,
  pieces: Count,
  bytes: Count,
  /** Pieces that were not what they had been; they are forgotten, and come anew when somebody asks for them. */
  damaged: Count
})
export type Checked = typeof Checked.Type

/** What it says instead of an answer. */
export const Trouble = Schema.Struct({ error: Schema.String })
