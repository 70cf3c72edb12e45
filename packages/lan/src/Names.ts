/**
 * How contents and devices are called on the local network. Each device is an instance of `_dosvc._tcp` under its peer id, and each
 * of its contents is a subtype, so that who looks for a content hears only of those that have it (RFC 6763 §7.1). The service
 * type is Delivery Optimization's, spec.md §6; what its own TXT record holds is not public, so subtype and TXT are ours.
 */
import { createHash } from "node:crypto"
import type { Digest } from "@piecework/domain/Digest"
import { PeerId } from "@piecework/domain/Peer"
import { Schema } from "effect"
import { Hex } from "effect/encoding"

export const service = "_dosvc._tcp.local"

/** The type of cache servers. Source: spec.md §7.2. */
export const cacheServer = "_microsoft_mcc._tcp.local"

/** Where all service types of a network are listed. Source: RFC 6763 §9. */
export const listing = "_services._dns-sd._udp.local"

/** Of a content: 16 bytes of its hash of hashes. So who does not know a content learns nothing but that there is one. */
export const subtype = (swarm: Digest): string => `_c${Hex.encode(swarm.subarray(0, 16))}._sub.${service}`

export const instance = (peer: PeerId): string => `${peer}.${service}`

const isPeerId = Schema.is(PeerId)

/** The peer that an instance is; `undefined` for one of another kind, as Windows has. */
export const peerOf = (name: string): PeerId | undefined => {
  const label = name.toLowerCase().endsWith(`.${service}`) ? name.slice(0, -service.length - 1).toLowerCase() : ""
  return isPeerId(label) ? label : undefined
}

/** The name that a device's addresses are under; other than the instance's, since it is a host's. */
export const hostname = (peer: PeerId): string => `piecework-${peer.slice(0, 16)}.local`

/** A group as it is told to the network: enough to know one's own, and no more. */
export const groupTag = (groupId: string): string => createHash("sha256").update(groupId).digest("hex").slice(0, 16)

/** A label of a name out of any text: what else a name may not hold becomes a hyphen. Source: RFC 1035 §2.3.1. */
export const labelOf = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 56)
    .replaceAll(/^-+|-+$/g, "") || "unnamed"
