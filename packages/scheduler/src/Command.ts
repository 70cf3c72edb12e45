/**
 * What the scheduler wants done, in the order in which it is to be done. Each Fetch and each Cancel says why, so that a
 * person can later ask why a piece came from where it came from.
 */
import type { PeerId } from "@piecework/domain/Peer"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { PieceRun, SourceId } from "./Event.ts"

/** Why a source is asked for a run. */
export type FetchReason =
  /** No other source that answers is known. */
  | "OnlySource"
  /** Somebody reads it next. */
  | "Reading"
  /** Somebody has waited for it, and neither a lease nor a neighbour has brought it in time. */
  | "ReaderWaits"
  /** Of the pieces it holds, the one fewest neighbours hold. */
  | "Rarest"
  /** A cache server is asked for what neighbours lack, or are too slow with. */
  | "CacheServer"
  /** The service leased it to this client: nobody else of the site asks the origin for it. */
  | "Leased"
  /** No neighbour holds it, and among the neighbours it is this client's turn to ask the origin for it. */
  | "OwnShare"
  /** No neighbour holds it; it is another's turn, who will not get to it soon. */
  | "OthersShare"
  /** Peers give less than the download has to have, so the origin makes up for it. */
  | "BelowFloor"
  /** Neighbours hold it, but none of them answers at the moment. */
  | "HoldersSilent"
  /** Taken over from a far slower source. */
  | "Steal"
  /** Asked for a second time, because it is one of the last and takes long. */
  | "Endgame"
  /** The source can only send the whole file. */
  | "WholeFile"

/** Why a fetch is taken back. */
export type CancelReason =
  /** A far faster source takes it over. */
  | "Stolen"
  /** All of it came from elsewhere. */
  | "Duplicate"
  /** No byte came for too long. */
  | "Stalled"
  /** It was far back in the queue of a source that is to deliver something first that somebody reads. */
  | "Overtaken"
  /** The peer chokes us. */
  | "Choked"
  /** The source is out for bad pieces. */
  | "Banned"
  /** It was begun before the service said that somebody else of the site has it or fetches it. */
  | "Unleased"
  /** The source turned out to send whole files only, or can do no more for us. */
  | "Useless"

/** Ask the source for the run, in order. A peer is asked for runs of one piece, several at a time. */
export interface Fetch {
  readonly _tag: "Fetch"
  readonly source: SourceId
  readonly run: PieceRun
  readonly reason: FetchReason
}

/** Stop the fetch of exactly this run; its pieces that have come remain. Nothing is to be said of it afterwards. */
export interface Cancel {
  readonly _tag: "Cancel"
  readonly source: SourceId
  readonly run: PieceRun
  readonly reason: CancelReason
}

/** Tell the peers that this piece is held now. */
export interface Announce {
  readonly _tag: "Announce"
  readonly piece: PieceIndex
}

/** Have nothing to do with this peer's device any more, nor with its host if one is named. */
export interface Ban {
  readonly _tag: "Ban"
  readonly peer: PeerId
  /** Address without port. Absent when others on that host have proved honest, or the host is not known. */
  readonly host?: string | undefined
  /** Epoch milliseconds. */
  readonly until: number
}

/** Every piece that is wanted is held. Said once, and again after more was wanted in between. */
export interface Finished {
  readonly _tag: "Finished"
}

/**
 * Pieces are missing, none is under way, and no source that is joined can deliver one. Said once, and again only after
 * something was fetched in between; the plan goes on as soon as a source joins or holds more.
 */
export interface Exhausted {
  readonly _tag: "Exhausted"
  /** How many pieces are missing. */
  readonly missing: number
  /** The sources that were given up and why, the first 16 of them. */
  readonly failures: ReadonlyArray<{ readonly source: SourceId; readonly reason: string }>
}

export type Command = Fetch | Cancel | Announce | Ban | Finished | Exhausted
