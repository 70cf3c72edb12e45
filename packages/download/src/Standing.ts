/**
 * How one download stands: what is known of it so far, written by those who fetch it, and what callers see of that. Plain
 * state of one download; whoever writes to it runs in that download.
 */
import type { ContentId } from "@piecework/domain/Content"
import { toBase64 } from "@piecework/domain/Digest"
import type { DownloadMode } from "@piecework/domain/DownloadMode"
import { noBytes, total } from "@piecework/domain/SourceKind"
import type { Phf } from "@piecework/hashing/Phf"
import { type Recorder, short, silent } from "@piecework/ledger/Recorder"
import type { Shaper } from "@piecework/shaping/Shaper"
import type { SourceError } from "@piecework/sources/PieceSource"
import { Effect } from "effect"
import { Fallback } from "./DownloadError.ts"
import { callerOf, type DownloadRequest, priorityOf } from "./DownloadRequest.ts"
import type { JobCache } from "./JobCache.ts"
import type { Meter } from "./Meter.ts"
import * as Passed from "./Passed.ts"
import type { DownloadResult, Progress } from "./Progress.ts"
import { DownloadRecord } from "./Records.ts"
import type { SwarmDownload } from "./SwarmDownload.ts"
import { wasted } from "./Tally.ts"

export interface StandingOptions {
  readonly request: Pick<DownloadRequest, "url" | "destination" | "mode" | "priority" | "asker">
  /** Epoch milliseconds. */
  readonly began: number
  readonly meter: Meter
  readonly shaper: Shaper
}

export class Standing {
  phase: Progress["phase"] = "Starting"
  /** The mode it has, and why, once that is settled. */
  settled: { readonly mode: DownloadMode; readonly why: Fallback } | undefined
  /** Bytes of the file, once somebody said it. */
  fileBytes: number | undefined
  contentId: ContentId | undefined
  /** What the origin failed with, before it answered. */
  lastFailure: SourceError | undefined
  /** When its file was there, in epoch milliseconds. */
  endedAt: number | undefined
  /** Who collects what is decided. */
  ledger: Recorder = silent
  /** `undefined` where nobody looks for cache servers. */
  cache: Pick<JobCache, "view"> | undefined
  swarm: SwarmDownload | undefined
  /** What was asked for, in bytes, and how much of that is held, where that is not the whole. */
  asked: (() => { readonly requested: number | undefined; readonly held: number }) | undefined
  readonly meter: Meter
  private readonly request: StandingOptions["request"]
  /** Epoch milliseconds. */
  readonly began: number
  private readonly shaper: Shaper

  constructor(options: StandingOptions) {
    this.meter = options.meter
    this.request = options.request
    this.began = options.began
    this.shaper = options.shaper
  }

  /** The mode is settled, and why. */
  settle(settled: NonNullable<Standing["settled"]>): void {
    const { mode, why } = settled
    this.settled = settled
    this.ledger.note({
      _tag: "Mode",
      mode,
      reason: why.reason,
      ...(why.detail === undefined ? {} : { detail: short(why.detail, 1024) })
    })
  }

  enter(phase: Progress["phase"]): Effect.Effect<void> {
    return Effect.sync(() => void (this.phase = phase))
  }

  /** The content is known by its hashes. */
  isOf({ contentId, layout }: Phf): void {
    this.contentId = contentId
    this.fileBytes = layout.contentSize
  }

  progress(): Progress {
    const { lastFailure, meter, phase, settled, swarm } = this
    const asked = this.asked?.() ?? { requested: this.fileBytes, held: total(meter.useful()) }
    const httpAfter = phase === "Fetching" ? swarm?.httpAfter() : undefined
    const limit = phase === "Fetching" ? this.shaper.holding(priorityOf(this.request)) : undefined
    return {
      phase,
      mode: settled?.mode ?? this.request.mode,
      ...(phase === "Starting" && lastFailure !== undefined ? { retrying: lastFailure.description } : {}),
      ...(httpAfter === undefined ? {} : { httpAfterMillis: httpAfter }),
      ...(limit === undefined ? {} : { limit }),
      cache: this.cache?.view(),
      why: settled?.why,
      contentId: this.contentId,
      fileBytes: this.fileBytes,
      requestedBytes: asked.requested,
      heldBytes: asked.held,
      received: meter.received(),
      wasted: wasted(meter.waste()),
      sent: meter.sent(),
      peers: swarm?.peers() ?? 0,
      named: swarm?.named(),
      connections: meter.connections(),
      banned: swarm?.banned() ?? []
    }
  }

  /** What it comes to when it is over now, in epoch milliseconds. */
  result(phf: Phf, path: string, now: number): DownloadResult {
    const { meter, request, settled, swarm } = this
    return {
      url: request.url,
      path: request.destination ?? path,
      contentId: phf.contentId,
      hashOfHashes: toBase64(phf.hashOfHashes),
      fileBytes: this.fileBytes ?? phf.layout.contentSize,
      requestedBytes: this.asked?.().requested ?? phf.layout.contentSize,
      mode: settled?.mode ?? request.mode,
      why: settled?.why ?? new Fallback({ reason: "Requested" }),
      bytes: meter.useful(),
      received: meter.received(),
      waste: meter.waste(),
      sent: meter.sent(),
      banned: swarm?.banned() ?? [],
      peers: swarm?.mostPeers() ?? 0,
      cache: this.cache?.view(),
      durationMillis: now - this.began
    }
  }

  /** Milliseconds that it took, or takes. */
  millis(now: number): number {
    return (this.endedAt ?? now) - this.began
  }

  /** What came in and went out so far. */
  passed(now: number, isOver: boolean): Passed.Passed {
    return Passed.of(this.meter, this.millis(now), isOver || this.endedAt !== undefined)
  }

  /** What is noted down of a download that is over; what it receives and sends is noted by itself. */
  recordOf(result: DownloadResult, completedAt: number): DownloadRecord {
    const { bytes, cache, contentId, durationMillis, fileBytes, mode, path, peers, url, waste, why } = result
    return new DownloadRecord({
      contentId,
      url,
      path,
      fileBytes,
      mode,
      why,
      bytes,
      ...(bytes.CacheServer > 0 && cache?.host !== undefined ? { cacheHost: cache.host } : {}),
      sent: 0,
      durationMillis,
      wasted: wasted(waste),
      completedAt,
      peers,
      ...this.askedBy()
    })
  }

  /** What is noted down of it while it goes on. */
  begun(contentId: ContentId, path: string): DownloadRecord {
    const { cache, fileBytes = 0, request, settled } = this
    const host = cache?.view().host
    return new DownloadRecord({
      contentId,
      url: request.url,
      path: request.destination ?? path,
      fileBytes,
      mode: settled?.mode ?? request.mode,
      why: settled?.why ?? new Fallback({ reason: "Requested" }),
      bytes: noBytes,
      ...(this.meter.received().CacheServer > 0 && host !== undefined ? { cacheHost: host } : {}),
      sent: 0,
      durationMillis: 0,
      wasted: 0,
      ...this.askedBy()
    })
  }

  /** By whom, and how urgently. */
  private askedBy() {
    return { priority: priorityOf(this.request), caller: callerOf(this.request) }
  }
}
