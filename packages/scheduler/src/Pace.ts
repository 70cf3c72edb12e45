/** How much a source may have under way, and how long things should take. */
import type { Plan } from "./Plan.ts"
import { type Source, takesRuns } from "./Source.ts"

/** How many more pieces the source may be asked for; for a source of runs: whether one more run fits, as 1 or 0. */
export const room = (plan: Plan, source: Source): number => {
  const { settings } = plan
  if (source.wholeFile) return source.flights.length === 0 ? 1 : 0
  if (takesRuns(source)) {
    const most = source.failures > 0 || isUntried(plan, source) ? 1 : settings.runsInFlight
    return source.flights.length < most ? 1 : 0
  }
  return Math.max(0, depth(plan, source) - source.pendingCount)
}

/**
 * It has not delivered yet, and there is another origin: whichever of them never answers must not have all of the first leases, which are
 * few until something came.
 */
const isUntried = (plan: Plan, source: Source): boolean => {
  if (source.kind !== "Origin" || source.rate !== undefined) return false
  for (const other of plan.sources.values()) {
    if (other.kind === "Origin" && other.id !== source.id && other.out === undefined) return true
  }
  return false
}

/** How many pieces the source should have under way. */
export const depth = (plan: Plan, source: Source): number => {
  const { settings } = plan
  if (source.failures > 0) return 1
  const pipeline = plan.reading.length > 0 ? settings.readPipeline : settings.pipeline
  const wanted = Math.ceil(((source.rate ?? 0) * pipeline) / plan.layout.pieceSize)
  return Math.min(settings.mostInFlight, Math.max(settings.fewestInFlight, wanted))
}

/** How many pieces one request to a source of runs may ask for: one until its rate is known. */
export const runLength = (plan: Plan, source: Source): number => {
  const { settings } = plan
  if (source.failures > 0 || source.rate === undefined) return 1
  const fitting = Math.floor((source.rate * settings.runTime) / plan.layout.pieceSize)
  return Math.min(settings.longestRun, Math.max(1, fitting))
}

/** Milliseconds in which the source should deliver so many pieces; infinite when it delivers nothing or is not known. */
export const timeFor = (plan: Plan, source: Source, pieces: number): number =>
  source.rate === undefined || source.rate <= 0 ? Infinity : (pieces * plan.layout.pieceSize) / source.rate

/**
 * Milliseconds for which pieces of the origin are left to an owner who shows nothing while it should have so many under
 * way. Judged by this client's own rate: neighbours are behind the same line.
 */
export const patience = (plan: Plan, origin: Source, pieces: number): number => {
  const { settings } = plan
  if (origin.rate === undefined) return settings.stallAfter
  const due = settings.patience * timeFor(plan, origin, pieces)
  return Math.min(settings.patienceMost, Math.max(settings.patienceLeast, due))
}
