/** How near a peer is that nobody told us about. */
import type { PeerKind } from "@piecework/domain/Peer"
import { isLocal } from "@piecework/transport/LocalAddress"

/** `Lan` for an address of this side of the line, and for a name, which only a network in memory has; else `Internet`. */
export const kindOfAddress = (host: string): PeerKind => (isLocal(host) === false ? "Internet" : "Lan")

/** The farther of what the address says and what the peer says, if it does. */
export const farther = (kind: PeerKind, said: PeerKind | undefined): PeerKind =>
  said !== undefined && order.indexOf(said) > order.indexOf(kind) ? said : kind

const order: ReadonlyArray<PeerKind> = ["LinkLocal", "Lan", "Group", "Internet"]
