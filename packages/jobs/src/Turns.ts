/** Which jobs run when there are more than may at a time: foreground before background, and whoever began first before the others. */

export interface Wish<Id> {
  readonly id: Id
  readonly isForeground: boolean
  /** Epoch milliseconds at which it began. */
  readonly since: number
}

/**
 * The first so many. One that runs gives way to a job in the foreground only: among equals those who began later wait, so nobody who
 * runs is stopped for them.
 */
export const first = <Id extends string>(wishes: Iterable<Wish<Id>>, most: number): ReadonlySet<Id> => {
  const sorted = [...wishes].toSorted(
    (one, other) =>
      Number(other.isForeground) - Number(one.isForeground) ||
      one.since - other.since ||
      (one.id < other.id ? -1 : one.id > other.id ? 1 : 0)
  )
  return new Set(sorted.slice(0, most).map(({ id }) => id))
}
