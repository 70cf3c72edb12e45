/**
 * What the log says of how well peers helped: plain sums over the entries of `Events`. Source: spec.md §8.1,
 * Get-DeliveryOptimizationLogAnalysis.
 */
import { fromPeers, isPeer, type SourceKind, total } from "@piecework/domain/SourceKind"
import type { ConnectionEnded, DownloadEnded, Ended } from "./Events.ts"

/** A file counts once, however often it was downloaded; what was so of one of its downloads is so of it. */
export interface Analysis {
  readonly Files: number
  readonly ForegroundFiles: number
  /** As large as the least size that is worth peers, or larger. */
  readonly FilesOverMinSize: number
  /** Their mode had peers. */
  readonly FilesEligibleForPeers: number
  readonly FilesWithPeersFound: number
  readonly FilesWithPeerBytes: number
  /** Bytes from peers ÷ all bytes that came in, in percent with one decimal. */
  readonly EfficiencyPercent: number
  /** The same of the files with bytes from peers alone. */
  readonly EfficiencyPercentInPeeringFiles: number
  /** Over the network: what the cache had is not in it. What was wasted is, unlike in `status`. */
  readonly TotalBytesDownloaded: number
  readonly BytesFromPeers: number
}

export interface Connection {
  readonly Destination: string
  readonly PeerType: "LAN" | "LinkLocal" | "Group" | "Internet" | "CacheServer" | "Http"
  readonly Status: string
  readonly BytesSent: number
  readonly BytesReceived: number
  readonly File: string
}

/** Takes what it is told of, one after the other; keeps a few numbers for each file. */
export interface Analyst {
  readonly take: (ended: Ended) => void
  readonly result: () => Analysis
  readonly connections: () => ReadonlyArray<Connection>
  /** Connections that are not among these, as there were more than are kept. */
  readonly unlisted: () => number
}

/** Files and connections that are remembered; a log that is kept within its limits has fewer. */
const most = 100_000

interface File {
  isForeground: boolean
  isOverMin: boolean
  isEligible: boolean
  hasFound: boolean
  fromPeers: number
  all: number
}

export const make = (): Analyst => {
  const files = new Map<string, File>()
  const connections: Array<Connection> = []
  let unlisted = 0

  const download = (ended: DownloadEnded) => {
    const name = ended.file === "" ? ended.url : ended.file
    const file = files.get(name) ?? {
      isForeground: false,
      isOverMin: false,
      isEligible: false,
      hasFound: false,
      fromPeers: 0,
      all: 0
    }
    if (files.size < most) files.set(name, file)
    file.isForeground ||= ended.isForeground
    file.isOverMin ||= ended.fileBytes >= ended.minPeerBytes
    file.isEligible ||= ended.isEligible
    file.hasFound ||= ended.peersFound > 0
    file.fromPeers += fromPeers(ended.received)
    file.all += total(ended.received) - ended.received.LocalCache
  }

  return {
    take: (ended) => {
      if (ended.event === "download") download(ended)
      else if (connections.length < most) connections.push(connectionOf(ended))
      else unlisted++
    },
    connections: () => connections,
    unlisted: () => unlisted,
    result: () => {
      const all = [...files.values()]
      const peering = all.filter((file) => file.fromPeers > 0)
      return {
        Files: all.length,
        ForegroundFiles: count(all, ({ isForeground }) => isForeground),
        FilesOverMinSize: count(all, ({ isOverMin }) => isOverMin),
        FilesEligibleForPeers: count(all, ({ isEligible }) => isEligible),
        FilesWithPeersFound: count(all, ({ hasFound }) => hasFound),
        FilesWithPeerBytes: peering.length,
        EfficiencyPercent: efficiency(all),
        EfficiencyPercentInPeeringFiles: efficiency(peering),
        TotalBytesDownloaded: sum(all, (file) => file.all),
        BytesFromPeers: sum(all, (file) => file.fromPeers)
      }
    }
  }
}

const connectionOf = ({ destination, file, kind, received, sent, status }: ConnectionEnded): Connection => ({
  Destination: destination,
  PeerType: peerTypes[kind],
  Status: status,
  BytesSent: sent,
  BytesReceived: received,
  File: file
})

/** Nobody connects to the cache of the device itself. */
const peerTypes = {
  Lan: "LAN",
  LinkLocal: "LinkLocal",
  Group: "Group",
  Internet: "Internet",
  CacheServer: "CacheServer",
  Origin: "Http",
  LocalCache: "Http"
} as const satisfies Record<SourceKind, Connection["PeerType"]>

/** Whether it is one to a peer. */
export const isToPeer = ({ kind }: ConnectionEnded): boolean => isPeer(kind)

const count = (files: ReadonlyArray<File>, is: (file: File) => boolean): number => files.filter(is).length

const sum = (files: ReadonlyArray<File>, of: (file: File) => number): number =>
  files.reduce((all, file) => all + of(file), 0)

const efficiency = (files: ReadonlyArray<File>): number => {
  const all = sum(files, (file) => file.all)
  return all === 0 ? 0 : Math.round((1000 * sum(files, (file) => file.fromPeers)) / all) / 10
}
