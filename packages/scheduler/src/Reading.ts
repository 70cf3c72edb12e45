/**
 * What somebody reads while it is fetched. It comes before everything else: first the pieces that readers wait for, then what lies
 * ahead of them, turn by turn, so that a reader with much ahead does not hold up another.
 *
 * Peers give it at once; it is left to one that would be done with it in less than half the time. Of the origin it is asked for as
 * leases and shares say, for what a reader is in a hurry for somebody else may have under way. Only the piece that a reader has
 * waited for too long (`readPatience`) is asked for whatever they say: a reader must not depend on others' will to fetch. The pieces right
 * behind it are then not waited for anew, until several in a row come in another way.
 */
import type { PieceIndex } from "@piecework/domain/PieceLayout"
import * as Crossing from "./Crossing.ts"
import type { Reading as ReadingEvent, Want } from "./Event.ts"
import * as Bits from "./internal/Bits.ts"
import type { Draft } from "./internal/Draft.ts"
import * as Pace from "./Pace.ts"
import * as Plan from "./Plan.ts"
import { flightOf, isReady, type Source, takesRuns } from "./Source.ts"

export interface Run {
  readonly first: PieceIndex
  /** At least 1. */
  readonly count: number
  /** Since when somebody waits for the first piece, in epoch milliseconds; `undefined`: nobody does yet. */
  readonly waitsSince: number | undefined
  /** The last piece that the origin was asked for because this reader had waited for it, and nobody else brought it. */
  readonly rushed: PieceIndex | undefined
}

export const want = (draft: Draft, { runs }: Want): void => {
  let isNew = false
  for (const { count, first } of runs) isNew = need(draft, first, count) || isNew
  if (isNew) goOn(draft)
}

export const read = (draft: Draft, event: ReadingEvent): void => {
  const { plan } = draft
  const { mostRead, mostReaders } = plan.settings
  const before = plan.reading
  const runs: Array<Run> = []
  let isNew = false
  for (const { count, first, waits } of event.runs) {
    const length = Math.min(count, mostRead, plan.pieceCount - first)
    if (runs.length === mostReaders || !Plan.isPiece(plan, first) || !(length >= 1)) continue
    const whole = Math.floor(length)
    isNew = need(draft, first, whole) || isNew
    const old = before.find((run) => run.first <= first && first <= run.first + run.count)
    const waitsSince = waits ? ((old?.first === first ? old.waitsSince : undefined) ?? plan.now) : undefined
    runs.push({ first, count: whole, waitsSince, rushed: old?.rushed })
  }
  if (runs.length === 0 && before.length === 0) return
  // Those that wait come first, and of them those that wait the longest.
  plan.reading = runs.toSorted((a, b) => (a.waitsSince ?? Infinity) - (b.waitsSince ?? Infinity) || 0)
  if (isNew) goOn(draft)
  overtake(draft)
  // What is held or under way is nobody's business; once nobody reads, queues are deep again.
  if (runs.length === 0 || next(plan, () => true) !== undefined) draft.wake()
}

const need = (draft: Draft, first: number, count: number): boolean => {
  let isNew = false
  const end = Math.min(first + count, draft.plan.pieceCount)
  for (let piece = Math.max(0, first); piece < end; piece++) {
    if (Plan.isPiece(draft.plan, piece)) isNew = draft.need(piece) || isNew
  }
  return isNew
}

/** More is missing than was: whoever had ended begins again. */
const goOn = (draft: Draft): void => {
  const { plan } = draft
  if (plan.outcome === "Exhausted") plan.outcome = "Running"
  if (plan.outcome === "Finished") plan.outcome = plan.sources.size === 0 ? "Waiting" : "Running"
  draft.wake()
}

/** Takes back what lies deeper in peers' queues than it should while somebody reads, unless it is read itself. */
const overtake = (draft: Draft): void => {
  const { plan } = draft
  if (!plan.reading.some((run) => run.waitsSince !== undefined && Bits.has(plan.wanted.bytes, run.first))) return
  for (const { id } of plan.sources.values()) {
    const source = draft.source(id)
    if (source === undefined || takesRuns(source) || source.wholeFile) continue
    const depth = Pace.depth(plan, source)
    for (const flight of source.flights.slice(depth).toReversed()) {
      const now = draft.source(id)
      if (now !== undefined && !isRead(plan, flight.run.first)) draft.cancel(now, flight, "Overtaken")
    }
  }
}

export const isRead = (plan: Plan.Plan, piece: number): boolean =>
  plan.reading.some(({ count, first }) => first <= piece && piece < first + count)

/**
 * The wanted piece that is read first, of those that fit; of those only that somebody waits for, if `isUrgent`. Asks for
 * `mostReaders * mostRead` pieces at most.
 */
export const next = (
  plan: Plan.Plan,
  fits: (piece: PieceIndex) => boolean,
  isUrgent = false
): PieceIndex | undefined => {
  const { reading, wanted } = plan
  const deepest = isUrgent ? 1 : plan.settings.mostRead
  for (let depth = 0, isOver = false; depth < deepest && !isOver; depth++) {
    isOver = true
    for (const { count, first, waitsSince } of reading) {
      if (depth >= count || (isUrgent && waitsSince === undefined)) continue
      isOver = false
      const piece = (first + depth) as PieceIndex
      if (Bits.has(wanted.bytes, piece) && fits(piece)) return piece
    }
  }
  return undefined
}

/** What a peer or a cache server is asked for first; `undefined` when nothing of what it has is read. */
export const chooseNear = (draft: Draft, source: Source, isUrgent: boolean): PieceIndex | undefined =>
  draft.plan.reading.length === 0
    ? undefined
    : next(
        draft.plan,
        (piece) =>
          Bits.has(source.held.bytes, piece) &&
          Crossing.mayAsk(draft.plan, source, piece) &&
          !isSoonerElsewhere(draft, source, piece),
        isUrgent
      )

/**
 * Another peer has it and would be done with it in less than half the time, what it has under way included: it is asked for it now, or as
 * soon as it has room.
 */
const isSoonerElsewhere = (draft: Draft, source: Source, piece: PieceIndex): boolean => {
  const { plan } = draft
  // One that is not known yet may be fast.
  if (source.rate === undefined) return false
  const here = Pace.timeFor(plan, source, source.pendingCount + 1)
  for (const other of plan.sources.values()) {
    if (other.id === source.id || other.kind === "Origin" || other.failures > 0) continue
    if (!Bits.has(other.held.bytes, piece) || !isReady(other, plan.now)) continue
    if (2 * Pace.timeFor(plan, other, other.pendingCount + 1) >= here) continue
    if (!Crossing.mayAsk(plan, other, piece)) continue
    draft.hungry.add(other.id)
    return true
  }
  return false
}

/**
 * The piece that a reader has waited for too long, so that the origin is asked for it whoever should; the caller fetches it. One that
 * a far slower peer owes is taken from it.
 */
export const overdue = (draft: Draft, origin: Source): PieceIndex | undefined => {
  const { plan } = draft
  for (const run of plan.reading) {
    const { first, waitsSince } = run
    if (waitsSince === undefined) continue
    // Who was given a piece before so waits no second time.
    const isBehind = run.rushed !== undefined && first > run.rushed && first <= run.rushed + plan.settings.rushedFor
    if (!isBehind && plan.now - waitsSince < patience(plan, origin)) continue
    if (!Bits.has(plan.wanted.bytes, first) && !takeFromSlower(draft, origin, first)) continue
    plan.reading = plan.reading.map((other) => (other === run ? { ...run, rushed: first } : other))
    return first
  }
  return undefined
}

const takeFromSlower = (draft: Draft, origin: Source, piece: PieceIndex): boolean => {
  const { plan } = draft
  if (Plan.fetchers(plan, piece) !== 1 || plan.verifying.has(piece)) return false
  for (const victim of plan.sources.values()) {
    const flight = flightOf(victim, piece)
    if (flight === undefined) continue
    const isSlow = (victim.rate ?? 0) * plan.settings.stealLate < (origin.rate ?? 0)
    if (takesRuns(victim) || !isSlow || plan.now - flight.since < patience(plan, origin)) return false
    draft.take(victim, flight, "Stolen")
    return true
  }
  return false
}

/**
 * How long a source that owes the piece may be silent: less than usual for a peer when a reader waits for just that; longer for a cache server,
 * which has a whole site's pieces to bring over one line, in the order in which they were asked for.
 */
export const silence = (plan: Plan.Plan, source: Source): number => {
  if (source.kind === "CacheServer") return plan.settings.cachePatience
  const isWaitedFor = (run: Run) => run.waitsSince !== undefined && flightOf(source, run.first) !== undefined
  return !takesRuns(source) && plan.reading.some(isWaitedFor) ? plan.settings.readPatience : plan.settings.stallAfter
}

/** Whether a reader would wait too long if the fetch of this piece were taken back. */
export const isRushed = (plan: Plan.Plan, piece: number): boolean => plan.reading.some(({ rushed }) => rushed === piece)

const patience = (plan: Plan.Plan, origin: Source): number => {
  const { patience: times, patienceMost, readPatience } = plan.settings
  const one = origin.rate === undefined ? 0 : times * Pace.timeFor(plan, origin, 1)
  return Math.max(readPatience, Math.min(patienceMost, one))
}
