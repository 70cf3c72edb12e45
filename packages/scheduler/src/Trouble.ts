/**
 * Sources that fail, fall silent or are of no use. A failure costs a wait that doubles, and after it the source is on
 * probation: it is asked last and for one piece at a time, and holds nobody back from asking elsewhere, until it delivers.
 */
import type { CancelReason } from "./Command.ts"
import type { FetchFailed, RangesIgnored, SourceId } from "./Event.ts"
import type { Draft } from "./internal/Draft.ts"
import * as Reading from "./Reading.ts"
import { isSameRun } from "./Source.ts"

/** Sources that were given up and are told of at the end. */
const mostFailures = 16

/** Ends before the last piece of a run. */
export const fetchFailed = (draft: Draft, event: FetchFailed): void => {
  const source = draft.source(event.source)
  const flight = source?.flights.find((one) => isSameRun(one.run, event.run))
  if (source === undefined || flight === undefined) return
  draft.drop(source, flight)
  if (event.fatal) giveUp(draft, source.id, event.reason, "Useless")
  else postpone(draft, source.id, event.retryAfter)
}

/** The source sends whole files only. Said of a run that was taken back meanwhile it is as true. */
export const rangesIgnored = (draft: Draft, event: RangesIgnored): void => {
  const source = draft.source(event.source)
  if (source === undefined || source.wholeFile) return
  draft.put({ ...source, wholeFile: true })
  const learned = draft.source(source.id)
  const flight = learned?.flights.find((one) => isSameRun(one.run, event.run))
  if (learned !== undefined && flight !== undefined) draft.drop(learned, flight)
  draft.cancelAll(source.id, "Useless")
  draft.hungry.add(source.id)
}

/** Looks for sources that have work under way and from which no byte came for too long. */
export const findStalled = (draft: Draft): void => {
  const { now } = draft.plan
  for (const source of draft.plan.sources.values()) {
    const oldest = source.flights[0]
    if (oldest === undefined) continue
    if (now - Math.max(source.progressAt, oldest.since) < Reading.silence(draft.plan, source)) continue
    draft.cancelAll(source.id, "Stalled")
    postpone(draft, source.id)
  }
}

/** The source is never asked again; what it owes is taken back. */
export const giveUp = (draft: Draft, id: SourceId, reason: string, cancel: CancelReason): void => {
  const source = draft.source(id)
  if (source === undefined || source.out !== undefined) return
  draft.put({ ...source, out: reason })
  draft.cancelAll(id, cancel)
  draft.wake()
  const { plan } = draft
  if (plan.failures.length < mostFailures) plan.failures = [...plan.failures, { source: id, reason }]
}

/** The source is left alone for a while, and for as long as it asks for. */
const postpone = (draft: Draft, id: SourceId, asked = 0): void => {
  const source = draft.source(id)
  if (source === undefined) return
  const { now, settings } = draft.plan
  const wait = Math.min(settings.retryMost, settings.retryFirst * 2 ** Math.min(source.failures, 16))
  const restUntil = Math.max(source.restUntil, now + asked)
  draft.put({ ...source, failures: source.failures + 1, retryAt: now + wait, restUntil })
}
