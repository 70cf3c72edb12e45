/**
 * What this device holds and where it came from, in the field names that administrators know.
 * Source: spec.md §8.1, Get-DeliveryOptimizationStatus.
 */
import type { KeptContent } from "@piecework/cache/CacheKeeper"
import type { CachedContent } from "@piecework/cache/PieceCache"
import { numbers } from "@piecework/domain/DownloadMode"
import { fromPeers, total } from "@piecework/domain/SourceKind"
import type { DownloadRecord } from "./Records.ts"

export interface FileStatus {
  readonly FileId: string
  readonly FileSize: number
  readonly FileSizeInCache: number
  readonly TotalBytesDownloaded: number
  /** Bytes from all peers ÷ all bytes fetched, in percent; 0 to 100. */
  readonly PercentPeerCaching: number
  readonly BytesFromPeers: number
  /** Bytes from the origin; those of a cache server are not in it, so that every byte is counted once. */
  readonly BytesFromHttp: number
  readonly BytesFromCacheServer: number
  /** The cache server that these came from; empty without one. */
  readonly CacheHost: string
  readonly BytesFromLanPeers: number
  readonly BytesFromLinkLocalPeers: number
  readonly BytesFromGroupPeers: number
  readonly BytesFromInternetPeers: number
  /** Caching: complete and served to peers; Complete: fetched, not in the cache; Paused: begun, not complete. */
  readonly Status: "Caching" | "Complete" | "Paused"
  /** Seconds. */
  readonly DownloadDuration: number
  readonly DownloadMode: number
  /** Why it ran in this mode. */
  readonly DownloadModeReason: string
  readonly SourceURL: string
  readonly BytesToPeers: number
  readonly IsPinned: boolean
  /** When it leaves the cache by itself, as ISO 8601; `null` when it is not in the cache, or stays until its room is needed. */
  readonly ExpireOn: string | null
}

/** What the cache holds; how long for, where a keeper says that. */
type Held = CachedContent & Partial<Pick<KeptContent, "isPinned" | "expiry">>

/** One status a content, whether it is known from a record, from the cache or from both. */
export const of = (records: ReadonlyArray<DownloadRecord>, cached: ReadonlyArray<Held>): ReadonlyArray<FileStatus> => {
  const byId = new Map(records.map((record) => [record.contentId, record]))
  const inCache = new Map(cached.map((content) => [content.contentId, content]))
  const ids = new Set([...byId.keys(), ...inCache.keys()])
  return [...ids].map((id) => one(id, byId.get(id), inCache.get(id)))
}

const one = (id: string, record: DownloadRecord | undefined, cached: Held | undefined): FileStatus => {
  const bytes = record?.bytes
  const peers = bytes === undefined ? 0 : fromPeers(bytes)
  const fetched = bytes === undefined ? 0 : total(bytes) - bytes.LocalCache
  return {
    FileId: id,
    FileSize: record?.fileBytes ?? cached?.contentSize ?? 0,
    FileSizeInCache: cached?.heldBytes ?? 0,
    TotalBytesDownloaded: fetched,
    PercentPeerCaching: fetched === 0 ? 0 : Math.round((1000 * peers) / fetched) / 10,
    BytesFromPeers: peers,
    BytesFromHttp: bytes?.Origin ?? 0,
    BytesFromCacheServer: bytes?.CacheServer ?? 0,
    CacheHost: record?.cacheHost ?? "",
    BytesFromLanPeers: bytes?.Lan ?? 0,
    BytesFromLinkLocalPeers: bytes?.LinkLocal ?? 0,
    BytesFromGroupPeers: bytes?.Group ?? 0,
    BytesFromInternetPeers: bytes?.Internet ?? 0,
    Status:
      cached?.complete === true ? "Caching" : record === undefined || cached !== undefined ? "Paused" : "Complete",
    DownloadDuration: (record?.durationMillis ?? 0) / 1000,
    DownloadMode: record === undefined ? numbers.Lan : numbers[record.mode],
    DownloadModeReason: record?.why.reason ?? "",
    SourceURL: record?.url ?? "",
    BytesToPeers: record?.sent ?? 0,
    IsPinned: cached?.isPinned ?? false,
    ExpireOn: cached?.expiry === undefined ? null : dateOf(cached.expiry)
  }
}

/** Epoch milliseconds as ISO 8601; a time that no date has is the last there is. */
export const dateOf = (at: number): string => new Date(Math.min(Math.max(at, 0), 8.64e15)).toISOString()
