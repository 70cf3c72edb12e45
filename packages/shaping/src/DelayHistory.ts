/**
 * Delays of one way as they were measured: how long it takes at least, and how much longer it takes now. Only differences to
 * the least count, so the two clocks need not agree. Pure values; times are milliseconds of a clock that is never set back.
 * Source: RFC 6817, section 3.4.2, with its BASE_HISTORY of 10 minutes and its CURRENT_FILTER of 4 samples.
 */

export interface DelayHistory {
  /** The least delay of each minute in which there was one, oldest first. */
  readonly minutes: ReadonlyArray<{ readonly minute: number; readonly least: number }>
  /** The last samples, oldest first. */
  readonly recent: ReadonlyArray<number>
}

export const empty: DelayHistory = { minutes: [], recent: [] }

/** Minutes for which a least delay is remembered: routes change, and clocks drift. */
export const baseMinutes = 10

/** Samples of which the least counts as the delay now: one that was held up on its own says nothing of the queue. */
export const currentFilter = 4

/** With one more delay. */
export const add = (history: DelayHistory, now: number, delay: number): DelayHistory => {
  const minute = Math.floor(now / 60_000)
  const last = history.minutes.at(-1)
  const recent = [...history.recent.slice(1 - currentFilter), delay]
  if (last?.minute === minute && last.least <= delay) return { minutes: history.minutes, recent }
  const before = history.minutes.filter((one) => one.minute !== minute && one.minute > minute - baseMinutes)
  const least = last?.minute === minute ? Math.min(last.least, delay) : delay
  return { minutes: [...before, { minute, least }], recent }
}

/** The least delay that is remembered; `undefined` before there was any. */
export const base = ({ minutes }: DelayHistory): number | undefined =>
  minutes.length === 0 ? undefined : Math.min(...minutes.map(({ least }) => least))

/** The delay now: the least of the last samples; `undefined` before there was any. */
export const current = ({ recent }: DelayHistory): number | undefined =>
  recent.length === 0 ? undefined : Math.min(...recent)

/** How much longer the way takes now than at least, 0 or more; 0 before there was any delay. */
export const queueing = (history: DelayHistory): number => Math.max(0, (current(history) ?? 0) - (base(history) ?? 0))
