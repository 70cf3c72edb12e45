/**
 * Gives work to the sources that have room for it, the best source first: peers that deliver, the faster before the
 * slower, then cache servers, then the origin, and those on probation after all others.
 */
import * as CacheChoice from "./CacheChoice.ts"
import type { FetchReason } from "./Command.ts"
import * as Crossing from "./Crossing.ts"
import type { SourceId } from "./Event.ts"
import type { Draft } from "./internal/Draft.ts"
import * as OriginChoice from "./OriginChoice.ts"
import * as Pace from "./Pace.ts"
import type { Plan } from "./Plan.ts"
import * as Rarity from "./Rarity.ts"
import * as Reading from "./Reading.ts"
import { isReady, type Source, takesRuns } from "./Source.ts"
import * as Steal from "./Steal.ts"
import * as WholeFile from "./WholeFile.ts"

/** Fills every hungry source. Whoever loses work to another is filled after it, and nobody twice in one event. */
export const refill = (draft: Draft): void => {
  const filled = new Set<SourceId>()
  for (let source = next(draft, filled); source !== undefined; source = next(draft, filled)) {
    filled.add(source.id)
    for (let now = draft.source(source.id); now !== undefined && give(draft, now); now = draft.source(source.id));
  }
}

const next = (draft: Draft, filled: ReadonlySet<SourceId>): Source | undefined => {
  let best: Source | undefined
  for (const id of draft.hungry) {
    const source = filled.has(id) ? undefined : draft.source(id)
    if (source === undefined || !isReady(source, draft.plan.now)) continue
    if (best === undefined || isBefore(source, best)) best = source
  }
  return best
}

const isBefore = (a: Source, b: Source): boolean => {
  const byOrder = orderOf(a) - orderOf(b)
  return byOrder === 0 ? (a.rate ?? 0) > (b.rate ?? 0) : byOrder < 0
}

const orderOf = (source: Source): number =>
  (source.failures > 0 ? 3 : 0) + (source.kind === "Origin" ? 2 : source.kind === "CacheServer" ? 1 : 0)

/** One more piece of work for the source; whether there was room and work. */
const give = (draft: Draft, source: Source): boolean => {
  const { plan } = draft
  if (Pace.room(plan, source) === 0) return plan.reading.length > 0 && hurry(draft, source)
  if (source.wholeFile) {
    if (!isTurn(draft, source)) return false
    WholeFile.start(draft, source)
    return true
  }
  if (source.kind !== "Origin" && giveRead(draft, source, false)) return true
  if (source.kind !== "Origin" && Steal.steal(draft, source, plan.settings.stealEarly)) return true
  const choice = source.kind === "Origin" ? OriginChoice.choose(draft, source) : chooseNear(draft, source)
  if (choice !== undefined) {
    const isOnly = choice.reason !== "ReaderWaits" && isAlone(plan, source)
    draft.fetch(source, choice.run, isOnly ? "OnlySource" : choice.reason)
    return true
  }
  if (source.kind === "Origin" && plan.wantedCount > 0) return false
  const factor = source.kind === "Origin" ? plan.settings.stealEarly : plan.settings.stealLate
  if (Steal.steal(draft, source, factor)) return true
  return Steal.duplicate(draft, source)
}

/** What somebody reads and a peer or a cache server has. */
const giveRead = (draft: Draft, source: Source, isUrgent: boolean): boolean => {
  const { plan } = draft
  const first = Reading.chooseNear(draft, source, isUrgent)
  if (first === undefined) return false
  const most = isUrgent ? 1 : Pace.runLength(plan, source)
  const count = takesRuns(source) ? Rarity.runFrom(plan, source.held, first, most) : 1
  draft.fetch(source, { first, count }, "Reading")
  return true
}

/** One piece more than it has room for, when a reader waits for that: what is under way may take seconds. */
const hurry = (draft: Draft, source: Source): boolean => {
  const { plan } = draft
  if (source.wholeFile || source.failures > 0) return false
  const isFull = takesRuns(source)
    ? source.flights.length > plan.settings.runsInFlight
    : source.pendingCount > Pace.depth(plan, source)
  if (isFull) return false
  if (source.kind !== "Origin") return giveRead(draft, source, true)
  const choice = OriginChoice.chooseRead(draft, source, true)
  if (choice === undefined) return false
  draft.fetch(source, choice.run, choice.reason)
  return true
}

const chooseNear = (
  draft: Draft,
  source: Source
): { run: OriginChoice.Choice["run"]; reason: FetchReason } | undefined => {
  if (source.kind === "CacheServer") {
    const run = CacheChoice.choose(draft, source)
    return run === undefined ? undefined : { run, reason: "CacheServer" }
  }
  const { plan } = draft
  const mayCross = Crossing.isFar(source) ? (piece: number) => Crossing.mayAsk(plan, source, piece) : undefined
  // What is read it would have been given before, were nobody to be done with it sooner.
  const mayRead = (piece: number) => !Reading.isRead(plan, piece) && (mayCross === undefined || mayCross(piece))
  const may = plan.reading.length > 0 ? mayRead : mayCross
  const run = Rarity.choose(plan, source, Pace.runLength(plan, source), may)
  return run === undefined ? undefined : { run, reason: "Rarest" }
}

/** Whether a source of whole files should begin: the origin when it is this client's turn, others when they are wanted. */
const isTurn = (draft: Draft, source: Source): boolean =>
  source.kind === "Origin"
    ? OriginChoice.mayStream(draft, source)
    : Rarity.rarest(draft.plan, source.held) !== undefined

/** No other source could be asked. */
const isAlone = (plan: Plan, source: Source): boolean => {
  for (const other of plan.sources.values()) {
    if (other.id !== source.id && isReady(other, plan.now)) return false
  }
  return true
}
