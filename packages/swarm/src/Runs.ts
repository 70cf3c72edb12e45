/** Runs of adjacent pieces, as requests and replies have them. */

export interface Run {
  readonly first: number
  readonly count: number
}

/** How many pieces of `runs` are in none of `before`. Neither has a piece twice, or it counts twice. */
export const newIn = (runs: ReadonlyArray<Run>, before: ReadonlyArray<Run>): number => {
  const known = before.toSorted((a, b) => a.first - b.first)
  let pieces = 0
  for (const { count, first } of runs) {
    pieces += count
    for (const other of known) {
      if (other.first >= first + count) break
      pieces -= Math.max(0, Math.min(first + count, other.first + other.count) - Math.max(first, other.first))
    }
  }
  return Math.max(0, pieces)
}
