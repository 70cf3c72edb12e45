/**
 * This device among the peers: listens, dials, and lets in only whom it shares a content with. A connection about an
 * unknown swarm gets no byte of an answer. Source: spec.md §6, F085–F090.
 */
import type { StoredContent } from "@piecework/cache/PieceCache"
import type { Peer, PeerAddress, PeerId, PeerKind } from "@piecework/domain/Peer"
import type { Phf } from "@piecework/hashing/Phf"
import { Context, type Effect, type Scope } from "effect"
import type { PeerError } from "./PeerError.ts"
import type { PeerSession } from "./PeerSession.ts"

/** A content that this device exchanges with peers. */
export interface Served {
  readonly phf: Phf
  readonly store: StoredContent
  /** Is given every session that a peer dialled and runs as long as it, unless it ends before. */
  readonly onSession: (session: PeerSession) => Effect.Effect<void>
  /** How near a peer is that dialled. Default: `Lan` for private, link-local and loopback addresses, else `Internet`. */
  readonly kindOf?: ((peer: PeerId, address: PeerAddress) => PeerKind) | undefined
}

export class PeerHost extends Context.Service<
  PeerHost,
  {
    readonly self: PeerId
    /** Where we listen. */
    readonly address: PeerAddress
    /** Lets peers in that want this content, until the scope closes; their sessions end with it. */
    readonly serve: (served: Served) => Effect.Effect<void, never, Scope.Scope>
    /** Dials a peer. The session ends with the scope. Whoever answers for the swarm is taken: `session.peer` says who. */
    readonly connect: (peer: Peer, served: Served) => Effect.Effect<PeerSession, PeerError, Scope.Scope>
  }
>()("@piecework/peers/PeerHost") {}
