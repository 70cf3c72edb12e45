/** A peer that is connected now. Source: spec.md §8.1, Get-DeliveryOptimizationStatus -PeerInfo. */
import { Schema } from "effect"
import { PeerKind } from "./Peer.ts"

/** `PeerKind` in the words of §8.1. */
export const PeerType = Schema.Literals(["LAN", "LinkLocal", "Group", "Internet"])
export type PeerType = typeof PeerType.Type

export const typeOf = (kind: PeerKind): PeerType => (kind === "Lan" ? "LAN" : kind)

export const PeerInfo = Schema.Struct({
  /** Its address, without the port. */
  IP: Schema.String.check(Schema.isMaxLength(64)),
  PeerType,
  /** Always true: peers that are only being dialled are not listed. */
  ConnectionEstablished: Schema.Boolean,
  /** Content bytes of this connection. */
  BytesSent: Schema.Natural,
  BytesReceived: Schema.Natural,
  /** Bytes a second, the mean of the last 20 seconds, or of as long as the connection is there. */
  UploadRateBytes: Schema.Finite,
  DownloadRateBytes: Schema.Finite
})
export type PeerInfo = typeof PeerInfo.Type

/** The peers of one content. */
export const FilePeers = Schema.Struct({
  FileId: Schema.String.check(Schema.isMaxLength(128)),
  /** The busiest first. */
  PeersInfo: Schema.Array(PeerInfo).check(Schema.isMaxLength(1000))
})
export type FilePeers = typeof FilePeers.Type
