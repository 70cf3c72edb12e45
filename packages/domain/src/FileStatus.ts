/**
 * What a device knows of one file: how much of it is here, where that came from and whom it was given to, in the field names
 * that administrators know. Every byte is counted once, under one source. Source: spec.md §8.1, Get-DeliveryOptimizationStatus.
 */
import { Schema } from "effect"

/** Bytes. */
const bytes = Schema.Natural
const text = (most: number) => Schema.String.check(Schema.isMaxLength(most))

/**
 * `Downloading`: bytes are being fetched; `Caching`: complete and served to peers; `Complete`: fetched, not in the cache;
 * `Paused`: begun, not complete, and nobody fetches it now. The sum of what passed for downloads without a name has no state of its
 * own; it is `Complete`, as no more of it is fetched.
 */
export const FileState = Schema.Literals(["Downloading", "Caching", "Complete", "Paused"])
export type FileState = typeof FileState.Type

export const FileStatus = Schema.Struct({
  /** The content's id; of a download whose content is not known yet, and of the sum of those that have none, empty. */
  FileId: text(128),
  FileSize: bytes,
  FileSizeInCache: bytes,
  /** All that came in, what was thrown away included, but not what the cache held already. */
  TotalBytesDownloaded: bytes,
  /** BytesFromPeers ÷ TotalBytesDownloaded, in percent with one decimal; 0 to 100. */
  PercentPeerCaching: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
  /** From peers of all kinds. Windows adds up those of the LAN and the Internet alone. */
  BytesFromPeers: bytes,
  /** From the origin. Windows adds those of a cache server; here every byte is counted once. */
  BytesFromHttp: bytes,
  Status: FileState,
  /** Of the download that runs, or of the last. */
  Priority: Schema.Literals(["Foreground", "Background"]),
  BytesFromCacheServer: bytes,
  BytesFromLanPeers: bytes,
  BytesFromLinkLocalPeers: bytes,
  BytesFromGroupPeers: bytes,
  BytesFromInternetPeers: bytes,
  BytesToLanPeers: bytes,
  BytesToLinkLocalPeers: bytes,
  BytesToGroupPeers: bytes,
  BytesToInternetPeers: bytes,
  /** Seconds that its downloads took. */
  DownloadDuration: Schema.Finite,
  /** Requests that the origin answered; Windows counts connections, of which one may carry many. */
  HttpConnectionCount: Schema.Natural,
  /** The same of cache servers. */
  CacheServerConnectionCount: Schema.Natural,
  /** Sessions with peers so far, by kind. */
  LanConnectionCount: Schema.Natural,
  LinkLocalConnectionCount: Schema.Natural,
  GroupConnectionCount: Schema.Natural,
  InternetConnectionCount: Schema.Natural,
  DownloadMode: Schema.Natural,
  /** Why it ran in this mode. Not of Windows. */
  DownloadModeReason: text(64),
  /** Without its query, which may be a key. */
  SourceURL: text(8192),
  /** The cache server that some of it came from; empty without one. */
  CacheHost: text(2048),
  /** Peers connected now while it is downloaded or served by a running agent; else the most that were at once. */
  NumPeers: Schema.Natural,
  /** Who asked for it: `piecework get`, or what the job says. Empty where nobody noted it. */
  PredefinedCallerApplication: text(256),
  /** When it leaves the cache by itself, as ISO 8601; `null` when it is not in the cache, or stays until its room is needed. */
  ExpireOn: Schema.NullOr(text(32)),
  IsPinned: Schema.Boolean,

  /** To peers of all kinds. This and what follows Windows does not have. */
  BytesToPeers: bytes,
  /** Of TotalBytesDownloaded what was thrown away: bad pieces, duplicates, and what was cancelled under way. */
  BytesWasted: bytes,
  /** What was asked for, which is less than FileSize where only parts were; 0 while it is not known. */
  BytesRequested: bytes,
  /** Of that what is here and checked. */
  BytesDone: bytes,
  /** Bytes a second, the mean of the last 20 seconds; 0 while nothing runs. */
  DownloadRateBytes: Schema.Finite,
  UploadRateBytes: Schema.Finite
})
export type FileStatus = typeof FileStatus.Type
