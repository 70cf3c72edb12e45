/**
 * Counts every content byte of one download once. What a source sent is either useful (it became a piece that was held
 * for the first time) or waste; until a piece is settled its bytes are neither. So at the end, for each kind of source,
 * received = useful + wasted. Source: F132, F133.
 */
import { type BytesBySource, addBytes, noBytes, type SourceKind } from "@piecework/domain/SourceKind"

export interface Waste {
  /** Pieces whose hash was wrong, in bytes. */
  readonly bad: number
  /** Pieces that somebody else delivered first, in bytes. */
  readonly duplicate: number
  /** What had come in of requests that were given up, in bytes. */
  readonly cancelled: number
}

export interface Tally {
  readonly useful: BytesBySource
  /** Received by sources that have left, by kind. */
  readonly left: BytesBySource
  readonly bad: number
  readonly duplicate: number
}

export const empty: Tally = { useful: noBytes, left: noBytes, bad: 0, duplicate: 0 }

/** A piece of so many bytes is held now. */
export const held = (self: Tally, kind: SourceKind, bytes: number): Tally => ({
  ...self,
  useful: addBytes(self.useful, kind, bytes)
})

export const bad = (self: Tally, bytes: number): Tally => ({ ...self, bad: self.bad + bytes })

export const duplicate = (self: Tally, bytes: number): Tally => ({ ...self, duplicate: self.duplicate + bytes })

/** Nothing is held any more. What came of it counts as given up; what the cache had was never received. */
export const lost = (self: Tally): Tally => ({ ...self, useful: noBytes })

/** A source left that had sent so many bytes in all. */
export const left = (self: Tally, kind: SourceKind, received: number): Tally => ({
  ...self,
  left: addBytes(self.left, kind, received)
})

/** The waste of a download that is over; `received` is what all sources sent, those that left included. */
export const waste = (self: Tally, received: number, useful: number): Waste => ({
  bad: self.bad,
  duplicate: self.duplicate,
  cancelled: Math.max(0, received - useful - self.bad - self.duplicate)
})

export const wasted = (self: Waste): number => self.bad + self.duplicate + self.cancelled
