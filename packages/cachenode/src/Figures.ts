/**
 * What a cache server did, by minute, for its metrics: a ring of the last day, so memory is bounded however long nobody asks.
 *
 * A *hit* is an answer with a file of which every byte that was asked for was here when the request came. Bytes *from the cache* are
 * those that were sent and did not have to come in for it: bytes out less bytes in, so that of thirty clients who took one
 * file at the same time twenty-nine were served from the cache, though each of them missed.
 */
import { Clock, Context, Effect, Layer } from "effect"

/** Bytes that came in so far, by where from: live counters. */
export interface Received {
  readonly origin: number
  readonly parent: number
  readonly peers: number
}

export interface Counts {
  readonly hits: number
  readonly misses: number
  /** Bytes sent in answers that were hits. */
  readonly hitBytes: number
  /** Bytes sent in all others that had a file. */
  readonly missBytes: number
  /** Bytes sent in all. */
  readonly bytesOut: number
  readonly bytesFromOrigin: number
  readonly bytesFromParent: number
  readonly bytesFromPeers: number
  /** Most connections at a time. */
  readonly connections: number
}

export interface Minute extends Counts {
  /** Epoch milliseconds at which it began. */
  readonly start: number
}

export const none: Counts = {
  hits: 0,
  misses: 0,
  hitBytes: 0,
  missBytes: 0,
  bytesOut: 0,
  bytesFromOrigin: 0,
  bytesFromParent: 0,
  bytesFromPeers: 0,
  connections: 0
}

/** Hits of all answers with files, 0 to 1; `undefined` where there were none. */
export const hitRatio = ({ hits, misses }: Counts): number | undefined =>
  hits + misses === 0 ? undefined : hits / (hits + misses)

export const bytesIn = ({ bytesFromOrigin, bytesFromParent, bytesFromPeers }: Counts): number =>
  bytesFromOrigin + bytesFromParent + bytesFromPeers

export const bytesFromCache = (counts: Counts): number => Math.max(0, counts.bytesOut - bytesIn(counts))

/** Bytes from the cache of all bytes sent, 0 to 1; `undefined` where none were. Source: spec.md §7.5. */
export const efficiency = (counts: Counts): number | undefined =>
  counts.bytesOut === 0 ? undefined : bytesFromCache(counts) / counts.bytesOut

export const sum = (all: ReadonlyArray<Counts>): Counts =>
  all.reduce(
    (a, b) => ({
      hits: a.hits + b.hits,
      misses: a.misses + b.misses,
      hitBytes: a.hitBytes + b.hitBytes,
      missBytes: a.missBytes + b.missBytes,
      bytesOut: a.bytesOut + b.bytesOut,
      bytesFromOrigin: a.bytesFromOrigin + b.bytesFromOrigin,
      bytesFromParent: a.bytesFromParent + b.bytesFromParent,
      bytesFromPeers: a.bytesFromPeers + b.bytesFromPeers,
      connections: Math.max(a.connections, b.connections)
    }),
    none
  )

/** Minutes that are remembered: a day. */
const most = 1440
const minute = 60_000

export class Figures extends Context.Service<
  Figures,
  {
    /** An answer with a file begins. */
    readonly answered: (isHit: boolean) => void
    readonly sent: (bytes: number, kind: "Hit" | "Miss" | "Other") => void
    readonly connected: () => void
    readonly disconnected: () => void
    /** Where bytes come in, counted from when it is told; each with its own part of them. */
    readonly watch: (received: () => Partial<Received>) => void
    /** Connections now. */
    readonly connections: () => number
    /** Minutes that began at `since` (epoch milliseconds) or later, the present one included, without those in which nothing was. */
    readonly minutesSince: (since: number) => ReadonlyArray<Minute>
    /** Since the start. */
    readonly total: () => Counts
  }
>()("@piecework/cachenode/Figures") {
  static readonly layer: Layer.Layer<Figures> = Layer.effect(
    Figures,
    Effect.map(Clock.Clock, (clock) => make(() => clock.currentTimeMillisUnsafe()))
  )
}

type Writable = { -readonly [K in keyof Minute]: Minute[K] }

const make = (now: () => number): Figures["Service"] => {
  const ring: Array<Writable> = []
  const watched: Array<{ readonly received: () => Partial<Received>; last: Received }> = []
  let gone: Counts = none
  let connections = 0

  /** Adds what came in since the last look: to the minute that is there, since looks are at least as often as minutes are opened. */
  const look = (counts: Writable): void => {
    for (const source of watched) {
      const { origin = 0, parent = 0, peers = 0 } = source.received()
      counts.bytesFromOrigin += origin - source.last.origin
      counts.bytesFromParent += parent - source.last.parent
      counts.bytesFromPeers += peers - source.last.peers
      source.last = { origin, parent, peers }
    }
  }
  const current = (): Writable => {
    const start = Math.floor(now() / minute) * minute
    const last = ring.at(-1)
    // A clock that is set back does not open minutes that are over.
    if (last !== undefined && last.start >= start) return last
    if (last !== undefined) look(last)
    const next = { ...none, start, connections }
    ring.push(next)
    if (ring.length > most) gone = sum([gone, ring.shift() ?? none])
    return next
  }
  return {
    answered: (isHit) => {
      const counts = current()
      if (isHit) counts.hits++
      else counts.misses++
    },
    sent: (bytes, kind) => {
      const counts = current()
      counts.bytesOut += bytes
      if (kind === "Hit") counts.hitBytes += bytes
      else if (kind === "Miss") counts.missBytes += bytes
    },
    connected: () => {
      connections++
      const counts = current()
      counts.connections = Math.max(counts.connections, connections)
    },
    disconnected: () => void connections--,
    watch: (received) => {
      const { origin = 0, parent = 0, peers = 0 } = received()
      watched.push({ received, last: { origin, parent, peers } })
    },
    connections: () => connections,
    minutesSince: (since) => {
      look(current())
      return ring.filter(({ start }) => start >= since).map((counts) => ({ ...counts }))
    },
    total: () => {
      look(current())
      return sum([gone, ...ring])
    }
  }
}
