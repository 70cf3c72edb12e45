/** How near a peer is that nobody told us about. */
import { BlockList, isIP } from "node:net"
import type { PeerKind } from "@piecework/domain/Peer"

/**
 * `Lan` for loopback, private, link-local and unique local addresses, and for names, which only a network in memory
 * has; else `Internet`. Sources: RFC 1918, RFC 3927, RFC 4193, RFC 4291.
 */
export const kindOfAddress = (host: string): PeerKind => {
  const version = isIP(host)
  return version === 0 || near.check(host, version === 4 ? "ipv4" : "ipv6") ? "Lan" : "Internet"
}

/** The farther of what the address says and what the peer says, if it does. */
export const farther = (kind: PeerKind, said: PeerKind | undefined): PeerKind =>
  said !== undefined && order.indexOf(said) > order.indexOf(kind) ? said : kind

const order: ReadonlyArray<PeerKind> = ["LinkLocal", "Lan", "Group", "Internet"]

const near = new BlockList()
near.addSubnet("127.0.0.0", 8, "ipv4")
near.addSubnet("10.0.0.0", 8, "ipv4")
near.addSubnet("172.16.0.0", 12, "ipv4")
near.addSubnet("192.168.0.0", 16, "ipv4")
near.addSubnet("169.254.0.0", 16, "ipv4")
near.addAddress("::1", "ipv6")
near.addSubnet("fe80::", 10, "ipv6")
near.addSubnet("fc00::", 7, "ipv6")
