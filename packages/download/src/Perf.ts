/** How a device does, now and this month, in the field names that administrators know. Pure. Source: spec.md §8.1. */
import { numbers, type DownloadMode } from "@piecework/domain/DownloadMode"
import type { FileStatus } from "@piecework/domain/FileStatus"
import type { PerfMonth } from "@piecework/domain/PerfMonth"
import type { PerfSnap } from "@piecework/domain/PerfSnap"
import type { Priority } from "@piecework/policy/Facts"
import * as Limits from "@piecework/policy/Limits"
import type { Policy } from "@piecework/policy/Policy"
import { gibibyte } from "@piecework/policy/Units"
import type { Connected, Running } from "./Activity.ts"
import type { Connections } from "./Meter.ts"
import type { MonthlySum } from "./Months.ts"
import { percentOf } from "./Status.ts"
import * as Sums from "./Sums.ts"

/** What is known at a moment. */
export interface Seen {
  readonly files: ReadonlyArray<FileStatus>
  readonly downloads: ReadonlyArray<Running>
  readonly peers: ReadonlyArray<Connected>
  readonly connected: Connections
  /** Bytes a second. */
  readonly rates: Sums.Sums
  readonly month: MonthlySum
  /** What the line has been seen to carry, in bytes a second. */
  readonly capacity: { readonly down: number | undefined; readonly up: number | undefined }
  readonly policy: Policy
  readonly mode: DownloadMode
  /** 0 to 23. */
  readonly hour: number
  /** Of the disk of the cache, in bytes. */
  readonly disk: { readonly total: number; readonly free: number } | undefined
  /** Of the agent: percent of one core, and bytes of memory. */
  readonly use: { readonly cpu: number; readonly memory: number }
}

const sum = (files: ReadonlyArray<FileStatus>, of: (file: FileStatus) => number): number =>
  files.reduce((all, file) => all + of(file), 0)

const uploadedOf = (file: FileStatus): number => file.BytesToPeers

export const snap = (seen: Seen): PerfSnap => {
  const { capacity, connected, disk, downloads, files, hour, mode, month, peers, policy, rates, use } = seen
  const downloaded = files.filter((file) => file.TotalBytesDownloaded > 0)
  const uploaded = files.filter((file) => uploadedOf(file) > 0)
  const [down, up] = [sum(files, (file) => file.TotalBytesDownloaded), sum(files, uploadedOf)]
  const of = (priority: Priority) => downloads.filter((one) => one.priority === priority)
  const pending = (priority: Priority) => of(priority).filter((one) => waits.has(one.progress().phase)).length
  const uploadLimit = Limits.upload(policy)
  const millis = month.sums.foregroundMillis + month.sums.backgroundMillis
  return {
    FilesDownloaded: downloaded.length,
    FilesUploaded: uploaded.length,
    Files: files.length,
    TotalBytesDownloaded: down,
    TotalBytesUploaded: up,
    AverageDownloadSize: downloaded.length === 0 ? 0 : Math.round(down / downloaded.length),
    AverageUploadSize: uploaded.length === 0 ? 0 : Math.round(up / uploaded.length),
    DownloadMode: numbers[mode],
    CacheSizeBytes: sum(files, (file) => file.FileSizeInCache),
    TotalDiskBytes: disk?.total ?? 0,
    AvailableDiskBytes: disk?.free ?? 0,
    CpuUsagePct: Math.round(use.cpu * 10) / 10,
    MemUsageKB: Math.round(use.memory / 1024),
    NumberOfPeers: new Set(peers.map(({ peer }) => peer)).size,
    CacheHostConnections: connected.CacheServer,
    CdnConnections: connected.Origin,
    LanConnections: connected.Lan,
    LinkLocalConnections: connected.LinkLocal,
    GroupConnections: connected.Group,
    InternetConnections: connected.Internet,
    DownlinkBps: Math.round(capacity.down ?? 0),
    DownlinkUsageBps: Math.round(Sums.downloaded(rates)),
    UplinkBps: Math.round(capacity.up ?? 0),
    UplinkUsageBps: Math.round(Sums.uploaded(rates)),
    ForegroundDownloadRatePct: Limits.percentOfLine(policy, "Foreground", hour),
    BackgroundDownloadRatePct: Limits.percentOfLine(policy, "Background", hour),
    UploadRatePct:
      uploadLimit === undefined || capacity.up === undefined || capacity.up <= 0
        ? 100
        : Math.min(100, Math.round((100 * uploadLimit.rate) / capacity.up)),
    UploadCount: peers.filter(({ isSending }) => isSending).length,
    ForegroundDownloadCount: of("Foreground").length,
    ForegroundDownloadsPending: pending("Foreground"),
    BackgroundDownloadCount: of("Background").length,
    BackgroundDownloadsPending: pending("Background"),
    BytesFromHttp: sum(files, (file) => file.BytesFromHttp),
    BytesFromCacheServer: sum(files, (file) => file.BytesFromCacheServer),
    BytesFromLanPeers: sum(files, (file) => file.BytesFromLanPeers),
    BytesFromLinkLocalPeers: sum(files, (file) => file.BytesFromLinkLocalPeers),
    BytesFromGroupPeers: sum(files, (file) => file.BytesFromGroupPeers),
    BytesFromInternetPeers: sum(files, (file) => file.BytesFromInternetPeers),
    BytesToLanPeers: sum(files, (file) => file.BytesToLanPeers),
    BytesToLinkLocalPeers: sum(files, (file) => file.BytesToLinkLocalPeers),
    BytesToGroupPeers: sum(files, (file) => file.BytesToGroupPeers),
    BytesToInternetPeers: sum(files, (file) => file.BytesToInternetPeers),
    PercentPeerCaching: percentOf(
      sum(files, (file) => file.BytesFromPeers),
      down
    ),
    BytesWasted: sum(files, (file) => file.BytesWasted),
    AveragePeerConnections: millis === 0 ? 0 : Math.round((100 * month.sums.peerMillis) / millis) / 100
  }
}

/** Nothing is fetched yet. */
const waits: ReadonlySet<string> = new Set(["Starting", "Checking"])

export const month = ({ month: name, sums }: MonthlySum, policy: Policy): PerfMonth => {
  const cap = policy.get("DOMonthlyUploadDataCap") * gibibyte
  const [year = 1970, number = 1] = name.split("-").map(Number)
  const kilobits = (priority: Priority) => Math.round((Sums.meanRate(sums, priority) * 8) / 102.4) / 10
  return {
    MonthStartDate: new Date(year, number - 1, 1).toISOString(),
    DownloadHttpBytes: sums.fromOrigin,
    DownloadCacheHostBytes: sums.fromCacheServer,
    DownloadLanBytes: sums.fromLan,
    DownloadLinkLocalBytes: sums.fromLinkLocal,
    DownloadGroupBytes: sums.fromGroup,
    DownloadInternetBytes: sums.fromInternet,
    UploadLanBytes: sums.toLan,
    UploadLinkLocalBytes: sums.toLinkLocal,
    UploadGroupBytes: sums.toGroup,
    UploadInternetBytes: sums.toInternet,
    FilesDownloaded: sums.files,
    DownloadFgRateKbps: kilobits("Foreground"),
    DownloadBgRateKbps: kilobits("Background"),
    MonthlyUploadRestriction: cap,
    UploadLimitReached: cap > 0 && sums.toInternet >= cap
  }
}
