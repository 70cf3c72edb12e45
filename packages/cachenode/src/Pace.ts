/**
 * Holds what all clients together are sent to a rate. Chunks are sent and then paid for: who sends next waits until nothing is owed, so
 * over any time no more goes out than the rate and a chunk for each reader. Without a rate nothing is waited for.
 */
import * as TokenBucket from "@piecework/shaping/TokenBucket"
import { Effect } from "effect"

/** What may go out at once after a pause, in milliseconds of the rate. */
const burstMillis = 100

export class Pace {
  private readonly rate: () => number | undefined
  private readonly now: () => number
  private bucket: TokenBucket.TokenBucket | undefined

  /** `rate` in bytes a second, which may change; `now` in milliseconds. */
  constructor(rate: () => number | undefined, now: () => number) {
    this.rate = rate
    this.now = now
  }

  /** So many bytes have been sent. */
  took(bytes: number): void {
    const bucket = this.current()
    if (bucket !== undefined) this.bucket = TokenBucket.take(bucket, bytes, this.now())
  }

  /** Until the next chunk may be sent. */
  readonly turn: Effect.Effect<void> = Effect.suspend(() => {
    const wait = this.wait()
    // Whoever waited with it may have been first.
    return wait === 0 ? Effect.void : Effect.andThen(Effect.sleep(wait), this.turn)
  })

  private wait(): number {
    const bucket = this.current()
    return bucket === undefined ? 0 : Math.ceil(TokenBucket.waitFor(bucket, 0, this.now()))
  }

  private current(): TokenBucket.TokenBucket | undefined {
    const rate = this.rate()
    if (rate === undefined) return (this.bucket = undefined)
    const burst = (rate * burstMillis) / 1000
    if (this.bucket === undefined) this.bucket = TokenBucket.make({ rate, burst, now: this.now() })
    else if (this.bucket.rate !== rate) this.bucket = TokenBucket.withRate(this.bucket, rate, burst, this.now())
    return this.bucket
  }
}
