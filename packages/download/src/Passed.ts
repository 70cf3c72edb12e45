/**
 * What came in and went out for one content: numbers that only grow, which downloads and seeders note down as they go, so that several
 * of them, one after the other or at a time, add up. Pure.
 */
import { PeerKind } from "@piecework/domain/Peer"
import { BytesBySource, noBytes, SourceKind, total } from "@piecework/domain/SourceKind"
import { Schema } from "effect"
import { type Meter, noConnections, noPeers } from "./Meter.ts"
import * as Tally from "./Tally.ts"

export const ByPeer = Schema.Record(PeerKind, Schema.Natural)

const Connections = Schema.Record(Schema.Literals(["Origin", "CacheServer", ...PeerKind.literals]), Schema.Natural)

export const Passed = Schema.Struct({
  /** Content bytes that came in; none of them from the device's own cache. */
  received: BytesBySource,
  sentTo: ByPeer,
  /** Answers of HTTP servers, and sessions with peers. */
  connections: Connections,
  /** Of what came in what was thrown away; known at the end of a download. */
  wasted: Schema.Natural,
  /** Milliseconds that downloads took. */
  millis: Schema.Natural
})
export type Passed = typeof Passed.Type

export const none: Passed = { received: noBytes, sentTo: noPeers, connections: noConnections, wasted: 0, millis: 0 }

const combined = (combine: (a: number, b: number) => number) => {
  const records = <K extends string>(
    keys: ReadonlyArray<K>,
    a: { readonly [P in K]: number },
    b: { readonly [P in K]: number }
  ) => Object.fromEntries(keys.map((key) => [key, combine(a[key], b[key])])) as { readonly [P in K]: number }
  return (a: Passed, b: Passed): Passed => ({
    received: records(SourceKind.literals, a.received, b.received),
    sentTo: records(PeerKind.literals, a.sentTo, b.sentTo),
    connections: records(["Origin", "CacheServer", ...PeerKind.literals], a.connections, b.connections),
    wasted: combine(a.wasted, b.wasted),
    millis: combine(a.millis, b.millis)
  })
}

export const plus = combined((a, b) => a + b)
/** What `a` has more. */
export const minus = combined((a, b) => Math.max(0, a - b))

export const receivedBytes = (self: Passed): number => total(self.received)
export const sentBytes = ({ sentTo }: Passed): number => sentTo.LinkLocal + sentTo.Lan + sentTo.Group + sentTo.Internet

/** Whether there is anything to note: time alone is nothing. */
export const isNone = (self: Passed): boolean =>
  receivedBytes(self) === 0 &&
  sentBytes(self) === 0 &&
  self.wasted === 0 &&
  Object.values(self.connections).every((count) => count === 0)

/** Of a download so far. What is neither held nor wasted yet is waste where it is over. */
export const of = (meter: Meter, millis: number, isOver: boolean): Passed => ({
  received: { ...meter.received(), LocalCache: 0 },
  sentTo: meter.sentTo(),
  connections: meter.connectionsSoFar(),
  wasted: isOver ? Tally.wasted(meter.waste()) : 0,
  millis: Math.max(0, Math.round(millis))
})
