/** How bytes come: where from, how many, and why so. Sizes are bytes. It says what `piecework get --events` says of a download. */
import { ContentId } from "@piecework/domain/Content"
import { ContentUrl } from "@piecework/domain/ContentUrl"
import { DownloadMode, ModeReason } from "@piecework/domain/DownloadMode"
import { PeerId } from "@piecework/domain/Peer"
import { BytesBySource } from "@piecework/domain/SourceKind"
import { Schema } from "effect"

const text = Schema.String.check(Schema.isMaxLength(8192))

/** Why a download has the mode it has. */
export const Why = Schema.Struct({ reason: ModeReason, detail: Schema.optionalKey(text) })
export type Why = typeof Why.Type

const Banned = Schema.Array(PeerId).check(Schema.isMaxLength(4096))

/** Which cache server is asked, or why none is; see `CacheView` of `@piecework/download`. Times are epoch milliseconds. */
export const CacheUse = Schema.Struct({
  /** One word, such as `Asked`, `Banned` or `OnVpn`. */
  reason: text,
  /** The one that is asked, or was last. */
  host: Schema.optionalKey(text),
  /** Where it was learnt from. */
  provider: Schema.optionalKey(text),
  /** What it failed with last. */
  failure: Schema.optionalKey(text),
  /** When that may change. */
  until: Schema.optionalKey(Schema.Finite),
  /** From then on the origin may be asked; `null`: never. */
  originFrom: Schema.optionalKey(Schema.NullOr(Schema.Finite))
})
export type CacheUse = typeof CacheUse.Type

export const Transfer = Schema.Struct({
  /** See `Progress` of `@piecework/download`. */
  phase: Schema.Literals(["Starting", "Checking", "Fetching", "Writing", "Done"]),
  mode: DownloadMode,
  /** What the origin failed with, which is asked again. */
  retrying: Schema.optionalKey(text),
  /** From how many milliseconds after the start HTTP may be taken; `null`: not at all. */
  httpAfterMillis: Schema.optionalKey(Schema.NullOr(Schema.Finite)),
  /** The limit that holds it back, in bytes a second. */
  limit: Schema.optionalKey(Schema.Struct({ rate: Schema.Finite, setting: Schema.optionalKey(text) })),
  /** Absent where nobody looks for cache servers. */
  cache: Schema.optionalKey(CacheUse),
  why: Schema.optionalKey(Why),
  contentId: Schema.optionalKey(ContentId),
  fileBytes: Schema.optionalKey(Schema.Natural),
  /** Bytes that were asked for: of the ranges, or all. */
  requestedBytes: Schema.optionalKey(Schema.Natural),
  /** Of these, held and verified; without hashes, written. */
  heldBytes: Schema.Natural,
  /** Came in, by kind of source. */
  received: BytesBySource,
  /** Went to peers. */
  sent: Schema.Natural,
  /** Connected now. */
  peers: Schema.Natural,
  /** Most that were named at once. */
  named: Schema.optionalKey(Schema.Natural),
  /** Sessions so far, by how near the peers were. */
  connections: Schema.Struct({
    LinkLocal: Schema.Natural,
    Lan: Schema.Natural,
    Group: Schema.Natural,
    Internet: Schema.Natural
  }),
  banned: Banned
})
export type Transfer = typeof Transfer.Type

/** What a download was. */
export const Outcome = Schema.Struct({
  url: ContentUrl,
  path: text,
  contentId: ContentId,
  /** Base64. */
  hashOfHashes: text,
  fileBytes: Schema.Natural,
  /** Bytes at the destination. */
  requestedBytes: Schema.Natural,
  mode: DownloadMode,
  why: Why,
  /** Bytes of the file by where they came from; their sum is `fileBytes`. */
  bytes: BytesBySource,
  /** Came in; their sum is that of `bytes` and of `waste`. */
  received: BytesBySource,
  waste: Schema.Struct({ bad: Schema.Natural, duplicate: Schema.Natural, cancelled: Schema.Natural }),
  sent: Schema.Natural,
  banned: Banned,
  /** Most that were connected at once. */
  peers: Schema.Natural,
  /** Which cache server was asked at last; absent where nobody looked for any. */
  cache: Schema.optionalKey(CacheUse),
  durationMillis: Schema.Natural
})
export type Outcome = typeof Outcome.Type
