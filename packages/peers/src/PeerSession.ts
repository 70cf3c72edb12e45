/**
 * One connection with one peer about one content, as the download sees it: a source of pieces that also says what it
 * holds. The same session answers the peer's requests by itself.
 */
import type { Bitfield } from "@piecework/domain/Bitfield"
import type { PeerAddress, PeerId, PeerKind } from "@piecework/domain/Peer"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { PieceSource } from "@piecework/sources/PieceSource"
import type { TraceContext } from "@piecework/telemetry/Spans"
import type { Effect } from "effect"
import type { PeerError } from "./PeerError.ts"

/**
 * What changed at the peer. `Held` is all that it holds: it comes first, and again in place of what was not taken
 * in time, followed by the choke state of that moment. A session begins choked.
 */
export type PeerEvent =
  | { readonly _tag: "Held"; readonly pieces: Bitfield }
  | { readonly _tag: "Have"; readonly piece: PieceIndex }
  | { readonly _tag: "Choked" }
  | { readonly _tag: "Unchoked" }

/** Bytes of content, without the protocol around them. */
export interface PeerCounters {
  /** All that came in, wanted or not. */
  readonly received: number
  /** Handed to the operating system for the peer. */
  readonly sent: number
  /** The part of `received` that was thrown away: cancelled, or of a piece that was not completed. */
  readonly wasted: number
}

/**
 * `fetch` asks for the pieces of its run one behind the other and hands each over once all its bytes are in. It waits
 * while the peer chokes, fails with `NotFound` for a piece that the peer did not announce, and, when interrupted, takes
 * its requests back. A piece may be under way only once in a session.
 */
export interface PeerSession extends PieceSource {
  readonly peer: PeerId
  /** Where the peer was reached, or where its connection came from. */
  readonly address: PeerAddress
  readonly kind: PeerKind
  /** Whether the peer dialled. */
  readonly incoming: boolean
  /** What the peer holds, as far as it said. */
  readonly held: () => Bitfield
  /** Whether the peer answers no requests now. */
  readonly choked: () => boolean
  /** What was not taken yet, oldest first: at most `PeerConfig.maxEvents`. */
  readonly takeEvents: () => ReadonlyArray<PeerEvent>
  /**
   * Tells when there are events to take, after there were none; at once, if there are now. In the middle of the session's
   * step, so the listener does nothing but remember. One listener, the last one.
   */
  readonly listen: (listener: () => void) => void
  /** Tells the peer that we hold a piece, unless it knows. Never waits for the network. */
  readonly announce: (piece: PieceIndex) => void
  /** Tells the peer in which trace this session is, so that what it serves hangs under that. Never waits for the network. */
  readonly trace: (place: TraceContext) => void
  /** Live figures. */
  readonly counters: () => PeerCounters
  /** Ends the session; `closed` then says `Closed`. */
  readonly close: Effect.Effect<void>
  /** Waits for the end and says why it came. */
  readonly closed: Effect.Effect<PeerError>
}
