/**
 * What this device knows of its files, in the field names that administrators know (`FileStatus`): from the records of what was downloaded,
 * the cache, and what runs now. A file whose download runs is shown with what its record does not say yet. Pure.
 */
import type { KeptContent } from "@piecework/cache/CacheKeeper"
import type { CachedContent } from "@piecework/cache/PieceCache"
import { numbers } from "@piecework/domain/DownloadMode"
import type { FileStatus } from "@piecework/domain/FileStatus"
import type { ContentId } from "@piecework/domain/Content"
import { fromPeers, total } from "@piecework/domain/SourceKind"
import type { Connected, Running } from "./Activity.ts"
import * as Passed from "./Passed.ts"
import { type DownloadRecord, passedOf } from "./Records.ts"

/** What the cache holds; how long for, where a keeper says that. */
export type Held = CachedContent & Partial<Pick<KeptContent, "isPinned" | "expiry">>

export interface Known {
  readonly records: ReadonlyArray<DownloadRecord>
  readonly cached: ReadonlyArray<Held>
  /** What passed for no content that has a name; it is a file of its own, without a name, where there is any. */
  readonly others?: Passed.Passed | undefined
  /** What runs in this process. */
  readonly running?: ReadonlyArray<Running> | undefined
  readonly peers?: ReadonlyArray<Connected> | undefined
}

/** One status a content, whether it is known from a record, from the cache, or because it runs; the ones that run first. */
export const of = ({ cached, others, peers = [], records, running = [] }: Known): ReadonlyArray<FileStatus> => {
  const byId = new Map<string, DownloadRecord>(records.map((record) => [record.contentId, record]))
  const inCache = new Map<string, Held>(cached.map((content) => [content.contentId, content]))
  const runs = new Map<string, Array<Running>>()
  const nameless: Array<Running> = []
  for (const one of running) {
    const id = one.progress().contentId
    if (id === undefined) nameless.push(one)
    else runs.set(id, [...(runs.get(id) ?? []), one])
  }
  const connected = new Map<string, Array<Connected>>()
  for (const peer of peers) {
    if (peer.contentId !== undefined) connected.set(peer.contentId, [...(connected.get(peer.contentId) ?? []), peer])
  }
  const ids = new Set([...runs.keys(), ...byId.keys(), ...inCache.keys()])
  return [
    ...nameless.map((one) => status("", undefined, undefined, [one], [])),
    ...[...ids].map((id) => status(id, byId.get(id), inCache.get(id), runs.get(id) ?? [], connected.get(id) ?? [])),
    ...(others === undefined || Passed.isNone(others) ? [] : [ofOthers(others)])
  ]
}

const status = (
  id: ContentId | string,
  record: DownloadRecord | undefined,
  cached: Held | undefined,
  running: ReadonlyArray<Running>,
  peers: ReadonlyArray<Connected>
): FileStatus => {
  const first = running[0]
  const progress = first?.progress()
  const unnoted = running.reduce((sum, one) => Passed.plus(sum, one.unnoted()), Passed.none)
  const noted = record === undefined ? Passed.none : passedOf(record)
  // What is downloaded once more counts anew, as its record will with the next note.
  const isAnew = record?.completedAt !== undefined && Passed.receivedBytes(unnoted) > 0
  const { connections, sentTo } = noted
  const passed = Passed.plus(isAnew ? { ...Passed.none, connections, sentTo } : noted, unnoted)
  const fileBytes = progress?.fileBytes ?? record?.fileBytes ?? cached?.contentSize ?? 0
  const isComplete = cached?.complete === true || record?.completedAt !== undefined
  return {
    ...figures(passed),
    FileId: id,
    FileSize: fileBytes,
    FileSizeInCache: cached?.heldBytes ?? 0,
    Status:
      first !== undefined
        ? "Downloading"
        : cached?.complete === true
          ? "Caching"
          : record?.completedAt === undefined || cached !== undefined
            ? "Paused"
            : "Complete",
    Priority: first?.priority ?? record?.priority ?? "Foreground",
    DownloadMode: progress === undefined ? numbers[record?.mode ?? "Lan"] : numbers[progress.mode],
    DownloadModeReason: progress?.why?.reason ?? record?.why.reason ?? "",
    SourceURL: first?.url ?? withoutQuery(record?.url),
    CacheHost: progress?.cache?.host ?? record?.cacheHost ?? "",
    NumPeers: first === undefined ? (peers.length > 0 ? peers.length : (record?.peers ?? 0)) : peers.length,
    PredefinedCallerApplication: first?.caller ?? record?.caller ?? "",
    ExpireOn: cached?.expiry === undefined ? null : dateOf(cached.expiry),
    IsPinned: cached?.isPinned ?? false,
    // Records of earlier versions know the sum alone.
    BytesToPeers: (record?.sent ?? 0) + Passed.sentBytes(unnoted),
    BytesRequested: progress?.requestedBytes ?? fileBytes,
    BytesDone: progress?.heldBytes ?? (isComplete ? fileBytes : (cached?.heldBytes ?? 0)),
    DownloadRateBytes: running.reduce((sum, one) => sum + one.downRate, 0),
    UploadRateBytes:
      peers.length > 0
        ? peers.reduce((sum, peer) => sum + peer.upRate, 0)
        : running.reduce((sum, one) => sum + one.upRate, 0)
  }
}

/** What passed, in the words of a status. */
const figures = (passed: Passed.Passed) => {
  const { connections, millis, received, sentTo, wasted } = passed
  const all = total(received)
  const peers = fromPeers(received)
  return {
    TotalBytesDownloaded: all,
    PercentPeerCaching: percentOf(peers, all),
    BytesFromPeers: peers,
    BytesFromHttp: received.Origin,
    BytesFromCacheServer: received.CacheServer,
    BytesFromLanPeers: received.Lan,
    BytesFromLinkLocalPeers: received.LinkLocal,
    BytesFromGroupPeers: received.Group,
    BytesFromInternetPeers: received.Internet,
    BytesToLanPeers: sentTo.Lan,
    BytesToLinkLocalPeers: sentTo.LinkLocal,
    BytesToGroupPeers: sentTo.Group,
    BytesToInternetPeers: sentTo.Internet,
    DownloadDuration: millis / 1000,
    HttpConnectionCount: connections.Origin,
    CacheServerConnectionCount: connections.CacheServer,
    LanConnectionCount: connections.Lan,
    LinkLocalConnectionCount: connections.LinkLocal,
    GroupConnectionCount: connections.Group,
    InternetConnectionCount: connections.Internet,
    BytesWasted: Math.min(wasted, all)
  }
}

const ofOthers = (passed: Passed.Passed): FileStatus => ({
  ...figures(passed),
  FileId: "",
  FileSize: 0,
  FileSizeInCache: 0,
  Status: "Complete",
  Priority: "Foreground",
  DownloadMode: numbers.Simple,
  DownloadModeReason: "",
  SourceURL: "",
  CacheHost: "",
  NumPeers: 0,
  PredefinedCallerApplication: "",
  ExpireOn: null,
  IsPinned: false,
  BytesToPeers: Passed.sentBytes(passed),
  BytesRequested: 0,
  BytesDone: 0,
  DownloadRateBytes: 0,
  UploadRateBytes: 0
})

/** With one decimal; 0 of nothing. A part that is less than all of it is not shown as all. */
export const percentOf = (part: number, all: number): number => {
  if (all === 0) return 0
  const rounded = Math.round((1000 * part) / all) / 10
  return part < all ? Math.min(99.9, rounded) : 100
}

/** The query of a URL often is a key to the file. */
const withoutQuery = (text: string | undefined): string => {
  if (text === undefined || !URL.canParse(text)) return ""
  const url = new URL(text)
  return url.origin + url.pathname
}

/** Epoch milliseconds as ISO 8601; a time that no date has is the last there is. */
export const dateOf = (at: number): string => new Date(Math.min(Math.max(at, 0), 8.64e15)).toISOString()
