/** Several runs of the same thing in a few numbers. */

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** `undefined` of nothing; the median of an even number of runs is the mean of the middle two. */
export const spread = (values: ReadonlyArray<number>): Spread | undefined => {
  const sorted = values.toSorted((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]]
  if (min === undefined || max === undefined || low === undefined || high === undefined) return undefined
  return { median: (low + high) / 2, min, max }
}

/** A number without the digits that mean nothing. */
export const round = (n: number, digits: number): number => Number(n.toFixed(digits))
