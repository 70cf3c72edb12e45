/** What is true of every plan, whatever happened: checked from the tables, in the slow and obvious way. */
import * as Bitfield from "@piecework/domain/Bitfield"
import * as Counts from "../src/internal/Counts.ts"
import * as Plan from "../src/Plan.ts"
import { weightOf } from "../src/Rarity.ts"
import { hasPending, type Source, takesRuns } from "../src/Source.ts"

/** What is wrong with the plan, in words; nothing when all is well. */
export const violations = (plan: Plan.Plan): ReadonlyArray<string> => [...ofPieces(plan), ...ofSources(plan)]

function* ofPieces(plan: Plan.Plan): Generator<string> {
  for (let piece = 0; piece < plan.pieceCount; piece++) {
    const held = Bitfield.has(plan.held, piece)
    const wanted = Bitfield.has(plan.wanted, piece)
    const needed = Bitfield.has(plan.needed, piece)
    const verifying = [...plan.verifying.keys()].includes(piece as never)
    const owed = owing(plan, piece)
    if (held && wanted) yield `piece ${piece} is held and wanted`
    if (held && (verifying || owed > 0)) yield `piece ${piece} is held and under way`
    if (wanted && (verifying || owed > 0)) yield `piece ${piece} is wanted and under way`
    if (verifying && owed > 0) yield `piece ${piece} is here and still owed`
    if (needed && !held && !wanted && !verifying && owed === 0) yield `piece ${piece} is lost: nobody owes it`
    if (!needed && (wanted || owed > 0)) yield `piece ${piece} is asked for and nobody needs it`
    let count = 0
    for (const source of plan.sources.values()) if (Bitfield.has(source.held, piece)) count += weightOf(source)
    if (count !== Counts.get(plan.rarity, piece)) yield `piece ${piece} is miscounted`
  }
  if (plan.heldCount !== Bitfield.count(plan.held)) yield "heldCount is off"
  if (plan.wantedCount !== Bitfield.count(plan.wanted)) yield "wantedCount is off"
  if (plan.neededCount !== Bitfield.count(plan.needed)) yield "neededCount is off"
  const missing = Array.from({ length: plan.pieceCount }, (_, piece) => piece as never).filter(
    (piece) => Bitfield.has(plan.needed, piece) && !Bitfield.has(plan.held, piece)
  )
  if (plan.missingCount !== missing.length) yield "missingCount is off"
  if (plan.outcome === "Finished" && missing.length > 0) yield "it is finished, and something is missing"
}

function* ofSources(plan: Plan.Plan): Generator<string> {
  const { settings } = plan
  // A reader that waits has room made for one piece more; when nobody reads any more it may still be under way.
  const hurried = 1
  for (const source of plan.sources.values()) {
    if (source.heldCount !== Bitfield.count(source.held)) yield `${source.id} holds another number of pieces`
    if (source.pendingCount !== pending(plan, source)) yield `${source.id} owes another number of pieces`
    if (source.out !== undefined && source.flights.length > 0) yield `${source.id} is out and owes something`
    if (source.chokedAt !== undefined && source.flights.length > 0) yield `${source.id} chokes and owes something`
    if (takesRuns(source) && source.flights.length > settings.runsInFlight + hurried)
      yield `${source.id} has too many runs`
    if (source.wholeFile && source.flights.length > 1) yield `${source.id} streams twice`
    if (source.pendingCount > Math.max(settings.mostInFlight, settings.runsInFlight * settings.longestRun) + hurried) {
      yield `${source.id} owes too much`
    }
    for (const flight of source.flights) {
      if (flight.position === undefined && flight.pendingCount === 0)
        yield `${source.id} has a flight that owes nothing`
      if (flight.position === undefined && flight.run.count > settings.longestRun) yield `${source.id} has a long run`
      if (!takesRuns(source) && flight.run.count !== 1) yield `${source.id} is asked for a run`
    }
  }
}

const owing = (plan: Plan.Plan, piece: number): number =>
  [...plan.sources.values()].flatMap((source) => source.flights).filter((flight) => hasPending(flight, piece)).length

const pending = (plan: Plan.Plan, source: Source): number =>
  Array.from({ length: plan.pieceCount }, (_, piece) => piece)
    .map((piece) => source.flights.filter((flight) => hasPending(flight, piece)).length)
    .reduce((sum, n) => sum + n, 0)
