/**
 * The figures of a device, whoever asks: its files, how it does now and this month, its peers. They come from the records and the cache on
 * the disk and from what runs in this process (`Activity`); in a process that runs nothing they are what is on the disk.
 */
import { CacheKeeper } from "@piecework/cache/CacheKeeper"
import type { CacheError } from "@piecework/cache/CacheError"
import { PieceCache } from "@piecework/cache/PieceCache"
import type { ContentId } from "@piecework/domain/Content"
import { fromNumber } from "@piecework/domain/DownloadMode"
import type { FileStatus } from "@piecework/domain/FileStatus"
import { type FilePeers, type PeerInfo, typeOf } from "@piecework/domain/PeerInfo"
import type { PerfMonth } from "@piecework/domain/PerfMonth"
import type { PerfSnap } from "@piecework/domain/PerfSnap"
import { LivePolicy } from "@piecework/policy/LivePolicy"
import { Shaper } from "@piecework/shaping/Shaper"
import { Clock, Effect, Option, Semaphore } from "effect"
import { Activity, type Connected } from "./Activity.ts"
import { Months } from "./Months.ts"
import * as Perf from "./Perf.ts"
import { type Listing, Records, type RecordsError } from "./Records.ts"
import * as Status from "./Status.ts"
import * as Sums from "./Sums.ts"

/** What is kept cannot be read. */
export type FiguresError = CacheError | RecordsError

export interface Figures {
  readonly files: Effect.Effect<ReadonlyArray<FileStatus>, FiguresError>
  readonly perf: Effect.Effect<PerfSnap, FiguresError>
  readonly month: Effect.Effect<PerfMonth>
  /** Of each content that has peers, or of one, the busiest `count`. */
  readonly peers: (count: number, contentId?: ContentId | undefined) => ReadonlyArray<FilePeers>
  /** Bytes a second now, and sums since the process began, by column. */
  readonly rates: () => Sums.Sums
  readonly totals: () => Sums.Sums
}

export interface FiguresOptions {
  /** What this process takes: percent of one core lately, and bytes of memory. Default: it is not the one that downloads, so nothing. */
  readonly use?: (() => { readonly cpu: number; readonly memory: number }) | undefined
}

/** What other processes noted down is seen within this time, in milliseconds. */
const believedFor = 5000

export const make = Effect.fnUntraced(function* (
  options: FiguresOptions = {}
): Effect.fn.Return<Figures, never, Months | PieceCache | Records> {
  const activity = yield* Activity
  const cache = yield* PieceCache
  const keeper = Option.getOrUndefined(yield* Effect.serviceOption(CacheKeeper))
  const live = yield* LivePolicy
  const months = yield* Months
  const records = yield* Records
  const shaper = yield* Shaper
  const turn = yield* Semaphore.make(1)
  const { use = () => ({ cpu: 0, memory: 0 }) } = options
  let known: { readonly listing: Listing; readonly cached: ReadonlyArray<Status.Held>; readonly at: number } | undefined
  let version = Number.NaN

  /** What is on the disk, read again where this process changed it, or after a while. */
  const look = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (known !== undefined && version === records.version() && Math.abs(now - known.at) < believedFor) return known
    const read = records.version()
    const found = {
      listing: yield* records.list,
      cached: yield* keeper === undefined ? cache.list : keeper.list,
      at: now
    }
    version = read
    known = found
    return found
  }).pipe(turn.withPermit)

  const filesOf = ({ cached, listing }: Pick<NonNullable<typeof known>, "cached" | "listing">) =>
    Status.of({ ...listing, cached, running: activity.downloads(), peers: activity.peers() })

  const files: Figures["files"] = Effect.gen(function* () {
    for (let tries = 0; tries < 3; tries++) {
      const found = yield* look
      // What was noted down meanwhile would count neither as noted nor as not.
      if (version === records.version()) return filesOf(found)
    }
    return filesOf(yield* look)
  })

  return {
    files,
    perf: Effect.gen(function* () {
      const disk = keeper === undefined ? undefined : yield* keeper.space
      const { month, sums } = yield* months.look
      const seen = yield* files
      const policy = live.current()
      return Perf.snap({
        files: seen,
        downloads: activity.downloads(),
        peers: activity.peers(),
        connected: activity.connected(),
        rates: activity.rates(),
        month: { month, sums },
        capacity: shaper.capacity(),
        policy,
        mode: fromNumber(policy.get("DODownloadMode")) ?? "Lan",
        hour: new Date(yield* Clock.currentTimeMillis).getHours(),
        disk,
        use: use()
      })
    }),
    month: Effect.map(months.look, (sum) => Perf.month(sum, live.current())),
    peers: (count, contentId) => filePeers(activity.peers(), count, contentId),
    rates: activity.rates,
    totals: activity.totals
  }
})

/** Most contents whose peers are told. */
const mostContents = 1000

const filePeers = (
  connected: ReadonlyArray<Connected>,
  count: number,
  only: ContentId | undefined
): ReadonlyArray<FilePeers> => {
  const byContent = new Map<string, Array<Connected>>()
  for (const peer of connected) {
    if (only !== undefined && peer.contentId !== only) continue
    const id = peer.contentId ?? ""
    byContent.set(id, [...(byContent.get(id) ?? []), peer])
  }
  return [...byContent].slice(0, mostContents).map(([FileId, peers]) => ({
    FileId,
    PeersInfo: peers
      .toSorted((a, b) => b.downRate + b.upRate - (a.downRate + a.upRate) || passed(b) - passed(a))
      .slice(0, count)
      .map(infoOf)
  }))
}

const passed = ({ received, sent }: Connected): number => received + sent

const infoOf = (peer: Connected): PeerInfo => ({
  IP: peer.host,
  PeerType: typeOf(peer.kind),
  ConnectionEstablished: true,
  BytesSent: peer.sent,
  BytesReceived: peer.received,
  UploadRateBytes: Math.round(peer.upRate),
  DownloadRateBytes: Math.round(peer.downRate)
})
