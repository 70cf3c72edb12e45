/**
 * The live figures of one download: what each source has sent so far, and what became of it. Sources count by
 * themselves while bytes come in; the meter only reads their counters, so that a glance costs the hot path nothing.
 */
import { PeerKind } from "@piecework/domain/Peer"
import { addBytes, type BytesBySource, isPeer, type SourceKind, total } from "@piecework/domain/SourceKind"
import type { SourceId } from "@piecework/sources/PieceSource"
import * as Tally from "./Tally.ts"

/** A source as the meter sees it: live counters, bytes of content. */
export interface Metered {
  readonly id: SourceId
  readonly kind: SourceKind
  readonly received: () => number
  readonly sent: () => number
  /** Where a peer is. */
  readonly host?: string | undefined
  readonly port?: number | undefined
  /** Answers of an HTTP server: how many there were so far, and how many are being read. */
  readonly answers?: (() => { readonly soFar: number; readonly now: number }) | undefined
}

/** A peer that is connected. */
export interface MeteredPeer extends Metered {
  readonly kind: PeerKind
}

/** Content bytes, or connections, by kind of peer. */
export type ByPeer = { readonly [K in PeerKind]: number }
export const noPeers: ByPeer = { LinkLocal: 0, Lan: 0, Group: 0, Internet: 0 }

/** Connections by kind of source: answers of HTTP servers, sessions with peers. */
export type Connections = ByPeer & { readonly Origin: number; readonly CacheServer: number }
export const noConnections: Connections = { ...noPeers, Origin: 0, CacheServer: 0 }

export interface Meter {
  readonly join: (source: Metered) => void
  /** Its counters are read a last time. A source that is not there changes nothing. */
  readonly leave: (id: SourceId, why?: string) => void
  /** Nothing more comes: whoever hears of sources that leave is told of those that are still there, which go on counting. */
  readonly over: () => void
  /** A piece of so many bytes became held; `first` says whether it was not held before. */
  readonly kept: (kind: SourceKind, bytes: number, first: boolean) => void
  readonly bad: (bytes: number) => void
  /** What was held is of no use any more: the file is another one, and begun again. */
  readonly lost: () => void
  /** By kind, sources that left included; what the cache held counts as received from it. */
  readonly received: () => BytesBySource
  readonly receivedBySource: () => ReadonlyMap<SourceId, number>
  readonly useful: () => BytesBySource
  readonly sent: () => number
  readonly sentTo: () => ByPeer
  /** Sessions with peers so far, by kind; those that ended included. */
  readonly connections: () => ByPeer
  /** The same, and the answers that HTTP servers gave. */
  readonly connectionsSoFar: () => Connections
  /** Those of this moment. */
  readonly connected: () => Connections
  /** The peers that are connected. */
  readonly peers: () => ReadonlyArray<MeteredPeer>
  readonly waste: () => Tally.Waste
}

/** `onLeft` is told of each source once, with why it left, when its counters are final. */
export const make = (onLeft: (source: Metered, why: string) => void = () => undefined): Meter => {
  const sources = new Map<SourceId, Metered>()
  let tally = Tally.empty
  const sentByLeft = { ...noPeers }
  const answersOfLeft = { Origin: 0, CacheServer: 0 }
  const connections = { ...noPeers }

  const received = (): BytesBySource => {
    let sum = addBytes(tally.left, "LocalCache", tally.useful.LocalCache)
    for (const source of sources.values()) sum = addBytes(sum, source.kind, source.received())
    return sum
  }

  const sentTo = (): ByPeer => {
    const sum = { ...sentByLeft }
    for (const source of sources.values()) if (isPeer(source.kind)) sum[source.kind] += source.sent()
    return sum
  }

  return {
    join: (source) => {
      sources.set(source.id, source)
      if (isPeer(source.kind)) connections[source.kind]++
    },
    leave: (id, why = "Closed") => {
      const source = sources.get(id)
      if (source === undefined) return
      sources.delete(id)
      tally = Tally.left(tally, source.kind, source.received())
      if (isPeer(source.kind)) sentByLeft[source.kind] += source.sent()
      if (isServer(source.kind)) answersOfLeft[source.kind] += source.answers?.().soFar ?? 0
      onLeft(source, why)
    },
    over: () => {
      for (const source of sources.values()) onLeft(source, "Closed")
    },
    kept: (kind, bytes, first) => {
      tally = first ? Tally.held(tally, kind, bytes) : Tally.duplicate(tally, bytes)
    },
    bad: (bytes) => {
      tally = Tally.bad(tally, bytes)
    },
    lost: () => {
      tally = Tally.lost(tally)
    },
    received,
    receivedBySource: () => new Map([...sources].map(([id, source]) => [id, source.received()])),
    useful: () => tally.useful,
    sent: () => {
      const { Group, Internet, Lan, LinkLocal } = sentTo()
      return Group + Internet + Lan + LinkLocal
    },
    sentTo,
    connections: () => ({ ...connections }),
    connectionsSoFar: () => {
      const sum = { ...noConnections, ...connections, ...answersOfLeft }
      for (const { answers, kind } of sources.values()) if (isServer(kind)) sum[kind] += answers?.().soFar ?? 0
      return sum
    },
    connected: () => {
      const sum = { ...noConnections }
      for (const { answers, kind } of sources.values()) {
        if (isPeer(kind)) sum[kind]++
        else if (isServer(kind)) sum[kind] += answers?.().now ?? 0
      }
      return sum
    },
    peers: () => [...sources.values()].filter(isOfPeer),
    waste: () => Tally.waste(tally, total(received()), total(tally.useful))
  }
}

const isServer = (kind: SourceKind): kind is "Origin" | "CacheServer" => kind === "Origin" || kind === "CacheServer"
const isOfPeer = (source: Metered): source is MeteredPeer => isPeer(source.kind)
