/**
 * How fast counters grow: what they said at some moments, not longer ago than a span, and the mean since the oldest of these. Pure.
 */

export interface Mark {
  /** Epoch milliseconds. */
  readonly at: number
  readonly seen: ReadonlyArray<number>
}

/** The oldest first. */
export type Marks = ReadonlyArray<Mark>

export const none: Marks = []

/** Remembers what the counters say now; of marks older than the span one is kept, so that the mean is over all of it. */
export const mark = (self: Marks, at: number, seen: ReadonlyArray<number>, span: number): Marks => {
  const last = self.at(-1)
  // A clock that was set back: what was seen before says nothing about the time since.
  const marks = last !== undefined && last.at > at ? [] : self
  const first = marks.findIndex((one) => one.at > at - span)
  return [...(first < 1 ? marks.slice(first < 0 ? -1 : 0) : marks.slice(first - 1)), { at, seen }]
}

/** Growth a second of each counter; 0 while there is nothing to compare with. */
export const mean = (self: Marks, now: number, seen: ReadonlyArray<number>): ReadonlyArray<number> => {
  const first = self[0]
  const millis = first === undefined ? 0 : now - first.at
  return seen.map((value, n) => (millis <= 0 ? 0 : (Math.max(0, value - (first?.seen[n] ?? value)) * 1000) / millis))
}

/** Whether a counter has grown since the mark before the last. */
export const hasGrown = (self: Marks, which: number, value: number): boolean => {
  const before = self.at(-2) ?? self.at(-1)
  return before !== undefined && value > (before.seen[which] ?? value)
}
