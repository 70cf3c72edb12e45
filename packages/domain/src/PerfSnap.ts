/**
 * How a device does at the moment. Sums of bytes and files are those over all files that it knows (`FileStatus`), connections, rates
 * and what a process takes are those of the running agent: without one they are 0. Source: spec.md §8.1,
 * Get-DeliveryOptimizationPerfSnap.
 */
import { Schema } from "effect"

/** Bytes. */
const bytes = Schema.Natural
const percent = Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))

/** What `-Verbose` adds. */
export const perfSnapVerbose = {
  BytesFromHttp: bytes,
  BytesFromCacheServer: bytes,
  BytesFromLanPeers: bytes,
  BytesFromLinkLocalPeers: bytes,
  BytesFromGroupPeers: bytes,
  BytesFromInternetPeers: bytes,
  BytesToLanPeers: bytes,
  BytesToLinkLocalPeers: bytes,
  BytesToGroupPeers: bytes,
  BytesToInternetPeers: bytes,
  /** Of all that was downloaded what came from peers, in percent with one decimal; 0 to 100. */
  PercentPeerCaching: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
  /** Of all that was downloaded what was thrown away. */
  BytesWasted: bytes,
  /** Peers connected to a download, the mean over the time in which downloads ran. */
  AveragePeerConnections: Schema.Finite
} as const

export const PerfSnap = Schema.Struct({
  /** Files of which anything was downloaded. */
  FilesDownloaded: Schema.Natural,
  /** Files of which peers were sent anything. */
  FilesUploaded: Schema.Natural,
  /** Files that the device knows of: downloaded, being downloaded, or in its cache. */
  Files: Schema.Natural,
  TotalBytesDownloaded: bytes,
  TotalBytesUploaded: bytes,
  /** Bytes; 0 without any. */
  AverageDownloadSize: Schema.Finite,
  AverageUploadSize: Schema.Finite,
  /** The mode that the settings say. */
  DownloadMode: Schema.Natural,
  CacheSizeBytes: bytes,
  /** Of the disk on which the cache lies; 0 where the system does not say. */
  TotalDiskBytes: bytes,
  AvailableDiskBytes: bytes,
  /** Of one core, the mean of the last seconds: two busy cores are 200. */
  CpuUsagePct: percent,
  /** Memory in use by the agent, in units of 1024 bytes. */
  MemUsageKB: Schema.Natural,
  /** Peers that are connected now, each once. */
  NumberOfPeers: Schema.Natural,
  /** Answers of cache servers and of origins that are being read now. */
  CacheHostConnections: Schema.Natural,
  CdnConnections: Schema.Natural,
  /** Sessions with peers now. */
  LanConnections: Schema.Natural,
  LinkLocalConnections: Schema.Natural,
  GroupConnections: Schema.Natural,
  InternetConnections: Schema.Natural,
  /** What the line has been seen to carry, in bytes a second; 0 while nobody knows. */
  DownlinkBps: Schema.Finite,
  /** Bytes a second now, from all sources, those of the site included. */
  DownlinkUsageBps: Schema.Finite,
  UplinkBps: Schema.Finite,
  UplinkUsageBps: Schema.Finite,
  /** Of the line what downloads may take, and uploads, as the settings say at this hour; 100 without a limit in percent. */
  ForegroundDownloadRatePct: percent,
  BackgroundDownloadRatePct: percent,
  UploadRatePct: percent,
  /** Peers that something was sent to within the last seconds. */
  UploadCount: Schema.Natural,
  /** Downloads that run; those of them that wait for their turn or for a first answer are the pending ones. */
  ForegroundDownloadCount: Schema.Natural,
  ForegroundDownloadsPending: Schema.Natural,
  BackgroundDownloadCount: Schema.Natural,
  BackgroundDownloadsPending: Schema.Natural,
  ...perfSnapVerbose
})
export type PerfSnap = typeof PerfSnap.Type
