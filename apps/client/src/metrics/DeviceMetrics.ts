/** What an agent tells Prometheus of its device, from the one place that sums it (`Activity`) and from what is asked at that moment. Pure. */
import type { PeerKind } from "@piecework/domain/Peer"
import type { PerfSnap } from "@piecework/domain/PerfSnap"
import type { Connections } from "@piecework/download/Meter"
import type { Sums } from "@piecework/download/Sums"
import type { Waste } from "@piecework/download/Tally"
import type { Priority } from "@piecework/policy/Facts"
import * as Families from "@piecework/telemetry/Families"

export interface Seen {
  /** Of this process since it began, what runs included. */
  readonly totals: Sums
  /** Of downloads that are over, in bytes. */
  readonly waste: Waste
  /** At this moment: answers of HTTP servers that are read, and sessions with peers. */
  readonly connected: Connections
  /** Those that run. */
  readonly downloads: ReadonlyArray<{ readonly priority: Priority }>
  /** Jobs by their state; `undefined` where programs give none. */
  readonly jobs: Readonly<Record<JobWord, number>> | undefined
  /** What `perf` says of limits and of the line; `undefined` where what is kept cannot be read. */
  readonly perf: Limits | undefined
  /** Peers that are kept out now. */
  readonly banned: number
  readonly cache: {
    /** Bytes. */
    readonly size: number
    readonly contents: number
    /** Bytes it may have, as the settings say; `undefined` without a limit of its own. */
    readonly limit: number | undefined
    /** Of its disk, in bytes; `undefined` where the system does not say. */
    readonly free: number | undefined
    readonly disk: number | undefined
  }
}

export type Limits = Pick<
  PerfSnap,
  "ForegroundDownloadRatePct" | "BackgroundDownloadRatePct" | "UploadRatePct" | "DownlinkBps" | "UplinkBps"
>

export const jobWords = ["created", "transferring", "transferred", "paused"] as const
export type JobWord = (typeof jobWords)[number]

export const families = ({
  banned,
  cache,
  connected,
  downloads,
  jobs,
  perf,
  totals,
  waste
}: Seen): ReadonlyArray<Families.Family> => {
  const { by, one } = Families
  const running = (priority: Priority) => downloads.filter((download) => download.priority === priority).length
  return [
    by(
      "counter",
      "piecework_device_downloaded_bytes_total",
      "Content bytes that came in since the agent started, by where from; what was thrown away is among them.",
      "source",
      {
        origin: totals.fromOrigin,
        "cache-server": totals.fromCacheServer,
        ...peers((kind) => totals[`from${kind}`])
      }
    ),
    by(
      "counter",
      "piecework_device_uploaded_bytes_total",
      "Content bytes that peers were sent since the agent started, by how near they are.",
      "peer",
      peers((kind) => totals[`to${kind}`])
    ),
    by(
      "counter",
      "piecework_device_wasted_bytes_total",
      "Bytes that came in and were thrown away, by why; counted when a download is over.",
      "reason",
      { bad: waste.bad, duplicate: waste.duplicate, cancelled: waste.cancelled }
    ),
    by(
      "gauge",
      "piecework_device_connections",
      "Connections now: answers that are read, and sessions with peers.",
      "kind",
      {
        origin: connected.Origin,
        "cache-server": connected.CacheServer,
        ...peers((kind) => connected[kind])
      }
    ),
    by("gauge", "piecework_device_running_downloads", "Downloads that run.", "priority", {
      foreground: running("Foreground"),
      background: running("Background")
    }),
    by("gauge", "piecework_device_jobs", "Jobs that programs gave, by their state.", "state", jobs ?? {}),
    by(
      "gauge",
      "piecework_device_limit_ratio",
      "Part of the line that may be taken at this hour, as the settings say; 1 without a limit.",
      "traffic",
      {
        foreground: part(perf?.ForegroundDownloadRatePct),
        background: part(perf?.BackgroundDownloadRatePct),
        upload: part(perf?.UploadRatePct)
      }
    ),
    by(
      "gauge",
      "piecework_device_line_bytes_per_second",
      "What the line has been seen to carry; none while nobody knows.",
      "direction",
      { down: perf?.DownlinkBps || undefined, up: perf?.UplinkBps || undefined }
    ),
    one("gauge", "piecework_device_banned_peers", "Peers that are kept out now.", banned),
    one("gauge", "piecework_device_cache_size_bytes", "What the cache holds.", cache.size),
    one("gauge", "piecework_device_cache_contents", "Contents of which the cache holds anything.", cache.contents),
    one("gauge", "piecework_device_cache_limit_bytes", "What the cache may hold, as the settings say.", cache.limit),
    one("gauge", "piecework_device_disk_free_bytes", "Free on the disk of the cache.", cache.free),
    one("gauge", "piecework_device_disk_size_bytes", "Size of the disk of the cache.", cache.disk)
  ]
}

const part = (percent: number | undefined): number | undefined => (percent === undefined ? undefined : percent / 100)

/** By how near a peer is. */
const peers = (of: (kind: PeerKind) => number) => ({
  "link-local": of("LinkLocal"),
  lan: of("Lan"),
  group: of("Group"),
  internet: of("Internet")
})
