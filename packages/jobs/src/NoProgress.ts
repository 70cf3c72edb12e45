/**
 * When a job that gets nowhere gives up: its bytes are looked at every ten seconds, and so many looks in a row that see nothing new are
 * too many. Source: spec.md §3.4, Timers.
 */

/** Milliseconds between two looks. */
export const lookEvery = 10_000

/** Seconds; what counts when the caller says nothing. */
export const defaultTimeout = 300

/** Seconds; a caller may not ask for less. */
export const leastTimeout = 10

export interface Tracker {
  /** Bytes at the last look. */
  readonly bytes: number
  /** Looks in a row that saw nothing new. */
  readonly idle: number
  /** Epoch milliseconds. */
  readonly nextLook: number
}

export const begin = (bytes: number, now: number): Tracker => ({ bytes, idle: 0, nextLook: now + lookEvery })

/** Idle looks that are too many. */
export const mostIdle = (timeoutSeconds: number | undefined): number =>
  Math.max(1, Math.round(((timeoutSeconds ?? defaultTimeout) * 1000) / lookEvery))

/** `isBusy`: work goes on that brings no bytes, such as hashing what is there. */
export const look = (
  tracker: Tracker,
  seen: { readonly bytes: number; readonly isBusy: boolean },
  timeoutSeconds: number | undefined,
  now: number
): { readonly tracker: Tracker; readonly isTimedOut: boolean } => {
  if (now < tracker.nextLook) return { tracker, isTimedOut: false }
  if (seen.isBusy || seen.bytes !== tracker.bytes) return { tracker: begin(seen.bytes, now), isTimedOut: false }
  const idle = tracker.idle + 1
  return { tracker: { ...tracker, idle, nextLook: now + lookEvery }, isTimedOut: idle >= mostIdle(timeoutSeconds) }
}
