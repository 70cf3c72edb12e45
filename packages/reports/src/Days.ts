/** Days and windows of days. A day is one of UTC, so that it is the same day wherever a service runs. */

/** Days since 1970-01-01. */
export type Day = number

const dayMillis = 86_400_000

export const dayOf = (millis: number): Day => Math.floor(millis / dayMillis)

/** Its first moment, epoch milliseconds. */
export const start = (day: Day): number => day * dayMillis

/** As 2026-01-31. */
export const name = (day: Day): string => new Date(start(day)).toISOString().slice(0, 10)

/** How many days a report can look back. Source: spec.md §8.3. */
export const spans = [7, 28] as const
export type Span = (typeof spans)[number]

/** The first and the last day, both in it. */
export interface Window {
  readonly from: Day
  readonly to: Day
}

/** The day of `now` and those before it, so many in all. */
export const window = (now: number, days: Span): Window => ({ from: dayOf(now) - days + 1, to: dayOf(now) })
