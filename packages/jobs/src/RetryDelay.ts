/** How long a job waits after a failure that may pass. Source: spec.md §3.4, Timers. */

/** Milliseconds before the next try after so many failures in a row, at least one: 1 s doubled, so 2 s at first, at most 30 s. */
export const after = (failures: number): number => Math.min(30_000, 1000 * 2 ** Math.min(failures, 10))

/** Milliseconds between two looks at whether what blocks a job is over. */
export const transient = 30_000
