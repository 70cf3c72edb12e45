/** Another client: who it is, where it listens, and how near it is. Source: spec.md §4.5 (PeerId), §6 (handshake). */
import { Schema } from "effect"
import { Hex } from "effect/encoding"

/** 40 lower-case hex digits: 16 bytes that name the device, and a suffix of 4 bytes that names the process on it. */
export const PeerId = Schema.String.check(Schema.isPattern(/^[0-9a-f]{40}$/)).pipe(Schema.brand("PeerId"))
export type PeerId = typeof PeerId.Type

/** The first 32 hex digits of a peer id: one device, whichever of its processes speaks. */
export const DeviceId = Schema.String.check(Schema.isPattern(/^[0-9a-f]{32}$/)).pipe(Schema.brand("DeviceId"))
export type DeviceId = typeof DeviceId.Type

/** Bytes of a peer id on the wire. */
export const idLength = 20

export const idFromBytes = (bytes: Uint8Array): PeerId => PeerId.make(Hex.encode(bytes))
export const idToBytes = (id: PeerId): Uint8Array => Uint8Array.from(Buffer.from(id, "hex"))
export const deviceOf = (id: PeerId): DeviceId => DeviceId.make(id.slice(0, 32))
export const idOf = (device: DeviceId, suffix: number): PeerId =>
  PeerId.make(device + (suffix >>> 0).toString(16).padStart(8, "0"))

/** Where a peer listens. */
export class PeerAddress extends Schema.Class<PeerAddress>("@piecework/domain/PeerAddress")({
  /** An IPv4 or IPv6 address, without brackets. */
  host: Schema.NonEmptyString.check(Schema.isMaxLength(45)),
  port: Schema.Port
}) {
  override toString(): string {
    return this.host.includes(":") ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`
  }
}

/** TCP port on which clients listen. Source: spec.md §6. */
export const defaultPort = 7680

/** How near a peer is. Source: spec.md §8.1 (PeerType). */
export const PeerKind = Schema.Literals(["LinkLocal", "Lan", "Group", "Internet"])
export type PeerKind = typeof PeerKind.Type

/** A peer as the swarm hands it out. */
export class Peer extends Schema.Class<Peer>("@piecework/domain/Peer")({
  id: PeerId,
  address: PeerAddress,
  kind: PeerKind
}) {}
