/**
 * What the scheduler is told. Every event says when it happened; a clock that goes back is read as standing still.
 * Events may come late or name a source or a piece the plan no longer has to do with: those change nothing.
 *
 * A Fetch is answered exactly once: by the last `PieceReceived` of its run, by `FetchFailed`, by `RangesIgnored`, or, when
 * the plan took it back itself, by nothing more (`Cancel`), or by `SourceLeft` for all that the source had under way.
 */
import type { Bitfield } from "@piecework/domain/Bitfield"
import type { PeerId } from "@piecework/domain/Peer"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { SourceKind } from "@piecework/domain/SourceKind"

/** The name of a source; one source keeps it for as long as it is joined. */
export type SourceId = string

/** Adjacent pieces: `first`, `first + 1`, … `first + count - 1`. */
export interface PieceRun {
  readonly first: PieceIndex
  /** At least 1. */
  readonly count: number
}

interface Happened {
  /** Epoch milliseconds. */
  readonly now: number
}

/** Pieces can be had from this source from now on. A name that is joined already leaves first. */
export interface SourceJoined extends Happened {
  readonly _tag: "SourceJoined"
  readonly source: SourceId
  readonly kind: SourceKind
  /** What it holds; `"all"` for the origin and a cache server. A bitfield of another length counts as empty. */
  readonly held: Bitfield | "all"
  /** Who it is, when it is a peer: shares of the origin and bans go by it. */
  readonly peer?: PeerId | undefined
  /** Address without port: bans go by it. */
  readonly host?: string | undefined
  /** It chokes us already, so nothing is asked of it before `Unchoked`. */
  readonly choked?: boolean | undefined
}

/** The source is gone, and with it all that was under way from it. */
export interface SourceLeft extends Happened {
  readonly _tag: "SourceLeft"
  readonly source: SourceId
}

/** The peer announced one piece. */
export interface PeerHas extends Happened {
  readonly _tag: "PeerHas"
  readonly source: SourceId
  readonly piece: PieceIndex
}

/** The peer holds just these pieces, whatever it said before. */
export interface PeerHolds extends Happened {
  readonly _tag: "PeerHolds"
  readonly source: SourceId
  readonly held: Bitfield
}

/** The peer answers no requests until `Unchoked`; what was asked of it is taken back. */
export interface Choked extends Happened {
  readonly _tag: "Choked"
  readonly source: SourceId
}

export interface Unchoked extends Happened {
  readonly _tag: "Unchoked"
  readonly source: SourceId
}

/** All bytes of the piece are here and are being verified; `PieceHeld`, `PieceBad` or `PieceLost` follows. */
export interface PieceReceived extends Happened {
  readonly _tag: "PieceReceived"
  readonly source: SourceId
  readonly piece: PieceIndex
  /** Length of the piece. */
  readonly bytes: number
}

/** The piece is verified and kept. Always believed, also when it comes from a source that was told to stop. */
export interface PieceHeld extends Happened {
  readonly _tag: "PieceHeld"
  readonly source: SourceId
  readonly piece: PieceIndex
}

/** The bytes of the source are not the piece. */
export interface PieceBad extends Happened {
  readonly _tag: "PieceBad"
  readonly source: SourceId
  readonly piece: PieceIndex
}

/** The piece came, but could not be kept or verified, and that was not the source's fault. */
export interface PieceLost extends Happened {
  readonly _tag: "PieceLost"
  readonly source: SourceId
  readonly piece: PieceIndex
}

/** The fetch ended before the last piece of its run. */
export interface FetchFailed extends Happened {
  readonly _tag: "FetchFailed"
  readonly source: SourceId
  /** The run as the Fetch named it. */
  readonly run: PieceRun
  /** Asking this source again is of no use. */
  readonly fatal: boolean
  /** One word for people, such as `NotFound` or `TimedOut`. */
  readonly reason: string
  /** How long the source asks to be left alone, in milliseconds. */
  readonly retryAfter?: number | undefined
}

/** The fetch ended because the source sends whole files only: from now on it is asked for nothing less. */
export interface RangesIgnored extends Happened {
  readonly _tag: "RangesIgnored"
  readonly source: SourceId
  /** The run as the Fetch named it. */
  readonly run: PieceRun
}

/** These pieces are to be fetched as well. Of a plan that wants all of them from the start that changes nothing. */
export interface Want extends Happened {
  readonly _tag: "Want"
  readonly runs: ReadonlyArray<{ readonly first: number; readonly count: number }>
}

/** Pieces that somebody is about to read, in order. */
export interface ReadRun {
  /** The next one that the reader has not got. */
  readonly first: number
  readonly count: number
  /** The reader waits for `first` now; else it is still busy with what is before it. */
  readonly waits: boolean
}

/**
 * All that is read from now on; nothing when nobody reads. What is read is wanted, and comes before everything else. The first
 * `mostReaders` runs count, and of each the first `mostRead` pieces.
 */
export interface Reading extends Happened {
  readonly _tag: "Reading"
  readonly runs: ReadonlyArray<ReadRun>
}

/** Time passes: back-off ends, stalls show, rates are measured. Twice a second is right, once is enough. */
export interface Tick extends Happened {
  readonly _tag: "Tick"
  /** Bytes of content that came from each source since it joined. */
  readonly received: ReadonlyMap<SourceId, number>
  /** Sources that a limit of our own holds back: that nothing came from there is no stall. */
  readonly held?: ReadonlySet<SourceId> | undefined
}

/** The origin may not be asked for anything new until `OriginAllowed`; what is under way goes on. */
export interface OriginHeld extends Happened {
  readonly _tag: "OriginHeld"
}

/** The origin may be asked. A plan starts so. */
export interface OriginAllowed extends Happened {
  readonly _tag: "OriginAllowed"
}

/** Below this rate the origin is asked for more than leases and shares give it; a plan starts without such a rate. */
export interface Floor extends Happened {
  readonly _tag: "Floor"
  /** Bytes a second, of all sources together; `undefined` is no floor. */
  readonly rate: number | undefined
}

/** The service leases these pieces to this client, and no others, until it says something else. */
export interface Leased extends Happened {
  readonly _tag: "Leased"
  readonly runs: ReadonlyArray<{ readonly first: number; readonly count: number }>
  /** What the client had said that it has under way or goes on with: of these, those that are not in `runs` are others'. */
  readonly asked: ReadonlyArray<{ readonly first: number; readonly count: number }>
}

/** The service does not answer, or gives no leases. A plan starts so, unless it is made to wait for the first answer. */
export interface LeasesOff extends Happened {
  readonly _tag: "LeasesOff"
}

export type Event =
  | SourceJoined
  | SourceLeft
  | PeerHas
  | PeerHolds
  | Choked
  | Unchoked
  | PieceReceived
  | PieceHeld
  | PieceBad
  | PieceLost
  | FetchFailed
  | RangesIgnored
  | Want
  | Reading
  | Tick
  | OriginHeld
  | OriginAllowed
  | Floor
  | Leased
  | LeasesOff
