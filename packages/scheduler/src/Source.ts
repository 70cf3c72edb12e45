/** What the plan knows of one source: what it holds, what is under way from it, how fast it is, and its failures. */
import type { Bitfield } from "@piecework/domain/Bitfield"
import type { DeviceId, PeerId } from "@piecework/domain/Peer"
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { SourceKind } from "@piecework/domain/SourceKind"
import type { PieceRun, SourceId } from "./Event.ts"
import * as Bits from "./internal/Bits.ts"

/** A Fetch that is not answered yet. */
export interface Flight {
  readonly run: PieceRun
  /** The pieces of the run that are still to come: bit `n` is piece `first + n`. At least one, but for a whole file. */
  readonly pending: Uint8Array
  /** How many those are. */
  readonly pendingCount: number
  /** Epoch milliseconds at which it was asked for. */
  readonly since: number
  /** What the source had delivered by then, in bytes. */
  readonly mark: number
  /** How far a source that sends whole files has come: the piece it sends next. Absent from other flights. */
  readonly position: number | undefined
}

export interface Source {
  readonly id: SourceId
  readonly kind: SourceKind
  readonly peer: PeerId | undefined
  readonly device: DeviceId | undefined
  readonly host: string | undefined
  readonly held: Bitfield
  readonly heldCount: number
  /** Since when it chokes us, in epoch milliseconds. */
  readonly chokedAt: number | undefined
  /** Why it is never asked again. */
  readonly out: string | undefined
  /** It sends whole files only. */
  readonly wholeFile: boolean

  /** In the order in which they were asked for. */
  readonly flights: ReadonlyArray<Flight>
  /** Pieces still to come, over all flights. */
  readonly pendingCount: number

  /** Bytes of whole pieces that came. */
  readonly delivered: number
  /** Bytes a millisecond; `undefined` until something was measured. */
  readonly rate: number | undefined
  /** Milliseconds from the asking for a run to a piece of it, as a moving average; `undefined` until one came. */
  readonly usualTime: number | undefined
  /** The last Tick at which this source was measured, and its byte count then. */
  readonly tickAt: number
  readonly tickBytes: number
  /** When a byte last came, in epoch milliseconds. */
  readonly progressAt: number

  /** Failures in a row. A source with any is on probation: one piece at a time, until it delivers one. */
  readonly failures: number
  /** It is not asked before, in epoch milliseconds. */
  readonly retryAt: number
  /** It asked to be left alone until then, in epoch milliseconds; what comes from it meanwhile does not change that. */
  readonly restUntil: number
  /** When it last announced a piece that no one near held before (or joined): a sign that its own origin works. */
  readonly freshAt: number
}

/** Sources that are asked for runs over HTTP rather than for single pieces. */
export const takesRuns = (self: Source): boolean => self.kind === "Origin" || self.kind === "CacheServer"

/** A peer on this side of the line to the origin. */
export const isSitePeer = (self: Source): boolean => self.kind === "LinkLocal" || self.kind === "Lan"

/** It may be asked for something now. */
export const isReady = (self: Source, now: number): boolean =>
  self.out === undefined && self.chokedAt === undefined && now >= self.retryAt && now >= self.restUntil

/** It holds things without giving them: it failed, or has choked us for at least `patience` ms. */
export const isSilent = (self: Source, now: number, patience: number): boolean =>
  self.out !== undefined || self.failures > 0 || (self.chokedAt !== undefined && now - self.chokedAt >= patience)

export const isSameRun = (a: PieceRun, b: PieceRun): boolean => a.first === b.first && a.count === b.count

export const hasPending = (flight: Flight, piece: number): boolean => {
  const bit = piece - flight.run.first
  return bit >= 0 && bit < flight.run.count && Bits.has(flight.pending, bit)
}

/** The flight in which the source still owes the piece. */
export const flightOf = (self: Source, piece: number): Flight | undefined =>
  self.pendingCount === 0 ? undefined : self.flights.find((flight) => hasPending(flight, piece))

/** The pieces of the flight that are still to come, in order. */
export const pendingOf = (flight: Flight): ReadonlyArray<PieceIndex> => {
  const pieces: Array<PieceIndex> = []
  Bits.forEach(flight.pending, (bit) => pieces.push((flight.run.first + bit) as PieceIndex))
  return pieces
}

export const addFlight = (self: Source, flight: Flight): Source => ({
  ...self,
  flights: [...self.flights, flight],
  pendingCount: self.pendingCount + flight.pendingCount
})

export const removeFlight = (self: Source, flight: Flight): Source => ({
  ...self,
  flights: self.flights.filter((other) => other !== flight),
  pendingCount: self.pendingCount - flight.pendingCount
})

/** The same with other pieces still to come from the flight; the flight stays, also when that is none. */
export const setPending = (self: Source, flight: Flight, pending: Uint8Array, pendingCount: number): Source => ({
  ...self,
  flights: self.flights.map((other) => (other === flight ? { ...flight, pending, pendingCount } : other)),
  pendingCount: self.pendingCount - flight.pendingCount + pendingCount
})
