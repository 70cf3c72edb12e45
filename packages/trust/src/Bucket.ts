/** A token bucket: so many at once, and so many a second after that. */

export interface Rate {
  readonly perSecond: number
  /** How many may come at once after a pause. */
  readonly burst: number
}

/** How much is left, and when that was so, in milliseconds. */
export interface Bucket {
  left: number
  at: number
}

export const full = ({ burst }: Rate, now: number): Bucket => ({ left: burst, at: now })

/** Takes `cost` when that much is left, and says whether it was. A clock that goes back fills nothing. */
export const take = (bucket: Bucket, { burst, perSecond }: Rate, now: number, cost = 1): boolean => {
  const passed = Math.max(0, now - bucket.at)
  bucket.left = Math.min(burst, bucket.left + (passed / 1000) * perSecond)
  bucket.at = now
  if (bucket.left < cost) return false
  bucket.left -= cost
  return true
}

/** Seconds until `cost` is there again, at least 1. */
export const pause = (bucket: Bucket, { perSecond }: Rate, cost = 1): number =>
  Math.max(1, Math.ceil((cost - bucket.left) / perSecond))
