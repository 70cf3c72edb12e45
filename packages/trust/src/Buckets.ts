/**
 * Token buckets by key, in bounded memory: beyond `most` keys the one that was used longest ago is forgotten, which gives it a full
 * bucket again. So whoever has very many addresses is limited less; that is what the limit on all together is for.
 */
import * as Bucket from "./Bucket.ts"

export interface Buckets {
  /** Takes `cost` from the key's bucket; answers 0 when it was there, else the seconds until it will be. */
  readonly take: (key: string, now: number, cost?: number) => number
  /** The same, but takes nothing. */
  readonly pause: (key: string, now: number, cost?: number) => number
  readonly size: () => number
}

export const make = (rate: Bucket.Rate, most: number): Buckets => {
  const buckets = new Map<string, Bucket.Bucket>()
  const of = (key: string, now: number): Bucket.Bucket => {
    const known = buckets.get(key)
    if (known !== undefined) {
      // Moved to the end, so that the first is the one used longest ago.
      buckets.delete(key)
      buckets.set(key, known)
      return known
    }
    if (buckets.size >= most) {
      const first = buckets.keys().next()
      if (!first.done) buckets.delete(first.value)
    }
    const bucket = Bucket.full(rate, now)
    buckets.set(key, bucket)
    return bucket
  }
  return {
    take: (key, now, cost = 1) => {
      const bucket = of(key, now)
      return Bucket.take(bucket, rate, now, cost) ? 0 : Bucket.pause(bucket, rate, cost)
    },
    pause: (key, now, cost = 1) => {
      const bucket = buckets.get(key)
      if (bucket === undefined) return 0
      Bucket.take(bucket, rate, now, 0)
      return bucket.left >= cost ? 0 : Bucket.pause(bucket, rate, cost)
    },
    size: () => buckets.size
  }
}
