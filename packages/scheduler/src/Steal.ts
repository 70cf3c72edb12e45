/**
 * The end of a download, and sources that are far too slow. A source takes a piece over (the other's fetch is taken
 * back) when it is many times faster, and the last few pieces may be asked for a second time, so that nobody waits for a
 * hopeless one. The origin is the one that should not do this: what it sends twice is paid for twice.
 */
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import * as Bits from "./internal/Bits.ts"
import * as Crossing from "./Crossing.ts"
import type { Draft } from "./internal/Draft.ts"
import * as OriginChoice from "./OriginChoice.ts"
import * as Pace from "./Pace.ts"
import * as Plan from "./Plan.ts"
import { type Flight, pendingOf, type Source, takesRuns } from "./Source.ts"

/** Takes over what a source `factor` times slower owes; whether there was such a thing. */
export const steal = (draft: Draft, thief: Source, factor: number): boolean => {
  const { plan } = draft
  if (thief.rate === undefined || thief.rate <= 0) return false
  for (const victim of plan.sources.values()) {
    if (victim.id === thief.id || victim.rate === undefined || victim.rate * factor > thief.rate) continue
    // The piece it was asked for last is the one it has done least of.
    for (let i = victim.flights.length - 1; i >= 0; i--) {
      const flight = victim.flights[i]
      if (flight === undefined || !isWorth(draft, thief, victim, flight, factor)) continue
      for (const piece of draft.take(victim, flight, "Stolen")) {
        draft.fetch(draft.source(thief.id) ?? thief, { first: piece, count: 1 }, "Steal")
      }
      return true
    }
  }
  return false
}

/** The thief can do all of the flight, the victim had its time, and the thief will be done first. */
const isWorth = (draft: Draft, thief: Source, victim: Source, flight: Flight, factor: number): boolean => {
  const { plan } = draft
  const most = takesRuns(thief) ? 1 : Pace.room(plan, thief)
  if (flight.position !== undefined || flight.pendingCount > most) return false
  const { stealAfter, stealEarly, stealWaiting } = plan.settings
  const least = plan.wantedCount > 0 && factor < stealEarly ? stealWaiting : stealAfter
  if (plan.now - flight.since < Math.max(least, factor * (thief.usualTime ?? 0))) return false
  if (plan.now - flight.since < factor * Pace.timeFor(plan, thief, flight.pendingCount)) return false
  const thiefTakes = Pace.timeFor(plan, thief, thief.pendingCount + flight.pendingCount)
  if (thiefTakes >= Pace.timeFor(plan, victim, flight.pendingCount)) return false
  return pendingOf(flight).every((piece) => mayTake(draft, thief, piece))
}

/** In the endgame: asks the source as well for the piece that has been under way the longest; whether there was one. */
export const duplicate = (draft: Draft, source: Source): boolean => {
  const { plan } = draft
  if (!Plan.isEndgame(plan)) return false
  const due = source.rate === undefined ? 0 : 2 * Pace.timeFor(plan, source, source.pendingCount + 1)
  let oldest = plan.now - Math.max(plan.settings.endgameAfter, due)
  let found: PieceIndex | undefined
  for (const other of plan.sources.values()) {
    if (other.id === source.id) continue
    for (const flight of other.flights) {
      if (flight.since > oldest) continue
      const piece = pendingOf(flight).find((one) => mayTake(draft, source, one))
      if (piece === undefined) continue
      found = piece
      oldest = flight.since
    }
  }
  if (found === undefined) return false
  draft.fetch(source, { first: found, count: 1 }, "Endgame")
  return true
}

/** The source has what one other owes, and if it is the origin, it is this client that should ask there. */
const mayTake = (draft: Draft, source: Source, piece: PieceIndex): boolean =>
  Bits.has(source.held.bytes, piece) &&
  Plan.fetchers(draft.plan, piece) === 1 &&
  !draft.plan.verifying.has(piece) &&
  Crossing.mayAsk(draft.plan, source, piece) &&
  (source.kind !== "Origin" || OriginChoice.isTurn(draft, source, piece))
