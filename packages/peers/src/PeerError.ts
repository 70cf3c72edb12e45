/** Why there is no session with a peer, or no longer. Source of the codes: spec.md §3.8. */
import { Peer } from "@piecework/domain"
import { Schema } from "effect"

/** What a peer did that the protocol does not allow. */
export const Violation = Schema.Literals([
  /** A frame that is longer than any message may be. */
  "FrameTooLong",
  /** A frame that is no message, or a message with numbers that no piece of the content has. */
  "BadMessage",
  /** A bitfield of the wrong size, with bits past the last piece, or not at the start of the session. */
  "BadBitfield",
  /** Data that was not asked for: never, twice, or with another offset or length. */
  "BlockNotAsked",
  /** A request for a piece that it was never told of. */
  "PieceNotHeld",
  /** More requests at once than anyone needs. */
  "TooManyRequests",
  /** The same piece announced over and over. */
  "TooManyHaves"
])
export type Violation = typeof Violation.Type

export class PeerError extends Schema.TaggedError<PeerError>()("PeerError", {
  /** Who was expected or who spoke; absent until an incoming connection has said its name. */
  peer: Schema.optional(Peer.PeerId),
  /** `host:port` of the other side. */
  address: Schema.String,
  reason: Schema.Literals([
    /** No connection could be made. */
    "Unreachable",
    /** No answer, or none in the middle of a message, for longer than is allowed. */
    "TimedOut",
    /** What came first was no handshake of this protocol. */
    "BadHandshake",
    /** The answer names another swarm. */
    "UnknownSwarm",
    /** The other side is this process. */
    "Self",
    /** There is a session with this peer about this content already. */
    "Duplicate",
    /** The device or its host is banned. */
    "Banned",
    /** This host has as many connections as it may. */
    "TooManyConnections",
    /** The connection ended: they closed it, it broke, or we closed it. */
    "Closed",
    /** The other side broke the protocol: `violation` says how. */
    "Protocol"
  ]),
  violation: Schema.optional(Violation),
  cause: Schema.optional(Schema.Defect())
}) {
  /** The number that Delivery Optimization shows for it. */
  get doCode(): number {
    return this.violation === "FrameTooLong" ? 0x80d06815 : doCodes[this.reason]
  }

  override get message(): string {
    const who = this.peer === undefined ? this.address : `Peer ${this.peer.slice(0, 8)}… at ${this.address}`
    switch (this.reason) {
      case "Unreachable":
        return `${who} cannot be reached; check that TCP port ${Peer.defaultPort} is open between the two devices.`
      case "TimedOut":
        return `${who} did not answer in time.`
      case "BadHandshake":
        return `${who} does not speak the protocol of peers; something else may listen there.`
      case "UnknownSwarm":
        return `${who} does not share this content.`
      case "Self":
        return `${who} is this device itself.`
      case "Duplicate":
        return `${who} is connected already.`
      case "Banned":
        return `${who} is banned for having sent bad data.`
      case "TooManyConnections":
        return `${who} was not connected, as this device has as many connections as it may.`
      case "Closed":
        return `The connection with ${who} is closed.`
      case "Protocol":
        return `${who} broke the protocol (${this.violation ?? "BadMessage"}) and was disconnected.`
    }
  }
}

const doCodes: { readonly [R in PeerError["reason"]]: number } = {
  Unreachable: 0x80d06811,
  TimedOut: 0x80d06811,
  BadHandshake: 0x80d06813,
  UnknownSwarm: 0x80d06812,
  Self: 0x80d0680e,
  Duplicate: 0x80d0680f,
  Banned: 0x80d0680d,
  TooManyConnections: 0x80d06810,
  Closed: 0x80d06814,
  Protocol: 0x80d06816
}
