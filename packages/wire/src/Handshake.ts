/**
 * The first 75 bytes in both directions: the protocol's name, 8 bytes whose meaning is not public, the swarm and the
 * sender. Source: spec.md §6.
 *
 * In the last of the 8 bytes our own clients say how near they were told that the other is: 0 nothing, 1 link-local, 2 LAN,
 * 3 group, 4 Internet. Who is dialled knows the dialler's address, which behind one VPN says nothing of the site.
 */
import { Digest, Peer } from "@piecework/domain"
import { Result } from "effect"
import { WireError } from "./WireError.ts"

export interface Handshake {
  /** The hash of hashes of the swarm's content. */
  readonly swarm: Digest.Digest
  /** Who sends the handshake. */
  readonly peer: Peer.PeerId
  /** How near the sender takes the receiver to be; absent where it does not say. */
  readonly kind?: Peer.PeerKind | undefined
}

/** Bytes of a handshake: 1 + 14 + 8 + 32 + 16 + 4. */
export const byteLength = 75

const name = new TextEncoder().encode("Swarm protocol")
const reservedAt = 1 + name.length
const kindAt = reservedAt + 7
const kinds = [undefined, "LinkLocal", "Lan", "Group", "Internet"] as const
const swarmAt = reservedAt + 8
const peerAt = swarmAt + Digest.length

export const encode = (handshake: Handshake): Uint8Array => {
  const bytes = new Uint8Array(byteLength)
  bytes[0] = name.length
  bytes.set(name, 1)
  // Captures show this; whether it is a version or a size is not known, so any value is accepted from others.
  bytes[reservedAt + 3] = 1
  bytes[kindAt] = kinds.indexOf(handshake.kind)
  bytes.set(handshake.swarm, swarmAt)
  bytes.set(Peer.idToBytes(handshake.peer), peerAt)
  return bytes
}

/** Reads the first 75 bytes; what follows them is not looked at. The result keeps no reference to `bytes`. */
export const decode = (bytes: Uint8Array): Result.Result<Handshake, WireError> => {
  if (bytes[0] !== name.length && bytes.length > 0) return fail("BadProtocolName", 0)
  for (let i = 0; i < name.length && 1 + i < bytes.length; i++) {
    if (bytes[1 + i] !== name[i]) return fail("BadProtocolName", 1 + i)
  }
  if (bytes.length < byteLength) return fail("ShortFrame", bytes.length)
  const kind = kinds[bytes[kindAt] ?? 0]
  return Result.succeed({
    swarm: Digest.Digest.make(bytes.slice(swarmAt, peerAt)),
    peer: Peer.idFromBytes(bytes.subarray(peerAt, byteLength)),
    ...(kind === undefined ? {} : { kind })
  })
}

const fail = (reason: WireError["reason"], offset: number) => Result.fail(new WireError({ reason, offset }))
