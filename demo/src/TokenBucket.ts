/**
 * One line that all senders share. Whoever wants to send reserves its bytes and learns how long to wait until the
 * line has carried them; reservations queue up in the order in which they are made, so the line is never exceeded and
 * never idle while somebody wants to send. A value that knows no clock.
 */
export interface TokenBucket {
  readonly bytesPerSecond: number
  /** How far the line may catch up on time in which nobody sent, in milliseconds. */
  readonly slackMillis: number
  /** When the line will have carried everything reserved so far, epoch milliseconds. */
  readonly freeAt: number
}

/**
 * A line that has been idle until `now`. The slack makes up for timers and processes that wake up late on a busy
 * machine: at most 50 ms worth of bytes go out faster than the rate.
 */
export const make = (bytesPerSecond: number, now: number, slackMillis = 50): TokenBucket => ({
  bytesPerSecond,
  slackMillis,
  freeAt: now
})

/** Milliseconds until the line has carried `bytes` more, and the line with them on it. */
export const reserve = (self: TokenBucket, bytes: number, now: number): readonly [number, TokenBucket] => {
  const start = Math.max(self.freeAt, now - self.slackMillis)
  const freeAt = start + (bytes / self.bytesPerSecond) * 1000
  return [Math.max(0, freeAt - now), { ...self, freeAt }]
}

/** Bytes to reserve at once: short turns for many senders, yet few of them. 20 ms of the line, 1 KiB to 64 KiB. */
export const turnBytes = (bytesPerSecond: number): number =>
  Math.max(1024, Math.min(65_536, Math.floor(bytesPerSecond / 50)))
