/**
 * What is known of the leases of one site: its members, what each holds and has leased. A value; `Leases` says how it
 * changes.
 *
 * Invariants: a piece is leased to one member at most, and to none that holds it; `holders` counts the members that are
 * `counted` and hold the piece; `claimed` has the pieces that somebody is counted for, `leased` those that are leased.
 */
import * as Bitfield from "@piecework/domain/Bitfield"
import { HashMap } from "effect"

/** Who: where the asks come from, and the peer's id. Others know the id, too, but do not ask from there. */
export type MemberId = string

export interface Holder {
  readonly held: Bitfield.Bitfield
  /** By piece: when it was leased, in milliseconds; the oldest comes first. */
  readonly leased: ReadonlyMap<number, number>
  /** Bytes a second from the origin; 0 while unknown. */
  readonly rate: number
  /** The piece after its last run: there it goes on, if it can. */
  readonly cursor: number
  readonly askedAt: number
  /** When it counts as gone. */
  readonly expiresAt: number
  /** It may upload. */
  readonly gives: boolean
  /** What it holds is in `holders`. */
  readonly counted: boolean
  /** How many of its leases it is believed to keep, going by those it has kept. */
  readonly trust: number
  /** It kept one since it came: what it says of itself may be true. */
  readonly hasKept: boolean
  /** Milliseconds from a lease to the piece, as a moving average; `undefined` until it kept one. */
  readonly took: number | undefined
  /** Leases in a row that others had to take over. */
  readonly strikes: number
  /** It gets no leases before. */
  readonly blockedUntil: number
  /** For so long others have waited while nobody got a piece that it alone holds; in milliseconds. */
  readonly doubt: number
  /** Nobody gets what it says that it holds. */
  readonly barren: boolean
  /** Since when others hold pieces that do not reach it. */
  readonly stuckSince: number | undefined
  /** Pieces of others do not reach it. */
  readonly isolated: boolean
}

export interface LeaseTable {
  readonly pieceCount: number
  /** Bytes in a piece. */
  readonly pieceSize: number
  readonly members: HashMap.HashMap<MemberId, Holder>
  readonly holders: Uint16Array
  readonly claimed: Uint8Array
  readonly leased: Uint8Array
  /** How many those are. */
  readonly leasedCount: number
  /** Leases that were kept since `sweptAt`. */
  readonly keptCount: number
  /** As of `sweptAt`: pieces a second that came by leases of late, and the most that the line has shown; 0 while unknown. */
  readonly average: number
  readonly flow: number
  /** When the first member came. */
  readonly madeAt: number
  /** Nothing new is leased before: first everybody says what it has. */
  readonly settledAt: number
  /** As of `sweptAt`, of the members that have kept a lease: the middle ones, which no single liar moves far. */
  readonly usual: { readonly took: number | undefined; readonly rate: number; readonly members: number }
  /** Members that since `sweptAt` had nothing to do, and there was nothing free; two at most. */
  readonly starved: ReadonlyArray<MemberId>
  /** Most members that hold everything without asking, as far as was said since `sweptAt`. */
  readonly sources: number
  /** As a holder's, for these. */
  readonly sourcesDoubt: number
  readonly sourcesBarren: boolean
  readonly sweptAt: number
}

export const make = (pieceCount: number, pieceSize: number): LeaseTable => ({
  pieceCount,
  pieceSize,
  members: HashMap.empty(),
  holders: new Uint16Array(pieceCount),
  claimed: new Uint8Array(Bitfield.byteLength(pieceCount)),
  leased: new Uint8Array(Bitfield.byteLength(pieceCount)),
  leasedCount: 0,
  keptCount: 0,
  average: 0,
  flow: 0,
  madeAt: 0,
  settledAt: 0,
  usual: { took: undefined, rate: 0, members: 0 },
  starved: [],
  sources: 0,
  sourcesDoubt: 0,
  sourcesBarren: false,
  sweptAt: -Infinity
})

/** Bytes that the table takes without members, and with each of them. */
export const bytesOf = (pieceCount: number): { readonly table: number; readonly member: number } => {
  const bits = Bitfield.byteLength(pieceCount)
  return { table: 2 * pieceCount + 2 * bits + 1024, member: bits + 1024 }
}
