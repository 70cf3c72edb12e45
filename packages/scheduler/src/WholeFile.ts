/**
 * Sources that send whole files only. One fetch of the whole file runs through all pieces in order; it owes the next few
 * (as many as would be under way otherwise), so that others fetch what lies further ahead, and what it passes that
 * others owe or that is held already is not asked of it. It ends early when nothing that is missing lies ahead.
 */
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import type { PieceRun } from "./Event.ts"
import * as Bits from "./internal/Bits.ts"
import type { Draft } from "./internal/Draft.ts"
import * as Pace from "./Pace.ts"
import type { Plan } from "./Plan.ts"
import type { Flight, Source } from "./Source.ts"

export const runOf = (plan: Plan): PieceRun => ({ first: 0 as PieceIndex, count: plan.pieceCount })

/** Begins the stream. */
export const start = (draft: Draft, source: Source): void =>
  draft.fetch(source, runOf(draft.plan), "WholeFile", { pending: window(draft.plan, source, 0) })

/** The piece came by, wanted or not: goes on to the pieces after it. */
export const advance = (draft: Draft, source: Source, flight: Flight, piece: PieceIndex): void => {
  const position = Math.max(flight.position ?? 0, piece + 1)
  const moved: Flight = { ...flight, position }
  const next = { ...source, flights: source.flights.map((other) => (other === flight ? moved : other)) }
  draft.put(next)
  if (position >= draft.plan.pieceCount) draft.drop(next, moved)
  else if (!isMissing(draft.plan, position)) draft.cancel(next, moved, "Useless")
  else draft.extend(next, moved, window(draft.plan, next, position))
}

/** Something at or after this piece is needed and not held. */
const isMissing = (plan: Plan, from: number): boolean => {
  for (let piece = from; piece < plan.pieceCount; piece++) {
    if (Bits.has(plan.needed.bytes, piece) && !Bits.has(plan.held.bytes, piece)) return true
  }
  return false
}

const window = (plan: Plan, source: Source, from: number): ReadonlyArray<PieceIndex> => {
  const end = Math.min(plan.pieceCount, from + Pace.depth(plan, source))
  const pieces: Array<PieceIndex> = []
  for (let piece = from; piece < end; piece++) if (Bits.has(plan.wanted.bytes, piece)) pieces.push(piece as PieceIndex)
  return pieces
}
