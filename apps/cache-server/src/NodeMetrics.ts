/** What a cache server tells Prometheus: the figures that it has for its status and its service, as they are when somebody asks. */
import * as Families from "@piecework/telemetry/Families"
import type { Counts } from "@piecework/cachenode/Figures"

/** What is looked at. Bytes unless it says otherwise. */
export interface Seen {
  /** Since the start. */
  readonly total: Counts
  /** Of clients, now. */
  readonly connections: number
  /** Bytes of answers in memory that clients have not taken yet. */
  readonly buffered: number
  readonly drives: ReadonlyArray<{
    readonly size: number
    readonly used: number
    readonly problem?: string | undefined
  }>
  /** Contents that are served to peers. */
  readonly seeding: number
  /** Whether it answers for its origins. */
  readonly isServing: boolean
  /** Bytes a second to clients; `undefined`: as much as they take. */
  readonly maxOut: number | undefined
  /** Until when its certificate is good, epoch milliseconds. */
  readonly certificateUntil: number | undefined
  /** When its service last answered a heartbeat, epoch milliseconds. */
  readonly heardAt: number | undefined
}

/** Drives have no names here: those are paths of the machine. */
export const families = (seen: Seen): ReadonlyArray<Families.Family> => {
  const { by, one } = Families
  const { drives, total } = seen
  const sum = (of: (drive: Seen["drives"][number]) => number) => drives.reduce((all, drive) => all + of(drive), 0)
  const size = sum((drive) => (Number.isFinite(drive.size) ? drive.size : 0))
  const used = sum((drive) => drive.used)
  return [
    by(
      "counter",
      "piecework_cache_answers_total",
      "Answers with a file, by whether every byte was here when they began.",
      "result",
      {
        hit: total.hits,
        miss: total.misses
      }
    ),
    by(
      "counter",
      "piecework_cache_sent_bytes_total",
      "Bytes sent to clients, by whether they were in an answer that was a hit.",
      "result",
      {
        hit: total.hitBytes,
        miss: total.missBytes,
        other: Math.max(0, total.bytesOut - total.hitBytes - total.missBytes)
      }
    ),
    by("counter", "piecework_cache_received_bytes_total", "Bytes of files that came in, by where from.", "source", {
      origin: total.bytesFromOrigin,
      parent: total.bytesFromParent,
      peers: total.bytesFromPeers
    }),
    one("gauge", "piecework_cache_connections", "Connections of clients.", seen.connections),
    one(
      "gauge",
      "piecework_cache_buffered_bytes",
      "Bytes of answers in memory that clients have not taken yet.",
      seen.buffered
    ),
    by("gauge", "piecework_cache_drives", "Drives, by whether files can be kept there.", "state", {
      ok: drives.filter(({ problem }) => problem === undefined).length,
      failing: drives.filter(({ problem }) => problem !== undefined).length
    }),
    one("gauge", "piecework_cache_drive_size_bytes", "What all drives together may hold; 0 while nobody knows.", size),
    one("gauge", "piecework_cache_drive_used_bytes", "What all drives together hold.", used),
    one(
      "gauge",
      "piecework_cache_drive_free_bytes",
      "What all drives together still may take; 0 while nobody knows.",
      Math.max(0, size - used)
    ),
    one("gauge", "piecework_cache_seeding_contents", "Contents that are served to peers.", seen.seeding),
    one(
      "gauge",
      "piecework_cache_serving",
      "Whether it answers for its origins: not while its service says no.",
      seen.isServing ? 1 : 0
    ),
    one(
      "gauge",
      "piecework_cache_egress_limit_bytes_per_second",
      "Most that clients are sent, all together; none without a limit.",
      seen.maxOut
    ),
    one(
      "gauge",
      "piecework_certificate_expiry_timestamp_seconds",
      "Until when the certificate for HTTPS is good, in seconds since 1970.",
      seen.certificateUntil === undefined ? undefined : seen.certificateUntil / 1000
    ),
    one(
      "gauge",
      "piecework_cache_heartbeat_timestamp_seconds",
      "When its service last answered it, in seconds since 1970; none without a service.",
      seen.heardAt === undefined ? undefined : seen.heardAt / 1000
    )
  ]
}
