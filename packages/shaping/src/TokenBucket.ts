/**
 * A bucket that fills at a rate and holds a burst: what is taken from it never exceeds rate × time + burst, over any span of
 * time. It knows no clock: times come in. It may be in debt, for bytes that come whether or not there is room for them.
 */

export interface TokenBucket {
  /** Bytes a second. */
  readonly rate: number
  /** Most bytes that are saved up. */
  readonly burst: number
  /** Bytes that may be taken at `at`; below 0 is debt. */
  readonly level: number
  /** Milliseconds. */
  readonly at: number
}

/** Begins full, unless told otherwise. */
export const make = (options: {
  readonly rate: number
  readonly burst: number
  readonly now: number
  readonly level?: number | undefined
}): TokenBucket => {
  const { burst, level, now, rate } = options
  return { rate, burst, level: Math.min(burst, level ?? burst), at: now }
}

/** The bucket at a time. A clock that was set back brings nothing, and takes nothing. */
export const at = (self: TokenBucket, now: number): TokenBucket => ({
  ...self,
  level: Math.min(self.burst, self.level + (self.rate * Math.max(0, now - self.at)) / 1000),
  at: now
})

/** Takes so many bytes, whether they are there or not. */
export const take = (self: TokenBucket, bytes: number, now: number): TokenBucket => {
  const filled = at(self, now)
  return { ...filled, level: filled.level - bytes }
}

/** The bucket with no more in it than so many bytes. */
export const withMost = (self: TokenBucket, most: number, now: number): TokenBucket => {
  const filled = at(self, now)
  return filled.level > most ? { ...filled, level: most } : filled
}

/** Whole bytes that may be taken now. */
export const available = (self: TokenBucket, now: number): number => Math.max(0, Math.floor(at(self, now).level))

/** Milliseconds until so many bytes may be taken, as far as the bucket holds that much: 0 when they may now. */
export const waitFor = (self: TokenBucket, bytes: number, now: number): number => {
  const missing = Math.min(bytes, self.burst) - at(self, now).level
  return missing <= 0 ? 0 : (missing * 1000) / self.rate
}

/** The same bucket at another rate: what it holds and owes stays, as far as it has room. */
export const withRate = (self: TokenBucket, rate: number, burst: number, now: number): TokenBucket => {
  const filled = at(self, now)
  return { rate, burst, level: Math.min(burst, filled.level), at: now }
}
