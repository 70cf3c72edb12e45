/** Sums of what nodes did in spans of time, and what people are shown of them. Source: spec.md §7.5. */
import type { MinuteFigures, NodeId } from "@piecework/cloud/CacheNode"
import type { FigureRow, Grain } from "@piecework/cloud/CacheNodeAdminRpcs"

/** Of a span: requests, bytes, and bytes of the fastest second. */
export interface Sums {
  readonly hits: number
  readonly misses: number
  readonly bytesOut: number
  readonly bytesFromCache: number
  /** From origins, parents and peers. */
  readonly bytesIn: number
  readonly maxOut: number
  readonly maxIn: number
}

export const none: Sums = { hits: 0, misses: 0, bytesOut: 0, bytesFromCache: 0, bytesIn: 0, maxOut: 0, maxIn: 0 }

/** Of one minute as a node told it: it cannot have had more from its cache than it sent. */
export const sumsOf = (figures: MinuteFigures): Sums => ({
  hits: figures.hits,
  misses: figures.misses,
  bytesOut: figures.bytesOut,
  bytesFromCache: Math.min(figures.bytesFromCache, figures.bytesOut),
  bytesIn: figures.bytesFromOrigin + figures.bytesFromParents + figures.bytesFromPeers,
  maxOut: figures.maxOutBps,
  maxIn: figures.maxInBps
})

/** Whether there is anything in it; an idle minute is not kept. */
export const isNothing = (sums: Sums): boolean => sums.hits + sums.misses + sums.bytesOut + sums.bytesIn === 0

/** What is added where a minute was told as `before` and now is told as `after`. The fastest seconds are the larger ones. */
export const difference = (after: Sums, before: Sums): Sums => ({
  hits: after.hits - before.hits,
  misses: after.misses - before.misses,
  bytesOut: after.bytesOut - before.bytesOut,
  bytesFromCache: after.bytesFromCache - before.bytesFromCache,
  bytesIn: after.bytesIn - before.bytesIn,
  maxOut: after.maxOut,
  maxIn: after.maxIn
})

/** A difference on top of another. */
export const add = (a: Sums, b: Sums): Sums => ({
  hits: a.hits + b.hits,
  misses: a.misses + b.misses,
  bytesOut: a.bytesOut + b.bytesOut,
  bytesFromCache: a.bytesFromCache + b.bytesFromCache,
  bytesIn: a.bytesIn + b.bytesIn,
  maxOut: Math.max(a.maxOut, b.maxOut),
  maxIn: Math.max(a.maxIn, b.maxIn)
})

/** Seconds of a row. */
export const secondsOf = (grain: Grain): number => (grain === "Minute" ? 60 : 3600)

/** Milliseconds in which minutes are kept, and the sums by hour. */
export const minutesKept = 30 * 86_400_000
export const hoursKept = 400 * 86_400_000

/** A row as people see it; `at` is epoch milliseconds. */
export const rowOf = (
  span: { readonly at: number; readonly grain: Grain; readonly nodeId: NodeId; readonly hostName: string },
  sums: Sums
): FigureRow => {
  const seconds = secondsOf(span.grain)
  return {
    at: span.at,
    nodeId: span.nodeId,
    hostName: span.hostName,
    hits: sums.hits,
    misses: sums.misses,
    hitRatio: percent(sums.hits, sums.hits + sums.misses),
    egressbps: bits(sums.bytesOut, seconds),
    hitsbps: bits(sums.bytesFromCache, seconds),
    missesbps: bits(sums.bytesOut - sums.bytesFromCache, seconds),
    inboundbps: bits(sums.bytesIn, seconds),
    maxEgressbps: sums.maxOut * 8,
    maxInboundbps: sums.maxIn * 8
  }
}

/** Of the whole in percent, to a hundredth; 0 of nothing. */
export const percent = (part: number, whole: number): number =>
  whole === 0 ? 0 : Math.round((part / whole) * 10_000) / 100

/** Bits a second, whole. */
export const bits = (bytes: number, seconds: number): number => Math.round((bytes * 8) / seconds)
